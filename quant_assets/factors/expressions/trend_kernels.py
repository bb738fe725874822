"""Compiled regressions of a series on the sessions of its window: arrays in, nothing checked.

The operators, with what they do with values that are not ordinary, stand in
operators/regressions.py; regressions of one series on another in pair_kernels.py.

How window kernels are laid out: panels are sessions x symbols. Loops run over the sessions of a
window from the oldest to the newest, and inside over a block of symbols side by side, so that the
sums of a symbol are taken in one order wherever the range starts and whatever its neighbours are.
Values are taken relative to the newest valid one of the window: squares of values far from zero
keep their digits, and equal values give exact zeros. A missing value adds an exact zero. What is
carried along time is whole numbers and the newest valid value, which carry no error.

`out[k, r]` is the result `codes[k]` on session `past + r`.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.rounding import finite, varies

SLOPE, R_SQUARE, RESIDUAL = range(3)

_WIDTH = 128  # symbols side by side: their sums stay in the first-level cache

# Where the parts of the scratch array begin: known distances let loops use vector registers.
_NEWEST, _COUNT, _PLACE, _PLACES, _SUM, _MOMENT, _SQUARE = range(0, 7 * _WIDTH, _WIDTH)
_SLOPE, _BOTH, _HEIGHT = range(7 * _WIDTH, 10 * _WIDTH, _WIDTH)


@helper_as_written
def _trend_count(line: np.ndarray, row: int, sign: float, sums: np.ndarray) -> None:
    """Count a session in (sign 1) or out (-1): whole numbers, exact however long this goes on."""
    place = float(row)
    for s in range(line.size):
        one = sign if line[s] == line[s] else 0.0
        sums[_COUNT + s] += one
        sums[_PLACE + s] += place * one
        sums[_PLACES + s] += place * place * one


@helper_as_written
def _trend_newest(line: np.ndarray, sums: np.ndarray) -> None:
    for s in range(line.size):
        sums[_NEWEST + s] = line[s] if line[s] == line[s] else sums[_NEWEST + s]


@helper_as_written
def _trend_sums(
    values: np.ndarray, begin: int, last: int, first: int, width: int, sums: np.ndarray
) -> None:
    """Sums of a window, four sessions at a time, one after the other."""
    for s in range(width):
        sums[_SUM + s] = 0.0
        sums[_MOMENT + s] = 0.0
        sums[_SQUARE + s] = 0.0
    row = begin
    while row + 3 <= last:
        a = values[row, first : first + width]
        b = values[row + 1, first : first + width]
        c = values[row + 2, first : first + width]
        d = values[row + 3, first : first + width]
        place = float(row - last)
        for s in range(width):
            newest = sums[_NEWEST + s]
            u = a[s] - newest if a[s] == a[s] else 0.0
            v = b[s] - newest if b[s] == b[s] else 0.0
            w = c[s] - newest if c[s] == c[s] else 0.0
            z = d[s] - newest if d[s] == d[s] else 0.0
            sums[_SUM + s] = (((sums[_SUM + s] + u) + v) + w) + z
            sums[_MOMENT + s] = (
                ((sums[_MOMENT + s] + place * u) + (place + 1.0) * v) + (place + 2.0) * w
            ) + (place + 3.0) * z
            sums[_SQUARE + s] = (((sums[_SQUARE + s] + u * u) + v * v) + w * w) + z * z
        row += 4
    while row <= last:
        a = values[row, first : first + width]
        place = float(row - last)
        for s in range(width):
            u = a[s] - sums[_NEWEST + s] if a[s] == a[s] else 0.0
            sums[_SUM + s] += u
            sums[_MOMENT + s] += place * u
            sums[_SQUARE + s] += u * u
        row += 1


@helper_as_written
def _trend_line(last: int, needed: int, width: int, sums: np.ndarray) -> None:
    """From sums to the line: its slope, and its height at the newest session less the newest value.

    Both are missing with fewer than `needed` values.
    """
    origin = float(last)
    for s in range(width):
        n = sums[_COUNT + s] if sums[_COUNT + s] >= needed else math.nan
        place = sums[_PLACE + s] - origin * n
        places = sums[_PLACES + s] - 2.0 * origin * sums[_PLACE + s] + origin * origin * n
        both = sums[_MOMENT + s] - place * sums[_SUM + s] / n
        slope = both / (places - place * place / n)
        sums[_SLOPE + s] = slope
        sums[_BOTH + s] = both
        sums[_HEIGHT + s] = sums[_SUM + s] / n - slope * (place / n)


@helper_as_written
def _trend_result(code: int, now: np.ndarray, sums: np.ndarray, out: np.ndarray) -> None:
    if code == SLOPE:
        for s in range(out.size):
            out[s] = finite(sums[_SLOPE + s])
    elif code == RESIDUAL:
        for s in range(out.size):
            out[s] = finite((now[s] - now[s]) - sums[_HEIGHT + s])
    else:
        for s in range(out.size):
            n = max(sums[_COUNT + s], 1.0)
            squares = sums[_SQUARE + s] - sums[_SUM + s] * sums[_SUM + s] / n
            squares = squares if varies(squares, n, sums[_NEWEST + s]) else math.nan
            fit = sums[_SLOPE + s] * (sums[_BOTH + s] / squares)
            out[s] = finite(1.0 if fit > 1.0 else fit)


@kernel("void(float64[:,::1], int64, int64, int64, int64[::1], float64[:,:,::1])", regrouped=False)
def trend(
    values: np.ndarray, window: int, past: int, needed: int, codes: np.ndarray, out: np.ndarray
) -> None:
    """Regression on the sessions of the window: SLOPE, R_SQUARE, RESIDUAL of the newest session."""
    sums = np.empty(10 * _WIDTH)
    start = max(past - window + 1, 0)
    for first in range(0, out.shape[2], _WIDTH):
        width = min(_WIDTH, out.shape[2] - first)
        sums[:] = 0.0
        for last in range(start, past + out.shape[1]):
            now = values[last, first : first + width]
            _trend_newest(now, sums)
            _trend_count(now, last, 1.0, sums)
            begin = max(last - window + 1, start)
            if begin > start:
                _trend_count(values[begin - 1, first : first + width], begin - 1, -1.0, sums)
            if last >= past:
                _trend_sums(values, begin, last, first, width, sums)
                _trend_line(last, needed, width, sums)
                for k in range(codes.size):
                    to = out[k, last - past, first : first + width]
                    _trend_result(codes[k], now, sums, to)
