"""Adjustment: bars as traded made comparable over corporate actions, forward in time.

Here lives what events make of bars; what one event does to a price is in actions/factors.py. An
adjusted price is the raw price x the product of the factors of all events up to its day, so that
yesterday's row never changes when tomorrow's event happens, and the ratio of two adjusted closes is
the total return between them. (The usual backward adjustment divides the past instead, and rewrites
it with every event.)
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.actions.factors import (
    DAYS,
    NOT_APPLIED_SCHEMA,
    Factors,
    factors,
    row_keys,
)
from quant_assets.warehouse.schemas import schema_of

PRICES = ("open", "high", "low", "close")
_ADJUSTED = schema_of("adjusted_bars").arrow


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


def adjust(
    bars: pa.Table, actions: pa.Table, history: pa.Table, interest_tax: float = 0.0
) -> Adjusted:
    """Adjust bars by all events up to their days.

    The factors of a symbol are products over its events in the order of their ex-dates, from its
    first bar on. They do not depend on which days `bars` holds.

    Args:
        bars: schema `bars`, any days.
        actions: schema `corporate_actions`. Events after the last day of `bars` are not looked at,
            those of symbols without history and those before a symbol's first bar adjust nothing.
        history: `date`, `symbol`, `close` of all bars from the market's start to the last day of
            `bars`, of `symbols_with_events`; in any order.
        interest_tax: share of interest on capital that is kept back as tax.
    """
    if not bars.num_rows:
        return Adjusted(_ADJUSTED.empty_table(), NOT_APPLIED_SCHEMA.empty_table())
    due = pc.less_equal(actions["ex_date"], pc.max(bars["date"]))
    steps = factors(actions.filter(due), history, interest_tax)
    price, volume = _cumulative(steps)
    keys = row_keys(bars["symbol"], bars["date"], steps.names)
    # the last step of the symbol up to the day; keys of symbols without events are negative
    last = np.searchsorted(steps.keys, keys, "right") - 1
    adjusted = (last >= 0) & (keys >= 0)
    adjusted[adjusted] = steps.keys[last[adjusted]] // DAYS == keys[adjusted] // DAYS
    price_factor = np.ones(len(keys))
    price_factor[adjusted] = price[last[adjusted]]
    volume_factor = np.ones(len(keys))
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
    return Adjusted(pa.table(data, schema=_ADJUSTED), steps.not_applied)


def _cumulative(steps: Factors) -> tuple[np.ndarray, np.ndarray]:
    """The products of the factors of price and volume, of each symbol from its first step on."""
    price, volume = steps.price.copy(), steps.volume.copy()
    same = steps.keys[1:] // DAYS == steps.keys[:-1] // DAYS
    for i in np.flatnonzero(same) + 1:
        price[i] *= price[i - 1]
        volume[i] *= volume[i - 1]
    return price, volume
