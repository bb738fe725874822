"""Compiled regressions of one series on another within a window: arrays in, nothing checked.

The operators, with what they do with values that are not ordinary, stand in
operators/regressions.py; correlations without a third series and co-moments in
comoment_kernels.py. The layout of window kernels is told in trend_kernels.py. A session counts when
neither series is missing.

`out[k, r]` is the result `codes[k]` on session `past + r`.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.rounding import finite, varies

# Results, as BRAIN numbers them.
ERROR, INTERCEPT, SLOPE, ESTIMATE, ERRORS, TOTAL, R_SQUARE, MEAN_ERROR, SLOPE_ERROR = range(9)
INTERCEPT_ERROR = 9

_WIDTH = 128  # symbols side by side: their sums stay in the first-level cache

# Where the parts of the scratch array begin: known distances let loops use vector registers.
_NEWEST_X, _NEWEST_Y, _COUNT, _X, _Y = range(0, 5 * _WIDTH, _WIDTH)
_XX, _XY, _YY, _SLOPE, _SQUARES = range(5 * _WIDTH, 10 * _WIDTH, _WIDTH)


@helper_as_written
def _advance(y: np.ndarray, x: np.ndarray, sums: np.ndarray) -> None:
    """Take a session in: the newest pair, the number of pairs."""
    for s in range(y.size):
        valid = (x[s] == x[s]) & (y[s] == y[s])
        sums[_NEWEST_X + s] = x[s] if valid else sums[_NEWEST_X + s]
        sums[_NEWEST_Y + s] = y[s] if valid else sums[_NEWEST_Y + s]
        sums[_COUNT + s] += 1.0 if valid else 0.0


@helper_as_written
def _retire(y: np.ndarray, x: np.ndarray, sums: np.ndarray) -> None:
    """Take a session out of the number of pairs."""
    for s in range(y.size):
        sums[_COUNT + s] -= 1.0 if (x[s] == x[s]) & (y[s] == y[s]) else 0.0


@helper_as_written
def _regression_sums(
    y: np.ndarray,
    x: np.ndarray,
    begin: int,
    last: int,
    lag: int,
    first: int,
    width: int,
    sums: np.ndarray,
) -> None:
    """Sums of a window, two sessions at a time, one after the other."""
    for s in range(width):
        sums[_X + s] = 0.0
        sums[_Y + s] = 0.0
        sums[_XX + s] = 0.0
        sums[_XY + s] = 0.0
        sums[_YY + s] = 0.0
    row = begin
    while row < last:
        ya = y[row, first : first + width]
        yb = y[row + 1, first : first + width]
        xa = x[row - lag, first : first + width]
        xb = x[row + 1 - lag, first : first + width]
        for s in range(width):
            valid_a = (xa[s] == xa[s]) & (ya[s] == ya[s])
            valid_b = (xb[s] == xb[s]) & (yb[s] == yb[s])
            u = xa[s] - sums[_NEWEST_X + s] if valid_a else 0.0
            v = ya[s] - sums[_NEWEST_Y + s] if valid_a else 0.0
            w = xb[s] - sums[_NEWEST_X + s] if valid_b else 0.0
            z = yb[s] - sums[_NEWEST_Y + s] if valid_b else 0.0
            sums[_X + s] = (sums[_X + s] + u) + w
            sums[_Y + s] = (sums[_Y + s] + v) + z
            sums[_XX + s] = (sums[_XX + s] + u * u) + w * w
            sums[_XY + s] = (sums[_XY + s] + u * v) + w * z
            sums[_YY + s] = (sums[_YY + s] + v * v) + z * z
        row += 2
    if row == last:
        ya = y[row, first : first + width]
        xa = x[row - lag, first : first + width]
        for s in range(width):
            valid_a = (xa[s] == xa[s]) & (ya[s] == ya[s])
            u = xa[s] - sums[_NEWEST_X + s] if valid_a else 0.0
            v = ya[s] - sums[_NEWEST_Y + s] if valid_a else 0.0
            sums[_X + s] += u
            sums[_Y + s] += v
            sums[_XX + s] += u * u
            sums[_XY + s] += u * v
            sums[_YY + s] += v * v


@helper_as_written
def _regression_line(needed: int, width: int, sums: np.ndarray) -> None:
    """From sums to means, sums about the means and the slope; missing where there is none."""
    for s in range(width):
        n = sums[_COUNT + s] if sums[_COUNT + s] >= needed else math.nan
        x_mean = sums[_X + s] / n
        y_mean = sums[_Y + s] / n
        xx = sums[_XX + s] - sums[_X + s] * x_mean
        xy = sums[_XY + s] - sums[_X + s] * y_mean
        yy = sums[_YY + s] - sums[_Y + s] * y_mean
        slope = xy / xx
        sums[_X + s] = x_mean
        sums[_Y + s] = y_mean
        sums[_XX + s] = xx
        sums[_XY + s] = xy
        sums[_YY + s] = max(yy, 0.0) if yy == yy else math.nan
        sums[_SLOPE + s] = slope if varies(xx, n, sums[_NEWEST_X + s]) else math.nan


@helper_as_written
def _regression_errors(
    y: np.ndarray,
    x: np.ndarray,
    begin: int,
    last: int,
    lag: int,
    first: int,
    width: int,
    sums: np.ndarray,
) -> None:
    """Sum of the squared errors, from the errors themselves: exact where the line fits well."""
    for s in range(width):
        sums[_SQUARES + s] = 0.0
    for row in range(begin, last + 1):
        ya = y[row, first : first + width]
        xa = x[row - lag, first : first + width]
        for s in range(width):
            u = (xa[s] - sums[_NEWEST_X + s]) - sums[_X + s]
            v = (ya[s] - sums[_NEWEST_Y + s]) - sums[_Y + s]
            error = v - sums[_SLOPE + s] * u
            valid = (xa[s] == xa[s]) & (ya[s] == ya[s])
            sums[_SQUARES + s] += error * error if valid else 0.0


@helper_as_written
def _errors(s: int, sums: np.ndarray) -> float:
    """Sum of squared errors; missing where there is no line."""
    known = sums[_SLOPE + s] - sums[_SLOPE + s]  # 0, or missing
    errors: float = sums[_SQUARES + s] + known
    return errors


@helper_as_written
def _variance(s: int, sums: np.ndarray) -> float:
    """Squared errors over their degrees of freedom."""
    spare = sums[_COUNT + s] - 2.0
    return _errors(s, sums) / (spare if spare > 0.0 else math.nan)


@helper_as_written
def _regression_result(
    code: int, y: np.ndarray, x: np.ndarray, sums: np.ndarray, out: np.ndarray
) -> None:
    if code == ERROR:
        for s in range(out.size):
            known = (x[s] - x[s]) + (y[s] - y[s])  # 0, or missing
            out[s] = finite(known + (sums[_SLOPE + s] * sums[_X + s] - sums[_Y + s]))
    elif code == INTERCEPT:
        for s in range(out.size):
            centre = sums[_NEWEST_X + s] + sums[_X + s]
            out[s] = finite((sums[_NEWEST_Y + s] + sums[_Y + s]) - sums[_SLOPE + s] * centre)
    elif code == SLOPE:
        for s in range(out.size):
            out[s] = finite(sums[_SLOPE + s])
    elif code == ESTIMATE:
        for s in range(out.size):
            moved = sums[_SLOPE + s] * ((x[s] - sums[_NEWEST_X + s]) - sums[_X + s])
            out[s] = finite(sums[_NEWEST_Y + s] + (sums[_Y + s] + moved))
    elif code == ERRORS:
        for s in range(out.size):
            out[s] = finite(_errors(s, sums))
    elif code == TOTAL:
        for s in range(out.size):
            out[s] = finite(sums[_YY + s])
    elif code == R_SQUARE:
        for s in range(out.size):
            differ = varies(sums[_YY + s], sums[_COUNT + s], sums[_NEWEST_Y + s])
            squares = sums[_YY + s] if differ else math.nan
            fit = sums[_SLOPE + s] * (sums[_XY + s] / squares)
            out[s] = finite(1.0 if fit > 1.0 else fit)
    elif code == MEAN_ERROR:
        for s in range(out.size):
            out[s] = finite(_variance(s, sums))
    elif code == SLOPE_ERROR:
        for s in range(out.size):
            out[s] = finite(math.sqrt(_variance(s, sums) / sums[_XX + s]))
    else:
        for s in range(out.size):
            centre = sums[_NEWEST_X + s] + sums[_X + s]
            share = 1.0 / max(sums[_COUNT + s], 1.0) + centre * (centre / sums[_XX + s])
            out[s] = finite(math.sqrt(_variance(s, sums) * share))


@kernel(
    "void(float64[:,::1], float64[:,::1], int64, int64, int64, int64, int64[::1], "
    "float64[:,:,::1])",
    regrouped=False,
)
def regression(
    y: np.ndarray,
    x: np.ndarray,
    window: int,
    lag: int,
    past: int,
    needed: int,
    codes: np.ndarray,
    out: np.ndarray,
) -> None:
    """Regression of y on x as it was `lag` sessions before; see the codes above."""
    sums = np.empty(10 * _WIDTH)
    exact = False
    for k in range(codes.size):
        exact = exact or codes[k] in (ERRORS, MEAN_ERROR, SLOPE_ERROR, INTERCEPT_ERROR)
    for r in range(min(max(lag - past, 0), out.shape[1])):
        out[:, r] = math.nan  # there is no x yet
    start = max(past - window + 1, lag)
    for first in range(0, out.shape[2], _WIDTH):
        width = min(_WIDTH, out.shape[2] - first)
        sums[:] = 0.0
        for last in range(start, past + out.shape[1]):
            y_now = y[last, first : first + width]
            x_now = x[last - lag, first : first + width]
            _advance(y_now, x_now, sums)
            begin = max(last - window + 1, start)
            if begin > start:
                y_old = y[begin - 1, first : first + width]
                _retire(y_old, x[begin - 1 - lag, first : first + width], sums)
            if last < past:
                continue
            _regression_sums(y, x, begin, last, lag, first, width, sums)
            _regression_line(needed, width, sums)
            if exact:
                _regression_errors(y, x, begin, last, lag, first, width, sums)
            for k in range(codes.size):
                to = out[k, last - past, first : first + width]
                _regression_result(codes[k], y_now, x_now, sums, to)
