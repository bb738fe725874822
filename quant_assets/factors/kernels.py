"""Compiled windows along time: arrays in, arrays out, nothing checked.

Here stand the kernels of factors that look back over a window; each computes every window anew from
its valid values alone, in two passes, so that a result has the same bits whatever range was loaded.
Kernels across securities stand in cross_section_kernels.py, the wrappers in windows.py.

Arrays are symbols x sessions. `values[i, t - ago - window + 1 .. t - ago]` is the window of symbol
i on session t; it is left out (the caller filled `out` with NaN) with fewer than `minimum` valid
values. Only sessions from `first` on are computed.
"""

import math

import numpy as np

from quant_assets.compiled import helper, helper_of_numbers, kernel, warm_up

# A spread this small against the values' size is rounding: what divides by it is not defined.
ROUNDING = 1e-12


def warm() -> None:
    """Compile or load every kernel of factors; cheap when repeated. See compiled.warm_up."""
    from quant_assets.factors import cross_section_kernels  # noqa: F401 (importing registers)

    warm_up()


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
def _mean(values: np.ndarray) -> float:
    total = 0.0
    for i in range(values.size):
        total += values[i]
    return total / values.size


@helper_of_numbers
def _size(values: np.ndarray) -> float:
    """The largest absolute value."""
    largest = 0.0
    for i in range(values.size):
        largest = max(largest, abs(values[i]))
    return largest


@helper
def _products(x: np.ndarray, x_mean: float, y: np.ndarray, y_mean: float) -> float:
    """Sum of (x - x_mean) (y - y_mean)."""
    total = 0.0
    for i in range(x.size):
        total += (x[i] - x_mean) * (y[i] - y_mean)
    return total


@helper
def _spreads(values: np.ndarray, squares: float) -> bool:
    """Whether values with this sum of squared deviations differ by more than rounding."""
    return squares > values.size * (ROUNDING * _size(values)) ** 2


@helper
def _skewness(cubes: float, squares: float, n: int) -> float:
    """Adjusted Fisher-Pearson skewness from sums of powers of deviations."""
    variance = squares / n
    return math.sqrt(n * (n - 1.0)) / (n - 2.0) * (cubes / n) / (variance * math.sqrt(variance))


@kernel("void(float64[:,::1], int64, int64, int64, int64, float64[:,::1])")
def window_mean(
    values: np.ndarray, window: int, ago: int, minimum: int, first: int, out: np.ndarray
) -> None:
    """Mean of the window."""
    for i in range(values.shape[0]):
        seen = _seen(values[i])
        valid = _valid(values[i], seen)
        for t in range(max(first, ago), values.shape[1]):
            stop = t + 1 - ago
            start = max(stop - window, 0)
            if seen[stop] - seen[start] >= minimum:
                out[i, t] = _mean(valid[seen[start] : seen[stop]])


@kernel("void(float64[:,::1], int64, int64, int64, float64[:,::1])")
def window_maximum(
    values: np.ndarray, window: int, minimum: int, first: int, out: np.ndarray
) -> None:
    """Largest value of the window; searched again only when the last one has left it."""
    for i in range(values.shape[0]):
        seen = _seen(values[i])
        valid = _valid(values[i], seen)
        best, known = -1, 0
        for t in range(first, values.shape[1]):
            start, stop = seen[max(t + 1 - window, 0)], seen[t + 1]
            if best < start:
                best, known = start, start + 1
            for k in range(known, stop):
                if valid[k] >= valid[best]:
                    best = k
            known = max(known, stop)
            if stop - start >= minimum:
                out[i, t] = valid[best]


@kernel("void(float64[:,::1], int64, int64, int64, float64[:,:,::1])")
def window_moments(
    values: np.ndarray, window: int, minimum: int, first: int, out: np.ndarray
) -> None:
    """out[:, 0] standard deviation (ddof=1), out[:, 1] skewness, out[:, 2] excess kurtosis."""
    for i in range(values.shape[0]):
        seen = _seen(values[i])
        valid = _valid(values[i], seen)
        for t in range(first, values.shape[1]):
            start, stop = seen[max(t + 1 - window, 0)], seen[t + 1]
            n = stop - start
            if n < minimum:
                continue
            found = valid[start:stop]
            mean = _mean(found)
            squares, cubes, fourths = 0.0, 0.0, 0.0
            for k in range(n):
                square = (found[k] - mean) ** 2
                squares += square
                cubes += square * (found[k] - mean)
                fourths += square * square
            out[i, 0, t] = math.sqrt(squares / (n - 1))
            if _spreads(found, squares):
                out[i, 1, t] = _skewness(cubes, squares, n)
                tail = (n + 1) * n * fourths / squares**2 - 3 * (n - 1)
                out[i, 2, t] = tail * (n - 1) / ((n - 2) * (n - 3))


