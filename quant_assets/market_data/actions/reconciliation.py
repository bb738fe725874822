"""Declared splits against detected ones.

Here lives the comparison. What is declared comes from a source's corporate actions, what is
detected from prices alone (detection.py). Of each day that has share events declared, or events
that together change the price by as much as a detectable split, all events count together, money
included: prices know no more than their product.

- confirmed: prices show a split of that ratio on that day.
- contradicting: prices show one near by, and its day or its ratio differs.
- undetected: declared, and prices show none; `detail` says what they show instead.
- missing: prices show one, and none is declared near by.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from math import exp, log
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.actions.bar_rows import BarRows
from quant_assets.market_data.actions.detection import HELD, LEAST_BEFORE
from quant_assets.market_data.actions.events import SHARE_RATIO
from quant_assets.market_data.actions.factors import DAYS, factors
from quant_assets.market_data.actions.gap_model import LEAST_GAP
from quant_assets.warehouse.schemas import schema_of

STATUSES = ("missing", "contradicting", "undetected", "confirmed")
NEAR = timedelta(days=10)
# Ratios agree if the gap fits the declared one as well as usual nights allow.
_LEAST_TOLERANCE = 0.03
_NIGHTS = 4
_SCHEMA = schema_of("split_reconciliation").arrow


@dataclass(frozen=True)
class _Declared:
    """What is declared for a symbol and day; `ratio` is NaN where no event can be applied."""

    symbol: str
    day: date
    kinds: str
    ratio: float


def reconcile(detected: pa.Table, actions: pa.Table, bars: pa.Table) -> pa.Table:
    """Every declared and every detected split: schema `split_reconciliation`, sorted by its key.

    Args:
        detected: schema `detected_splits`, of `bars`.
        actions: schema `corporate_actions`. Events after the last day of `bars` are not looked at.
        bars: the columns bar_rows.COLUMNS of the whole history, raw as traded.
    """
    rows = BarRows.of(bars)
    last = rows.day.max().item() if len(rows.day) else date.min
    near: dict[str, list[dict[str, Any]]] = {}
    for one in detected.to_pylist():
        near.setdefault(one["symbol"], []).append(one)
    pairs = _pairs(_declared(actions, bars, last), near)
    found = [_compared(declared, shown, rows) for declared, shown in pairs]
    told = {(shown["symbol"], shown["ex_date"]) for _, shown in pairs if shown is not None}
    for ones in near.values():
        found += [_missing(one) for one in ones if (one["symbol"], one["ex_date"]) not in told]
    order = [(name, "ascending") for name in ("symbol", "ex_date", "status")]
    return pa.Table.from_pylist(found, schema=_SCHEMA).sort_by(order)


def _declared(actions: pa.Table, bars: pa.Table, last: date) -> list[_Declared]:
    """The declared days that matter, up to `last`, by symbol and day."""
    due = [event for event in actions.to_pylist() if event["ex_date"] <= last]
    names = pa.array({event["symbol"] for event in due}, pa.string())
    history = bars.filter(pc.is_in(bars["symbol"], value_set=names))
    steps = factors(pa.Table.from_pylist(due, schema=actions.schema), history)
    whole = {
        (steps.names[key // DAYS], np.datetime64(int(key % DAYS), "D").item()): float(price)
        for key, price in zip(steps.keys, steps.price, strict=True)
    }
    kinds: dict[tuple[str, date], list[str]] = {}
    for event in due:
        kinds.setdefault((event["symbol"], event["ex_date"]), []).append(event["kind"])
    found = []
    for (symbol, day), all_kinds in sorted(kinds.items()):
        ratio = whole.get((symbol, day), float("nan"))
        if SHARE_RATIO & set(all_kinds) or abs(log(ratio)) >= LEAST_GAP:
            found.append(_Declared(symbol, day, "+".join(sorted(set(all_kinds))), ratio))
    return found


def _pairs(
    declared: list[_Declared], near: dict[str, list[dict[str, Any]]]
) -> list[tuple[_Declared, dict[str, Any] | None]]:
    """Each declared split with the detected one that is meant, each of these once.

    Those that agree on the day come first, then the nearest.
    """
    options = [
        (not _same_day(one, shown), abs(shown["ex_date"] - one.day), i, j)
        for i, one in enumerate(declared)
        for j, shown in enumerate(near.get(one.symbol, ()))
        if abs(shown["ex_date"] - one.day) <= NEAR or _same_day(one, shown)
    ]
    meant: dict[int, dict[str, Any]] = {}
    taken: set[tuple[str, int]] = set()
    for _, _, i, j in sorted(options):
        symbol = declared[i].symbol
        if i not in meant and (symbol, j) not in taken:
            meant[i] = near[symbol][j]
            taken.add((symbol, j))
    return [(one, meant.get(i)) for i, one in enumerate(declared)]


def _same_day(declared: _Declared, shown: dict[str, Any]) -> bool:
    """Whether the detected step lies at the first bar on or after the declared day."""
    return bool(shown["previous_date"] < declared.day <= shown["ex_date"])


def _compared(declared: _Declared, shown: dict[str, Any] | None, rows: BarRows) -> dict[str, Any]:
    ratio = None if np.isnan(declared.ratio) else declared.ratio
    row: dict[str, Any] = {
        "symbol": declared.symbol,
        "ex_date": declared.day,
        "kinds": declared.kinds,
        "declared_ratio": ratio,
    }
    if shown is None:
        return row | {"status": "undetected", "detail": _instead(declared, rows)}
    differing = []
    if not _same_day(declared, shown):
        differing.append(f"declared for {declared.day}, seen on {shown['ex_date']}")
    if not _same_ratio(declared.ratio, shown):
        said = "none that can be applied" if ratio is None else f"{ratio:g}"
        differing.append(f"declared ratio {said}, seen {shown['ratio']:g}")
    return row | {
        "status": "contradicting" if differing else "confirmed",
        "detail": "; ".join(differing) or "day and ratio agree",
        **_of(shown),
    }


def _same_ratio(ratio: float, shown: dict[str, Any]) -> bool:
    if np.isnan(ratio):
        return False
    misfit = log(shown["gap"] / (shown["market_gap"] or 1.0) * ratio)
    return abs(misfit) <= max(_LEAST_TOLERANCE, _NIGHTS * (shown["noise"] or 0.0))


def _missing(shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "symbol": shown["symbol"],
        "ex_date": shown["ex_date"],
        "status": "missing",
        "detail": f"the open was {shown['gap']:.4g} x the close before, and nothing is declared",
        **_of(shown),
    }


def _of(shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "detected_ex_date": shown["ex_date"],
        "detected_ratio": shown["ratio"],
        "confidence": shown["confidence"],
        "detected_on": shown["detected_on"],
    }


def _instead(declared: _Declared, rows: BarRows) -> str:
    """Why no split is seen where one is declared."""
    own = rows.rows_of(declared.symbol)
    row = own.start + int(np.searchsorted(rows.day[own], np.datetime64(declared.day)))
    if own.start == own.stop or row in (own.start, own.stop):
        return "there are no bars before and after the day"
    if np.isnan(declared.ratio):
        return "the events give no ratio that can be applied"
    if own.stop - row < HELD:
        return f"only {own.stop - row} of {HELD} sessions since the day are there"
    if row - own.start < LEAST_BEFORE:
        return f"only {row - own.start} of {LEAST_BEFORE} sessions before the day are there"
    shown, expected = exp(rows.gap[row]), 1.0 / declared.ratio
    if abs(log(declared.ratio)) < LEAST_GAP:
        return f"a ratio of {declared.ratio:.6g} is too near to 1 to be told from a usual move"
    return f"the open was {shown:.4g} x the close before, {expected:.4g} was expected"
