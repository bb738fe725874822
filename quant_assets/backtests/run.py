"""One backtest: a strategy decides on the warehouse's tables, its decisions are traded.

Here stand the way from tables to tables and the report of what happened. The rules of trading
stand in `simulation.py`, the strategies in `strategies/`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from quant_assets.backtests.data import bar_fields, strategy_data
from quant_assets.backtests.simulation import Execution, Simulation, decisions, simulate
from quant_assets.backtests.strategies.base import Strategy, StrategyError, StrategyParameters
from quant_assets.market_data.panels import Panel, session_dates
from quant_assets.settings import Costs

Number = int | float | str | None


@dataclass(frozen=True)
class BacktestResult:
    """The tables `backtest`, `backtest_trades` and `backtest_positions` of one strategy.

    `summary` holds numbers for a run report, `warnings` sentences about what a reader must know,
    `parameters` what the strategy ran with, defaults included.
    """

    returns: pa.Table
    trades: pa.Table
    positions: pa.Table
    summary: dict[str, Number]
    warnings: tuple[str, ...]
    parameters: StrategyParameters


def run_backtest(
    strategy: Strategy,
    parameters: Mapping[str, Any],
    adjusted: pa.Table,
    universe: pa.Table,
    benchmark: pa.Table | None,
    predictions: pa.Table | None,
    costs: Costs,
    sessions: Iterable[date],
    execution: Execution = "next_open",
    stale_sessions: int = 10,
) -> BacktestResult:
    """Run a strategy over the sessions.

    Returns begin on the session after the first decision: before it there is nothing to measure,
    and days of cash while a look-back fills or models are missing would dilute every metric.

    Args:
        strategy: the plugin.
        parameters: where they differ from its defaults.
        adjusted: table `adjusted_bars`: date, symbol, open, close, volume and the strategy's needs.
        universe: table `universe`: date, symbol and the columns that the strategy needs.
        benchmark: table `benchmark`, for strategies that need it.
        predictions: table `predictions`, for strategies that need it.
        costs: of the market.
        sessions: all sessions of the market in the range, ascending.
        execution: when decisions are traded.
        stale_sessions: sessions without a bar after which a position is closed.

    Raises:
        StrategyError: parameters out of bounds, or weights that break the strategy's contract.
        ValueError: no sessions, or a table without a needed column.
    """
    settled = strategy.parse(parameters)
    dates = np.array(list(sessions), "datetime64[D]")
    if not len(dates) or (np.diff(dates) <= np.timedelta64(0, "D")).any():
        raise ValueError(f"sessions must be ascending and not empty. Got {len(dates)} instead.")
    prices = Panel.from_table(adjusted, bar_fields(strategy), dates)
    data = strategy_data(strategy, prices, universe, benchmark, predictions)
    weights = np.asarray(strategy.target_weights(data, settled), np.float64)
    try:
        decided = decisions(weights, prices)
    except ValueError as error:
        raise StrategyError(f"strategy {strategy.name!r}: {error}") from None
    result = simulate(weights, prices, costs, 1.0, execution, stale_sessions)
    summary = _summary(dates, decided, result)
    warnings = [*_before_start(strategy, settled, dates, decided, predictions), *_notes(result)]
    return BacktestResult(
        _named(strategy, result.returns),
        _named(strategy, result.trades),
        _named(strategy, result.positions),
        summary,
        tuple(warnings),
        settled,
    )


def _named(strategy: Strategy, table: pa.Table) -> pa.Table:
    name = pa.array([strategy.name] * table.num_rows, pa.string())
    return table.add_column(0, "strategy", name)


def _summary(dates: np.ndarray, decided: np.ndarray, result: Simulation) -> dict[str, Number]:
    returns = result.returns
    first = str(dates[np.argmax(decided)]) if decided.any() else None
    sessions = returns.num_rows
    return {
        "sessions": sessions,
        "first_decision": first,
        "last_session": str(result.ledger.dates[-1]) if sessions else None,
        "decisions": int(decided.sum()),
        "orders": result.orders,
        "dropped_orders": result.dropped,
        "scaled_down_sessions": result.scaled,
        "positions_closed_as_stale": result.stale,
        "costs": float(returns["cost"].to_numpy().sum()),
        "turnover_per_session": _mean(returns, "turnover"),
        "exposure": _mean(returns, "exposure"),
        "positions": _mean(returns, "positions"),
        "final_equity": float(result.ledger.equity[-1]) if sessions else None,
    }


def _mean(table: pa.Table, column: str) -> float | None:
    return float(table[column].to_numpy().mean()) if table.num_rows else None


def _before_start(
    strategy: Strategy,
    parameters: StrategyParameters,
    dates: np.ndarray,
    decided: np.ndarray,
    predictions: pa.Table | None,
) -> Iterable[str]:
    """Why the first sessions have no returns."""
    scored = "score" in strategy.needs
    if scored and (predictions is None or not predictions.num_rows):
        yield "there are no predictions: train the models of these months first"
    elif scored and predictions is not None:
        start = session_dates(predictions["date"]).min()
        if start > dates[0]:
            yield f"no predictions before {start}"
    if not decided.any():
        yield (
            f"nothing was decided on {len(dates)} sessions (the look-back is "
            f"{strategy.lookback(parameters)}): there are no returns"
        )
    elif skipped := int(np.argmax(decided)):
        yield (
            f"returns begin after the first decision on {dates[skipped]}: the "
            f"{skipped} sessions before it are left out"
        )


def _notes(result: Simulation) -> Iterable[str]:
    """What happened on the way that a reader of the returns must know."""
    if result.ruined:
        yield f"the capital was lost on {result.ruined}: the simulation ends there"
    if result.dropped:
        yield f"orders dropped because the symbol did not trade on the day: {result.dropped}"
    if result.scaled:
        yield f"sessions on which purchases were scaled down for want of cash: {result.scaled}"
    if result.stale:
        yield f"positions without bars that were closed at their last close: {result.stale}"
