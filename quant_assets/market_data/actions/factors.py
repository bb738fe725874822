"""Factors: what the events of a day do to the price and the volume of a share.

Here lives the arithmetic of corporate actions, event by event and day by day. Applying the factors
to bars is the business of adjustment.py. With p the last raw close before the ex-date:

- Shares (split, bonus, reverse_split): one share becomes `ratio`; prices are multiplied by it and
  volumes divided.
- Cash (dividend, interest_on_capital, ex_right, any other kind with a `cash`): prices are
  multiplied by p / (p - cash): the holder reinvests the gross amount at the price ex (the CRSP
  convention of total returns). Interest on capital may be taken net of the tax that is kept back.
  A China `ex_right` has cash = previous close - preclose x ratio of the bonus shares told beside
  it, so the factor of the day is previous close / preclose.
- Subscription of `ratio` new shares at `price`: the theoretical price ex right is
  (p + ratio x price) / (1 + ratio), p less the cash of the same day; what p loses is the worth of
  the right, which counts as cash: the holder sells the right. A price of p or more makes the right
  worthless.
- Events of one day: all amounts are per share held before that day, and are added up.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.actions.events import (
    ACTIONS_SCHEMA,
    MAY_BE_NEGATIVE,
    SHARE_RATIO,
)
from quant_assets.market_data.panels import session_dates

NOT_APPLIED_SCHEMA = ACTIONS_SCHEMA.append(pa.field("reason", pa.string(), nullable=False))
DAYS = 1 << 32  # more than any day number: a key is symbol x DAYS + day


@dataclass(frozen=True)
class Factors:
    """One step a symbol and ex-date that changes anything, ascending; shapes are (steps,).

    Attributes:
        names: symbols with events, ascending; `keys` // DAYS are positions in it.
        keys: symbol x DAYS + ex-date.
        close_before: the last raw close before the ex-date.
        price: what the events of the day multiply the price by.
        volume: what they multiply the volume by.
        not_applied: the events that say nothing usable, with the reason (NOT_APPLIED_SCHEMA).
    """

    names: np.ndarray
    keys: np.ndarray
    close_before: np.ndarray
    price: np.ndarray
    volume: np.ndarray
    not_applied: pa.Table


def factors(actions: pa.Table, history: pa.Table, interest_tax: float = 0.0) -> Factors:
    """The steps of price and volume that events make.

    Args:
        actions: schema `corporate_actions`. Those of symbols without history and those before a
            symbol's first close make no step, and are no fault.
        history: `date`, `symbol`, `close` of the symbols with events, in any order.
        interest_tax: share of interest on capital that is kept back as tax (0.15 in Brazil).
    """
    order = ("symbol", "ex_date", "kind", "number")
    events = actions.sort_by([(name, "ascending") for name in order])
    names = np.unique(np.array(events["symbol"].to_pylist(), dtype=object))
    keys = row_keys(events["symbol"], events["ex_date"], names)
    previous = _previous_closes(keys, names, history)
    kinds = events["kind"].to_pylist()
    ratio, price = numbers(events["ratio"]), numbers(events["price"])
    cash = numbers(events["cash"])
    cash[[kind == "interest_on_capital" for kind in kinds]] *= 1.0 - interest_tax
    reasons = [""] * len(keys)
    steps = []
    for start, stop in _runs(keys):
        close = float(previous[start])
        if np.isnan(close):
            continue
        day = [_Event(kinds[i], ratio[i], cash[i], price[i]) for i in range(start, stop)]
        reasons[start:stop] = [event.fault() for event in day]
        paid = sum(e.cash for e, told in zip(day, reasons[start:stop], strict=True) if e.pays(told))
        if paid >= close:
            for row, event in enumerate(day, start):
                if event.pays(reasons[row]):
                    reasons[row] = f"cash {paid:g} is no less than the close before, {close:g}"
            paid = 0.0
        usable = [event for row, event in enumerate(day, start) if not reasons[row]]
        if usable:
            steps.append((keys[start], close, *_step(usable, close, paid)))
    columns = np.array([step[1:] for step in steps], np.float64).reshape(-1, 3)
    return Factors(
        names=names,
        keys=np.array([step[0] for step in steps], np.int64),
        close_before=columns[:, 0],
        price=columns[:, 1],
        volume=columns[:, 2],
        not_applied=_told(events, reasons),
    )


@dataclass(frozen=True)
class _Event:
    """The numbers of one event; NaN where it has none."""

    kind: str
    ratio: float
    cash: float
    price: float

    def fault(self) -> str:
        """Why it cannot be applied, "" if it can."""
        if np.isnan(self.ratio) and np.isnan(self.cash):
            return "neither ratio nor cash"
        if self.ratio <= 0:
            return f"the ratio {self.ratio:g} is not above zero"
        if self.cash < 0 and self.kind not in MAY_BE_NEGATIVE:
            return f"the cash {self.cash:g} is below zero"
        if self.kind == "subscription":
            if np.isnan(self.ratio) or np.isnan(self.price):
                return "a subscription without ratio or price: the worth of the right is not known"
        elif self.kind not in SHARE_RATIO and np.isnan(self.cash):
            return f"the ratio of kind {self.kind} is no ratio of the share itself"
        return ""

    def pays(self, reason: str) -> bool:
        """Whether its cash counts."""
        return not reason and not np.isnan(self.cash)


def _step(events: list[_Event], close: float, paid: float) -> tuple[float, float]:
    """What price and volume are multiplied by."""
    shares = 1.0
    for event in events:
        if event.kind in SHARE_RATIO and not np.isnan(event.ratio):
            shares *= event.ratio
    base = close - paid
    rights = [e for e in events if e.kind == "subscription" and e.price < base]
    offered = sum(e.ratio for e in rights)
    ex = (base + sum(e.ratio * e.price for e in rights)) / (1.0 + offered)
    return shares * (close / ex), 1.0 / shares


def _told(events: pa.Table, reasons: list[str]) -> pa.Table:
    rows = np.flatnonzero([reason != "" for reason in reasons])
    taken = events.select(ACTIONS_SCHEMA.names).take(pa.array(rows, pa.int64()))
    told = pa.array([reasons[row] for row in rows], pa.string())
    return taken.append_column(NOT_APPLIED_SCHEMA.field("reason"), told)


def row_keys(
    symbols: pa.ChunkedArray, days: pa.ChunkedArray | pa.Array, names: np.ndarray
) -> np.ndarray:
    """symbol x DAYS + day of each row; negative for symbols that are not in `names`."""
    found = pc.index_in(symbols.cast(pa.string()), value_set=pa.array(names, pa.string()))
    places: np.ndarray = pc.fill_null(found, -1).to_numpy().astype(np.int64)
    keys: np.ndarray = places * DAYS + session_dates(days).astype(np.int64)
    return keys


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    """A numeric column as float64 of its own, NaN where it is null."""
    values: np.ndarray = np.array(column.cast(pa.float64()).to_numpy(), copy=True)
    return values


def _previous_closes(ex_keys: np.ndarray, names: np.ndarray, history: pa.Table) -> np.ndarray:
    """For each event the last close before its ex-date, NaN where there is none."""
    keys = row_keys(history["symbol"], history["date"], names)
    order = np.argsort(keys, kind="stable")
    keys, closes = keys[order], history["close"].to_numpy()[order]
    position = np.searchsorted(keys, ex_keys, "left") - 1
    found = np.full(len(ex_keys), np.nan)
    known = position >= 0
    known[known] = keys[position[known]] // DAYS == ex_keys[known] // DAYS
    found[known] = closes[position[known]]
    return found


def _runs(keys: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop of each run of equal keys."""
    if not len(keys):
        return []
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])).tolist()
    return list(zip(starts, [*starts[1:], len(keys)], strict=True))
