"""Compiled measures across the symbols of a session: arrays in, arrays out, nothing checked.

Here stand the operators that need sums or extremes of a row. What sorts a row stands in
rank_kernels.py, what knows groups in group_kernels.py.

Sums run over the values that are there, in their order, in a fixed number of lanes: a value's lane
depends on how many values stand before it, so that a symbol without a value changes no bit.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.rounding import LARGEST, ROUNDING

(
    ZSCORE,
    NORMALIZE,  # first: divide by the deviation; second: limit, 0 for none
    WINSORIZE,  # first: deviations
    SCALE,  # first: total; second, third: totals of the positive and negative, 0 for not given
    SCALE_DOWN,  # first: offset
    TRUNCATE,  # first: share of the total
) = range(6)
VECTOR_NEUTRAL, REGRESSION_NEUTRAL = range(2)

_LANES = 16


@helper_as_written
def _known(row: np.ndarray, buffer: np.ndarray) -> np.ndarray:
    """The values that are there; the row itself if all are."""
    missing = 0
    for i in range(row.size):
        missing += 0 if row[i] == row[i] else 1
    if missing == 0:
        return row
    n = 0
    for i in range(row.size):
        buffer[n] = row[i]
        n += 1 if row[i] == row[i] else 0
    return buffer[:n]


@helper_as_written
def _sum(lanes: np.ndarray) -> float:
    total = 0.0
    for j in range(lanes.size):
        total += lanes[j]
    return total


@helper_as_written
def _mean(values: np.ndarray, about: float) -> float:
    """Mean of the differences from `about`."""
    lanes = np.zeros(_LANES)
    whole = values.size // _LANES * _LANES
    for i in range(0, whole, _LANES):
        for j in range(_LANES):
            lanes[j] += values[i + j] - about
    for i in range(whole, values.size):
        lanes[i - whole] += values[i] - about
    return _sum(lanes) / values.size


@helper_as_written
def _products(x: np.ndarray, x_mean: float, y: np.ndarray, y_mean: float) -> float:
    """Sum of (x - x_mean) (y - y_mean)."""
    lanes = np.zeros(_LANES)
    whole = x.size // _LANES * _LANES
    for i in range(0, whole, _LANES):
        for j in range(_LANES):
            lanes[j] += (x[i + j] - x_mean) * (y[i + j] - y_mean)
    for i in range(whole, x.size):
        lanes[i - whole] += (x[i] - x_mean) * (y[i] - y_mean)
    return _sum(lanes)


@helper_as_written
def _sides(values: np.ndarray) -> tuple[float, float]:
    """Sums of the positive and of the negative values."""
    above, below = np.zeros(_LANES), np.zeros(_LANES)
    whole = values.size // _LANES * _LANES
    for i in range(0, whole, _LANES):
        for j in range(_LANES):
            x = values[i + j]
            above[j] += x if x > 0.0 else 0.0
            below[j] += x if x < 0.0 else 0.0
    for i in range(whole, values.size):
        x = values[i]
        above[i - whole] += x if x > 0.0 else 0.0
        below[i - whole] += x if x < 0.0 else 0.0
    return _sum(above), _sum(below)


@helper_as_written
def _ends(values: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest value; infinities if there is none."""
    low, high = np.full(_LANES, np.inf), np.full(_LANES, -np.inf)
    whole = values.size // _LANES * _LANES
    for i in range(0, whole, _LANES):
        for j in range(_LANES):
            x = values[i + j]
            low[j] = x if x < low[j] else low[j]
            high[j] = x if x > high[j] else high[j]
    for i in range(whole, values.size):
        low[0] = min(low[0], values[i])
        high[0] = max(high[0], values[i])
    for j in range(1, _LANES):
        low[0] = min(low[0], low[j])
        high[0] = max(high[0], high[j])
    return low[0], high[0]


@helper_as_written
def _spreads(values: np.ndarray, squares: float) -> bool:
    """Whether values with this sum of squared deviations differ by more than rounding."""
    low, high = _ends(values)
    largest = max(abs(low), abs(high))
    return values.size > 1 and squares > values.size * (ROUNDING * largest) ** 2


@helper_as_written
def _moments(values: np.ndarray) -> tuple[float, float, float]:
    """Mean, what rounding left over of it, and the sum of squared deviations."""
    mean = _mean(values, 0.0)
    rest = _mean(values, mean)
    squares = _products(values, mean, values, mean) - values.size * rest * rest
    return mean, rest, squares


