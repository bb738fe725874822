"""Metrics of how far the returns spread, and of their tails."""

from functools import partial

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.metric_registry import metric, ratio_of, register, root_of_year
from quant_assets.performance.normal_law import normal_quantile, normal_tail_mean
from quant_assets.performance.sample import Sample


@metric("Volatility", "fraction", "risk")
def volatility(sample: Sample) -> FloatArray:
    """Standard deviation of daily returns (ddof=1) times the root of the days a year."""
    return sample.own.deviation * root_of_year(sample)


@metric("Downside deviation", "fraction", "risk")
def downside_deviation(sample: Sample) -> FloatArray:
    """Root mean square of the negative excess returns, all days counted, times root of days a year.

    Excess is over the risk-free rate of the day; Sortino and Price (1994).
    """
    return sample.excess.downside * root_of_year(sample)


@metric("Skewness", "ratio", "risk")
def skewness(sample: Sample) -> FloatArray:
    """Third standardised moment, corrected for the sample's size (G1 of Joanes and Gill 1998)."""
    return sample.own.skewness


@metric("Excess kurtosis", "ratio", "risk")
def excess_kurtosis(sample: Sample) -> FloatArray:
    """Fourth standardised moment less 3, corrected for the sample's size (G2, ibid.)."""
    return sample.own.excess_kurtosis


@metric("Jarque-Bera statistic", "ratio", "risk")
def jarque_bera(sample: Sample) -> FloatArray:
    """T / 6 (g1² + g2² / 4) with the uncorrected skewness and excess kurtosis (ddof=0).

    Jarque and Bera (1980); chi-squared with 2 degrees of freedom if the returns are normal.
    """
    own = sample.own
    n = np.where((own.count > 1) & (own.deviation > 0), own.count, np.nan)
    variance = own.squares / n
    g1 = own.cubes / n / variance**1.5
    g2 = own.fourths / n / variance**2 - 3.0
    return n / 6.0 * (g1**2 + g2**2 / 4.0)


@metric("Jarque-Bera p-value", "fraction", "risk")
def jarque_bera_probability(sample: Sample) -> FloatArray:
    """Probability of so large a Jarque-Bera statistic among normal returns: exp(-statistic / 2)."""
    return np.exp(-jarque_bera(sample) / 2.0)


@metric("Autocorrelation", "ratio", "risk")
def autocorrelation(sample: Sample) -> FloatArray:
    """Pearson correlation of the daily return with that of the day before."""
    return sample.own.autocorrelation


@metric("Autocorrelation penalty", "ratio", "risk")
def autocorrelation_penalty(sample: Sample) -> FloatArray:
    """What the smart Sharpe ratio divides by, of returns instead of excess returns; at least 1."""
    return np.where(sample.own.count > 0, sample.own.penalty, np.nan)


@metric("Tail ratio", "ratio", "risk")
def tail_ratio(sample: Sample) -> FloatArray:
    """Size of the 95th percentile of daily returns over that of the 5th."""
    return ratio_of(np.abs(sample.tails.p95), np.abs(sample.tails.p5))


@metric("Value at risk (95 %)", "fraction", "risk")
def value_at_risk(sample: Sample) -> FloatArray:
    """The 5th percentile of daily returns, as they were (linear interpolation): no normal law."""
    return sample.tails.p5


@metric("Value at risk (99 %)", "fraction", "risk")
def value_at_risk_99(sample: Sample) -> FloatArray:
    """The 1st percentile of daily returns, as they were (linear interpolation): no normal law."""
    return sample.tails.p1


@metric("Expected shortfall (95 %)", "fraction", "risk")
def expected_shortfall(sample: Sample) -> FloatArray:
    """Mean of the floor(0.05 (T - 1)) + 1 lowest daily returns: those up to the value at risk."""
    return sample.tails.mean5


@metric("Expected shortfall (99 %)", "fraction", "risk")
def expected_shortfall_99(sample: Sample) -> FloatArray:
    """Mean of the floor(0.01 (T - 1)) + 1 lowest daily returns: those up to the value at risk."""
    return sample.tails.mean1


