"""From the warehouse's tables to what a strategy reads.

Here stand the columns' way into days x symbols arrays. What may be read is declared in
`strategies/base.py`; nothing is computed here.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.backtests.strategies.base import SERIES_FIELDS, Strategy, StrategyData
from quant_assets.market_data.panels import Panel, session_dates

_BAR_FIELDS = frozenset({"open", "high", "low", "close", "volume", "turnover"})
_FLAGS = frozenset({"member", "halted", "limit_up", "limit_down"})
_GROUPS = frozenset({"sector", "industry"})


def strategy_data(
    strategy: Strategy,
    prices: Panel,
    universe: pa.Table,
    benchmark: pa.Table | None,
    predictions: pa.Table | None,
) -> StrategyData:
    """The fields that a strategy declares, on the sessions and symbols of `prices`.

    Args:
        strategy: whose `needs` are filled.
        prices: panel of the adjusted bars; holds at least the bar fields that are needed.
        universe: table `universe`, or the columns of it that are needed.
        benchmark: table `benchmark`; without it the index and rates are missing.
        predictions: table `predictions`; without it scores are missing.

    Raises:
        ValueError: a table lacks a column that the strategy needs.
    """
    fields = {}
    for name in strategy.needs:
        if name in _BAR_FIELDS:
            fields[name] = prices[name]
        elif name in SERIES_FIELDS:
            fields[name] = series(benchmark, name, prices.dates)
        elif name == "score":
            fields[name] = _spread(predictions, "predictions", name, prices)
        elif name in _GROUPS:
            fields[name] = _codes(universe, name, prices)
        else:
            values = _spread(universe, "universe", name, prices)
            fields[name] = values == 1.0 if name in _FLAGS else values
    return StrategyData(prices.dates, prices.symbols, fields)


def bar_fields(strategy: Strategy) -> list[str]:
    """The columns of the adjusted bars that a strategy and its simulation read."""
    return sorted({"open", "close", "volume"} | (_BAR_FIELDS & set(strategy.needs)))


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


def _spread(table: pa.Table | None, name: str, column: str, prices: Panel) -> np.ndarray:
    if table is None or not table.num_rows:
        return np.full(prices.shape, np.nan)
    _require(table, name, column)
    return Panel.from_table(table, [column], prices.dates, prices.symbols)[column]


def _codes(universe: pa.Table, column: str, prices: Panel) -> np.ndarray:
    """Codes of a text column in the order of the alphabet, -1 where unknown; int64 (T, N)."""
    _require(universe, "universe", column)
    texts = universe[column].cast(pa.string())
    names = pc.unique(texts).drop_null().sort()
    coded = universe.select(["date", "symbol"]).append_column("code", pc.index_in(texts, names))
    codes = _spread(coded, "universe", "code", prices)
    return np.where(np.isnan(codes), -1, codes).astype(np.int64)


def _require(table: pa.Table, name: str, column: str) -> None:
    if column not in table.column_names:
        raise ValueError(
            f"the table {name} must have a column {column!r} for this strategy. "
            f"Got {', '.join(table.column_names)} instead."
        )
