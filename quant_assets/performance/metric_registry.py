"""The registry of metrics, and the arithmetic that several of them share.

A metric is one function of a `Sample` with a docstring that states its convention; registering it
puts it into every table and page. The metrics themselves stand in `absolute_metrics.py` and
`relative_metrics.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.sample import Sample

Unit = Literal["fraction", "ratio", "sessions"]
Group = Literal["return", "risk", "benchmark", "trading"]
Compute = Callable[[Sample], float]


@dataclass(frozen=True)
class Metric:
    """A registered metric; the description is the first paragraph of its function's docstring."""

    name: str
    title: str
    unit: Unit
    group: Group
    description: str
    compute: Compute


METRICS: dict[str, Metric] = {}


def metric(title: str, unit: Unit, group: Group) -> Callable[[Compute], Compute]:
    """Register the function below under its own name."""

    def register(function: Compute) -> Compute:
        text = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        name = function.__name__
        if name in METRICS or not text:
            raise ValueError(f"metric {name!r} is registered already or has no docstring")
        METRICS[name] = Metric(name, title, unit, group, text, function)
        return function

    return register


def ratio_of(numerator: float, denominator: float) -> float:
    """The quotient, NaN where the denominator is 0."""
    return numerator / denominator if denominator != 0 else np.nan


def deviation_of(values: FloatArray) -> float:
    """Sample standard deviation (ddof=1), 0 where all are equal, NaN with fewer than two.

    The mean of equal numbers can miss them by a bit, and a ratio to that residue would be noise.
    """
    if len(values) < 2:
        return np.nan
    return 0.0 if values.min() == values.max() else float(values.std(ddof=1))


def mean_to_deviation(values: FloatArray, annualization: float) -> float:
    """Mean over standard deviation (ddof=1), times the root of the days a year."""
    deviation = deviation_of(values)
    if np.isnan(deviation):
        return np.nan
    return ratio_of(float(values.mean()) * float(np.sqrt(annualization)), deviation)


def compound(returns: FloatArray) -> float:
    """Product of (1 + r) less 1; NaN without returns."""
    return float(np.prod(1.0 + returns) - 1.0) if len(returns) else np.nan


def annual_return(returns: FloatArray, annualization: float) -> float:
    """Compound annual return; NaN without returns or where more than the capital was lost."""
    final = 1.0 + compound(returns)
    if not final >= 0:
        return np.nan
    return float(np.power(final, annualization / len(returns))) - 1.0
