"""Metrics that set what was earned against the risk at which it was earned."""

import math

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance import deflation
from quant_assets.performance.metric_registry import metric, ratio_of, root_of_year
from quant_assets.performance.normal_law import normal_tail_mean
from quant_assets.performance.return_metrics import annual_excess, cagr
from quant_assets.performance.sample import Sample
from quant_assets.performance.statistics import Moments


def _daily_sharpe(moments: Moments) -> FloatArray:
    return ratio_of(moments.mean, moments.deviation)


def _excess_sharpe(sample: Sample) -> FloatArray:
    """Of a day; NaN where the returns do not vary: what then varies is the rate, not the series."""
    return np.where(sample.own.deviation > 0, _daily_sharpe(sample.excess), np.nan)


def _daily_sortino(moments: Moments) -> FloatArray:
    return ratio_of(moments.mean, moments.downside)


def _probability(sample: Sample, daily: FloatArray) -> FloatArray:
    excess = sample.excess
    return deflation.probabilistic_sharpe(
        daily, excess.count, excess.skewness, excess.excess_kurtosis + 3.0
    )


@metric("Sharpe ratio", "ratio", "return")
def sharpe(sample: Sample) -> FloatArray:
    """Mean excess return over its standard deviation (ddof=1), times the root of the days a year.

    Sharpe (1994), "The Sharpe Ratio". Excess is over the risk-free rate of each day. NaN where the
    returns themselves do not vary, as those of an account in cash.
    """
    return _excess_sharpe(sample) * root_of_year(sample)


@metric("Smart Sharpe ratio", "ratio", "return")
def smart_sharpe(sample: Sample) -> FloatArray:
    """Sharpe ratio over the root of 1 + 2 x sum of (1 - x / T) |c| ** x, c the autocorrelation.

    x runs over the lags 1 to T - 1 and c is that of the excess returns at lag 1: a persistent
    series is more volatile over a year than its days suggest. The form is that of QuantStats.
    """
    return sharpe(sample) / sample.excess.penalty


@metric("Probabilistic Sharpe ratio", "fraction", "return")
def probabilistic_sharpe(sample: Sample) -> FloatArray:
    """Probability that the true Sharpe ratio is above 0, given length, skewness and kurtosis.

    Bailey and López de Prado (2012); moments of the excess returns, corrected for size.
    """
    return _probability(sample, _excess_sharpe(sample))


@metric("Deflated Sharpe ratio", "fraction", "return")
def deflated_sharpe(sample: Sample) -> FloatArray:
    """Probability that the true Sharpe ratio beats the best of as many worthless trials.

    Bailey and López de Prado (2014). NaN unless the number of trials and the variance of their
    Sharpe ratios of a day are told.
    """
    excess = sample.excess
    return deflation.deflated_sharpe(
        _excess_sharpe(sample),
        excess.count,
        excess.skewness,
        excess.excess_kurtosis + 3.0,
        sample.trials,
        sample.variance_of_sharpes,
    )


@metric("Standard error of the Sharpe ratio", "ratio", "return")
def sharpe_error(sample: Sample) -> FloatArray:
    """Root of (1 - skewness SR + (kurtosis - 1) / 4 SR²) / (T - 1), annual.

    SR is that of a day. Mertens (2002), as in Bailey and López de Prado (2012).
    """
    excess = sample.excess
    error = deflation.sharpe_error(
        _excess_sharpe(sample), excess.count, excess.skewness, excess.excess_kurtosis + 3.0
    )
    return error * root_of_year(sample)


@metric("Minimum track record", "sessions", "return")
def minimum_track_record(sample: Sample) -> FloatArray:
    """Sessions after which the probabilistic Sharpe ratio reaches 95 %, the moments unchanged.

    Bailey and López de Prado (2012). NaN where the mean excess return is not above 0.
    """
    excess = sample.excess
    return deflation.minimum_track_record(
        _excess_sharpe(sample), excess.skewness, excess.excess_kurtosis + 3.0
    )


@metric("Sortino ratio", "ratio", "return")
def sortino(sample: Sample) -> FloatArray:
    """Mean excess return over the root mean square of the negative ones, times root of days a year.

    Days without loss count as 0 in the mean of squares. Sortino and Price (1994).
    """
    return _daily_sortino(sample.excess) * root_of_year(sample)


@metric("Smart Sortino ratio", "ratio", "return")
def smart_sortino(sample: Sample) -> FloatArray:
    """Sortino ratio over the penalty for autocorrelation of the smart Sharpe ratio."""
    return sortino(sample) / sample.excess.penalty


@metric("Adjusted Sortino ratio", "ratio", "return")
def adjusted_sortino(sample: Sample) -> FloatArray:
    """Sortino ratio over the root of 2, which makes it comparable with a Sharpe ratio.

    Schwager; for returns symmetric about 0 the two are then equal.
    """
    return sortino(sample) / math.sqrt(2.0)


@metric("Smart adjusted Sortino ratio", "ratio", "return")
def smart_adjusted_sortino(sample: Sample) -> FloatArray:
    """Smart Sortino ratio over the root of 2."""
    return smart_sortino(sample) / math.sqrt(2.0)