def _gaussian_quantile(sample: Sample, share: float) -> FloatArray:
    return sample.own.mean + normal_quantile(share) * sample.own.deviation


def _gaussian_shortfall(sample: Sample, share: float) -> FloatArray:
    return sample.own.mean - normal_tail_mean(share) * sample.own.deviation


def _divides(sample: Sample, share: float) -> np.ndarray:
    """Whether the Cornish-Fisher expansion q at the normal quantile z is a quantile of its law.

    It is, if q lies below q(z) left of z and above it right of z: q(x) - q(z) over x - z, a
    parabola in x, must be positive, looked at within six deviations. After one day of +50 % among a
    thousand it is not, and the value at risk would be a gain of 40 %. Maillard (2012) asks for
    more, that q ascends everywhere; daily returns with a kurtosis above 8 seldom meet that.
    """
    z, s, k = normal_quantile(share), sample.own.skewness, sample.own.excess_kurtosis
    cubic, square, linear = k / 24 - s**2 / 18, s / 6, 1 - k / 8 + 5 * s**2 / 36
    slope = cubic * z + square
    level = slope * z + linear
    vertex = np.where(cubic > 0, np.clip(ratio_of(-slope, 2 * cubic), -6, 6), 6.0)
    positive = [cubic * x**2 + slope * x + level > 0 for x in (-6.0, vertex, 6.0)]
    return np.asarray(np.all(positive, axis=0))


def _corrected_quantile(sample: Sample, share: float) -> FloatArray:
    z, s, k = normal_quantile(share), sample.own.skewness, sample.own.excess_kurtosis
    corrected = z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36
    quantile = sample.own.mean + corrected * sample.own.deviation
    return np.where(_divides(sample, share), quantile, np.nan)


def _corrected_shortfall(sample: Sample, share: float) -> FloatArray:
    z, s, k = normal_quantile(share), sample.own.skewness, sample.own.excess_kurtosis
    factor = 1 + z * s / 6 + (z**2 - 1) * k / 24 - (2 * z**2 - 1) * s**2 / 36
    mean = sample.own.mean - normal_tail_mean(share) * factor * sample.own.deviation
    return np.where(_divides(sample, share), mean, np.nan)


_LAWS = (
    (
        "value_at_risk_gaussian",
        "Gaussian value at risk",
        "Quantile at {share:g} of a normal law with the mean and standard deviation (ddof=1) of "
        "the daily returns.",
        _gaussian_quantile,
    ),
    (
        "expected_shortfall_gaussian",
        "Gaussian expected shortfall",
        "Mean of a normal law below its quantile at {share:g}, with the mean and standard "
        "deviation (ddof=1) of the daily returns.",
        _gaussian_shortfall,
    ),
    (
        "value_at_risk_cornish_fisher",
        "Cornish-Fisher value at risk",
        "Gaussian value at risk with its quantile at {share:g} corrected for skewness and excess "
        "kurtosis (G1, G2) by the expansion of Cornish and Fisher (Zangari 1996); NaN where the "
        "expansion does not divide the days at {share:g}, as after one extreme day.",
        _corrected_quantile,
    ),
    (
        "expected_shortfall_cornish_fisher",
        "Cornish-Fisher expected shortfall",
        "Mean of the quantiles of the Cornish-Fisher expansion below {share:g}: with z the normal "
        "quantile, the Gaussian tail mean times 1 + z S / 6 + (z² - 1) K / 24 - (2 z² - 1) S² / 36 "
        "(Maillard 2012); NaN where the value at risk is.",
        _corrected_shortfall,
    ),
)

for _name, _title, _text, _law in _LAWS:
    for _level in (95, 99):
        _share = (100 - _level) / 100
        register(
            f"{_name}_{_level}",
            f"{_title} ({_level} %)",
            "fraction",
            "risk",
            _text.format(share=_share),
            partial(_law, share=_share),
        )
