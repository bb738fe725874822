"""Ex-right events of China, read off the previous closes that the exchange publishes.

Here lives the arithmetic. The exchange publishes each morning the close before, less what a share
lost by dividends, bonus shares and rights of that day. It does not tell cash from shares, but where
files tell the turnover rate, volume over rate is the number of shares that can be traded, and bonus
shares can be traded from the ex-date on. So if that number has risen by LEAST_BONUS or more since
the symbol last traded, and new shares of that many hundredths lower the price by no more than the
exchange took off, they are a `bonus`; what is left, if anything, is an `ex_right` of cash. The
event is told by its own day, at whose close it is known, and never changes afterwards.

Both together always make the published previous close of the close before: a wrong split into
shares and cash moves no return, only money between shares and cash. It can be wrong where a
lock-up ends on the ex-date of a payment that is as large, or where a company leaves out its own
shares, so that holders get a little more than the number of all shares rises by.

All else is an `ex_right` of cash, and volumes stay as they were traded: rights issues (the price
falls by less than the number of shares rises), ex-dates on which the symbol is halted, files
without turnover rates. Of CSI 300's members in 2020 to 2025 this finds a bonus in 136 of 1,552
events, in each that took off more than 12 % but for three dividends.
"""

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import date_column

KIND = "ex_right"
BONUS = "bonus"
LEAST_BONUS = 0.05
SOURCE = "previous close"
# A hundredth of a tick: vendors' floats are noisy in the last digits.
_SAME = 1e-4
# Previous closes are published in hundredths.
_HALF_TICK = 0.005

EVENTS = pa.schema(
    [
        pa.field("ex_date", pa.date32(), nullable=False),
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("ratio", pa.float64()),
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
    tradable: np.ndarray,
) -> pa.Table:
    """The events by which the previous closes of securities differ from their closes before.

    Args:
        symbols: texts, shape (rows,).
        days: `datetime64[D]`; one row a symbol and day, in any order.
        close: last price, on a halted day the close that stands.
        previous_close: as published for the day.
        traded: whether the row is a bar, false for halted days.
        tradable: number of shares that can be traded, NaN where it is not known.

    Returns:
        EVENTS by ex-date and symbol. `cash` is what was detached from a share, so that
        ratio x p / (p - cash), with p the last traded close and `ratio` 1 without a bonus, is
        close before / previous close. It is below zero where the previous close is the higher one
        (shares merged), and null where nothing was traded before.
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
    shares = tradable[order]
    risen = (shares / _last_before(shares, new))[found]
    before, previous, reference = before[found], previous[found], reference[found]
    ratio = _bonus(before, previous, risen)
    detached = np.where(
        reference == before,
        before - previous * ratio,
        reference * (1.0 - previous * ratio / before),
    )
    given = np.flatnonzero(ratio > 1.0)
    paid = np.flatnonzero((ratio == 1.0) | (np.abs(detached) > _SAME))
    rows = np.concatenate([given, paid])
    empty = np.full(len(found), np.nan)
    events = pa.table(
        {
            "ex_date": date_column(days[found][rows]),
            "symbol": pa.array(symbols[found][rows].tolist(), pa.string()),
            "kind": pa.array([BONUS] * len(given) + [KIND] * len(paid), pa.string()),
            "ratio": pa.array(np.concatenate([ratio[given], empty[paid]]), from_pandas=True),
            "cash": pa.array(np.concatenate([empty[given], detached[paid]]), from_pandas=True),
            "source": pa.repeat(pa.scalar(SOURCE), len(rows)),
        },
        schema=EVENTS,
    )
    by = ("ex_date", "symbol", "kind")
    return events.sort_by([(name, "ascending") for name in by])


def _bonus(before: np.ndarray, previous: np.ndarray, risen: np.ndarray) -> np.ndarray:
    """Shares after the event for each one before, 1 where no bonus is seen."""
    ratio = np.round(np.where(np.isfinite(risen), risen, 1.0), 2)
    explained = before - previous * ratio >= -_HALF_TICK * ratio
    return np.where((ratio >= 1.0 + LEAST_BONUS - _SAME) & explained, ratio, 1.0)


def _last_before(values: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The last positive value before each row within its symbol, NaN without any."""
    rows = np.arange(len(values))
    start = np.maximum.accumulate(np.where(new, rows, 0)) if len(values) else rows
    usable = np.maximum.accumulate(np.where(values > 0, rows, -1)) if len(values) else rows
    last = np.append(-1, usable[:-1]) if len(values) else rows
    found = last >= start
    return np.where(found, values[np.maximum(last, 0)], np.nan)