@helper_as_written
def _standardize(code: int, row: np.ndarray, values: np.ndarray, a: float, b: float) -> None:
    """ZSCORE, NORMALIZE, WINSORIZE into `row`."""
    mean, rest, squares = _moments(values)
    varies = _spreads(values, squares)
    deviation = math.sqrt(squares / (values.size - 1)) if varies else 0.0
    if code == WINSORIZE:
        low, high = (mean - a * deviation) + rest, (mean + a * deviation) + rest
        for i in range(row.size):
            v = row[i] if row[i] > low else low
            v = v if v < high else high
            row[i] = v if (row[i] == row[i]) & varies else row[i]
        return
    divisor = deviation if code == ZSCORE or a != 0.0 else 1.0
    limit = b if code == NORMALIZE and b > 0.0 else LARGEST
    for i in range(row.size):
        v = ((row[i] - mean) - rest) / divisor
        row[i] = v if abs(v) <= LARGEST else np.nan
    for i in range(row.size):
        v = row[i] if row[i] < limit else limit
        v = v if v > -limit else -limit
        row[i] = v if row[i] == row[i] else np.nan


@helper_as_written
def _scale(
    code: int, row: np.ndarray, values: np.ndarray, a: float, long: float, short: float
) -> None:
    """SCALE, TRUNCATE into `row`."""
    above, below = _sides(values)
    total = above - below
    if code == TRUNCATE:
        limit = a * total
        for i in range(row.size):
            v = row[i] if row[i] < limit else limit
            v = v if v > -limit else -limit
            row[i] = v if row[i] == row[i] else np.nan
        return
    positive, negative = a / total, a / total
    if long != 0.0 or short != 0.0:
        positive = (long if long != 0.0 else 1.0) / above
        negative = (short if short != 0.0 else 1.0) / -below
        positive = positive if above > 0.0 else 1.0  # there is none
        negative = negative if below < 0.0 else 1.0
    enough = 0.0 < total <= LARGEST
    for i in range(row.size):
        v = row[i] * (positive if row[i] > 0.0 else negative)
        row[i] = v if enough & (abs(v) <= LARGEST) else np.nan


@helper_as_written
def _scale_down(row: np.ndarray, values: np.ndarray, offset: float) -> None:
    low, high = _ends(values)
    extent = high - low
    possible = 0.0 < extent <= LARGEST
    for i in range(row.size):
        v = (row[i] - low) / extent - offset
        row[i] = v if possible & (abs(v) <= LARGEST) else np.nan


@kernel("void(int64, float64[:,::1], float64, float64, float64, float64[:,::1])", regrouped=False)
def measure_rows(
    code: int, values: np.ndarray, first: float, second: float, third: float, out: np.ndarray
) -> None:
    """One of the operations ZSCORE .. TRUNCATE; what the numbers mean is said beside the codes."""
    T, N = values.shape
    buffer = np.empty(N)
    for t in range(T):
        known = _known(values[t], buffer)
        row = out[t]
        row[:] = values[t]
        if known.size == 0:
            continue
        if code <= WINSORIZE:
            _standardize(code, row, known, first, second)
        elif code == SCALE_DOWN:
            _scale_down(row, known, first)
        else:
            _scale(code, row, known, first, second, third)


@kernel("void(int64, float64[:,::1], float64[:,::1], float64[:,::1])", regrouped=False)
def neutralize_rows(code: int, values: np.ndarray, others: np.ndarray, out: np.ndarray) -> None:
    """What is left of the values without the others, where both are there.

    VECTOR_NEUTRAL: less their projection. REGRESSION_NEUTRAL: less the regression with a constant.
    """
    T, N = values.shape
    x, y = np.empty(N), np.empty(N)
    for t in range(T):
        n = 0
        for i in range(N):
            a, b = others[t, i], values[t, i]
            x[n], y[n] = a, b
            n += 1 if (a == a) & (b == b) else 0
        xs, ys = x[:n], y[:n]
        slope, x_mean, x_rest, y_mean, y_rest = np.nan, 0.0, 0.0, 0.0, 0.0
        if code == VECTOR_NEUTRAL and n > 0:
            slope = _products(xs, 0.0, ys, 0.0) / _products(xs, 0.0, xs, 0.0)
        elif n > 2:
            x_mean, x_rest, squares = _moments(xs)
            y_mean = _mean(ys, 0.0)
            y_rest = _mean(ys, y_mean)
            if _spreads(xs, squares):
                slope = (_products(xs, x_mean, ys, y_mean) - n * x_rest * y_rest) / squares
        for i in range(N):
            v = (values[t, i] - y_mean) - y_rest
            v = v - slope * ((others[t, i] - x_mean) - x_rest)
            out[t, i] = v if abs(v) <= LARGEST else np.nan
