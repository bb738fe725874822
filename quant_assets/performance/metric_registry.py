"""The registry of metrics, and the arithmetic that several of them share.

A metric is one function of a `Sample` of S series, its result an array of shape (S,), with a
docstring that states its convention; registering it puts it into every table and page. The metrics
themselves stand in the modules that `metrics.py` imports.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.sample import Sample

Unit = Literal["fraction", "ratio", "sessions", "days", "count"]
Group = Literal["return", "risk", "drawdown", "gains", "periods", "benchmark", "trading"]
Compute = Callable[[Sample], FloatArray]


@dataclass(frozen=True)
class Metric:
    """A registered metric; the description is the first paragraph of its function's docstring."""

    name: str
    title: str
    unit: Unit
    group: Group
    description: str
    compute: Compute


# In the order of tables and pages.
GROUPS: tuple[Group, ...] = (
    "return",
    "risk",
    "drawdown",
    "gains",
    "periods",
    "benchmark",
    "trading",
)

REGISTERED: dict[str, Metric] = {}


def metric(title: str, unit: Unit, group: Group) -> Callable[[Compute], Compute]:
    """Register the function below under its own name."""

    def decorate(function: Compute) -> Compute:
        text = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        register(function.__name__, title, unit, group, text, function)
        return function

    return decorate


def register(
    name: str, title: str, unit: Unit, group: Group, description: str, compute: Compute
) -> None:
    """Add a metric; for families of metrics that differ in a number or a period only.

    Raises:
        ValueError: the name or the title is taken, or there is no description.
    """
    if (
        name in REGISTERED
        or title in {each.title for each in REGISTERED.values()}
        or not description
    ):
        raise ValueError(f"metric {name!r} ({title}) is registered already or has no description")
    REGISTERED[name] = Metric(name, title, unit, group, description, compute)


def ratio_of(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """The quotient, NaN where the denominator is 0."""
    return numerator / np.where(denominator != 0, denominator, np.nan)


def root_of_year(sample: Sample) -> float:
    """By which a deviation of days becomes one of a year, days being independent."""
    return float(np.sqrt(sample.annualization))


def annual_growth(growth: FloatArray, count: FloatArray, annualization: float) -> FloatArray:
    """Compound annual return; NaN without days or where more than the capital was lost."""
    known = (count > 0) & (growth >= 0)
    years = np.where(known, count, np.nan) / annualization
    return np.power(np.where(known, growth, np.nan), 1.0 / years) - 1.0
