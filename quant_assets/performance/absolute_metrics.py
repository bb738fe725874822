"""Metrics of the returns alone: what they earned and at what risk."""

import numpy as np

from quant_assets.performance.drawdowns import drawdown_series, longest_drawdown
from quant_assets.performance.metric_registry import (
    annual_return,
    compound,
    deviation_of,
    mean_to_deviation,
    metric,
    ratio_of,
)
from quant_assets.performance.sample import Sample

_TAIL = 5.0  # percent of the days that count as the tail


@metric("Total return", "fraction", "return")
def total_return(sample: Sample) -> float:
    """Compound return of all days: product of (1 + r) less 1."""
    return compound(sample.returns)


@metric("Annual return (CAGR)", "fraction", "return")
def cagr(sample: Sample) -> float:
    """Compound annual return: (1 + total return) ** (days a year / days) - 1; days are sessions."""
    return annual_return(sample.returns, sample.annualization)


@metric("Volatility", "fraction", "risk")
def volatility(sample: Sample) -> float:
    """Standard deviation of daily returns (ddof=1) times the root of the days a year."""
    return deviation_of(sample.returns) * float(np.sqrt(sample.annualization))


@metric("Sharpe ratio", "ratio", "return")
def sharpe(sample: Sample) -> float:
    """Mean excess return over its standard deviation (ddof=1), times the root of the days a year.

    Sharpe (1994), "The Sharpe Ratio". Excess is over the risk-free rate of each day.
    """
    return mean_to_deviation(sample.excess, sample.annualization)


@metric("Sortino ratio", "ratio", "return")
def sortino(sample: Sample) -> float:
    """Mean excess return over the root mean square of the negative ones, times root of days a year.

    Days without loss count as 0 in the mean of squares. Sortino and Price (1994).
    """
    excess = sample.excess
    if len(excess) < 2:
        return np.nan
    downside = float(np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2)))
    return ratio_of(float(excess.mean()) * float(np.sqrt(sample.annualization)), downside)


@metric("Calmar ratio", "ratio", "return")
def calmar(sample: Sample) -> float:
    """Compound annual return over the size of the maximum drawdown of the whole series."""
    return ratio_of(cagr(sample), -max_drawdown(sample))


@metric("Omega ratio", "ratio", "return")
def omega(sample: Sample) -> float:
    """Sum of positive excess returns over the sum of negative ones, threshold the risk-free rate.

    Keating and Shadwick (2002).
    """
    excess = sample.excess
    return ratio_of(float(excess[excess > 0].sum()), -float(excess[excess < 0].sum()))


@metric("Maximum drawdown", "fraction", "risk")
def max_drawdown(sample: Sample) -> float:
    """Largest loss from a peak, the start of capital included; 0 or negative."""
    return float(drawdown_series(sample.returns).min()) if len(sample.returns) else np.nan


@metric("Longest drawdown", "sessions", "risk")
def longest_drawdown_sessions(sample: Sample) -> float:
    """Sessions of the longest unbroken time below a peak, recovered or not."""
    return float(longest_drawdown(sample.returns)) if len(sample.returns) else np.nan


@metric("Skewness", "ratio", "risk")
def skewness(sample: Sample) -> float:
    """Third standardised moment, corrected for the sample's size (G1 of Joanes and Gill 1998)."""
    r, n = sample.returns, len(sample.returns)
    if n < 3 or not deviation_of(r) > 0:
        return np.nan
    centred = r - r.mean()
    g1 = np.mean(centred**3) / np.mean(centred**2) ** 1.5
    return float(g1 * np.sqrt(n * (n - 1)) / (n - 2))


@metric("Excess kurtosis", "ratio", "risk")
def excess_kurtosis(sample: Sample) -> float:
    """Fourth standardised moment less 3, corrected for the sample's size (G2, ibid.)."""
    r, n = sample.returns, len(sample.returns)
    if n < 4 or not deviation_of(r) > 0:
        return np.nan
    centred = r - r.mean()
    g2 = np.mean(centred**4) / np.mean(centred**2) ** 2 - 3.0
    return float((n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6.0))


@metric("Value at risk (95 %)", "fraction", "risk")
def value_at_risk(sample: Sample) -> float:
    """The 5th percentile of daily returns, as they were (linear interpolation): no normal law."""
    return float(np.percentile(sample.returns, _TAIL)) if len(sample.returns) else np.nan


@metric("Expected shortfall (95 %)", "fraction", "risk")
def expected_shortfall(sample: Sample) -> float:
    """Mean of the floor(0.05 (T - 1)) + 1 lowest daily returns: those up to the value at risk."""
    if not len(sample.returns):
        return np.nan
    last = int((len(sample.returns) - 1) * _TAIL / 100)
    return float(np.sort(sample.returns)[: last + 1].mean())


@metric("Tail ratio", "ratio", "risk")
def tail_ratio(sample: Sample) -> float:
    """Size of the 95th percentile of daily returns over that of the 5th."""
    if not len(sample.returns):
        return np.nan
    low, high = np.percentile(sample.returns, [_TAIL, 100 - _TAIL])
    return ratio_of(abs(float(high)), abs(float(low)))


@metric("Days with a gain", "fraction", "return")
def win_rate(sample: Sample) -> float:
    """Share of all days with a return above 0; days of exactly 0 count as days."""
    return float(np.mean(sample.returns > 0)) if len(sample.returns) else np.nan


@metric("Payoff ratio", "ratio", "return")
def payoff_ratio(sample: Sample) -> float:
    """Mean gain of the days with a gain over the size of the mean loss of the days with a loss."""
    gains, losses = sample.returns[sample.returns > 0], sample.returns[sample.returns < 0]
    if not len(gains) or not len(losses):
        return np.nan
    return ratio_of(float(gains.mean()), -float(losses.mean()))


@metric("Best day", "fraction", "return")
def best_day(sample: Sample) -> float:
    """Highest daily return."""
    return float(sample.returns.max()) if len(sample.returns) else np.nan


@metric("Worst day", "fraction", "return")
def worst_day(sample: Sample) -> float:
    """Lowest daily return."""
    return float(sample.returns.min()) if len(sample.returns) else np.nan
