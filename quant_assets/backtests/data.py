"""From the warehouse's tables to what a strategy reads.

Here stand which table and column a field comes from, and the columns' way into days x symbols
arrays. What may be read is declared in `strategies/base.py`, which markets have the tables stands
in `availability.py`; nothing is computed here.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.backtests.strategies.base import (
    SERIES_FIELDS,
    Strategy,
    StrategyData,
    StrategyParameters,
    factor_of,
)
from quant_assets.market_data.panels import FloatArray, Panel, session_dates

_BAR_FIELDS = frozenset({"open", "high", "low", "close", "volume", "turnover"})
_FLAGS = frozenset({"member", "halted", "limit_up", "limit_down"})
_GROUPS = frozenset({"sector", "industry"})
_VALUATIONS = frozenset({"pe_ttm", "pb_mrq", "ps_ttm", "pcf_ncf_ttm", "turnover_rate"})
_KEYS = ("date", "symbol")


def source_of(field: str) -> tuple[str, str]:
    """(table, column) that a field is read from."""
    factor = factor_of(field)
    if factor is not None:
        return f"factors_{factor[0]}", factor[1]
    if field in _BAR_FIELDS:
        return "adjusted_bars", field
    if field in SERIES_FIELDS:
        return "benchmark", field
    if field in _VALUATIONS:
        return "valuations", field
    return "predictions" if field == "score" else "universe", field


def columns_of(strategy: Strategy, parameters: StrategyParameters) -> dict[str, list[str]]:
    """The columns that a strategy reads of each table, keys included: what has to be loaded.

    The adjusted bars are always among them: with their closes they tell the sessions and symbols.
    """
    chosen: dict[str, set[str]] = {"adjusted_bars": {"close"}}
    for field in strategy.fields(parameters):
        table, column = source_of(field)
        chosen.setdefault(table, set()).add(column)
    return {
        table: [*(_KEYS[:1] if table == "benchmark" else _KEYS), *sorted(columns)]
        for table, columns in chosen.items()
    }


def bar_fields(strategy: Strategy, parameters: StrategyParameters) -> list[str]:
    """The columns of the adjusted bars that a strategy reads, the close among them."""
    return sorted(set(columns_of(strategy, parameters)["adjusted_bars"]) - set(_KEYS))


def strategy_data(
    strategy: Strategy,
    parameters: StrategyParameters,
    prices: Panel,
    tables: Mapping[str, pa.Table | None],
) -> StrategyData:
    """The fields that a strategy reads, on the sessions and symbols of `prices`.

    Args:
        strategy: whose fields are filled.
        parameters: what they are asked with.
        prices: panel of the adjusted bars; holds at least `bar_fields`.
        tables: the others by name, `universe`, `benchmark`, `predictions`, `valuations`,
            `factors_<library>`, at least with `columns_of`. What is absent, None or empty is
            missing: NaN, False for flags, -1 for groups.

    Raises:
        ValueError: a table lacks a column that the strategy needs.
    """
    return data_of_fields(strategy.fields(parameters), prices, tables)


def data_of_fields(
    fields: Iterable[str], prices: Panel, tables: Mapping[str, pa.Table | None]
) -> StrategyData:
    """As `strategy_data`, for these fields: such as those of many parameter sets together."""
    fields = list(dict.fromkeys(fields))
    spread: dict[str, FloatArray] = {}
    for table in {source_of(field)[0] for field in fields} - {"adjusted_bars", "benchmark"}:
        wanted = [field for field in fields if source_of(field)[0] == table]
        spread.update(_spread(tables.get(table), table, wanted, prices))
    return StrategyData(
        prices.dates,
        prices.symbols,
        {field: _values(field, spread, prices, tables) for field in fields},
    )


def _values(
    field: str,
    spread: Mapping[str, FloatArray],
    prices: Panel,
    tables: Mapping[str, pa.Table | None],
) -> np.ndarray:
    """A field in the type that its declaration names."""
    if field in _BAR_FIELDS:
        return prices[field]
    if field in SERIES_FIELDS:
        return series(tables.get("benchmark"), field, prices.dates)
    values = spread[field]
    if field in _GROUPS:
        return np.where(np.isnan(values), -1, values).astype(np.int64)
    return values == 1.0 if field in _FLAGS else values


def series(table: pa.Table | None, column: str, dates: np.ndarray) -> np.ndarray:
    """A column of a table with one row a day, on the given sessions, shape (T,); NaN is missing."""
    values = np.full(len(dates), np.nan)
    if table is None or not table.num_rows:
        return values
    _require(table, "benchmark", column)
    known = session_dates(table["date"])
    found = np.searchsorted(dates, known)
    inside = found < len(dates)
    inside[inside] = dates[found[inside]] == known[inside]
    values[found[inside]] = table[column].cast(pa.float64()).to_numpy()[inside]
    return values


def _spread(
    table: pa.Table | None, name: str, fields: list[str], prices: Panel
) -> dict[str, FloatArray]:
    """Fields of one table over the sessions and symbols of the prices; groups as codes."""
    if table is None or not table.num_rows:
        return {field: np.full(prices.shape, np.nan) for field in fields}
    chosen = table.select(list(_KEYS))
    for field in fields:
        column = source_of(field)[1]
        _require(table, name, column)
        values = _codes(table[column]) if field in _GROUPS else table[column]
        chosen = chosen.append_column(field, values)
    return dict(Panel.from_table(chosen, fields, prices.dates, prices.symbols).fields)


def _codes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Codes of a text column in the order of the alphabet, null where unknown."""
    texts = column.cast(pa.string())
    return pc.index_in(texts, pc.unique(texts).drop_null().sort())


def _require(table: pa.Table, name: str, column: str) -> None:
    if column not in table.column_names:
        raise ValueError(
            f"the table {name} must have a column {column!r} for this strategy. "
            f"Got {', '.join(table.column_names)} instead."
        )
