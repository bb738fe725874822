"""Adjustment: bars as traded made comparable over splits and dividends, forward in time.

Here lives the arithmetic of corporate actions. An adjusted price is the raw price x the product of
the factors of all events up to its day, so that yesterday's row never changes when tomorrow's event
happens, and the ratio of two adjusted closes is the total return between them. (The usual backward
adjustment divides the past instead, and rewrites it with every event.)

- A split of `ratio` new shares for an old one multiplies prices by `ratio`, divides volumes by it.
- A dividend of `cash` a share multiplies prices by p / (p - cash), p the last raw close before the
  ex-date: the holder reinvests the gross amount at the price ex dividend (the CRSP convention of
  total returns; taxes are left out).
- Several events of one day: cash is per share held before that day; the amounts are added up.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.panels import session_dates
from quant_assets.warehouse.schemas import schema_of

PRICES = ("open", "high", "low", "close")
_ADJUSTED = schema_of("adjusted_bars").arrow
_ACTIONS = schema_of("corporate_actions").arrow
NOT_APPLIED_SCHEMA = _ACTIONS.append(pa.field("reason", pa.string(), nullable=False))
_DAYS = 1 << 32  # more than any day number: a key is symbol x _DAYS + day


@dataclass(frozen=True)
class Adjusted:
    """Adjusted bars, and the events that could not be applied.

    Attributes:
        table: schema `adjusted_bars`, the rows of the bars in their order.
        not_applied: the events up to the last day of the bars that say nothing usable
            (NOT_APPLIED_SCHEMA: the event and the reason).
    """

    table: pa.Table
    not_applied: pa.Table


def symbols_with_events(actions: pa.Table, until: date) -> list[str]:
    """The symbols of which `adjust` needs the history of closes, sorted."""
    due = actions.filter(pc.less_equal(actions["ex_date"], pa.scalar(until, pa.date32())))
    return sorted(set(due["symbol"].to_pylist()))


def adjust(bars: pa.Table, actions: pa.Table, history: pa.Table) -> Adjusted:
    """Adjust bars by all events up to their days.

    The factors of a symbol are products over its events in the order of their ex-dates, from its
    first bar on. They do not depend on which days `bars` holds.

    Args:
        bars: schema `bars`, any days.
        actions: schema `corporate_actions`. Events after the last day of `bars` are not looked at,
            those of symbols without history and those before a symbol's first bar adjust nothing.
        history: `date`, `symbol`, `close` of all bars from the market's start to the last day of
            `bars`, of `symbols_with_events`; in any order.
    """
    if not bars.num_rows:
        return Adjusted(_ADJUSTED.empty_table(), NOT_APPLIED_SCHEMA.empty_table())
    days = session_dates(bars["date"]).astype(np.int64)
    due = pc.less_equal(actions["ex_date"], pc.max(bars["date"]))
    order = [(name, "ascending") for name in ("symbol", "ex_date", "kind", "ratio", "cash")]
    events = actions.filter(due).sort_by(order)
    names = np.unique(np.array(events["symbol"].to_pylist(), dtype=object))
    ends, price, volume, not_applied = _factors(events, names, history)
    places = _places(bars["symbol"], names)
    key = places * _DAYS + days
    # the last event of the symbol up to the day; places of symbols without events are negative
    last = np.searchsorted(ends, key, "right") - 1
    adjusted = (last >= 0) & (places >= 0)
    adjusted[adjusted] = ends[last[adjusted]] // _DAYS == places[adjusted]
    price_factor = np.ones(len(key))
    price_factor[adjusted] = price[last[adjusted]]
    volume_factor = np.ones(len(key))
    volume_factor[adjusted] = volume[last[adjusted]]
    data = {
        "date": bars["date"],
        "symbol": bars["symbol"],
        **{name: pa.array(bars[name].to_numpy() * price_factor) for name in PRICES},
        "volume": pa.array(bars["volume"].to_numpy() * volume_factor),
        "turnover": bars["turnover"],
        "price_factor": pa.array(price_factor),
        "volume_factor": pa.array(volume_factor),
    }
    return Adjusted(pa.table(data, schema=_ADJUSTED), not_applied)


def _factors(
    events: pa.Table, names: np.ndarray, history: pa.Table
) -> tuple[np.ndarray, np.ndarray, np.ndarray, pa.Table]:
    """Factors from each (symbol, ex-date) on: (keys ascending, price, volume, events not applied).

    `events` are sorted by symbol and ex-date; several of one day become one step.
    """
    previous = _previous_closes(events, names, history)
    places = _places(events["symbol"], names)
    keys = places * _DAYS + session_dates(events["ex_date"]).astype(np.int64)
    ratios = _numbers(events["ratio"])
    cash = _numbers(events["cash"])
    reasons = _unusable(ratios, cash, previous, keys)
    usable = np.array([reason == "" for reason in reasons], bool) & ~np.isnan(previous)
    steps, prices, volumes = [], [], []
    symbol, price, volume = -1, 1.0, 1.0
    for start, stop in _runs(keys):
        rows = [row for row in range(start, stop) if usable[row]]
        if not rows:
            continue
        if places[start] != symbol:
            symbol, price, volume = places[start], 1.0, 1.0
        close = previous[start]
        paid = sum(cash[row] for row in rows if not np.isnan(cash[row]))
        for row in rows:
            if not np.isnan(ratios[row]):
                price, volume = price * ratios[row], volume / ratios[row]
        if paid:
            price *= close / (close - paid)
        steps.append(keys[start])
        prices.append(price)
        volumes.append(volume)
    told = np.flatnonzero([reason != "" for reason in reasons])
    not_applied = events.select(_ACTIONS.names).take(pa.array(told, pa.int64()))
    not_applied = not_applied.append_column(
        NOT_APPLIED_SCHEMA.field("reason"), pa.array([reasons[row] for row in told], pa.string())
    )
    return np.array(steps, np.int64), np.array(prices), np.array(volumes), not_applied


def _unusable(
    ratios: np.ndarray, cash: np.ndarray, previous: np.ndarray, keys: np.ndarray
) -> list[str]:
    """For each event why it cannot be applied, "" if it can or if it has nothing to adjust."""
    reasons = [""] * len(keys)
    for start, stop in _runs(keys):
        if np.isnan(previous[start]):  # before the first bar
            continue
        paid = np.nansum(cash[start:stop])
        for row in range(start, stop):
            if np.isnan(ratios[row]) and np.isnan(cash[row]):
                reasons[row] = "neither ratio nor cash"
            elif ratios[row] <= 0:
                reasons[row] = f"the ratio {ratios[row]:g} is not above zero"
            elif cash[row] < 0:
                reasons[row] = f"the cash {cash[row]:g} is below zero"
            elif not np.isnan(cash[row]) and paid >= previous[start]:
                reasons[row] = f"cash {paid:g} is no less than the close before, {previous[row]:g}"
    return reasons


def _previous_closes(events: pa.Table, names: np.ndarray, history: pa.Table) -> np.ndarray:
    """For each event the last close before its ex-date, NaN where there is none."""
    places = _places(history["symbol"], names)
    keys = places * _DAYS + session_dates(history["date"]).astype(np.int64)
    order = np.argsort(keys, kind="stable")
    keys, closes = keys[order], history["close"].to_numpy()[order]
    wanted = _places(events["symbol"], names)
    ex_keys = wanted * _DAYS + session_dates(events["ex_date"]).astype(np.int64)
    position = np.searchsorted(keys, ex_keys, "left") - 1
    found = np.full(len(ex_keys), np.nan)
    known = position >= 0
    known[known] = keys[position[known]] // _DAYS == wanted[known]
    found[known] = closes[position[known]]
    return found


def _runs(keys: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop of each run of equal keys."""
    if not len(keys):
        return []
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])).tolist()
    return list(zip(starts, [*starts[1:], len(keys)], strict=True))


def _places(symbols: pa.ChunkedArray, names: np.ndarray) -> np.ndarray:
    """The position of each symbol in `names`, -1 where it is not there."""
    found = pc.index_in(symbols.cast(pa.string()), value_set=pa.array(names, pa.string()))
    places: np.ndarray = pc.fill_null(found, -1).to_numpy().astype(np.int64)
    return places


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    values: np.ndarray = column.cast(pa.float64()).to_numpy()
    return values
