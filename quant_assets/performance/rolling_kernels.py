"""Compiled figures of moving windows of returns: arrays in, arrays out, nothing checked.

Every window is summed anew, mean first and deviations about it after: equal windows give equal bits
wherever they lie, and no error is carried from far back.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, helper_of_numbers, kernel
from quant_assets.performance.return_measures import ROUNDING

_PANEL, _SERIES = "float64[:, ::1]", "float64[::1]"


@helper_of_numbers
def _moments(values: np.ndarray, first: int, n: int) -> tuple[float, float, float]:
    """Mean, deviation (ddof=1), root mean square of the values below 0; 0 what is but rounding."""
    total = losses = 0.0
    lowest = highest = values[first]
    for t in range(first, first + n):
        total += values[t]
        below = min(values[t], 0.0)
        losses += below * below
        lowest = min(lowest, values[t])
        highest = max(highest, values[t])
    mean = total / n
    squares = 0.0
    for t in range(first, first + n):
        squares += (values[t] - mean) * (values[t] - mean)
    deviation = math.sqrt(squares / (n - 1)) if highest - lowest > ROUNDING else 0.0
    return mean, deviation, math.sqrt(losses / n) if lowest < -ROUNDING else 0.0


@helper_of_numbers
def _line(
    own: np.ndarray, index: np.ndarray, first: int, n: int
) -> tuple[bool, bool, float, float, float, float, float]:
    """Whether each side varies, its mean, and the sums of squares and products about the means."""
    mean = index_mean = 0.0
    low, high, index_low, index_high = own[first], own[first], index[first], index[first]
    for t in range(first, first + n):
        mean += own[t]
        index_mean += index[t]
        low, high = min(low, own[t]), max(high, own[t])
        index_low, index_high = min(index_low, index[t]), max(index_high, index[t])
    mean /= n
    index_mean /= n
    squares = index_squares = products = 0.0
    for t in range(first, first + n):
        a, b = own[t] - mean, index[t] - index_mean
        squares += a * a
        index_squares += b * b
        products += a * b
    varies, index_varies = high - low > ROUNDING, index_high - index_low > ROUNDING
    return varies, index_varies, mean, index_mean, squares, index_squares, products


@helper_as_written
def _known(rows: np.ndarray, s: int, other: np.ndarray, t: int) -> bool:
    return not (math.isnan(rows[s, t]) or math.isnan(other[t]))


@kernel(f"void({_PANEL}, int64, int64, {_PANEL}, {_PANEL}, {_PANEL})", regrouped=False)
def moving_moments(
    rows: np.ndarray,  # (S, T), NaN where a day has no value
    window: int,
    least: int,  # values that a window needs
    mean: np.ndarray,  # out (S, T)
    deviation: np.ndarray,  # out (S, T), ddof=1
    downside: np.ndarray,  # out (S, T), root mean square of the values below 0
) -> None:
    """Moments of the window that ends on each day, NaN before the first whole one."""
    values = np.empty(rows.shape[1])  # those that are known, in order
    for s in range(rows.shape[0]):
        end = n = 0
        for t in range(rows.shape[1]):
            mean[s, t] = deviation[s, t] = downside[s, t] = math.nan
            if not math.isnan(rows[s, t]):
                values[end] = rows[s, t]
                end += 1
                n += 1
            if t >= window and not math.isnan(rows[s, t - window]):
                n -= 1
            if t + 1 >= window and n >= least:
                found = _moments(values, end - n, n)
                mean[s, t], deviation[s, t], downside[s, t] = found


@kernel(f"void({_PANEL}, {_SERIES}, int64, int64, {_PANEL}, {_PANEL}, {_PANEL})", regrouped=False)
def moving_lines(
    rows: np.ndarray,  # (S, T), NaN where a day has no value
    index: np.ndarray,  # (T,), NaN where a day has no value
    window: int,
    least: int,  # pairs that a window needs
    slope: np.ndarray,  # out (S, T)
    intercept: np.ndarray,  # out (S, T)
    correlation: np.ndarray,  # out (S, T)
) -> None:
    """The line through the pairs of the window that ends on each day."""
    own, other = np.empty(rows.shape[1]), np.empty(rows.shape[1])  # known pairs, in order
    for s in range(rows.shape[0]):
        end = n = 0
        for t in range(rows.shape[1]):
            slope[s, t] = intercept[s, t] = correlation[s, t] = math.nan
            if _known(rows, s, index, t):
                own[end], other[end] = rows[s, t], index[t]
                end += 1
                n += 1
            if t >= window and _known(rows, s, index, t - window):
                n -= 1
            if t + 1 < window or n < least:
                continue
            varies, index_varies, first, second, squares, index_squares, products = _line(
                own, other, end - n, n
            )
            if index_varies:
                slope[s, t] = products / index_squares
                intercept[s, t] = first - slope[s, t] * second
            if index_varies and varies:
                bound = products / (math.sqrt(squares) * math.sqrt(index_squares))
                correlation[s, t] = max(-1.0, min(1.0, bound))
