"""Style factors of risk: volatility, the market model, the shape of the return distribution.

Volatilities are per session, not annualised. Not here: past returns (momentum.py), trading
(trading.py).
"""

from functools import partial

import numpy as np

from quant_assets.factors import windows
from quant_assets.factors.inputs import FactorInputs, FloatArray, log
from quant_assets.factors.registry import factor

style = partial(factor, library="style")
volatility = partial(style, type="volatility")
distribution = partial(style, type="distribution")
RETURNS = "r is close[s] / close[s-1] - 1"
MODEL = "r = alpha + beta m + e over t-251..t, m the index return"


def _moments(inputs: FactorInputs, window: int) -> FloatArray:
    """Standard deviation, skewness, kurtosis of returns; one pass for the factors that share it."""
    return inputs.once(f"moments {window}", lambda: windows.moments(inputs, inputs.returns, window))


def _model(inputs: FactorInputs, name: str) -> FloatArray:
    """A result of the market model of 252 sessions; one pass for the factors that share it."""
    return inputs.once("model", lambda: windows.market_model(inputs, 252, 21))[name]


@volatility(
    name="volatility_63",
    lookback=63,
    source="Ang, Hodrick, Xing & Zhang (2006), Journal of Finance 61",
    formula=f"standard deviation (ddof=1) of r over t-62..t; {RETURNS}",
    inputs=["close"],
)
def volatility_63(inputs: FactorInputs) -> FloatArray:
    """Realised volatility of a quarter."""
    return windows.moments(inputs, inputs.returns, 63)[:, 0]


@volatility(
    name="volatility_252",
    lookback=252,
    source="Blitz & van Vliet (2007), Journal of Portfolio Management 34",
    formula=f"standard deviation (ddof=1) of r over t-251..t; {RETURNS}",
    inputs=["close"],
)
def volatility_252(inputs: FactorInputs) -> FloatArray:
    """Realised volatility of a year."""
    return _moments(inputs, 252)[:, 0]


@volatility(
    name="parkinson_volatility_63",
    lookback=62,
    source="Parkinson (1980), Journal of Business 53",
    formula="sqrt(mean over t-62..t of log(high / low)² / (4 log 2))",
    inputs=["high", "low"],
)
def parkinson_volatility_63(inputs: FactorInputs) -> FloatArray:
    """Volatility from the day's range."""
    span = inputs.logarithm("high") - inputs.logarithm("low")
    variance: FloatArray = windows.mean(inputs, span**2, 63) / (4.0 * np.log(2.0))
    return np.sqrt(variance)


@volatility(
    name="garman_klass_volatility_63",
    lookback=62,
    source="Garman & Klass (1980), Journal of Business 53",
    formula="sqrt(mean over t-62..t of log(high/low)²/2 - (2 log 2 - 1) log(close/open)²)",
    inputs=["open", "high", "low", "close"],
)
def garman_klass_volatility_63(inputs: FactorInputs) -> FloatArray:
    """Volatility from range and body; missing where rounded prices make the mean negative."""
    span = inputs.logarithm("high") - inputs.logarithm("low")
    body = inputs.logarithm("close") - log(inputs["open"])
    mean = windows.mean(inputs, span**2 / 2.0 - (2.0 * np.log(2.0) - 1.0) * body**2, 63)
    return np.sqrt(np.where(mean >= 0, mean, np.nan))


@volatility(
    name="beta_252",
    lookback=252,
    source="Fama & MacBeth (1973), Journal of Political Economy 81",
    formula=f"beta of {MODEL}",
    inputs=["close", "benchmark"],
)
def beta_252(inputs: FactorInputs) -> FloatArray:
    """Market beta of a year."""
    return _model(inputs, "beta")


@volatility(
    name="downside_beta_252",
    lookback=252,
    source="Ang, Chen & Xing (2006), Review of Financial Studies 19",
    formula="beta over those sessions of t-251..t whose m is below its mean",
    inputs=["close", "benchmark"],
)
def downside_beta_252(inputs: FactorInputs) -> FloatArray:
    """Beta in a falling market."""
    return _model(inputs, "downside_beta")


@volatility(
    name="idiosyncratic_volatility_252",
    lookback=252,
    source="Ang, Hodrick, Xing & Zhang (2006), Journal of Finance 61; one factor, a year",
    formula=f"standard deviation (ddof=2) of e in {MODEL}",
    inputs=["close", "benchmark"],
)
def idiosyncratic_volatility_252(inputs: FactorInputs) -> FloatArray:
    """Volatility that the market does not explain."""
    return _model(inputs, "volatility")


@style(
    name="residual_momentum_12_1",
    type="momentum",
    lookback=252,
    source="Blitz, Huij & Martens (2011), Journal of Empirical Finance 18; one factor, a year",
    formula=f"mean / standard deviation of r - beta m over t-251..t-21; {MODEL}",
    inputs=["close", "benchmark"],
)
def residual_momentum_12_1(inputs: FactorInputs) -> FloatArray:
    """Momentum of what beta does not explain, per unit of its risk.

    Without the intercept, which over the window of its own estimate would turn the sign.
    """
    return _model(inputs, "residual_momentum")


@distribution(
    name="skewness_252",
    lookback=252,
    source="Amaya, Christoffersen, Jacobs & Vasquez (2015), J. of Financial Economics 118",
    formula=f"adjusted Fisher-Pearson skewness of r over t-251..t; {RETURNS}",
    inputs=["close"],
)
def skewness_252(inputs: FactorInputs) -> FloatArray:
    """Skewness of daily returns."""
    return _moments(inputs, 252)[:, 1]


@distribution(
    name="kurtosis_252",
    lookback=252,
    source="Amaya, Christoffersen, Jacobs & Vasquez (2015), J. of Financial Economics 118",
    formula=f"unbiased excess kurtosis of r over t-251..t; {RETURNS}",
    inputs=["close"],
)
def kurtosis_252(inputs: FactorInputs) -> FloatArray:
    """Excess kurtosis of daily returns."""
    return _moments(inputs, 252)[:, 2]


@distribution(
    name="idiosyncratic_skewness_252",
    lookback=252,
    source="Boyer, Mitton & Vorkink (2010), Review of Financial Studies 23",
    formula=f"adjusted Fisher-Pearson skewness of e in {MODEL}",
    inputs=["close", "benchmark"],
)
def idiosyncratic_skewness_252(inputs: FactorInputs) -> FloatArray:
    """Skewness that the market does not explain."""
    return _model(inputs, "skewness")


@distribution(
    name="coskewness_252",
    lookback=252,
    source="Harvey & Siddique (2000), Journal of Finance 55",
    formula=f"E[e (m - E m)²] / (sd(e) var(m)), {MODEL}",
    inputs=["close", "benchmark"],
)
def coskewness_252(inputs: FactorInputs) -> FloatArray:
    """Whether the security falls when the market moves much."""
    return _model(inputs, "coskewness")


@distribution(
    name="maximum_return_21",
    lookback=21,
    source="Bali, Cakici & Whitelaw (2011), Journal of Financial Economics 99",
    formula=f"max of r over t-20..t; {RETURNS}",
    inputs=["close"],
)
def maximum_return_21(inputs: FactorInputs) -> FloatArray:
    """The best day of the last month (MAX)."""
    return windows.maximum(inputs, inputs.returns, 21)
