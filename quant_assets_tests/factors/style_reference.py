"""The style factors once more, slow and literal: one symbol, one day, the formula as it is printed.

`h` holds the history up to the day, oldest first: the fields, `r` the returns, `m` the index's.
"""

from collections.abc import Callable

import numpy as np
from scipy import stats

History = dict[str, np.ndarray]
NAN = float("nan")


def last(values: np.ndarray, window: int, ago: int = 0) -> np.ndarray:
    """The valid values of the window that ended `ago` sessions ago; none if a third is missing."""
    end = len(values) - ago
    found = values[max(end - window, 0) : max(end, 0)]
    valid: np.ndarray = found[~np.isnan(found)]
    return valid if 3 * len(valid) >= 2 * window else valid[:0]


def back(values: np.ndarray, sessions: int) -> float:
    """The value so many sessions ago."""
    return float(values[-1 - sessions]) if len(values) > sessions else NAN


def mean(values: np.ndarray, window: int, ago: int = 0) -> float:
    found = last(values, window, ago)
    return float(np.mean(found)) if len(found) else NAN


def deviation(values: np.ndarray, window: int) -> float:
    found = last(values, window)
    return float(np.std(found, ddof=1)) if len(found) else NAN


def log(value: float) -> float:
    return float(np.log(value)) if value > 0 else NAN


def logs(values: np.ndarray) -> np.ndarray:
    return np.array([log(value) for value in values])


def before(values: np.ndarray) -> np.ndarray:
    return np.concatenate([[NAN], values[:-1]])


def shape(values: np.ndarray, measure: Callable[..., float]) -> float:
    varies = len(values) > 0 and np.ptp(values) > 1e-12
    return float(measure(values, bias=False)) if varies else NAN


def ratio(h: History, near: int, far: int) -> float:
    return back(h["close"], near) / back(h["close"], far) - 1


def pairs(x: np.ndarray, y: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = x[-window:], y[-window:]
    both = ~(np.isnan(x) | np.isnan(y))
    enough = 3 * both.sum() >= 2 * window
    return (x[both], y[both]) if enough else (x[:0], y[:0])


def model(h: History) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """beta, residuals, returns and market of the last 252 sessions."""
    r, m = pairs(h["r"], h["m"], 252)
    if not len(r) or np.ptp(m) == 0:
        return NAN, r[:0], r, m
    fit = stats.linregress(m, r)
    return float(fit.slope), r - fit.intercept - fit.slope * m, r, m


def idiosyncratic_volatility(h: History) -> float:
    _, e, *_ = model(h)
    return float(np.sqrt(np.sum(e**2) / (len(e) - 2))) if len(e) else NAN


def downside_beta(h: History) -> float:
    _, e, r, m = model(h)
    if not len(e):
        return NAN
    down = m < np.mean(m)
    return float(stats.linregress(m[down], r[down]).slope) if down.sum() >= 56 else NAN


def idiosyncratic_skewness(h: History) -> float:
    return shape(model(h)[1], stats.skew)


def coskewness(h: History) -> float:
    _, e, _, m = model(h)
    if not len(e) or np.ptp(e) < 1e-12:
        return NAN
    d = m - np.mean(m)
    return float(np.mean(e * d**2) / (np.sqrt(np.mean(e**2)) * np.mean(d**2)))


def residual_momentum(h: History) -> float:
    beta = model(h)[0]
    rest = h["r"] - beta * h["m"]
    window = rest[-252:][:-21] if len(rest) >= 252 else rest[:-21]
    found = window[~np.isnan(window)]
    if 3 * len(found) < 2 * 231 or np.ptp(found) < 1e-12:
        return NAN
    return float(np.mean(found) / np.std(found, ddof=1))


def high_52_week(h: History) -> float:
    highs = last(h["high"], 252)
    return back(h["close"], 0) / np.max(highs) if len(highs) else NAN


def information_discreteness(h: History) -> float:
    days = last(h["r"], 231, ago=21)
    if not len(days):
        return NAN
    return float(np.sign(ratio(h, 21, 252)) * (np.mean(days < 0) - np.mean(days > 0)))


def rsi(h: History) -> float:
    moves = last(h["close"] - before(h["close"]), 14)
    gains, losses = moves[moves > 0].sum(), -moves[moves < 0].sum()
    return float(100 * gains / (gains + losses)) if gains + losses > 0 else NAN


def garman_klass(h: History) -> float:
    span, body = logs(h["high"] / h["low"]), logs(h["close"] / h["open"])
    variance = mean(0.5 * span**2 - (2 * np.log(2) - 1) * body**2, 63)
    return float(np.sqrt(variance)) if variance >= 0 else NAN


def volume_return_correlation(h: History) -> float:
    r, v = pairs(h["r"], logs(h["volume"]), 63)
    if not len(r) or np.ptp(r) == 0 or np.ptp(v) == 0:
        return NAN
    return float(stats.pearsonr(r, v).statistic)


def corwin_schultz(h: History) -> float:
    high, low, close = h["high"], h["low"], h["close"]
    spreads = np.full(len(close), NAN)
    for s in range(1, len(close)):
        top, bottom = high[s], low[s]
        if bottom > close[s - 1]:
            top, bottom = top - (low[s] - close[s - 1]), close[s - 1]
        elif top < close[s - 1]:
            bottom, top = bottom + (close[s - 1] - high[s]), close[s - 1]
        beta = np.log(high[s - 1] / low[s - 1]) ** 2 + np.log(top / bottom) ** 2
        gamma = np.log(np.fmax(high[s - 1], top) / np.fmin(low[s - 1], bottom)) ** 2
        root = 3 - 2 * np.sqrt(2)
        alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / root - np.sqrt(gamma / root)
        spread = 2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha))
        spreads[s] = NAN if np.isnan(spread) else max(spread, 0.0)
    return mean(spreads, 21)


