"""From the warehouse's tables to an evaluation: what a strategy reads, what is traded, the index.

Here stands the way from tables to `evaluation.Evaluation`, the same for sweeps and searches.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np
import pyarrow as pa

from quant_assets.backtests.data import bar_fields, data_of_fields, series
from quant_assets.backtests.fingerprint import fingerprint
from quant_assets.backtests.run import columns_to_read
from quant_assets.backtests.simulation import simulate_returns
from quant_assets.backtests.strategies.base import Strategy, StrategyParameters
from quant_assets.backtests.sweeps.evaluation import Evaluation
from quant_assets.backtests.trading_data import TradingData
from quant_assets.market_data.panels import FloatArray, Panel
from quant_assets.settings import Market
from quant_assets.settings_trading import Trading

# What metrics read, whatever the strategy does.
_COMPARED = {"date", "index_close", "risk_free_rate"}


def tables_of(
    strategy: Strategy, parameter_sets: Iterable[StrategyParameters], trading: Trading
) -> dict[str, list[str] | None]:
    """Table -> columns to load for these sets and their simulation; None: all of them."""
    found: dict[str, set[str] | None] = {}
    for parameters in parameter_sets:
        for table, columns in columns_to_read(strategy, parameters, trading).items():
            known = found.get(table, set())
            found[table] = None if columns is None or known is None else known | set(columns)
    benchmark = found.get("benchmark", set())
    found["benchmark"] = None if benchmark is None else benchmark | _COMPARED
    return {table: None if each is None else sorted(each) for table, each in found.items()}


def market_evaluation(
    strategy: Strategy,
    parameter_sets: Sequence[StrategyParameters],
    tables: Mapping[str, pa.Table | None],
    market: Market,
    sessions: Iterable[date],
) -> Evaluation:
    """The strategy on its market, ready for any of the sets.

    Args:
        strategy: the plugin.
        parameter_sets: all that will be asked for, or enough of them to name every field.
        tables: those of `tables_of`, by name; what a market does not have is absent, None or empty.
        market: its rules of trading and its sessions a year.
        sessions: all sessions in the range, ascending.

    Raises:
        ValueError: no sessions, or a table without a needed column.
    """
    dates = np.array(list(sessions), "datetime64[D]")
    if not len(dates):
        raise ValueError(
            f"{market.name} has no sessions with adjusted bars: materialize them first"
        )
    adjusted = tables.get("adjusted_bars")
    if adjusted is None:
        raise ValueError("a sweep reads the table 'adjusted_bars'. Got none instead.")
    wanted = sorted({name for each in parameter_sets for name in bar_fields(strategy, each)})
    prices = Panel.from_table(adjusted, wanted, dates)
    fields = dict.fromkeys(name for each in parameter_sets for name in strategy.fields(each))
    trading = TradingData.from_tables(tables, dates, prices.symbols, market.trading)
    rules = market.trading

    def simulate(weights: FloatArray) -> FloatArray:
        return simulate_returns(np.ascontiguousarray(weights, np.float64), trading, rules)

    benchmark = tables.get("benchmark")
    index = series(benchmark, "index_close", dates)
    moved = np.full(len(dates), np.nan)
    moved[1:] = index[1:] / index[:-1] - 1.0
    return Evaluation(
        strategy,
        data_of_fields(fields, prices, tables),
        simulate,
        moved if np.isfinite(moved).any() else None,
        series(benchmark, "risk_free_rate", dates),
        market.annualization,
        fingerprint(rules.model_dump_json(), trading),
    )
