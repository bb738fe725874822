"""Metrics against the benchmark, and of the trading behind the returns."""

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.metric_registry import (
    annual_return,
    deviation_of,
    mean_to_deviation,
    metric,
    ratio_of,
)
from quant_assets.performance.sample import Sample


@metric("Beta", "ratio", "benchmark")
def beta(sample: Sample) -> float:
    """Covariance of excess returns with the benchmark's over the variance of the benchmark's."""
    index = sample.benchmark - sample.paired_risk_free
    if not deviation_of(index) > 0:
        return np.nan
    excess = sample.paired - sample.paired_risk_free
    centred = index - index.mean()
    return float(np.mean(centred * excess) / np.mean(centred**2))


@metric("Alpha", "fraction", "benchmark")
def alpha(sample: Sample) -> float:
    """Mean of excess return less beta times the benchmark's, compounded to a year (Jensen 1968)."""
    slope = beta(sample)
    if np.isnan(slope):
        return np.nan
    index = sample.benchmark - sample.paired_risk_free
    daily = np.mean(sample.paired - sample.paired_risk_free - slope * index)
    return float(np.power(1.0 + daily, sample.annualization) - 1.0) if daily > -1 else np.nan


@metric("Correlation", "ratio", "benchmark")
def correlation(sample: Sample) -> float:
    """Pearson correlation of daily returns with the benchmark's."""
    if not (deviation_of(sample.paired) > 0 and deviation_of(sample.benchmark) > 0):
        return np.nan
    return float(np.corrcoef(sample.paired, sample.benchmark)[0, 1])


@metric("Tracking error", "fraction", "benchmark")
def tracking_error(sample: Sample) -> float:
    """Standard deviation (ddof=1) of returns less the benchmark's, times root of days a year."""
    return deviation_of(sample.active) * float(np.sqrt(sample.annualization))


@metric("Information ratio", "ratio", "benchmark")
def information_ratio(sample: Sample) -> float:
    """Mean return above the benchmark's over its deviation (ddof=1), times root of days a year."""
    return mean_to_deviation(sample.active, sample.annualization)


def _capture(sample: Sample, days: np.ndarray) -> float:
    if not days.any():
        return np.nan
    own = annual_return(sample.paired[days], sample.annualization)
    return ratio_of(own, annual_return(sample.benchmark[days], sample.annualization))


@metric("Up capture", "ratio", "benchmark")
def up_capture(sample: Sample) -> float:
    """Compound annual return over the benchmark's, on the days on which the benchmark rose."""
    return _capture(sample, sample.benchmark > 0)


@metric("Down capture", "ratio", "benchmark")
def down_capture(sample: Sample) -> float:
    """Compound annual return over the benchmark's, on the days on which the benchmark fell."""
    return _capture(sample, sample.benchmark < 0)


def _mean(values: FloatArray | None) -> float:
    return float(values.mean()) if values is not None and len(values) else np.nan


@metric("Annual turnover", "ratio", "trading")
def annual_turnover(sample: Sample) -> float:
    """Mean daily traded value (purchases plus sales) over equity, times the days a year."""
    return _mean(sample.turnover) * sample.annualization


@metric("Average turnover", "fraction", "trading")
def average_turnover(sample: Sample) -> float:
    """Mean daily traded value (purchases plus sales) as a share of equity."""
    return _mean(sample.turnover)


@metric("Annual costs", "fraction", "trading")
def annual_cost(sample: Sample) -> float:
    """Mean daily trading costs as a share of equity, times the days a year."""
    return _mean(sample.cost) * sample.annualization


@metric("Exposure", "fraction", "trading")
def exposure(sample: Sample) -> float:
    """Mean over the days of the sum of absolute weights at the close."""
    return _mean(sample.exposure)
