"""Style factors of trading: size of turnover, its changes, and what trading costs.

Turnover is the traded value in the market's currency. Not here: past returns (momentum.py), risk
(risk.py).
"""

from functools import partial

import numpy as np

from quant_assets.factors import windows
from quant_assets.factors.inputs import FactorInputs, FloatArray, log, shift
from quant_assets.factors.registry import factor

style = partial(factor, library="style")
liquidity = partial(style, type="liquidity")
volume = partial(style, type="volume")
RETURNS = "r is close[s] / close[s-1] - 1"


@style(
    name="log_turnover_63",
    type="size",
    lookback=62,
    source="Brennan, Chordia & Subrahmanyam (1998), Journal of Financial Economics 49",
    formula="log(mean of turnover over t-62..t)",
    inputs=["turnover"],
)
def log_turnover_63(inputs: FactorInputs) -> FloatArray:
    """Traded value of a quarter: the stand-in for size where shares outstanding are not known."""
    return log(windows.mean(inputs, inputs["turnover"], 63))


@volume(
    name="turnover_trend",
    lookback=251,
    source="Lee & Swaminathan (2000), Journal of Finance 55",
    formula="log(mean of turnover over t-20..t / mean of turnover over t-251..t)",
    inputs=["turnover"],
)
def turnover_trend(inputs: FactorInputs) -> FloatArray:
    """Turnover of the month against that of the year."""
    turnover = inputs["turnover"]
    return log(windows.mean(inputs, turnover, 21)) - log(windows.mean(inputs, turnover, 252))


@volume(
    name="abnormal_volume",
    lookback=63,
    source="Gervais, Kaniel & Mingelgrin (2001), Journal of Finance 56",
    formula="log(volume[t]) - mean of log(volume) over t-63..t-1",
    inputs=["volume"],
)
def abnormal_volume(inputs: FactorInputs) -> FloatArray:
    """The day's volume against its usual level."""
    volumes = inputs.logarithm("volume")
    return volumes - windows.mean(inputs, volumes, 63, ago=1)


@volume(
    name="volume_return_correlation_63",
    lookback=63,
    source="Karpoff (1987), Journal of Financial and Quantitative Analysis 22",
    formula=f"correlation of r and log(volume) over t-62..t; {RETURNS}",
    inputs=["close", "volume"],
)
def volume_return_correlation_63(inputs: FactorInputs) -> FloatArray:
    """Whether volume comes with rising or with falling prices."""
    return windows.pair(inputs, inputs.returns, inputs.logarithm("volume"), 63)[:, 1]


@liquidity(
    name="turnover_volatility_63",
    lookback=62,
    source="Chordia, Subrahmanyam & Anshuman (2001), Journal of Financial Economics 59",
    formula="standard deviation (ddof=1) of log(turnover) over t-62..t",
    inputs=["turnover"],
)
def turnover_volatility_63(inputs: FactorInputs) -> FloatArray:
    """How unsteady trading is."""
    return windows.moments(inputs, inputs.logarithm("turnover"), 63)[:, 0]


@liquidity(
    name="amihud_illiquidity_63",
    lookback=63,
    source="Amihud (2002), Journal of Financial Markets 5",
    formula=f"log(mean of |r| / turnover over t-62..t), sessions without turnover out; {RETURNS}",
    inputs=["close", "turnover"],
)
def amihud_illiquidity_63(inputs: FactorInputs) -> FloatArray:
    """Price move per traded value; as a logarithm, for its tail is heavy."""
    turnover = np.where(inputs["turnover"] > 0, inputs["turnover"], np.nan)
    return log(windows.mean(inputs, np.abs(inputs.returns) / turnover, 63))


@liquidity(
    name="zero_return_share_63",
    lookback=63,
    source="Lesmond, Ogden & Trzcinka (1999), Review of Financial Studies 12",
    formula=f"share of sessions with r = 0 over t-62..t; {RETURNS}",
    inputs=["close"],
)
def zero_return_share_63(inputs: FactorInputs) -> FloatArray:
    """Days on which nothing moved the price: the information was not worth the cost."""
    returns = inputs.returns
    return windows.mean(inputs, np.where(np.isnan(returns), np.nan, returns == 0.0), 63)


@liquidity(
    name="corwin_schultz_spread_21",
    lookback=21,
    source="Corwin & Schultz (2012), Journal of Finance 67",
    formula="mean over t-20..t of max(0, 2 (exp(a) - 1) / (1 + exp(a))) of two-session ranges, "
    "the second session shifted by its overnight gap",
    inputs=["high", "low", "close"],
)
def corwin_schultz_spread_21(inputs: FactorInputs) -> FloatArray:
    """Bid-ask spread from highs and lows, as a share of the price."""
    return windows.mean(inputs, two_session_spread(inputs), 21)


def two_session_spread(inputs: FactorInputs) -> FloatArray:
    """The spread estimate of each pair of sessions (s-1, s), dated s, not below zero.

    With the authors' overnight adjustment: a session that lies wholly above or below the close
    before it is moved back to touch it, otherwise the gap would count as range.
    """
    high, low = inputs["high"], inputs["low"]
    before = shift(inputs["close"], 1)
    gap = np.maximum(low - before, 0.0) + np.minimum(high - before, 0.0)
    top, bottom = high - gap, low - gap
    spans = log(high / low) ** 2
    beta = shift(spans, 1) + log(top / bottom) ** 2
    gamma = log(np.maximum(shift(high, 1), top) / np.minimum(shift(low, 1), bottom)) ** 2
    root = 3.0 - 2.0 * np.sqrt(2.0)
    alpha = (np.sqrt(2.0 * beta) - np.sqrt(beta)) / root - np.sqrt(gamma / root)
    spread: FloatArray = 2.0 * (np.exp(alpha) - 1.0) / (1.0 + np.exp(alpha))
    return np.maximum(spread, 0.0)


@liquidity(
    name="roll_spread_63",
    lookback=64,
    source="Roll (1984), Journal of Finance 39",
    formula=f"2 sqrt(max(0, -covariance of r[s] and r[s-1] over t-62..t)); {RETURNS}",
    inputs=["close"],
)
def roll_spread_63(inputs: FactorInputs) -> FloatArray:
    """Effective spread from the bounce of closes; zero where returns do not bounce."""
    returns = inputs.returns
    bounce = -windows.pair(inputs, returns, shift(returns, 1), 63)[:, 0]
    return 2.0 * np.sqrt(np.maximum(bounce, 0.0))
