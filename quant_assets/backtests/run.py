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
import pyarrow.compute as pc

from quant_assets.backtests import simulation_codes as codes
from quant_assets.backtests.data import bar_fields, columns_of, strategy_data
from quant_assets.backtests.decisions import decide, hold_to_the_past
from quant_assets.backtests.fingerprint import fingerprint
from quant_assets.backtests.simulation import Simulation, simulate
from quant_assets.backtests.strategies.base import Strategy, StrategyError, StrategyParameters
from quant_assets.backtests.trading_data import TradingData, traded_columns
from quant_assets.market_data.panels import Panel, session_dates
from quant_assets.settings_trading import Trading

Number = int | float | str | None


@dataclass(frozen=True)
class BacktestResult:
    """The tables of one strategy's backtest, each `backtest…` of the warehouse.

    `summary` holds numbers for a run report, `warnings` sentences about what a reader must know,
    `parameters` what the strategy ran with, defaults included. `data_hash` stands for all that it
    and the simulation read, rules of trading included.
    """

    returns: pa.Table
    orders: pa.Table
    fills: pa.Table
    positions: pa.Table
    summary: dict[str, Number]
    warnings: tuple[str, ...]
    parameters: StrategyParameters
    data_hash: str

    @property
    def tables(self) -> dict[str, pa.Table]:
        """By their names in the warehouse; `backtest` last, for it tells that all are there."""
        return {
            "backtest_orders": self.orders,
            "backtest_fills": self.fills,
            "backtest_positions": self.positions,
            "backtest": self.returns,
        }


def columns_to_read(
    strategy: Strategy, parameters: StrategyParameters, trading: Trading
) -> dict[str, list[str] | None]:
    """The tables that a backtest reads, with the columns of each; None is all of them."""
    chosen: dict[str, list[str] | None] = dict(columns_of(strategy, parameters))
    for table, columns in traded_columns(trading).items():
        known = chosen.get(table) or []
        chosen[table] = columns and [*known, *(c for c in columns if c not in known)]
    return chosen


def run_backtest(
    strategy: Strategy,
    parameters: Mapping[str, Any],
    tables: Mapping[str, pa.Table | None],
    trading: Trading,
    sessions: Iterable[date],
) -> BacktestResult:
    """Run a strategy over the sessions: it reads adjusted prices, and raw ones are traded on.

    Returns begin on the session after the first decision: before it there is nothing to measure,
    and days of cash while a look-back fills or models are missing would dilute every metric.

    Args:
        strategy: the plugin.
        parameters: where they differ from its defaults.
        tables: by their names in the warehouse, with at least `columns_to_read`; but for
            `adjusted_bars` and `bars` each may be absent or None.
        trading: the rules of the market.
        sessions: all sessions of the market in the range, ascending.

    Raises:
        StrategyError: parameters out of bounds, an error in the strategy's code, or weights that
            break its contract or know the future.
        ValueError: no sessions, or a table without a needed column.
    """
    settled = strategy.parse(parameters)
    dates = np.array(list(sessions), "datetime64[D]")
    if not len(dates) or (np.diff(dates) <= np.timedelta64(0, "D")).any():
        raise ValueError(f"sessions must be ascending and not empty. Got {len(dates)} instead.")
    adjusted = tables.get("adjusted_bars")
    if adjusted is None:
        raise ValueError("a backtest reads the table 'adjusted_bars'. Got none instead.")
    prices = Panel.from_table(adjusted, bar_fields(strategy, settled), dates)
    data = strategy_data(strategy, settled, prices, tables)
    weights = decide(strategy, data, settled)
    traded = TradingData.from_tables(tables, dates, prices.symbols, trading)
    try:
        result = simulate(weights, traded, trading)
    except ValueError as error:
        raise StrategyError(f"strategy {strategy.name!r}: {error}") from None
    hold_to_the_past(strategy, data, settled, weights)
    before = _before_start(strategy, settled, dates, result, tables.get("predictions"))
    return BacktestResult(
        _named(strategy, result.returns),
        _named(strategy, result.orders),
        _named(strategy, result.fills),
        _named(strategy, result.positions),
        _summary(dates, result),
        (*before, *_notes(result)),
        settled,
        fingerprint(strategy.name, trading.model_dump_json(), data, traded),
    )