@kernel("void(float64[:,::1], float64[:,::1], int64, int64, int64, float64[:,:,::1])")
def window_pair(
    x: np.ndarray, y: np.ndarray, window: int, minimum: int, first: int, out: np.ndarray
) -> None:
    """out[:, 0] covariance (ddof=1), out[:, 1] correlation, of the sessions that have both."""
    for i in range(x.shape[0]):
        x_row, y_row = x[i] + 0.0 * y[i], y[i] + 0.0 * x[i]  # NaN where either is missing
        seen = _seen(x_row)
        x_valid, y_valid = _valid(x_row, seen), _valid(y_row, seen)
        for t in range(first, x_row.size):
            start, stop = seen[max(t + 1 - window, 0)], seen[t + 1]
            n = stop - start
            if n < minimum:
                continue
            xs, ys = x_valid[start:stop], y_valid[start:stop]
            x_mean, y_mean = _mean(xs), _mean(ys)
            both = _products(xs, x_mean, ys, y_mean)
            out[i, 0, t] = both / (n - 1)
            xx, yy = _products(xs, x_mean, xs, x_mean), _products(ys, y_mean, ys, y_mean)
            if _spreads(xs, xx) and _spreads(ys, yy):
                out[i, 1, t] = both / math.sqrt(xx * yy)


@kernel("void(float64[:,::1], int64, int64, int64, float64[:,::1])")
def window_strength(
    changes: np.ndarray, window: int, minimum: int, first: int, out: np.ndarray
) -> None:
    """100 x sum of gains / sum of gains and losses; missing where nothing moved."""
    for i in range(changes.shape[0]):
        seen = _seen(changes[i])
        valid = _valid(changes[i], seen)
        for t in range(first, changes.shape[1]):
            start, stop = seen[max(t + 1 - window, 0)], seen[t + 1]
            n = stop - start
            if n < minimum:
                continue
            found = valid[start:stop]
            gains, moves = 0.0, 0.0
            for k in range(n):
                gains += max(found[k], 0.0)
                moves += abs(found[k])
            if moves > 0:
                out[i, t] = 100.0 * gains / moves


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
    return both / squares if squares > n * (ROUNDING * _size(ms)) ** 2 else np.nan


@helper
def _residual_momentum(xs: np.ndarray, ms: np.ndarray, beta: float) -> float:
    """Mean over standard deviation (ddof=1) of what beta does not explain."""
    mean = _mean(xs) - beta * _mean(ms)
    squares, largest = 0.0, 0.0
    for k in range(xs.size):
        squares += (xs[k] - beta * ms[k] - mean) ** 2
        largest = max(largest, abs(xs[k]))
    if squares <= xs.size * (ROUNDING * largest) ** 2:
        return np.nan
    return mean / math.sqrt(squares / (xs.size - 1))


@kernel(
    "void(float64[:,::1], float64[::1], int64, int64, int64, int64, int64, int64, float64[:,:,::1])"
)
def market_model(
    returns: np.ndarray,
    market: np.ndarray,
    window: int,
    minimum: int,
    down_minimum: int,
    recent: int,
    old_minimum: int,
    first: int,
    out: np.ndarray,
) -> None:
    """The regression of each symbol's returns on the market's, over sessions that have both.

    out[:, 0] beta, 1 standard deviation of residuals (ddof=2), 2 their skewness, 3 downside beta,
    4 coskewness of residual and squared market deviation, 5 residual momentum over the window
    without its `recent` last sessions.
    """
    for i in range(returns.shape[0]):
        x_row, m_row = returns[i] + 0.0 * market, market + 0.0 * returns[i]
        seen = _seen(x_row)
        x_valid, m_valid = _valid(x_row, seen), _valid(m_row, seen)
        for t in range(first, x_row.size):
            start, stop = seen[max(t + 1 - window, 0)], seen[t + 1]
            n = stop - start
            if n < minimum:
                continue
            xs, ms = x_valid[start:stop], m_valid[start:stop]
            x_mean, m_mean = _mean(xs), _mean(ms)
            mm = _products(ms, m_mean, ms, m_mean)
            if not _spreads(ms, mm):
                continue
            beta = _products(xs, x_mean, ms, m_mean) / mm
            squares, cubes, shared = 0.0, 0.0, 0.0
            for k in range(n):
                m = ms[k] - m_mean
                e = xs[k] - x_mean - beta * m
                squares += e * e
                cubes += e * e * e
                shared += e * m * m
            out[i, 0, t] = beta
            out[i, 1, t] = math.sqrt(squares / (n - 2))
            if _spreads(xs, squares):
                out[i, 2, t] = _skewness(cubes, squares, n)
                out[i, 4, t] = (shared / n) / (math.sqrt(squares / n) * (mm / n))
            out[i, 3, t] = _downside_beta(xs, ms, m_mean, down_minimum)
            old = seen[max(t + 1 - recent, 0)] - start
            if old >= old_minimum:
                out[i, 5, t] = _residual_momentum(xs[:old], ms[:old], beta)
