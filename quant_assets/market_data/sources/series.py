"""Benchmark series from dated files: an index, a volatility index, a risk-free rate.

Here lives how one number a day becomes one number a session. The files are the user's, one a
series, named in the market's settings.
"""

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import date_column
from quant_assets.market_data.sources.base import BENCHMARK_SCHEMA, SourceError
from quant_assets.market_data.sources.convert import Place, days, numbers
from quant_assets.market_data.sources.storage import Storage
from quant_assets.market_data.sources.tabular import TableFile, open_table
from quant_assets.settings import Market, Series


def compose(market: Market, sessions: np.ndarray) -> pa.Table:
    """The benchmark of a market on some sessions (BENCHMARK_SCHEMA), one row a session.

    Args:
        market: names the series; one that it does not name is null throughout.
        sessions: `datetime64[D]`, ascending, shape (sessions,).

    Raises:
        SourceError: a file cannot be read as declared, or has two values for a day.
    """
    opens, closes = _on_sessions(market.index, "index", market.timezone, sessions)
    _, volatility = _on_sessions(
        market.volatility_index, "volatility_index", market.timezone, sessions
    )
    _, rate = _on_sessions(market.risk_free_rate, "risk_free_rate", market.timezone, sessions)
    columns = {
        "index_open": opens,
        "index_close": closes,
        "volatility_index": volatility,
        "risk_free_rate": rate,
    }
    arrays = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
    return pa.table({"date": date_column(sessions), **arrays}, schema=BENCHMARK_SCHEMA)


def _on_sessions(
    series: Series | None, name: str, timezone: str, sessions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(open, value) of each session, NaN where the series has none.

    A step series (`carry_forward`) holds its last value, as it was known on the session.
    """
    missing = np.full(len(sessions), np.nan)
    if series is None:
        return missing, missing
    dated, opens, values = _read(series, name, timezone)
    position = np.searchsorted(dated, sessions, "right") - 1
    known = position >= 0
    if len(dated) and not series.carry_forward:
        known &= dated[np.maximum(position, 0)] == sessions
    return (
        np.where(known, opens[position], np.nan) if len(dated) else missing,
        np.where(known, values[position], np.nan) if len(dated) else missing,
    )


def _read(series: Series, name: str, timezone: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(days, opens, values) of the dated rows with a value, by day."""
    storage = Storage(series.path)
    columns = {"date_column": series.date_column, "value_column": series.value_column}
    if series.open_column is not None:
        columns["open_column"] = series.open_column
    pieces = []
    for file in storage.files(any_suffix=False):
        table = open_table(storage, file.path)
        table.require(columns, name)
        pieces.append(_columns(table, series, name, timezone))
    dated, opens, values = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    known = ~np.isnat(dated) & ~np.isnan(values)
    order = np.argsort(dated[known], kind="stable")
    dated, opens, values = (part[known][order] for part in (dated, opens, values))
    twice = np.flatnonzero(dated[1:] == dated[:-1])
    if len(twice):
        raise SourceError(
            f"{series.path}: two values for {dated[twice[0]]} in {series.value_column!r} of "
            f"{name}; keep one"
        )
    return dated, opens, values


def _columns(
    table: TableFile, series: Series, name: str, timezone: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    def column(theirs: str, key: str) -> tuple[pa.ChunkedArray, Place]:
        return table.column(theirs), Place(table.path, theirs, f"{name}.{key}")

    dated = days(*column(series.date_column, "date_column"), series.date_format, timezone)
    values = numbers(*column(series.value_column, "value_column")) * series.scale
    if series.open_column is None:
        return dated, np.full(len(values), np.nan), values
    return dated, numbers(*column(series.open_column, "open_column")) * series.scale, values
