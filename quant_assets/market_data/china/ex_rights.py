"""Ex-right events of China, read off the previous closes that the exchange publishes.

Here lives the arithmetic. The exchange publishes each morning the close before, less what a share
lost by dividends, bonus shares and rights of that day. It does not tell cash from shares: the event
has the kind `ex_right`, and volumes stay as they were traded.
"""

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import date_column

KIND = "ex_right"
SOURCE = "previous close"
# A hundredth of a tick: vendors' floats are noisy in the last digits.
_SAME = 1e-4

EVENTS = pa.schema(
    [
        pa.field("ex_date", pa.date32(), nullable=False),
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("cash", pa.float64()),
        pa.field("source", pa.string(), nullable=False),
    ]
)


def ex_rights(
    symbols: np.ndarray,
    days: np.ndarray,
    close: np.ndarray,
    previous_close: np.ndarray,
    traded: np.ndarray,
) -> pa.Table:
    """The events by which the previous closes of securities differ from their closes before.

    Args:
        symbols: texts, shape (rows,).
        days: `datetime64[D]`; one row a symbol and day, in any order.
        close: last price, on a halted day the close that stands.
        previous_close: as published for the day.
        traded: whether the row is a bar, false for halted days.

    Returns:
        EVENTS by ex-date and symbol. `cash` is what was detached from a share, so that
        p / (p - cash), with p the last traded close, is close before / previous close. It is below
        zero where the previous close is the higher one (shares merged), and null where nothing was
        traded before.
    """
    order = np.lexsort((days, symbols))
    symbols, days = symbols[order], days[order]
    close, previous = close[order], previous_close[order]
    new = np.append(True, symbols[1:] != symbols[:-1]) if len(symbols) else np.empty(0, bool)
    before = _last_before(close, new)
    # of several events in one halt each is applied to the one close before it
    reference = _last_before(np.where(traded[order], close, np.nan), new)
    with np.errstate(invalid="ignore"):
        found = np.flatnonzero((np.abs(before - previous) > _SAME) & (previous > 0))
    before, previous, reference = before[found], previous[found], reference[found]
    detached = np.where(
        reference == before, before - previous, reference * (1.0 - previous / before)
    )
    events = pa.table(
        {
            "ex_date": date_column(days[found]),
            "symbol": pa.array(symbols[found].tolist(), pa.string()),
            "kind": pa.repeat(pa.scalar(KIND), len(found)),
            "cash": pa.array(detached, from_pandas=True),
            "source": pa.repeat(pa.scalar(SOURCE), len(found)),
        },
        schema=EVENTS,
    )
    return events.sort_by([("ex_date", "ascending"), ("symbol", "ascending")])


def _last_before(values: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The last positive value before each row within its symbol, NaN without any."""
    rows = np.arange(len(values))
    start = np.maximum.accumulate(np.where(new, rows, 0)) if len(values) else rows
    usable = np.maximum.accumulate(np.where(values > 0, rows, -1)) if len(values) else rows
    last = np.append(-1, usable[:-1]) if len(values) else rows
    found = last >= start
    return np.where(found, values[np.maximum(last, 0)], np.nan)
