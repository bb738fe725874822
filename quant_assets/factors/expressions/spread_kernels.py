"""Compiled means and spreads of windows about today's value: arrays in, nothing checked.

Here stand variance and what is measured by it. The operators, with what they do with values that
are not ordinary, stand in operators/moving.py. The layout and the steps are those that
window_kernels.py describes.

A block of sessions is known by the sum D of its values and the sum Q of their squares, both
relative to its newest valid value. Two blocks are joined by moving the older one's D and Q to the
newer one's value. So squares of values far from zero keep their digits, equal values give exact
zeros, and the error of a variance is at most some 2 n eps of it. A missing session has the valid
value before it and counts as none.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.expressions.window_blocks import load, width_of
from quant_assets.factors.expressions.window_steps import ALONE, EXTEND, PAIR, STEPS, Room
from quant_assets.factors.rounding import LARGEST, ROUNDING

# What `spread` computes.
DEVIATION, VARIANCE, SCORE, DIFFERENCE = range(4)

_WIDTH = 256  # symbols side by side at most
SPREAD_ROOM = Room(_WIDTH, 8 * 4)

# What a row of `work` has of a block of sessions: the newest valid value, D, Q.
_D, _Q = _WIDTH, 2 * _WIDTH


@helper_as_written
def _fill(
    previous: np.ndarray, row: np.ndarray, before: np.ndarray, width: int, after: np.ndarray
) -> None:
    """Put the last valid value in the place of a missing one; count the valid ones."""
    for s in range(width):
        valid = row[s] == row[s]
        row[s] = row[s] if valid else previous[s]
        after[s] = before[s] + (1.0 if valid else 0.0)


@helper_as_written
def _set_pair(
    older: np.ndarray, before: np.ndarray, after: np.ndarray, width: int, newer: np.ndarray
) -> None:
    for s in range(width):
        gap = older[s] - newer[s] if after[s] > before[s] else 0.0
        newer[_D + s] = gap
        newer[_Q + s] = gap * gap


@helper_as_written
def _extend(
    older: np.ndarray, before: np.ndarray, after: np.ndarray, width: int, newer: np.ndarray
) -> None:
    for s in range(width):
        gap = older[s] - newer[s] if after[s] > before[s] else 0.0
        newer[_D + s] = gap + newer[_D + s]
        newer[_Q + s] = gap * gap + newer[_Q + s]


@helper_as_written
def _join(
    older: np.ndarray, before: np.ndarray, after: np.ndarray, width: int, newer: np.ndarray
) -> None:
    for s in range(width):
        n = after[s] - before[s]
        gap = older[s] - newer[s] if n > 0.0 else 0.0
        moved = older[_D + s] + n * gap
        newer[_Q + s] = ((older[_D + s] + moved) * gap + older[_Q + s]) + newer[_Q + s]
        newer[_D + s] = moved + newer[_D + s]


@helper_as_written
def _count(before: np.ndarray, after: np.ndarray, width: int, counts: np.ndarray) -> None:
    """Number n of valid values, 1 / n, 1 / (n - 1)."""
    for s in range(width):
        n = after[s] - before[s]
        counts[0, s] = n
        counts[1, s] = 1.0 / n
        counts[2, s] = 1.0 / (n - 1.0)


@helper_as_written
def _finish_spread(
    rooted: bool, row: np.ndarray, counts: np.ndarray, needed: float, out: np.ndarray
) -> None:
    for s in range(out.size):
        n = counts[0, s]
        squares = row[_Q + s] - row[_D + s] * row[_D + s] * counts[1, s]
        least = ROUNDING * row[s]
        variance = 0.0 if squares <= n * (least * least) else squares * counts[2, s]
        value = np.sqrt(variance) if rooted else variance
        out[s] = value if (n >= needed) & (value <= LARGEST) else math.nan


@helper_as_written
def _finish_score(
    today: np.ndarray, row: np.ndarray, counts: np.ndarray, needed: float, out: np.ndarray
) -> None:
    for s in range(out.size):
        n = counts[0, s]
        mean = row[_D + s] * counts[1, s]
        squares = row[_Q + s] - row[_D + s] * mean
        least = ROUNDING * row[s]
        score = (0.0 - mean) / np.sqrt(squares * counts[2, s])
        valid = (n >= needed) & (today[s] == today[s]) & (squares > n * (least * least))
        out[s] = score if valid & (abs(score) <= LARGEST) else math.nan


@helper_as_written
def _finish_difference(
    today: np.ndarray, row: np.ndarray, counts: np.ndarray, needed: float, out: np.ndarray
) -> None:
    for s in range(out.size):
        difference = 0.0 - row[_D + s] * counts[1, s]
        valid = (counts[0, s] >= needed) & (today[s] == today[s])
        out[s] = difference if valid & (abs(difference) <= LARGEST) else math.nan


@kernel(
    f"void(int64, float64[:,::1], {STEPS}, int64, float64, float64[:,::1])",
    regrouped=False,
)
def spread(
    code: int, x: np.ndarray, steps: np.ndarray, window: int, needed: float, out: np.ndarray
) -> None:
    """Spread of each window, or today's place in it; windows end on the last rows of `x`."""
    rows, symbols = x.shape
    past = rows - out.shape[0]
    width = width_of(symbols, _WIDTH)
    work = np.empty((rows, 3 * _WIDTH))
    seen = np.zeros((rows + 1, _WIDTH))
    counts = np.empty((3, _WIDTH))
    numbered = False
    for left in range(0, symbols, width):
        right = min(left + width, symbols)
        missing = 0
        for t in range(rows):
            missing += load(x[t, left:right], width, work[t])
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
                newer[_WIDTH:] = 0.0
            elif kind == PAIR:
                _set_pair(older, seen[first], seen[end + 1], width, newer)
            elif kind == EXTEND:
                _extend(older, seen[first], seen[end + 1], width, newer)
            else:
                _join(older, seen[first], seen[end + 1], width, newer)
        for t in range(past, rows):
            first = max(t + 1 - window, 0)
            if missing > 0 or t == past or t < window:
                _count(seen[first], seen[t + 1], width, counts)
            today, result = x[t, left:right], out[t - past, left:right]
            if code == SCORE:
                _finish_score(today, work[t], counts, needed, result)
            elif code == DIFFERENCE:
                _finish_difference(today, work[t], counts, needed, result)
            else:
                _finish_spread(code == DEVIATION, work[t], counts, needed, result)
