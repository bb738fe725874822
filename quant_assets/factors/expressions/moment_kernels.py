"""Compiled moments of windows along time: arrays in, arrays out, nothing checked.

Here stand skewness, kurtosis, central moments and the mean in standard deviations. The operators,
with what they do with values that are not ordinary, stand in operators/distributions.py; moments of
two series in comoment_kernels.py. The layout of window kernels is told in trend_kernels.py. Sums of
powers are taken about the mean, in a pass of their own after that of the mean.

`out[k, r]` is the result `codes[k]` on session `past + r`.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.rounding import finite, varies

# Results; MOMENT + k is the k-th central moment.
SKEWNESS, KURTOSIS, RATIO, MOMENT = range(4)

_WIDTH = 128  # symbols side by side: their sums stay in the first-level cache

# Where the parts of the scratch array begin: known distances let loops use vector registers.
_NEWEST, _COUNT, _MEAN, _SQUARES, _CUBES, _FOURTHS = range(0, 6 * _WIDTH, _WIDTH)
_POWERS, _POWER, _TERM = range(6 * _WIDTH, 9 * _WIDTH, _WIDTH)


@helper_as_written
def _advance(line: np.ndarray, sums: np.ndarray) -> None:
    """Take a session in: the newest value, the number of values."""
    for s in range(line.size):
        sums[_NEWEST + s] = line[s] if line[s] == line[s] else sums[_NEWEST + s]
        sums[_COUNT + s] += 1.0 if line[s] == line[s] else 0.0


@helper_as_written
def _retire(line: np.ndarray, sums: np.ndarray) -> None:
    """Take a session out of the number of values."""
    for s in range(line.size):
        sums[_COUNT + s] -= 1.0 if line[s] == line[s] else 0.0


@helper_as_written
def _mean(
    values: np.ndarray, begin: int, last: int, first: int, width: int, needed: int, sums: np.ndarray
) -> None:
    """Means relative to the newest values, missing with fewer than `needed` values."""
    stop = first + width
    for s in range(width):
        sums[_MEAN + s] = 0.0
    row = begin
    while row + 3 <= last:  # four sessions at a time, one after the other
        a, b = values[row, first:stop], values[row + 1, first:stop]
        c, d = values[row + 2, first:stop], values[row + 3, first:stop]
        for s in range(width):
            newest = sums[_NEWEST + s]
            total = sums[_MEAN + s] + (a[s] - newest if a[s] == a[s] else 0.0)
            total = total + (b[s] - newest if b[s] == b[s] else 0.0)
            total = total + (c[s] - newest if c[s] == c[s] else 0.0)
            sums[_MEAN + s] = total + (d[s] - newest if d[s] == d[s] else 0.0)
        row += 4
    while row <= last:
        a = values[row, first:stop]
        for s in range(width):
            sums[_MEAN + s] += a[s] - sums[_NEWEST + s] if a[s] == a[s] else 0.0
        row += 1
    for s in range(width):
        sums[_MEAN + s] /= sums[_COUNT + s] if sums[_COUNT + s] >= needed else math.nan


@helper_as_written
def _powers(
    values: np.ndarray, begin: int, last: int, first: int, width: int, sums: np.ndarray
) -> None:
    """Sums of the second, third and fourth powers, two sessions at a time, in order."""
    stop = first + width
    for s in range(width):
        sums[_SQUARES + s] = 0.0
        sums[_CUBES + s] = 0.0
        sums[_FOURTHS + s] = 0.0
    row = begin
    while row < last:
        a, b = values[row, first:stop], values[row + 1, first:stop]
        for s in range(width):
            u = (a[s] - sums[_NEWEST + s]) - sums[_MEAN + s] if a[s] == a[s] else 0.0
            v = (b[s] - sums[_NEWEST + s]) - sums[_MEAN + s] if b[s] == b[s] else 0.0
            uu, vv = u * u, v * v
            sums[_SQUARES + s] = (sums[_SQUARES + s] + uu) + vv
            sums[_CUBES + s] = (sums[_CUBES + s] + uu * u) + vv * v
            sums[_FOURTHS + s] = (sums[_FOURTHS + s] + uu * uu) + vv * vv
        row += 2
    if row == last:
        a = values[row, first:stop]
        for s in range(width):
            u = (a[s] - sums[_NEWEST + s]) - sums[_MEAN + s] if a[s] == a[s] else 0.0
            uu = u * u
            sums[_SQUARES + s] += uu
            sums[_CUBES + s] += uu * u
            sums[_FOURTHS + s] += uu * uu


@helper_as_written
def _power(
    values: np.ndarray,
    begin: int,
    last: int,
    first: int,
    width: int,
    exponent: int,
    sums: np.ndarray,
) -> None:
    """Sum of one power, by repeated multiplication."""
    for s in range(width):
        sums[_POWERS + s] = 0.0
    for row in range(begin, last + 1):
        a = values[row, first : first + width]
        for s in range(width):
            u = (a[s] - sums[_NEWEST + s]) - sums[_MEAN + s] if a[s] == a[s] else 0.0
            sums[_TERM + s] = u
            sums[_POWER + s] = u
        for _ in range(exponent - 1):
            for s in range(width):
                sums[_POWER + s] *= sums[_TERM + s]
        for s in range(width):
            sums[_POWERS + s] += sums[_POWER + s]


@helper_as_written
def _spread(s: int, sums: np.ndarray) -> float:
    """Sum of squared deviations; missing where it is rounding."""
    squares = sums[_SQUARES + s]
    return squares if varies(squares, sums[_COUNT + s], sums[_NEWEST + s]) else math.nan


@helper_as_written
def _result(code: int, sums: np.ndarray, out: np.ndarray) -> None:
    if code == SKEWNESS:
        for s in range(out.size):
            n = sums[_COUNT + s] if sums[_COUNT + s] > 2.0 else math.nan
            variance = _spread(s, sums) / n
            bias = math.sqrt(n * (n - 1.0)) / (n - 2.0)
            out[s] = finite(bias * (sums[_CUBES + s] / n / (variance * math.sqrt(variance))))
    elif code == KURTOSIS:
        for s in range(out.size):
            n = sums[_COUNT + s] if sums[_COUNT + s] > 3.0 else math.nan
            variance = _spread(s, sums) / n
            shape = (n + 1.0) * (sums[_FOURTHS + s] / n / variance / variance)
            bias = (n - 1.0) / ((n - 2.0) * (n - 3.0))
            out[s] = finite(bias * (shape - 3.0 * (n - 1.0)))
    elif code == RATIO:
        for s in range(out.size):
            deviation = math.sqrt(_spread(s, sums) / (sums[_COUNT + s] - 1.0))
            out[s] = finite((sums[_NEWEST + s] + sums[_MEAN + s]) / deviation)
    else:
        for s in range(out.size):
            known = sums[_MEAN + s] - sums[_MEAN + s]  # 0, or missing
            mean = 0.0 if code == MOMENT + 1 else sums[_POWERS + s] / max(sums[_COUNT + s], 1.0)
            out[s] = finite(mean + known)


@kernel("void(float64[:,::1], int64, int64, int64, int64[::1], float64[:,:,::1])", regrouped=False)
def moments(
    values: np.ndarray, window: int, past: int, needed: int, codes: np.ndarray, out: np.ndarray
) -> None:
    """Moments of the window about its mean; see the codes above."""
    sums = np.empty(9 * _WIDTH)
    start = max(past - window + 1, 0)
    for first in range(0, out.shape[2], _WIDTH):
        stop = min(first + _WIDTH, out.shape[2])
        width = stop - first
        sums[:] = 0.0
        for last in range(start, past + out.shape[1]):
            _advance(values[last, first:stop], sums)
            begin = max(last - window + 1, start)
            if begin > start:
                _retire(values[begin - 1, first:stop], sums)
            if last < past:
                continue
            _mean(values, begin, last, first, width, needed, sums)
            _powers(values, begin, last, first, width, sums)
            for k in range(codes.size):
                if codes[k] > MOMENT + 1:
                    _power(values, begin, last, first, width, codes[k] - MOMENT, sums)
                _result(codes[k], sums, out[k, last - past, first:stop])
