"""The rules that raw rows must pass, each with a name and a line of explanation.

Here live the single rules: which rows break them, and what exactly is wrong with one row. How they
are applied together, and what becomes of the rows, is in quality.py. A new rule is a function and a
line in ROW_RULES (or, where it compares rows with each other, in quality.py).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PRICES = ("open", "high", "low", "close")
UNREADABLE = "unreadable_record"


@dataclass(frozen=True)
class Rows:
    """Raw rows as arrays, shape (rows,) each.

    Attributes:
        day: what the row says is its date, `datetime64[D]`, NaT where missing.
        session: the session that answers for the row, `datetime64[D]`.
        symbol: position of the row's symbol in `names`, -1 where missing.
        names: the different symbols, sorted.
        listed: for each of `names` whether the market lists it, None if there is no list.
        values: open, high, low, close, volume, turnover; float64, NaN where missing.
        fault: what the source says is wrong with a record that it could not read, None for one
            that it could; None instead of an array if it could read all.
    """

    day: np.ndarray
    session: np.ndarray
    symbol: np.ndarray
    names: np.ndarray
    listed: np.ndarray | None
    values: dict[str, np.ndarray]
    fault: np.ndarray | None = None

    def describe(self, names: tuple[str, ...], row: int) -> str:
        """`open 10.5, high 11` for a row."""
        values = {name: self.values[name][row] for name in names}
        return ", ".join(f"{name} {v:.10g}" for name, v in values.items() if not np.isnan(v))


@dataclass(frozen=True)
class Rule:
    """A rule by which single rows are rejected.

    Attributes:
        explanation: one line for people.
        broken: boolean (rows,), true where the rule is broken.
        detail: what is wrong with one row, given its position.
    """

    explanation: str
    broken: Callable[[Rows], np.ndarray]
    detail: Callable[[Rows, int], str]


def _unreadable(rows: Rows) -> np.ndarray:
    if rows.fault is None:
        return np.zeros(len(rows.symbol), bool)
    return np.array([text is not None for text in rows.fault], bool)


def _unlisted(rows: Rows) -> np.ndarray:
    if rows.listed is None:
        return np.zeros(len(rows.symbol), bool)
    # the position -1 (no symbol) reads the appended True: that row breaks another rule
    unlisted: np.ndarray = ~np.append(rows.listed, True)[rows.symbol]
    return unlisted


def _any(
    rows: Rows, names: tuple[str, ...], test: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    broken = np.zeros(len(rows.symbol), bool)
    for name in names:
        broken |= test(rows.values[name])
    return broken


def _not_finite(values: np.ndarray) -> np.ndarray:
    missing: np.ndarray = ~np.isfinite(values)
    return missing


def _inconsistent(rows: Rows) -> np.ndarray:
    opened, high, low, close = (rows.values[name] for name in PRICES)
    # comparisons with NaN are false: a missing price is the business of another rule
    broken: np.ndarray = (high < low) | (high < opened) | (high < close)
    broken |= (low > opened) | (low > close)
    return broken


def _which_missing(names: tuple[str, ...]) -> Callable[[Rows, int], str]:
    def detail(rows: Rows, row: int) -> str:
        values = {name: rows.values[name][row] for name in names}
        return ", ".join(
            f"{name} is {'missing' if np.isnan(value) else value}"
            for name, value in values.items()
            if not np.isfinite(value)
        )

    return detail


# In this order: a row is put down to the first rule that it breaks, the others are named in its
# detail.
ROW_RULES: dict[str, Rule] = {
    UNREADABLE: Rule(
        "the record in the file is damaged: what it holds is not known, no other rule judges it",
        _unreadable,
        lambda rows, row: str(None if rows.fault is None else rows.fault[row]),
    ),
    "missing_date": Rule(
        "the row has no date",
        lambda rows: np.isnat(rows.day),
        lambda rows, row: f"no date; kept with {rows.session[row]}, the last session of its file",
    ),
    "off_calendar": Rule(
        "the row is dated on a day on which the market does not trade",
        lambda rows: (rows.day != rows.session) & ~np.isnat(rows.day),
        lambda rows, row: f"{rows.day[row]} is no session; kept with {rows.session[row]}",
    ),
    "missing_symbol": Rule(
        "the row names no symbol",
        lambda rows: rows.symbol < 0,
        lambda rows, row: "no symbol",
    ),
    "unknown_symbol": Rule(
        "the market's list of symbols does not have the row's symbol",
        _unlisted,
        lambda rows, row: f"{rows.names[rows.symbol[row]]} is not in the list of symbols",
    ),
    "missing_price": Rule(
        "open, high, low or close is missing or not a finite number",
        lambda rows: _any(rows, PRICES, _not_finite),
        _which_missing(PRICES),
    ),
    "non_positive_price": Rule(
        "open, high, low or close is zero or below",
        lambda rows: _any(rows, PRICES, lambda values: values <= 0),
        lambda rows, row: rows.describe(PRICES, row),
    ),
    "inconsistent_ohlc": Rule(
        "high is not the highest or low not the lowest of the four prices",
        _inconsistent,
        lambda rows, row: rows.describe(PRICES, row),
    ),
    "missing_volume": Rule(
        "volume is missing or not a finite number",
        lambda rows: _not_finite(rows.values["volume"]),
        _which_missing(("volume",)),
    ),
    "negative_volume": Rule(
        "volume, or the vendor's turnover, is below zero",
        lambda rows: _any(rows, ("volume", "turnover"), lambda values: values < 0),
        lambda rows, row: rows.describe(("volume", "turnover"), row),
    ),
}

# Rules that compare rows with each other, among those that pass ROW_RULES.
KEY_RULES = {
    "duplicate_key": "the same row stands in the input before; the first one is kept",
    "conflicting_duplicate": "rows of one date and symbol disagree; none of them is kept",
}

# Suspicions: the row is kept and flagged.
FLAGS = {
    "unexplained_jump": (
        "the close lies further from the last accepted one than the market's `jump`, and no "
        "corporate action explains it"
    ),
    "average_outside_range": (
        "the vendor's turnover over volume is no price between low and high: one of them is wrong, "
        "or counted in other units"
    ),
    "zero_volume": "nothing was traded, yet the row has prices",
}


def explanations() -> dict[str, str]:
    """Every reason and flag with its explanation."""
    return {name: rule.explanation for name, rule in ROW_RULES.items()} | KEY_RULES | FLAGS
