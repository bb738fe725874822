"""Compiled co-moments of series within a window: arrays in, arrays out, nothing checked.

Here stand the correlation of two series without what a third explains, and co-skewness and
co-kurtosis. The operators, with what they do with values that are not ordinary, stand in
operators/regressions.py and operators/distributions.py; regressions in pair_kernels.py. The layout
of window kernels is told in trend_kernels.py. A session counts when none of the series is missing.

Every sum is taken about the mean, in a pass of its own after that of the means.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.rounding import finite, varies

# Results of `comoments`.
SKEWNESS, KURTOSIS = range(2)

_WIDTH = 128  # symbols side by side: their sums stay in the first-level cache
_COLLINEAR = 1e-10  # what a regression leaves of the spread, when it leaves only rounding

# Where the parts of the scratch array begin: known distances let loops use vector registers.
_PARTS = 17
_NEWEST_X, _NEWEST_Y, _NEWEST_Z, _COUNT, _X, _Y, _Z = range(0, 7 * _WIDTH, _WIDTH)
_XX, _YY, _ZZ, _XZ, _YZ = range(7 * _WIDTH, 12 * _WIDTH, _WIDTH)
_SLOPE_X, _SLOPE_Y, _REST_XX, _REST_YY, _REST_XY = range(12 * _WIDTH, 17 * _WIDTH, _WIDTH)
_YXX, _YXXX = _SLOPE_X, _SLOPE_Y  # of co-moments


@helper_as_written
def _newest(x: np.ndarray, y: np.ndarray, z: np.ndarray, sums: np.ndarray) -> None:
    for s in range(x.size):
        valid = (x[s] == x[s]) & (y[s] == y[s]) & (z[s] == z[s])
        sums[_NEWEST_X + s] = x[s] if valid else sums[_NEWEST_X + s]
        sums[_NEWEST_Y + s] = y[s] if valid else sums[_NEWEST_Y + s]
        sums[_NEWEST_Z + s] = z[s] if valid else sums[_NEWEST_Z + s]


@helper_as_written
def _add(x: np.ndarray, y: np.ndarray, z: np.ndarray, sums: np.ndarray) -> None:
    for s in range(x.size):
        valid = (x[s] == x[s]) & (y[s] == y[s]) & (z[s] == z[s])
        sums[_COUNT + s] += 1.0 if valid else 0.0
        sums[_X + s] += x[s] - sums[_NEWEST_X + s] if valid else 0.0
        sums[_Y + s] += y[s] - sums[_NEWEST_Y + s] if valid else 0.0
        sums[_Z + s] += z[s] - sums[_NEWEST_Z + s] if valid else 0.0


@helper_as_written
def _means(needed: int, width: int, sums: np.ndarray) -> None:
    """Means relative to the newest values; missing with fewer than `needed` valid sessions."""
    for s in range(width):
        n = sums[_COUNT + s] if sums[_COUNT + s] >= needed else math.nan
        sums[_X + s] /= n
        sums[_Y + s] /= n
        sums[_Z + s] /= n


@helper_as_written
def _add_products(x: np.ndarray, y: np.ndarray, z: np.ndarray, sums: np.ndarray) -> None:
    for s in range(x.size):
        valid = (x[s] == x[s]) & (y[s] == y[s]) & (z[s] == z[s])
        u = (x[s] - sums[_NEWEST_X + s]) - sums[_X + s] if valid else 0.0
        v = (y[s] - sums[_NEWEST_Y + s]) - sums[_Y + s] if valid else 0.0
        w = (z[s] - sums[_NEWEST_Z + s]) - sums[_Z + s] if valid else 0.0
        sums[_XX + s] += u * u
        sums[_YY + s] += v * v
        sums[_ZZ + s] += w * w
        sums[_XZ + s] += u * w
        sums[_YZ + s] += v * w


@helper_as_written
def _add_rests(x: np.ndarray, y: np.ndarray, z: np.ndarray, sums: np.ndarray) -> None:
    """Products of what z leaves unexplained of x and y."""
    for s in range(x.size):
        valid = (x[s] == x[s]) & (y[s] == y[s]) & (z[s] == z[s])
        w = (z[s] - sums[_NEWEST_Z + s]) - sums[_Z + s]
        u = ((x[s] - sums[_NEWEST_X + s]) - sums[_X + s]) - sums[_SLOPE_X + s] * w
        v = ((y[s] - sums[_NEWEST_Y + s]) - sums[_Y + s]) - sums[_SLOPE_Y + s] * w
        sums[_REST_XX + s] += u * u if valid else 0.0
        sums[_REST_YY + s] += v * v if valid else 0.0
        sums[_REST_XY + s] += u * v if valid else 0.0


@helper_as_written
def _slopes(width: int, sums: np.ndarray) -> None:
    """The slopes of x and y on z; missing when one of the three is constant."""
    for s in range(width):
        n = sums[_COUNT + s]
        differ = varies(sums[_XX + s], n, sums[_NEWEST_X + s])
        differ = differ & varies(sums[_YY + s], n, sums[_NEWEST_Y + s])
        differ = differ & varies(sums[_ZZ + s], n, sums[_NEWEST_Z + s])
        squares = sums[_ZZ + s] if differ else math.nan
        sums[_SLOPE_X + s] = sums[_XZ + s] / squares
        sums[_SLOPE_Y + s] = sums[_YZ + s] / squares


@helper_as_written
def _correlation_result(sums: np.ndarray, out: np.ndarray) -> None:
    for s in range(out.size):
        x_left = sums[_REST_XX + s] > _COLLINEAR**2 * sums[_XX + s]
        y_left = sums[_REST_YY + s] > _COLLINEAR**2 * sums[_YY + s]
        size = math.sqrt(sums[_REST_XX + s]) * math.sqrt(sums[_REST_YY + s])
        found = sums[_REST_XY + s] / (size if x_left & y_left else math.nan)
        out[s] = finite(min(max(found, -1.0), 1.0))


@kernel(
    "void(float64[:,::1], float64[:,::1], float64[:,::1], int64, int64, int64, float64[:,::1])",
    regrouped=False,
)
def partial_correlation(
    x: np.ndarray,
    y: np.ndarray,
    z: np.ndarray,
    window: int,
    past: int,
    needed: int,
    out: np.ndarray,
) -> None:
    """Correlation of what the regressions of x and of y on z leave."""
    sums = np.empty(_PARTS * _WIDTH)
    start = max(past - window + 1, 0)
    for first in range(0, out.shape[1], _WIDTH):
        stop = min(first + _WIDTH, out.shape[1])
        width = stop - first
        sums[:] = 0.0
        for last in range(start, past + out.shape[0]):
            _newest(x[last, first:stop], y[last, first:stop], z[last, first:stop], sums)
            if last < past:
                continue
            rows = range(max(last - window + 1, start), last + 1)
            sums[_COUNT:] = 0.0
            for row in rows:
                _add(x[row, first:stop], y[row, first:stop], z[row, first:stop], sums)
            _means(needed, width, sums)
            for row in rows:
                _add_products(x[row, first:stop], y[row, first:stop], z[row, first:stop], sums)
            _slopes(width, sums)
            for row in rows:
                _add_rests(x[row, first:stop], y[row, first:stop], z[row, first:stop], sums)
            _correlation_result(sums, out[last - past, first:stop])


@helper_as_written
def _add_powers(y: np.ndarray, x: np.ndarray, sums: np.ndarray) -> None:
    for s in range(y.size):
        valid = (x[s] == x[s]) & (y[s] == y[s])
        u = (x[s] - sums[_NEWEST_X + s]) - sums[_X + s] if valid else 0.0
        v = (y[s] - sums[_NEWEST_Y + s]) - sums[_Y + s] if valid else 0.0
        sums[_XX + s] += u * u
        sums[_YY + s] += v * v
        sums[_YXX + s] += v * (u * u)
        sums[_YXXX + s] += v * (u * u * u)


@helper_as_written
def _comoment_result(code: int, sums: np.ndarray, out: np.ndarray) -> None:
    for s in range(out.size):
        n = sums[_COUNT + s]
        differ = varies(sums[_XX + s], n, sums[_NEWEST_X + s])
        differ = differ & varies(sums[_YY + s], n, sums[_NEWEST_Y + s])
        size = n if differ else math.nan
        x_variance = sums[_XX + s] / size
        spread = math.sqrt(sums[_YY + s] / size) * x_variance
        if code == SKEWNESS:
            result = (sums[_YXX + s] / size) / spread
        else:
            result = (sums[_YXXX + s] / size) / (spread * math.sqrt(x_variance))
        out[s] = finite(result)


@kernel(
    "void(float64[:,::1], float64[:,::1], int64, int64, int64, int64[::1], float64[:,:,::1])",
    regrouped=False,
)
def comoments(
    y: np.ndarray,
    x: np.ndarray,
    window: int,
    past: int,
    needed: int,
    codes: np.ndarray,
    out: np.ndarray,
) -> None:
    """Mean of y x^2 (SKEWNESS) or y x^3 (KURTOSIS), both in standard deviations from their means.

    `out[k, r]` is the result `codes[k]` on session `past + r`.
    """
    sums = np.empty(_PARTS * _WIDTH)
    start = max(past - window + 1, 0)
    for first in range(0, out.shape[2], _WIDTH):
        stop = min(first + _WIDTH, out.shape[2])
        sums[:] = 0.0
        for last in range(start, past + out.shape[1]):
            _newest(x[last, first:stop], y[last, first:stop], y[last, first:stop], sums)
            if last < past:
                continue
            rows = range(max(last - window + 1, start), last + 1)
            sums[_COUNT:] = 0.0
            for row in rows:
                _add(x[row, first:stop], y[row, first:stop], y[row, first:stop], sums)
            _means(needed, stop - first, sums)
            for row in rows:
                _add_powers(y[row, first:stop], x[row, first:stop], sums)
            for k in range(codes.size):
                _comoment_result(codes[k], sums, out[k, last - past, first:stop])
