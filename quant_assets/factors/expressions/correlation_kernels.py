"""Compiled correlations and covariances of windows: arrays in, arrays out, nothing checked.

The operators, with what they do with values that are not ordinary, stand in operators/pairs.py. The
layout and the steps are those that window_kernels.py describes. Regressions stand in
pair_kernels.py.

A session counts when neither series is missing. A block of sessions is known by the sums of its
values, of their squares and of their products, relative to its newest valid pair. Two blocks are
joined by moving the older one's sums to the newer one's pair, as in spread_kernels.py, with the
same small errors. A session that does not count has the pair before it.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.expressions.window_blocks import width_of
from quant_assets.factors.expressions.window_steps import ALONE, EXTEND, PAIR, STEPS, Room
from quant_assets.factors.rounding import LARGEST, ROUNDING

# What `correlate` computes.
CORRELATION, COVARIANCE = range(2)

_WIDTH = 128  # symbols side by side at most
PAIR_ROOM = Room(_WIDTH, 8 * 8)
_SMALL, _LARGE = 1e-280, 1e280  # a product of two spreads outside of these has lost digits

# What a row of `work` has of a block of sessions: the newest valid x and y, and five sums.
_Y, _DX, _DY, _XX, _YY, _XY = (
    _WIDTH,
    2 * _WIDTH,
    3 * _WIDTH,
    4 * _WIDTH,
    5 * _WIDTH,
    6 * _WIDTH,
)


@helper_as_written
def _load(x: np.ndarray, y: np.ndarray, width: int, row: np.ndarray) -> int:
    """Put the values of a session into its row; return how many pairs are missing."""
    missing = 0
    for s in range(x.size):
        row[s] = x[s]
        row[_Y + s] = y[s]
        missing += (x[s] != x[s]) | (y[s] != y[s])
    for s in range(x.size, width):
        row[s] = 0.0
        row[_Y + s] = 0.0
    return missing


@helper_as_written
def _fill(
    previous: np.ndarray, row: np.ndarray, before: np.ndarray, width: int, after: np.ndarray
) -> None:
    """Put the last valid pair in the place of a missing one; count the valid ones."""
    for s in range(width):
        valid = (row[s] == row[s]) & (row[_Y + s] == row[_Y + s])
        row[s] = row[s] if valid else previous[s]
        row[_Y + s] = row[_Y + s] if valid else previous[_Y + s]
        after[s] = before[s] + (1.0 if valid else 0.0)


@helper_as_written
def _set_pair(
    older: np.ndarray, before: np.ndarray, after: np.ndarray, width: int, newer: np.ndarray
) -> None:
    for s in range(width):
        x = older[s] - newer[s] if after[s] > before[s] else 0.0
        y = older[_Y + s] - newer[_Y + s] if after[s] > before[s] else 0.0
        newer[_DX + s] = x
        newer[_DY + s] = y
        newer[_XX + s] = x * x
        newer[_YY + s] = y * y
        newer[_XY + s] = x * y


@helper_as_written
def _extend(
    older: np.ndarray, before: np.ndarray, after: np.ndarray, width: int, newer: np.ndarray
) -> None:
    for s in range(width):
        x = older[s] - newer[s] if after[s] > before[s] else 0.0
        y = older[_Y + s] - newer[_Y + s] if after[s] > before[s] else 0.0
        newer[_DX + s] = x + newer[_DX + s]
        newer[_DY + s] = y + newer[_DY + s]
        newer[_XX + s] = x * x + newer[_XX + s]
        newer[_YY + s] = y * y + newer[_YY + s]
        newer[_XY + s] = x * y + newer[_XY + s]


@helper_as_written
def _join(
    older: np.ndarray, before: np.ndarray, after: np.ndarray, width: int, newer: np.ndarray
) -> None:
    for s in range(width):
        n = after[s] - before[s]
        x = older[s] - newer[s] if n > 0.0 else 0.0
        y = older[_Y + s] - newer[_Y + s] if n > 0.0 else 0.0
        x_sum, y_sum = older[_DX + s], older[_DY + s]
        x_moved, y_moved = x_sum + n * x, y_sum + n * y
        newer[_XX + s] = ((x_sum + x_moved) * x + older[_XX + s]) + newer[_XX + s]
        newer[_YY + s] = ((y_sum + y_moved) * y + older[_YY + s]) + newer[_YY + s]
        newer[_XY + s] = ((x_sum * y + y_moved * x) + older[_XY + s]) + newer[_XY + s]
        newer[_DX + s] = x_moved + newer[_DX + s]
        newer[_DY + s] = y_moved + newer[_DY + s]


@helper_as_written
def _count(before: np.ndarray, after: np.ndarray, width: int, counts: np.ndarray) -> None:
    """Number n of valid pairs, 1 / n, 1 / (n - 1); divided anew only where a number has changed."""
    changed = 0
    for s in range(width):
        n = after[s] - before[s]
        changed += n != counts[0, s]
        counts[0, s] = n
    if changed:
        for s in range(width):
            counts[1, s] = 1.0 / counts[0, s]
            counts[2, s] = 1.0 / (counts[0, s] - 1.0)


@helper_as_written
def _finish_covariance(row: np.ndarray, counts: np.ndarray, needed: float, out: np.ndarray) -> None:
    for s in range(out.size):
        products = row[_XY + s] - row[_DX + s] * counts[1, s] * row[_DY + s]
        value = products * counts[2, s]
        out[s] = value if (counts[0, s] >= needed) & (abs(value) <= LARGEST) else math.nan


@helper_as_written
def _finish_correlation(
    row: np.ndarray, counts: np.ndarray, needed: float, out: np.ndarray
) -> bool:
    """Write the correlations; return whether a product of spreads has lost digits."""
    lost = 0
    for s in range(out.size):
        n = counts[0, s]
        x_mean = row[_DX + s] * counts[1, s]
        y_mean = row[_DY + s] * counts[1, s]
        xx = row[_XX + s] - row[_DX + s] * x_mean
        yy = row[_YY + s] - row[_DY + s] * y_mean
        xy = row[_XY + s] - row[_DY + s] * x_mean
        x_least, y_least = ROUNDING * row[s], ROUNDING * row[_Y + s]
        both = xx * yy
        value = xy / np.sqrt(both)
        varies = (xx > n * (x_least * x_least)) & (yy > n * (y_least * y_least))
        lost += varies & ((both < _SMALL) | (both > _LARGE))
        value = 1.0 if value > 1.0 else value
        value = -1.0 if value < -1.0 else value
        # Of two pairs it is 1 or -1, and not nearly: expressions rank it.
        of_two = 1.0 if xy > 0.0 else -1.0
        value = of_two if n == 2.0 else value
        out[s] = value if (n >= needed) & varies else math.nan
    return lost > 0


@helper_as_written
def _finish_again(row: np.ndarray, counts: np.ndarray, needed: float, out: np.ndarray) -> None:
    """As `_finish_correlation` where a product of spreads has lost digits: root by root."""
    for s in range(out.size):
        n = counts[0, s]
        x_mean = row[_DX + s] * counts[1, s]
        y_mean = row[_DY + s] * counts[1, s]
        xx = row[_XX + s] - row[_DX + s] * x_mean
        yy = row[_YY + s] - row[_DY + s] * y_mean
        xy = row[_XY + s] - row[_DY + s] * x_mean
        told = n >= needed and out[s] == out[s] and n > 2.0
        if told and not _SMALL <= xx * yy <= _LARGE:
            value = xy / np.sqrt(xx) / math.sqrt(yy)
            out[s] = min(max(value, -1.0), 1.0) if abs(value) <= LARGEST else math.nan


@kernel(
    f"void(int64, float64[:,::1], float64[:,::1], {STEPS}, int64, float64, float64[:,::1])",
    regrouped=False,
)
def correlate(
    code: int,
    x: np.ndarray,
    y: np.ndarray,
    steps: np.ndarray,
    window: int,
    needed: float,
    out: np.ndarray,
) -> None:
    """Correlation or covariance of each window; windows end on the last rows of `x` and `y`."""
    rows, symbols = x.shape
    past = rows - out.shape[0]
    width = width_of(symbols, _WIDTH)
    work = np.empty((rows, 7 * _WIDTH))
    seen = np.zeros((rows + 1, _WIDTH))
    counts = np.full((3, _WIDTH), -1.0)
    numbered = False
    for left in range(0, symbols, width):
        right = min(left + width, symbols)
        missing = 0
        for t in range(rows):
            missing += _load(x[t, left:right], y[t, left:right], width, work[t])
        if missing > 0:
            for t in range(rows):
                _fill(work[max(t - 1, 0)], work[t], seen[t], width, seen[t + 1])
            numbered = False
        elif not numbered:
            for t in range(rows + 1):
                seen[t] = float(t)
            numbered = True
        for i in range(steps.shape[0]):
            kind, end, first = steps[i, 0], steps[i, 1], steps[i, 3]
            older, newer = work[end], work[steps[i, 2]]
            if kind == ALONE:
                newer[_DX:] = 0.0
            elif kind == PAIR:
                _set_pair(older, seen[first], seen[end + 1], width, newer)
            elif kind == EXTEND:
                _extend(older, seen[first], seen[end + 1], width, newer)
            else:
                _join(older, seen[first], seen[end + 1], width, newer)
        for t in range(past, rows):
            first = max(t + 1 - window, 0)
            _count(seen[first], seen[t + 1], width, counts)
            result = out[t - past, left:right]
            if code == COVARIANCE:
                _finish_covariance(work[t], counts, needed, result)
            elif _finish_correlation(work[t], counts, needed, result):
                _finish_again(work[t], counts, needed, result)
