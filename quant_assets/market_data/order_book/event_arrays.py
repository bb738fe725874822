"""Events as the replay wants them: plain arrays, prices as whole ticks, sessions as instants.

Not here: the state of a book (book.py).
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.order_book.rules import BookRules
from quant_assets.market_data.order_book.sampling import BookError

_OFF_TICK = 1e-6  # relative: far above what parsing decimals costs, far below a price between ticks
_INTEGERS = np.iinfo(np.int64)
_PLAIN = ("sequence", "kind", "side", "price", "quantity", "order", "buy_order", "sell_order")


def arrays(events: pa.Table) -> dict[str, np.ndarray]:
    """The numeric columns of events, not to be written to; no copy where they are of one piece."""
    columns = {name: events.column(name).to_numpy() for name in _PLAIN}
    columns["timestamp"] = pc.cast(events.column("timestamp"), pa.int64()).to_numpy()
    for values in columns.values():
        values.flags.writeable = False
    return columns


def ticks(columns: dict[str, np.ndarray], ticks_per_unit: int, symbol: str) -> np.ndarray:
    """Prices as whole ticks, (events,) int64; the least integer where there is none."""
    scaled = columns["price"] * ticks_per_unit
    ticks: np.ndarray = np.rint(scaled)
    missing = np.isnan(ticks)
    off = np.flatnonzero(np.abs(scaled - ticks) > _OFF_TICK * np.maximum(np.abs(ticks), 1.0))
    if len(off):
        row = off[0]
        raise BookError(
            f"price {columns['price'][row]:.12g} of {symbol}, sequence {columns['sequence'][row]}, "
            f"lies between two ticks of 1/{ticks_per_unit}; give rules with more ticks_per_unit"
        )
    ticks[missing] = _INTEGERS.min
    whole = ticks.astype(np.int64)
    whole.flags.writeable = False
    return whole


def sessions(rules: BookRules, timestamp: int) -> tuple[np.ndarray, np.ndarray]:
    """Begins and ends of continuous trading on the day of `timestamp`, nanoseconds since 1970."""
    if not rules.continuous:
        return np.array([_INTEGERS.min]), np.array([_INTEGERS.max])
    zone = ZoneInfo(rules.timezone)
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=timestamp // 1000)
    day = instant.astimezone(zone).date()
    ends = [
        [
            int(datetime.combine(day, clock, zone).timestamp()) * 10**9 + clock.microsecond * 1000
            for clock in session
        ]
        for session in rules.continuous
    ]
    opens, closes = np.array(ends, np.int64).T.copy()
    return opens, closes
