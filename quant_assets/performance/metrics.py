"""Metrics of daily simple returns, of one series or of thousands, each with its convention.

`METRICS` lists them with title, unit, group and description; tables and pages are made from it.
What is undefined (no dispersion, no loss, no benchmark, no dates, too few days) is NaN, never an
error and never 0. Standard deviations are of samples (ddof=1). The input is always returns: nothing
here guesses whether it might be prices.
"""

from collections.abc import Mapping

import numpy as np

from quant_assets.market_data.panels import FloatArray

# Imported for what they register.
from quant_assets.performance import (  # noqa: F401
    drawdown_metrics,
    gain_metrics,
    period_metrics,
    ratio_metrics,
    relative_metrics,
    return_metrics,
    risk_metrics,
    trading_metrics,
)
from quant_assets.performance.metric_registry import GROUPS, REGISTERED
from quant_assets.performance.metric_registry import Metric as Metric
from quant_assets.performance.sample import Values, make_sample

METRICS: Mapping[str, Metric] = {
    each.name: each
    for each in sorted(REGISTERED.values(), key=lambda metric: GROUPS.index(metric.group))
}


def metrics(
    returns: Values,
    benchmark: Values | None = None,
    risk_free: float | Values = 0.0,
    annualization: float = 252,
    turnover: Values | None = None,
    cost: Values | None = None,
    exposure: Values | None = None,
    dates: np.ndarray | None = None,
    trials: float | None = None,
    variance_of_sharpes: float | None = None,
) -> dict[str, float]:
    """All metrics of one series by name, in the order of the registry; undefined ones are NaN.

    Args:
        returns: daily simple returns, shape (T,).
        turnover, cost, exposure: of the same days, shape (T,).

    The rest, and the errors, as in `metrics_of_many`, of which this is the first column.
    """
    alone = np.asarray(returns, np.float64)
    if alone.ndim != 1:
        raise ValueError(f"returns must have the shape (T,). Got {alone.shape} instead.")
    values_of = metrics_of_many(
        alone[:, None],
        benchmark,
        risk_free,
        annualization,
        turnover=_column("turnover", turnover, alone),
        cost=_column("cost", cost, alone),
        exposure=_column("exposure", exposure, alone),
        dates=dates,
        trials=trials,
        variance_of_sharpes=variance_of_sharpes,
    )
    single = {name: float(values[0]) for name, values in values_of.items()}
    return {name: value if np.isfinite(value) else np.nan for name, value in single.items()}


def metrics_of_many(
    returns: FloatArray,
    benchmark: Values | None = None,
    risk_free: float | Values = 0.0,
    annualization: float = 252,
    turnover: FloatArray | None = None,
    cost: FloatArray | None = None,
    exposure: FloatArray | None = None,
    dates: np.ndarray | None = None,
    trials: float | None = None,
    variance_of_sharpes: float | None = None,
    thread_no: int = 1,
) -> dict[str, FloatArray]:
    """All metrics of many series by name, each of shape (S,); what is undefined is NaN.

    Args:
        returns: daily simple returns, shape (T, S).
        benchmark: returns of the same days, shape (T,).
        risk_free: annual rate as a fraction, one number or one a day.
        annualization: days a year.
        turnover: traded value as a share of equity, shape (T, S).
        cost: trading costs as a share of equity, shape (T, S).
        exposure: sum of absolute weights, shape (T, S).
        dates: `datetime64` of the days, ascending; what counts calendar periods is NaN without.
        trials: how many strategies the series were chosen from, for the deflated Sharpe ratio.
        variance_of_sharpes: of these trials' Sharpe ratios of a day.
        thread_no: threads.

    Missing values are left out as told in `sample.make_sample`.

    Raises:
        ValueError: shapes that differ, infinite values, dates that do not ascend.
    """
    sample = make_sample(
        returns,
        benchmark,
        risk_free,
        annualization,
        turnover,
        cost,
        exposure,
        dates,
        trials,
        variance_of_sharpes,
        thread_no,
    )
    with np.errstate(all="ignore"):
        values = {name: metric.compute(sample) for name, metric in METRICS.items()}
    return {name: np.where(np.isfinite(each), each, np.nan) for name, each in values.items()}


def _column(name: str, values: Values | None, like: FloatArray) -> FloatArray | None:
    if values is None:
        return None
    column = np.asarray(values, np.float64)
    if column.shape != like.shape:
        raise ValueError(
            f"{name} must have the shape {like.shape}, that of the returns. "
            f"Got {column.shape} instead."
        )
    return column[:, None]
