"""Metrics of a series of daily simple returns, each with its convention in its docstring.

`METRICS` lists them with title, unit, group and description; tables and pages are made from it.
What is undefined (no dispersion, no loss, no benchmark, too few days) is NaN, never an error and
never 0. Standard deviations are of samples (ddof=1).
"""

import numpy as np

from quant_assets.performance import absolute_metrics as absolute_metrics
from quant_assets.performance import relative_metrics as relative_metrics
from quant_assets.performance.metric_registry import METRICS as METRICS
from quant_assets.performance.metric_registry import Metric as Metric
from quant_assets.performance.sample import Values, make_sample


def metrics(
    returns: Values,
    benchmark: Values | None = None,
    risk_free: float | Values = 0.0,
    annualization: float = 252,
    turnover: Values | None = None,
    cost: Values | None = None,
    exposure: Values | None = None,
) -> dict[str, float]:
    """All metrics by name, in the order of the registry; undefined ones are NaN.

    Args:
        returns: daily simple returns, shape (T,).
        benchmark: of the same days.
        risk_free: annual rate as a fraction, one number or one a day.
        annualization: days a year.
        turnover: traded value as a share of equity, of the same days.
        cost: trading costs as a share of equity, of the same days.
        exposure: sum of absolute weights, of the same days.

    Missing values are left out as told in `sample.make_sample`.

    Raises:
        ValueError: shapes that differ, infinite values.
    """
    sample = make_sample(returns, benchmark, risk_free, annualization, turnover, cost, exposure)
    with np.errstate(over="ignore"):
        values = {name: float(metric.compute(sample)) for name, metric in METRICS.items()}
    return {name: value if np.isfinite(value) else np.nan for name, value in values.items()}