def _named(strategy: Strategy, table: pa.Table) -> pa.Table:
    name = pa.array([strategy.name] * table.num_rows, pa.string())
    return table.add_column(0, "strategy", name)


def _summary(dates: np.ndarray, result: Simulation) -> dict[str, Number]:
    account, decided = result.account, result.decided
    sessions = len(account.dates)
    status = _counts(result.orders, "status")
    capital = account.capital

    def total(column: int) -> float:
        return float(account.money(column).sum()) / capital

    return {
        "capital": capital,
        "sessions": sessions,
        "first_decision": str(dates[result.first]) if decided.any() else None,
        "last_session": str(account.dates[-1]) if sessions else None,
        "decisions": int(decided.sum()),
        "orders": result.orders.num_rows,
        **{f"{name}_orders": status.get(name, 0) for name in _TOLD},
        "fills": result.fills.num_rows,
        "scaled_down_sessions": int(account.money(codes.SCALED).sum()),
        "positions_closed_as_stale": _stale(result),
        "costs": float(account.cost.sum()),
        "commission": total(codes.FEES),
        "stamp_tax": total(codes.STAMP),
        "slippage": total(codes.SLIPPED),
        "dividends": total(codes.DIVIDENDS),
        "interest": total(codes.INTEREST),
        "borrow_cost": total(codes.BORROW),
        "income_tax": total(codes.TAX),
        "income_tax_owed": float(account.money(codes.OWED)[-1]) / capital if sessions else None,
        "turnover_per_session": _mean(result.returns, "turnover"),
        "exposure": _mean(result.returns, "exposure"),
        "positions": _mean(result.returns, "positions"),
        "final_equity": float(account.equity[-1]) / capital if sessions else None,
    }


_TOLD = ("partial", "waiting", "dropped", "rejected")


def _counts(table: pa.Table, column: str) -> dict[str, int]:
    counted = pc.value_counts(table[column].combine_chunks())
    return {each["values"]: each["counts"] for each in counted.to_pylist()}


def _stale(result: Simulation) -> int:
    return int((result.events.told_reason == codes.NO_BARS).sum())


def _mean(table: pa.Table, column: str) -> float | None:
    return float(table[column].to_numpy().mean()) if table.num_rows else None


def _before_start(
    strategy: Strategy,
    parameters: StrategyParameters,
    dates: np.ndarray,
    result: Simulation,
    predictions: pa.Table | None,
) -> Iterable[str]:
    """Why the first sessions have no returns."""
    scored = "score" in strategy.fields(parameters)
    if scored and (predictions is None or not predictions.num_rows):
        yield "there are no predictions: train the models of these months first"
    elif scored and predictions is not None:
        start = session_dates(predictions["date"]).min()
        if start > dates[0]:
            yield f"no predictions before {start}"
    if not result.decided.any():
        yield (
            f"nothing was decided on {len(dates)} sessions (the look-back is "
            f"{strategy.lookback(parameters)}): there are no returns"
        )
    elif result.first:
        yield (
            f"returns begin after the first decision on {dates[result.first]}: the "
            f"{result.first} sessions before it are left out"
        )


def _notes(result: Simulation) -> Iterable[str]:
    """What happened on the way that a reader of the returns must know."""
    if result.ruined:
        yield f"the capital was lost on {result.ruined}: the simulation ends there"
    told = result.orders.filter(pc.not_equal(result.orders["reason"], ""))
    unfilled = told.filter(pc.not_equal(told["status"], "filled"))
    reasons = _counts(unfilled, "reason")
    if reasons:
        parts = ", ".join(f"{name} {count}" for name, count in sorted(reasons.items()))
        yield f"orders not done, or not in full, by reason: {parts}"
    if stale := _stale(result):
        yield f"positions without bars that were closed at their last close: {stale}"
