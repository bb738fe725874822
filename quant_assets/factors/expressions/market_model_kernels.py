"""Compiled: the regression of each security's returns on the market's, window by window.

Every window is computed anew from the sessions that have both values, in two passes, so that a
result has the same bits whatever range was loaded. Nothing is checked; the operators stand in
operators/market_model.py.
"""

import math

import numpy as np

from quant_assets.compiled import helper, kernel
from quant_assets.factors.moments import largest_of, mean_of, products_of, spread_out
from quant_assets.factors.rounding import ROUNDING


@helper
def _seen(row: np.ndarray) -> np.ndarray:
    """Number of valid values before each place, shape (T + 1,)."""
    seen = np.zeros(row.size + 1, np.int64)
    for t in range(row.size):
        seen[t + 1] = seen[t] + (0 if math.isnan(row[t]) else 1)
    return seen


@helper
def _valid(row: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The valid values in order: those of a window lie in one piece, seen[start] to seen[stop]."""
    valid = np.empty(seen[row.size])
    for t in range(row.size):
        if seen[t + 1] > seen[t]:
            valid[seen[t]] = row[t]
    return valid


@helper
def _skewness(cubes: float, squares: float, n: int) -> float:
    """Adjusted Fisher-Pearson skewness from sums of powers of deviations."""
    variance = squares / n
    return math.sqrt(n * (n - 1.0)) / (n - 2.0) * (cubes / n) / (variance * math.sqrt(variance))


@helper
def _downside_beta(xs: np.ndarray, ms: np.ndarray, m_mean: float, minimum: int) -> float:
    """Beta over the days on which the market was below its mean."""
    n, x_total, m_total = 0, 0.0, 0.0
    for k in range(ms.size):
        if ms[k] < m_mean:
            n += 1
            x_total += xs[k]
            m_total += ms[k]
    if n < minimum:
        return np.nan
    both, squares = 0.0, 0.0
    for k in range(ms.size):
        if ms[k] < m_mean:
            both += (xs[k] - x_total / n) * (ms[k] - m_total / n)
            squares += (ms[k] - m_total / n) ** 2
    return both / squares if squares > n * (ROUNDING * largest_of(ms)) ** 2 else np.nan


@helper
def _residual_momentum(xs: np.ndarray, ms: np.ndarray, beta: float) -> float:
    """Mean over standard deviation (ddof=1) of what beta does not explain."""
    mean = mean_of(xs) - beta * mean_of(ms)
    squares, largest = 0.0, 0.0
    for k in range(xs.size):
        squares += (xs[k] - beta * ms[k] - mean) ** 2
        largest = max(largest, abs(xs[k]))
    if squares <= xs.size * (ROUNDING * largest) ** 2:
        return np.nan
    return mean / math.sqrt(squares / (xs.size - 1))


@kernel(
    "void(float64[:,::1], float64[:,::1], int64, int64, int64, int64, int64, int64, "
    "float64[:,:,::1])"
)
def market_model(
    returns: np.ndarray,
    market: np.ndarray,
    past: int,
    window: int,
    minimum: int,
    down_minimum: int,
    recent: int,
    old_minimum: int,
    out: np.ndarray,
) -> None:
    """out[k, r, i] of symbol i over the window that ends on row past + r; out comes full of NaN.

    k: 0 beta, 1 standard deviation of residuals (ddof=2), 2 their skewness, 3 downside beta,
    4 coskewness of residual and squared market deviation, 5 residual momentum over the window
    without its `recent` last sessions.
    """
    for i in range(returns.shape[1]):
        x_row = returns[:, i] + 0.0 * market[:, i]  # NaN where either is missing
        m_row = market[:, i] + 0.0 * returns[:, i]
        seen = _seen(x_row)
        x_valid, m_valid = _valid(x_row, seen), _valid(m_row, seen)
        for r in range(out.shape[1]):
            t = past + r
            start, stop = seen[max(t + 1 - window, 0)], seen[t + 1]
            n = stop - start
            if n < minimum:
                continue
            xs, ms = x_valid[start:stop], m_valid[start:stop]
            x_mean, m_mean = mean_of(xs), mean_of(ms)
            mm = products_of(ms, m_mean, ms, m_mean)
            if not spread_out(ms, mm):
                continue
            beta = products_of(xs, x_mean, ms, m_mean) / mm
            squares, cubes, shared = 0.0, 0.0, 0.0
            for k in range(n):
                m = ms[k] - m_mean
                e = xs[k] - x_mean - beta * m
                squares += e * e
                cubes += e * e * e
                shared += e * m * m
            out[0, r, i] = beta
            out[1, r, i] = math.sqrt(squares / (n - 2))
            if spread_out(xs, squares):
                out[2, r, i] = _skewness(cubes, squares, n)
                out[4, r, i] = (shared / n) / (math.sqrt(squares / n) * (mm / n))
            out[3, r, i] = _downside_beta(xs, ms, m_mean, down_minimum)
            old = seen[max(t + 1 - recent, 0)] - start
            if old >= old_minimum:
                out[5, r, i] = _residual_momentum(xs[:old], ms[:old], beta)
