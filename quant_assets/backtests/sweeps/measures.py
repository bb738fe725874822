"""What parameter sets are judged by: the metrics in which more is better, of many sets at once.

Here stand the choice of metrics and the way from a matrix of returns to them; the metrics
themselves stand in `quant_assets.performance`.
"""

from collections.abc import Mapping

import numpy as np

from quant_assets.backtests.strategies.base import Strategy, StrategyError
from quant_assets.backtests.sweeps.evaluation import Evaluation
from quant_assets.backtests.sweeps.spaces import axes_of
from quant_assets.market_data.panels import FloatArray
from quant_assets.settings_files import near_name
from quant_assets.settings_research import StrategySettings

CHOOSING = (
    *("sharpe", "sortino", "calmar", "omega", "cagr", "total_return", "max_drawdown"),
    *("smart_sharpe", "probabilistic_sharpe", "smart_sortino", "recovery_factor", "pain_ratio"),
    *("ulcer_performance_index", "gain_to_pain", "profit_factor", "stability"),
    *("tail_ratio", "win_rate", "payoff_ratio", "alpha", "information_ratio", "treynor_ratio"),
)
"""Metrics to choose by: the higher, the better (a drawdown of -10 % is higher than of -20 %)."""


def check_metric(name: str, where: str) -> str:
    """The name, if parameter sets can be chosen by it.

    Raises:
        StrategyError: they cannot.
    """
    if name not in CHOOSING:
        raise StrategyError(
            f"{where}: no metric {name!r} to choose by{near_name(name, CHOOSING)} "
            f"(there are {', '.join(CHOOSING)})"
        )
    return name


def check_blocks(strategy: Strategy, settings: StrategySettings) -> None:
    """Check what the blocks `sweep` and `optimization` of a strategy name.

    Raises:
        StrategyError: a metric or a parameter that is none, or a value out of its bounds.
    """
    place = f"strategies.yaml: strategies.{strategy.name}"
    for block, metric, grid in (
        ("sweep", settings.sweep.metric, settings.sweep.grid),
        ("optimization", settings.optimization.metric, settings.optimization.space),
    ):
        check_metric(metric, f"{place}.{block}.metric")
        if grid is not None:
            try:
                axes_of(strategy, grid)
            except StrategyError as fault:
                raise StrategyError(f"{place}.{block}: {fault}") from None


def measured(
    evaluation: Evaluation, returns: FloatArray, rows: slice = slice(None), thread_no: int = 1
) -> Mapping[str, FloatArray]:
    """Every metric of every set over some sessions: name -> (S,), NaN where undefined.

    Ratios of a set that held nothing all the time are undefined: all that would vary is the
    risk-free rate, which makes them larger than those of any other set.

    Args:
        evaluation: where benchmark and risk-free rate come from.
        returns: of all sessions, shape (T, S), without NaN.
        rows: the sessions that count.
        thread_no: threads.
    """
    from quant_assets.performance.metrics import METRICS, metrics_of_many

    benchmark, counted = evaluation.benchmark, np.ascontiguousarray(returns[rows])
    found = metrics_of_many(
        counted,
        None if benchmark is None else benchmark[rows],
        evaluation.risk_free[rows],
        evaluation.annualization,
        dates=evaluation.dates[rows],
        thread_no=thread_no,
    )
    idle = ~counted.any(axis=0)
    if not idle.any():
        return found
    return {
        name: np.where(idle, np.nan, values) if METRICS[name].unit == "ratio" else values
        for name, values in found.items()
    }
