"""Ticker changes: one security (an ISIN) followed over the tickers it trades under.

Here lives arithmetic on days, ISINs and tickers. A security trades under one ticker in each market
(standard and odd lots have tickers of their own), so markets are looked at apart. Bars keep the
tickers as traded; who wants one history of a security joins them by these changes.
"""

import numpy as np
import pyarrow as pa

from quant_assets.warehouse.schemas import schema_of

# A day on which a security traded in a market under a ticker.
LISTED_SCHEMA = pa.schema(
    [
        pa.field("date", pa.date32(), nullable=False),
        pa.field("market_type", pa.int16(), nullable=False),
        pa.field("isin", pa.string(), nullable=False),
        pa.field("ticker", pa.string(), nullable=False),
    ]
)
CHANGES_SCHEMA = schema_of("ticker_changes").arrow
_ORDER = [(name, "ascending") for name in ("market_type", "isin", "date", "ticker")]


def turning_points(listed: pa.Table) -> pa.Table:
    """Of each security its first and last day, and the days on both sides of a change of ticker.

    They tell the same changes as all days do, also together with the turning points of other
    periods. Days on which a security traded under two tickers in one market tell nothing.

    Args:
        listed: LISTED_SCHEMA, in any order.

    Returns:
        LISTED_SCHEMA by market, ISIN and date.
    """
    days = _single(listed)
    if not days.num_rows:
        return days
    new, other = _borders(days)
    keep = new | np.append(new[1:], True) | other | np.append(other[1:], False)
    return days.filter(pa.array(keep))


def changes(listed: pa.Table, market_types: tuple[int, ...]) -> pa.Table:
    """The changes of ticker of each security.

    Args:
        listed: days or turning points, LISTED_SCHEMA.
        market_types: the markets to look at.

    Returns:
        Schema `ticker_changes`, by date, symbol and ISIN. A row is known on its date: the days
        before it alone tell of it.
    """
    days = _single(listed)
    days = days.filter(pa.array(np.isin(days["market_type"].to_numpy(), market_types)))
    if not days.num_rows:
        return CHANGES_SCHEMA.empty_table()
    _, other = _borders(days)
    after, before = np.flatnonzero(other), np.flatnonzero(other) - 1
    now, then = days.take(pa.array(after)), days.take(pa.array(before))
    found = pa.table(
        {
            "date": now["date"],
            "symbol": now["ticker"],
            "isin": now["isin"],
            "previous_symbol": then["ticker"],
            "previous_date": then["date"],
        },
        schema=CHANGES_SCHEMA,
    )
    return found.sort_by([(name, "ascending") for name in ("date", "symbol", "isin")])


def history(changes: pa.Table, symbol: str) -> list[str]:
    """The tickers under which the security that is now `symbol` has traded, oldest first.

    Args:
        changes: schema `ticker_changes`.
        symbol: the ticker to begin with; it is the last of the list.
    """
    rows = sorted(changes.to_pylist(), key=lambda row: row["date"], reverse=True)
    found, isin = [symbol], None
    for row in rows:
        if row["symbol"] == found[-1] and isin in (None, row["isin"]):
            found.append(row["previous_symbol"])
            isin = row["isin"]
    return found[::-1]


def _single(listed: pa.Table) -> pa.Table:
    """One row a market, ISIN and day, without those of two tickers, in that order."""
    different = listed.group_by(LISTED_SCHEMA.names, use_threads=False).aggregate([])
    days = different.select(LISTED_SCHEMA.names).cast(LISTED_SCHEMA).sort_by(_ORDER)
    days = days.combine_chunks()
    if days.num_rows < 2:
        return days
    again = _same(days, "market_type") & _same(days, "isin") & _same(days, "date")
    several = np.append(False, again) | np.append(again, False)
    return days.filter(pa.array(~several))


def _borders(days: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Whether each row begins a security, and whether it has another ticker than the row before."""
    if days.num_rows < 2:
        return np.ones(days.num_rows, bool), np.zeros(days.num_rows, bool)
    same = _same(days, "market_type") & _same(days, "isin")
    other = same & ~_same(days, "ticker")
    return np.append(True, ~same), np.append(False, other)


def _same(days: pa.Table, name: str) -> np.ndarray:
    """Whether each row has the value of the row before it, (rows - 1,)."""
    column = days[name]
    if pa.types.is_string(column.type):
        column = column.combine_chunks().dictionary_encode()
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        values = column.indices.to_numpy()
    else:
        values = column.cast(pa.int32()).to_numpy()
    same: np.ndarray = values[1:] == values[:-1]
    return same
