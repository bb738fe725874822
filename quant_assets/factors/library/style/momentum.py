"""Style factors of past returns: momentum, reversal, trend.

Not here: what measures risk (risk.py) and trading (trading.py).
"""

from functools import partial

import numpy as np

from quant_assets.factors import windows
from quant_assets.factors.inputs import FactorInputs, FloatArray, change, log, shift
from quant_assets.factors.registry import factor

style = partial(factor, library="style")
momentum = partial(style, type="momentum")
reversal = partial(style, type="reversal")


def _between(inputs: FactorInputs, far: int, near: int) -> FloatArray:
    """close[t - near] / close[t - far] - 1; both sessions must have a close."""
    return shift(change(inputs["close"], far - near), near)


@momentum(
    name="momentum_12_1",
    lookback=252,
    source="Jegadeesh & Titman (1993), Journal of Finance 48",
    formula="close[t-21] / close[t-252] - 1",
    inputs=["close"],
)
def momentum_12_1(inputs: FactorInputs) -> FloatArray:
    """Return of the year before, without its last month."""
    return _between(inputs, 252, 21)


@momentum(
    name="momentum_6_1",
    lookback=126,
    source="Jegadeesh & Titman (1993), Journal of Finance 48",
    formula="close[t-21] / close[t-126] - 1",
    inputs=["close"],
)
def momentum_6_1(inputs: FactorInputs) -> FloatArray:
    """Return of the half year before, without its last month."""
    return _between(inputs, 126, 21)


@momentum(
    name="momentum_12_7",
    lookback=252,
    source="Novy-Marx (2012), Journal of Financial Economics 103",
    formula="close[t-126] / close[t-252] - 1",
    inputs=["close"],
)
def momentum_12_7(inputs: FactorInputs) -> FloatArray:
    """Intermediate past performance: the first half of the year before."""
    return _between(inputs, 252, 126)


@momentum(
    name="seasonality_12",
    lookback=252,
    source="Heston & Sadka (2008), Journal of Financial Economics 87",
    formula="close[t-231] / close[t-252] - 1",
    inputs=["close"],
)
def seasonality_12(inputs: FactorInputs) -> FloatArray:
    """Return of the same month a year ago: the 21 sessions that follow t-252."""
    return _between(inputs, 252, 231)


@momentum(
    name="high_52_week",
    lookback=251,
    source="George & Hwang (2004), Journal of Finance 59",
    formula="close[t] / max(high[t-251..t])",
    inputs=["close", "high"],
)
def high_52_week(inputs: FactorInputs) -> FloatArray:
    """Nearness to the highest price of the last 252 sessions."""
    return inputs["close"] / windows.maximum(inputs, inputs["high"], 252)


@momentum(
    name="moving_average_distance",
    lookback=199,
    source="Avramov, Kaplanski & Subrahmanyam (2021), Review of Financial Economics 39",
    formula="mean(close[t-20..t]) / mean(close[t-199..t]) - 1",
    inputs=["close"],
)
def moving_average_distance(inputs: FactorInputs) -> FloatArray:
    """Distance of the short from the long moving average."""
    close = inputs["close"]
    return windows.mean(inputs, close, 21) / windows.mean(inputs, close, 200) - 1.0


@momentum(
    name="information_discreteness",
    lookback=252,
    source="Da, Gurun & Warachka (2014), Review of Financial Studies 27",
    formula="sign(momentum_12_1) x (share of falling - share of rising days of t-251..t-21)",
    inputs=["close"],
)
def information_discreteness(inputs: FactorInputs) -> FloatArray:
    """Low where the year's return came in many small steps, high where in few large ones."""
    rising = windows.mean(inputs, np.sign(inputs.returns), 231, ago=21)
    return -np.sign(_between(inputs, 252, 21)) * rising


@momentum(
    name="overnight_momentum_21",
    lookback=21,
    source="Lou, Polk & Skouras (2019), Journal of Financial Economics 134",
    formula="mean over t-20..t of log(open[s] / close[s-1])",
    inputs=["open", "close"],
)
def overnight_momentum_21(inputs: FactorInputs) -> FloatArray:
    """Mean log return from close to the next open over a month."""
    overnight = log(inputs["open"]) - shift(inputs.logarithm("close"), 1)
    return windows.mean(inputs, overnight, 21)


@momentum(
    name="intraday_momentum_21",
    lookback=20,
    source="Lou, Polk & Skouras (2019), Journal of Financial Economics 134",
    formula="mean over t-20..t of log(close[s] / open[s])",
    inputs=["open", "close"],
)
def intraday_momentum_21(inputs: FactorInputs) -> FloatArray:
    """Mean log return from open to close over a month."""
    return windows.mean(inputs, inputs.logarithm("close") - log(inputs["open"]), 21)


@reversal(
    name="reversal_21",
    lookback=21,
    source="Jegadeesh (1990), Journal of Finance 45",
    formula="1 - close[t] / close[t-21]",
    inputs=["close"],
)
def reversal_21(inputs: FactorInputs) -> FloatArray:
    """The last month's return with its sign turned."""
    return -change(inputs["close"], 21)


@reversal(
    name="reversal_5",
    lookback=5,
    source="Lehmann (1990), Quarterly Journal of Economics 105",
    formula="1 - close[t] / close[t-5]",
    inputs=["close"],
)
def reversal_5(inputs: FactorInputs) -> FloatArray:
    """The last week's return with its sign turned."""
    return -change(inputs["close"], 5)


@reversal(
    name="rsi_14",
    lookback=14,
    source="Wilder (1978), New Concepts in Technical Trading Systems; with plain sums (Cutler)",
    formula="100 x gains / (gains + losses) of close[s] - close[s-1] over t-13..t",
    inputs=["close"],
)
def rsi_14(inputs: FactorInputs) -> FloatArray:
    """Relative strength index; Wilder's endless smoothing would have no exact look-back."""
    close = inputs["close"]
    return windows.strength(inputs, close - shift(close, 1), 14)