def roll(h: History) -> float:
    x, y = pairs(h["r"], before(h["r"]), 63)
    if not len(x):
        return NAN
    return float(2 * np.sqrt(max(0.0, -np.cov(x, y)[0, 1])))


def amihud(h: History) -> float:
    turnover = np.where(h["turnover"] > 0, h["turnover"], NAN)
    return log(mean(np.abs(h["r"]) / turnover, 63))


REFERENCES: dict[str, Callable[[History], float]] = {
    "momentum_12_1": lambda h: ratio(h, 21, 252),
    "momentum_6_1": lambda h: ratio(h, 21, 126),
    "momentum_12_7": lambda h: ratio(h, 126, 252),
    "seasonality_12": lambda h: ratio(h, 231, 252),
    "high_52_week": high_52_week,
    "moving_average_distance": lambda h: mean(h["close"], 21) / mean(h["close"], 200) - 1,
    "information_discreteness": information_discreteness,
    "overnight_momentum_21": lambda h: mean(logs(h["open"] / before(h["close"])), 21),
    "intraday_momentum_21": lambda h: mean(logs(h["close"] / h["open"]), 21),
    "reversal_21": lambda h: -ratio(h, 0, 21),
    "reversal_5": lambda h: -ratio(h, 0, 5),
    "rsi_14": rsi,
    "volatility_63": lambda h: deviation(h["r"], 63),
    "volatility_252": lambda h: deviation(h["r"], 252),
    "parkinson_volatility_63": lambda h: float(
        np.sqrt(mean(logs(h["high"] / h["low"]) ** 2 / (4 * np.log(2)), 63))
    ),
    "garman_klass_volatility_63": garman_klass,
    "beta_252": lambda h: model(h)[0],
    "downside_beta_252": downside_beta,
    "idiosyncratic_volatility_252": idiosyncratic_volatility,
    "residual_momentum_12_1": residual_momentum,
    "skewness_252": lambda h: shape(last(h["r"], 252), stats.skew),
    "kurtosis_252": lambda h: shape(last(h["r"], 252), stats.kurtosis),
    "idiosyncratic_skewness_252": idiosyncratic_skewness,
    "coskewness_252": coskewness,
    "maximum_return_21": lambda h: max(last(h["r"], 21), default=NAN),
    "log_turnover_63": lambda h: log(mean(h["turnover"], 63)),
    "turnover_trend": lambda h: log(mean(h["turnover"], 21) / mean(h["turnover"], 252)),
    "abnormal_volume": lambda h: log(back(h["volume"], 0)) - mean(logs(h["volume"]), 63, ago=1),
    "volume_return_correlation_63": volume_return_correlation,
    "turnover_volatility_63": lambda h: deviation(logs(h["turnover"]), 63),
    "amihud_illiquidity_63": amihud,
    "zero_return_share_63": lambda h: mean(
        np.where(np.isnan(h["r"]), NAN, (h["r"] == 0).astype(float)), 63
    ),
    "corwin_schultz_spread_21": corwin_schultz,
    "roll_spread_63": roll,
}
