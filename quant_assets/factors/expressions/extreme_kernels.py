"""Compiled order within windows: arrays in, arrays out, nothing checked.

Here stand the largest and smallest values, where in the window they stand, and today's rank. The
operators, with what they do with values that are not ordinary, stand in operators/extremes.py. The
layout and the steps are those that window_kernels.py describes; a value may take part twice, which
changes no maximum, so the steps are fewer. Smallest values are largest ones of the negated values.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.expressions.window_blocks import between, count, load, width_of
from quant_assets.factors.expressions.window_steps import ALONE, STEPS, Room
from quant_assets.factors.rounding import LARGEST, ROUNDING

# What `extreme` computes: the value; today's place between smallest and largest; the sessions
# since; the place from 1 for the oldest session of a whole window.
VALUE, SCALED, SINCE, POSITION = range(4)

_WIDTH = 320  # symbols side by side at most
EXTREME_ROOM = Room(_WIDTH, 8 * 3)
RANK_ROOM = Room(_WIDTH, 8 * 2)


@helper_as_written
def _load(sign: float, x: np.ndarray, width: int, row: np.ndarray) -> int:
    """Put a session's values, or the negated ones, into its row; return how many are missing."""
    missing = 0
    for s in range(x.size):
        row[s] = sign * x[s] if x[s] == x[s] else -math.inf
        missing += x[s] != x[s]
    for s in range(x.size, width):
        row[s] = 0.0
    return missing


@helper_as_written
def _larger(older: np.ndarray, width: int, newer: np.ndarray) -> None:
    for s in range(width):
        newer[s] = older[s] if older[s] > newer[s] else newer[s]


@helper_as_written
def _larger_and_where(older: np.ndarray, width: int, newer: np.ndarray) -> None:
    """The larger value and its row; the older row where both are equal."""
    for s in range(width):
        kept = older[s] >= newer[s]
        newer[width + s] = older[width + s] if kept else newer[width + s]
        newer[s] = older[s] if kept else newer[s]


@helper_as_written
def _finish_value(
    sign: float, row: np.ndarray, counts: np.ndarray, needed: float, out: np.ndarray
) -> None:
    for s in range(out.size):
        out[s] = sign * row[s] if counts[s] >= needed else math.nan


@helper_as_written
def _finish_place(
    origin: float, sign: float, row: np.ndarray, counts: np.ndarray, needed: float, out: np.ndarray
) -> None:
    width = counts.size
    for s in range(out.size):
        out[s] = sign * row[width + s] - origin if counts[s] >= needed else math.nan


@helper_as_written
def _finish_scaled(
    today: np.ndarray, row: np.ndarray, counts: np.ndarray, needed: float, out: np.ndarray
) -> None:
    width = counts.size
    for s in range(out.size):
        spread = row[s] + row[width + s]
        varies = (spread > ROUNDING * abs(today[s])) & (spread <= LARGEST)
        valid = varies & (counts[s] >= needed) & (today[s] == today[s])
        out[s] = (today[s] + row[width + s]) / spread if valid else math.nan


@kernel(
    f"void(int64, float64, float64[:,::1], {STEPS}, int64, float64, float64[:,::1])",
    regrouped=False,
)
def extreme(
    code: int,
    sign: float,
    x: np.ndarray,
    steps: np.ndarray,
    window: int,
    needed: float,
    out: np.ndarray,
) -> None:
    """Largest values (sign 1) or smallest (-1) of windows that end on the last rows of `x`."""
    rows, symbols = x.shape
    past = rows - out.shape[0]
    width = width_of(symbols, _WIDTH)
    work = np.empty((rows, (1 if code == VALUE else 2) * width))
    seen = np.empty((rows + 1, width))
    counts = np.empty(width)
    for left in range(0, symbols, width):
        right = min(left + width, symbols)
        missing = 0
        for t in range(rows):
            missing += _load(sign, x[t, left:right], width, work[t])
            if code == SCALED:
                _load(-sign, x[t, left:right], width, work[t, width:])
            elif code != VALUE:
                work[t, width:] = float(t)
        for i in range(steps.shape[0]):
            older, newer = work[steps[i, 1]], work[steps[i, 2]]
            if steps[i, 0] == ALONE:
                continue
            if code in (SINCE, POSITION):
                _larger_and_where(older, width, newer)
            else:
                _larger(older, width, newer)
            if code == SCALED:
                _larger(older[width:], width, newer[width:])
        if missing > 0:
            seen[0] = 0.0
            for t in range(rows):
                count(x[t, left:right], seen[t], seen[t + 1])
        for t in range(past, rows):
            first = max(t + 1 - window, 0)
            if missing > 0:
                between(seen[first], seen[t + 1], width, counts)
            elif t == past or t < window:
                counts[:] = float(t + 1 - first)
            result = out[t - past, left:right]
            if code == VALUE:
                _finish_value(sign, work[t], counts, needed, result)
            elif code == SCALED:
                _finish_scaled(x[t, left:right], work[t], counts, needed, result)
            elif code == SINCE:
                _finish_place(-float(t), -1.0, work[t], counts, needed, result)
            else:
                _finish_place(float(t - window), 1.0, work[t], counts, needed, result)


@helper_as_written
def _compare(values: np.ndarray, today: np.ndarray, width: int, tally: np.ndarray) -> None:
    """Count the values that are less, twice, and the equal ones once."""
    for s in range(width):
        tally[s] += (1 if values[s] < today[s] else 0) + (1 if values[s] <= today[s] else 0)


@helper_as_written
def _finish_rank(
    today: np.ndarray, tally: np.ndarray, counts: np.ndarray, needed: float, out: np.ndarray
) -> None:
    for s in range(out.size):
        rank = (tally[s] + 1) / 2.0 / counts[s]
        out[s] = rank if (counts[s] >= needed) & (today[s] == today[s]) else math.nan


@kernel("void(float64[:,::1], int64, float64, float64[:,::1])", regrouped=False)
def rank(x: np.ndarray, window: int, needed: float, out: np.ndarray) -> None:
    """Average rank of the last value of each window over its number of valid values."""
    rows, symbols = x.shape
    past = rows - out.shape[0]
    width = width_of(symbols, _WIDTH)
    work = np.empty((rows, width))
    seen = np.empty((rows + 1, width))
    counts = np.empty(width)
    tally = np.empty(width, np.int64)
    for left in range(0, symbols, width):
        right = min(left + width, symbols)
        missing = 0
        for t in range(rows):
            missing += load(x[t, left:right], width, work[t])
        if missing > 0:
            seen[0] = 0.0
            for t in range(rows):
                count(x[t, left:right], seen[t], seen[t + 1])
        for t in range(past, rows):
            first = max(t + 1 - window, 0)
            if missing > 0:
                between(seen[first], seen[t + 1], width, counts)
            elif t == past or t < window:
                counts[:] = float(t + 1 - first)
            tally[:] = 0
            for k in range(first, t + 1):
                _compare(work[k], work[t], width, tally)
            _finish_rank(work[t], tally, counts, needed, out[t - past, left:right])
