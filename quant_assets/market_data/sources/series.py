"""Benchmark series from dated files: an index, a volatility index, a risk-free rate.

Here lives how one number a day becomes one number a session. The files are the user's, one a
series, named in the market's settings.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.calendars import exchange_days
from quant_assets.market_data.facts import EXAMPLES, Finding
from quant_assets.market_data.panels import date_column
from quant_assets.market_data.sources.base import BENCHMARK_SCHEMA, SourceError
from quant_assets.market_data.sources.convert import Place, days, numbers, texts
from quant_assets.market_data.sources.storage import Storage
from quant_assets.market_data.sources.tabular import TableFile, open_table
from quant_assets.settings import Market
from quant_assets.settings_sources import CnDailySource, Series
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window

_INDICES = schema_of("indices").arrow


def compose(market: Market, sessions: np.ndarray) -> pa.Table:
    """The benchmark of a market on some sessions (BENCHMARK_SCHEMA), one row a session.

    Args:
        market: names the series; one that it does not name is null throughout.
        sessions: `datetime64[D]`, ascending, shape (sessions,).

    Raises:
        SourceError: a file cannot be read as declared, or has two values for a day.
    """
    opens, closes = _on_sessions(market, market.index, "index", sessions)
    _, volatility = _on_sessions(market, market.volatility_index, "volatility_index", sessions)
    _, rate = _on_sessions(market, market.risk_free_rate, "risk_free_rate", sessions)
    columns = {
        "index_open": opens,
        "index_close": closes,
        "volatility_index": volatility,
        "risk_free_rate": rate,
    }
    arrays = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
    return pa.table({"date": date_column(sessions), **arrays}, schema=BENCHMARK_SCHEMA)


def read_indices(market: Market, series: Mapping[str, Series], sessions: np.ndarray) -> pa.Table:
    """Table `indices`: a row a session and index where the index has a value.

    Args:
        market: theirs.
        series: by the name of the index.
        sessions: `datetime64[D]`, ascending.
    """
    tables = []
    for name in sorted(series):
        opens, closes = _on_sessions(market, series[name], f"indices.{name}", sessions)
        known = ~np.isnan(closes)
        columns = {
            "date": date_column(sessions[known]),
            "index": pa.repeat(pa.scalar(name), int(known.sum())),
            "open": pa.array(opens[known], from_pandas=True),
            "close": pa.array(closes[known]),
        }
        tables.append(pa.table(columns, schema=_INDICES))
    order = [("date", "ascending"), ("index", "ascending")]
    return pa.concat_tables(tables or [_INDICES.empty_table()]).sort_by(order)


def rows_on_sessions(market: Market, window: Window) -> Finding:
    """Whether every row of the market's indices in a window is dated on a session.

    A row on another day is not read, for it belongs to no session: it is told, so that somebody may
    ask the vendor. Not judged are series that other people publish on days of their own: rates, and
    volatility indices (the VIX has values on holidays of the stock exchange since 2022).
    """
    calendar = exchange_days(market)
    first = max(np.datetime64(window.start), calendar[0])
    last = min(np.datetime64(window.end), calendar[-1])
    checked, odd = 0, []
    for name, series in indices_of(market).items():
        dated, _, values = _read(series, name, market.timezone)
        inside = (dated >= first) & (dated <= last)
        checked += int(inside.sum())
        off = inside & ~np.isin(dated, calendar)
        odd += [
            f"{series.path}: {day} is no session; its value {value:.10g} is not used for {name}"
            for day, value in zip(dated[off].tolist(), values[off].tolist(), strict=True)
        ]
    return Finding(checked, len(odd), tuple(odd[:EXAMPLES]))


def indices_of(market: Market) -> dict[str, Series]:
    """The indices that a market's settings name, by the key that names them."""
    named = {} if market.index is None else {"index": market.index}
    if isinstance(market.source, CnDailySource):
        named |= {f"indices.{name}": series for name, series in market.source.indices.items()}
    return named


def _on_sessions(
    market: Market, series: Series | None, name: str, sessions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(open, value) of each session, NaN where the series has none.

    A step series (`carry_forward`) holds its last value, as it was known on the session.
    """
    missing = np.full(len(sessions), np.nan)
    if series is None:
        return missing, missing
    dated, opens, values = _read(series, name, market.timezone)
    if series.kind == "level":
        dated, values = _annual_growth(market, dated, values)
        opens = np.full(len(values), np.nan)
    position = np.searchsorted(dated, sessions, "right") - 1
    known = position >= 0
    if len(dated) and not series.carry_forward:
        known &= dated[np.maximum(position, 0)] == sessions
    return (
        np.where(known, opens[position], np.nan) if len(dated) else missing,
        np.where(known, values[position], np.nan) if len(dated) else missing,
    )


def _annual_growth(
    market: Market, dated: np.ndarray, levels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(days, rates) of an accumulated index: compounded over a year of the market's sessions.

    (level / level of the row before) ** (sessions a year / sessions between) - 1, on the days of
    the file that are sessions, the first of them left out. Only the past is asked.
    """
    calendar = exchange_days(market)
    known = np.isin(dated, calendar)
    dated, levels = dated[known], levels[known]
    between = np.diff(np.searchsorted(calendar, dated))
    growth = (levels[1:] / levels[:-1]) ** (market.annualization / between) - 1.0
    return dated[1:], growth


def _read(series: Series, name: str, timezone: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(days, opens, values) of the dated rows with a value, by day."""
    storage = Storage(series.path)
    columns = {"date_column": series.date_column, "value_column": series.value_column}
    if series.open_column is not None:
        columns["open_column"] = series.open_column
    if series.code_column is not None:
        columns["code_column"] = series.code_column
    pieces = []
    for file in storage.files(any_suffix=False):
        table = open_table(storage, file.path)
        table.require(columns, name)
        pieces.append(_columns(table, series, name, timezone))
    dated, opens, values = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    known = ~np.isnat(dated) & ~np.isnan(values)
    if series.code is not None and not known.any():
        raise SourceError(
            f"{series.path}: no row has {series.code!r} in {series.code_column!r} for {name}; "
            f"correct {name}.code"
        )
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
    opens = np.full(len(values), np.nan)
    if series.open_column is not None:
        opens = numbers(*column(series.open_column, "open_column")) * series.scale
    if series.code_column is None:
        return dated, opens, values
    codes = texts(*column(series.code_column, "code_column"))
    mine = pc.fill_null(pc.equal(codes, pa.scalar(series.code)), False).to_numpy()
    return dated[mine], opens[mine], values[mine]