@metric("Probabilistic Sortino ratio", "fraction", "return")
def probabilistic_sortino(sample: Sample) -> FloatArray:
    """As the probabilistic Sharpe ratio, with the Sortino ratio of a day in its place.

    No law stands behind it: the error is that of a Sharpe ratio. The form is that of QuantStats.
    """
    return _probability(sample, _daily_sortino(sample.excess))


@metric("Probabilistic adjusted Sortino ratio", "fraction", "return")
def probabilistic_adjusted_sortino(sample: Sample) -> FloatArray:
    """As the probabilistic Sortino ratio, with the adjusted Sortino ratio of a day."""
    return _probability(sample, _daily_sortino(sample.excess) / math.sqrt(2.0))


@metric("Calmar ratio", "ratio", "return")
def calmar(sample: Sample) -> FloatArray:
    """Compound annual return over the size of the maximum drawdown of the whole series."""
    return ratio_of(cagr(sample), -sample.drawdowns.deepest)


@metric("Omega ratio", "ratio", "return")
def omega(sample: Sample) -> FloatArray:
    """Sum of positive excess returns over the sum of negative ones, threshold the risk-free rate.

    Keating and Shadwick (2002).
    """
    return ratio_of(sample.excess.gains, -sample.excess.losses)


@metric("Upside potential ratio", "ratio", "return")
def upside_potential(sample: Sample) -> FloatArray:
    """Mean of the positive excess returns over all days, over the daily downside deviation.

    Sortino, van der Meer and Plantinga (1999).
    """
    return ratio_of(ratio_of(sample.excess.gains, sample.excess.count), sample.excess.downside)


@metric("Risk-return ratio", "ratio", "return")
def risk_return_ratio(sample: Sample) -> FloatArray:
    """Mean daily return over its standard deviation (ddof=1): a Sharpe ratio of a day at rate 0."""
    return _daily_sharpe(sample.own)


@metric("Risk-adjusted return", "fraction", "return")
def risk_adjusted_return(sample: Sample) -> FloatArray:
    """Compound annual return over the time in the market."""
    moved = sample.own.gain_count + sample.own.loss_count
    return ratio_of(cagr(sample), ratio_of(moved, sample.own.count))


@metric("Gain to pain ratio", "ratio", "return")
def gain_to_pain(sample: Sample) -> FloatArray:
    """Sum of the daily returns over the size of the sum of the negative ones.

    Schwager (2012), by day.
    """
    return ratio_of(sample.own.gains + sample.own.losses, -sample.own.losses)


@metric("Recovery factor", "ratio", "return")
def recovery_factor(sample: Sample) -> FloatArray:
    """Total compound return over the size of the maximum drawdown."""
    return ratio_of(sample.path.growth - 1.0, -sample.drawdowns.deepest)


@metric("Ulcer performance index", "ratio", "return")
def ulcer_performance_index(sample: Sample) -> FloatArray:
    """Compound annual return above the risk-free rate over the ulcer index.

    Martin and McCann (1989), also called the Martin ratio.
    """
    return ratio_of(annual_excess(sample), ulcer(sample))


@metric("Pain ratio", "ratio", "return")
def pain_ratio(sample: Sample) -> FloatArray:
    """Compound annual return above the risk-free rate over the mean loss from the peak.

    Becker (2006), with the pain index of all days.
    """
    return ratio_of(annual_excess(sample), -sample.drawdowns.mean)


@metric("Burke ratio", "ratio", "return")
def burke_ratio(sample: Sample) -> FloatArray:
    """Compound annual return above the risk-free rate over root of the sum of squared drawdowns.

    Each drawdown counts once, by its greatest loss. Burke (1994), "A Sharper Sharpe Ratio".
    """
    return ratio_of(annual_excess(sample), np.sqrt(sample.drawdowns.depth_squares))


@metric("Serenity index", "ratio", "return")
def serenity_index(sample: Sample) -> FloatArray:
    """Sum of excess returns over ulcer index times pitfall (shortfall of drawdowns by deviation).

    Pitfall is the size of the Gaussian expected shortfall (95 %) of the losses from the peak, over
    the standard deviation (ddof=1) of daily returns. KeyQuant (2015), "The Serenity Ratio", in the
    form of QuantStats, which grows with the length of the series.
    """
    falls = sample.drawdowns
    n = np.where(sample.own.count > 1, sample.own.count, np.nan)
    deviation = np.sqrt(falls.spread / (n - 1))
    shortfall = falls.mean - deviation * normal_tail_mean(0.05)
    pitfall = ratio_of(-shortfall, sample.own.deviation)
    return ratio_of(sample.excess.mean * sample.excess.count, ulcer(sample) * pitfall)


def ulcer(sample: Sample) -> FloatArray:
    """Root mean square of the loss from the peak."""
    days = np.where(sample.own.count > 0, sample.own.count, np.nan)
    return np.sqrt(sample.drawdowns.squares / days)
