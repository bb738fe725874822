"""Metrics against the benchmark, on the days that both have."""

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.metric_registry import (
    annual_growth,
    metric,
    ratio_of,
    root_of_year,
)
from quant_assets.performance.sample import Sample
from quant_assets.performance.statistics import Line


def _annual_alpha(line: Line, annualization: float) -> FloatArray:
    daily = line.intercept
    return np.power(np.where(daily > -1, 1.0 + daily, np.nan), annualization) - 1.0


@metric("Beta", "ratio", "benchmark")
def beta(sample: Sample) -> FloatArray:
    """Covariance of excess returns with the benchmark's over the variance of the benchmark's."""
    return sample.paired_excess.slope


@metric("Alpha", "fraction", "benchmark")
def alpha(sample: Sample) -> FloatArray:
    """Mean of excess return less beta times the benchmark's, compounded to a year (Jensen 1968)."""
    return _annual_alpha(sample.paired_excess, sample.annualization)


@metric("Correlation", "ratio", "benchmark")
def correlation(sample: Sample) -> FloatArray:
    """Pearson correlation of daily returns with the benchmark's."""
    return sample.paired.correlation


@metric("R²", "fraction", "benchmark")
def r_squared(sample: Sample) -> FloatArray:
    """Squared correlation of daily returns with the benchmark's."""
    return sample.paired.correlation**2


@metric("Tracking error", "fraction", "benchmark")
def tracking_error(sample: Sample) -> FloatArray:
    """Standard deviation (ddof=1) of returns less the benchmark's, times root of days a year."""
    return sample.active.deviation * root_of_year(sample)


@metric("Information ratio", "ratio", "benchmark")
def information_ratio(sample: Sample) -> FloatArray:
    """Mean return above the benchmark's over its deviation (ddof=1), times root of days a year."""
    return ratio_of(sample.active.mean, sample.active.deviation) * root_of_year(sample)


@metric("Active return", "fraction", "benchmark")
def active_return(sample: Sample) -> FloatArray:
    """Compound annual return less the benchmark's, on the days that both have."""
    pairs, days, year = sample.pairs, sample.paired.count, sample.annualization
    return annual_growth(pairs.growth, days, year) - annual_growth(pairs.index_growth, days, year)


@metric("Treynor ratio", "fraction", "benchmark")
def treynor_ratio(sample: Sample) -> FloatArray:
    """Mean excess return times the days a year over beta. Treynor (1965)."""
    return ratio_of(sample.paired_excess.mean * sample.annualization, beta(sample))


@metric("Modigliani M²", "fraction", "benchmark")
def modigliani(sample: Sample) -> FloatArray:
    """Mean excess return at the benchmark's volatility, a year. Modigliani and Modigliani (1997).

    The ratio of the two deviations times the mean excess return times the days a year; without the
    risk-free rate added back.
    """
    line = sample.paired_excess
    scale = np.sqrt(line.index_squares / np.where(line.varies > 0, line.squares, np.nan))
    return line.mean * scale * sample.annualization


@metric("Appraisal ratio", "ratio", "benchmark")
def appraisal_ratio(sample: Sample) -> FloatArray:
    """Daily alpha over the deviation (ddof=2) of what beta leaves over, times root of days a year.

    Treynor and Black (1973).
    """
    line = sample.paired_excess
    residual = np.maximum(line.squares - line.slope * line.products, 0.0)
    rounding = 1e-14 * line.squares
    n = np.where((line.count > 2) & (residual > rounding), line.count, np.nan)
    return ratio_of(line.intercept, np.sqrt(residual / (n - 2))) * root_of_year(sample)


def _capture(growth: FloatArray, index: FloatArray, days: FloatArray, year: float) -> FloatArray:
    return ratio_of(annual_growth(growth, days, year), annual_growth(index, days, year))


@metric("Capture", "ratio", "benchmark")
def capture(sample: Sample) -> FloatArray:
    """Compound annual return over the benchmark's, on the days that both have."""
    pairs = sample.pairs
    return _capture(pairs.growth, pairs.index_growth, sample.paired.count, sample.annualization)


@metric("Up capture", "ratio", "benchmark")
def up_capture(sample: Sample) -> FloatArray:
    """Compound annual return over the benchmark's, on the days on which the benchmark rose."""
    pairs = sample.pairs
    return _capture(pairs.up, pairs.index_up, pairs.up_days, sample.annualization)


@metric("Down capture", "ratio", "benchmark")
def down_capture(sample: Sample) -> FloatArray:
    """Compound annual return over the benchmark's, on the days on which the benchmark fell."""
    pairs = sample.pairs
    return _capture(pairs.down, pairs.index_down, pairs.down_days, sample.annualization)


@metric("Up to down capture", "ratio", "benchmark")
def up_down_capture(sample: Sample) -> FloatArray:
    """Up capture over down capture."""
    return ratio_of(up_capture(sample), down_capture(sample))


@metric("Batting average", "fraction", "benchmark")
def batting_average(sample: Sample) -> FloatArray:
    """Share of days with a higher return than the benchmark's."""
    return ratio_of(sample.pairs.won, sample.paired.count)


@metric("Batting average in rising markets", "fraction", "benchmark")
def batting_average_up(sample: Sample) -> FloatArray:
    """Share of days with a higher return, of those on which the benchmark did not fall."""
    return ratio_of(sample.pairs.won_not_down, sample.pairs.not_down_days)


@metric("Batting average in falling markets", "fraction", "benchmark")
def batting_average_down(sample: Sample) -> FloatArray:
    """Share of days with a higher return, of those on which the benchmark fell."""
    return ratio_of(sample.pairs.won_down, sample.pairs.down_days)


@metric("Beta in rising markets", "ratio", "benchmark")
def up_beta(sample: Sample) -> FloatArray:
    """Beta of the days on which the benchmark rose."""
    return sample.rising.slope


@metric("Beta in falling markets", "ratio", "benchmark")
def down_beta(sample: Sample) -> FloatArray:
    """Beta of the days on which the benchmark fell."""
    return sample.falling.slope


@metric("Alpha in rising markets", "fraction", "benchmark")
def up_alpha(sample: Sample) -> FloatArray:
    """Alpha of the days on which the benchmark rose, compounded to a year of such days."""
    return _annual_alpha(sample.rising, sample.annualization)


@metric("Alpha in falling markets", "fraction", "benchmark")
def down_alpha(sample: Sample) -> FloatArray:
    """Alpha of the days on which the benchmark fell, compounded to a year of such days."""
    return _annual_alpha(sample.falling, sample.annualization)


@metric("Beta fragility", "fraction", "benchmark")
def beta_fragility(sample: Sample) -> FloatArray:
    """Returns of the benchmark's worst and best day, weighted, less that of its middle day.

    Negative: losses grow faster than the benchmark's. Taleb et al. (2012), "A New Heuristic
    Measure of Fragility and Tail Risks", as empyrical has it.
    """
    return sample.fragility
