"""Metrics of what the returns alone came to, without a look at their risk."""

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.metric_registry import annual_growth, metric
from quant_assets.performance.sample import Sample


@metric("Sessions", "count", "return")
def sessions(sample: Sample) -> FloatArray:
    """Days with a return, on which all other metrics stand; none after the loss of all capital."""
    return np.where(sample.own.count > 0, sample.own.count, np.nan)


@metric("Total return", "fraction", "return")
def total_return(sample: Sample) -> FloatArray:
    """Compound return of all days: product of (1 + r) less 1."""
    return sample.path.growth - 1.0


@metric("Annual return (CAGR)", "fraction", "return")
def cagr(sample: Sample) -> FloatArray:
    """Compound annual return: (1 + total return) ** (days a year / days) - 1; days are sessions."""
    return annual_growth(sample.path.growth, sample.own.count, sample.annualization)


@metric("Mean annual return", "fraction", "return")
def mean_annual_return(sample: Sample) -> FloatArray:
    """Arithmetic mean of the daily returns times the days a year, not compounded."""
    return sample.own.mean * sample.annualization


def annual_excess(sample: Sample) -> FloatArray:
    """Compound annual return less the mean risk-free rate of a day, compounded to a year."""
    rate = sample.own.mean - sample.excess.mean
    return cagr(sample) - (np.power(1.0 + rate, sample.annualization) - 1.0)


@metric("Expected daily return", "fraction", "return")
def expected_daily_return(sample: Sample) -> FloatArray:
    """Geometric mean of the days: (1 + total return) ** (1 / days) - 1."""
    return annual_growth(sample.path.growth, sample.own.count, 1.0)


@metric("Best day", "fraction", "return")
def best_day(sample: Sample) -> FloatArray:
    """Highest daily return."""
    return sample.own.highest


@metric("Worst day", "fraction", "return")
def worst_day(sample: Sample) -> FloatArray:
    """Lowest daily return."""
    return sample.own.lowest


@metric("Stability", "fraction", "return")
def stability(sample: Sample) -> FloatArray:
    """R² of a straight line through the cumulative log return; NaN where capital was lost."""
    return sample.path.straightness
