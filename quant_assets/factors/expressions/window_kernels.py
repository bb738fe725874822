"""Compiled sums and products of windows: arrays in, arrays out, nothing checked.

Here stand what adds up: sums, means, products, counts, means whose weights fall linearly; and
differences. The operators, with what they do with values that are not ordinary, stand in
operators/moving.py and operators/shifts.py; other windows in the kernel modules beside this one.

How these kernels are laid out: panels are sessions x symbols. A block of `width` symbols is loaded
into `work`, a row a session; in it stand the quantities of the block one after the other, _WIDTH
apart. Then the steps, which window_steps.py describes, join rows pairwise until the last rows hold
whole windows. All loops run over symbols side by side, so a result depends on the values of its
window and on nothing else. A missing value stands as one that changes nothing; `seen` has the
number of valid values before each row, whole and exact.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.expressions.window_blocks import between, count, width_of
from quant_assets.factors.expressions.window_steps import ALONE, EXTEND, STEPS, Room
from quant_assets.factors.rounding import LARGEST

# What `fold` computes.
SUM, MEAN, PRODUCT, TRUTHS, GAPS = range(5)

_WIDTH = 320  # symbols side by side at most
FOLD_ROOM = Room(_WIDTH, 8 * 3)
DECAY_ROOM = Room(_WIDTH, 8 * 5)


@kernel("void(float64[:,::1], int64, float64[:,::1])", regrouped=False)
def difference(x: np.ndarray, delay: int, out: np.ndarray) -> None:
    """The last rows of `x` less those of `delay` sessions before."""
    past = x.shape[0] - out.shape[0]
    for r in range(out.shape[0]):
        result = out[r]
        if past + r < delay:
            result[:] = math.nan
        else:
            now, before = x[past + r], x[past + r - delay]
            for s in range(result.size):
                change = now[s] - before[s]
                result[s] = change if abs(change) <= LARGEST else math.nan


@helper_as_written
def _load(code: int, x: np.ndarray, width: int, row: np.ndarray) -> int:
    """Put the values of a session into its row, twice; return how many are missing."""
    missing = 0
    if code == GAPS:
        for s in range(x.size):
            row[s] = 0.0 if x[s] == x[s] else 1.0
    elif code == TRUTHS:
        for s in range(x.size):
            row[s] = 1.0 if (x[s] == x[s]) & (x[s] != 0.0) else 0.0
            missing += x[s] != x[s]
    else:
        neutral = 1.0 if code == PRODUCT else 0.0
        for s in range(x.size):
            row[s] = x[s] if x[s] == x[s] else neutral
            missing += x[s] != x[s]
    for s in range(x.size, width):
        row[s] = 0.0
    for s in range(width):
        row[width + s] = row[s]
    return missing


@helper_as_written
def _add(older: np.ndarray, width: int, newer: np.ndarray) -> None:
    for s in range(width):
        newer[s] = older[s] + newer[s]


@helper_as_written
def _multiply(older: np.ndarray, width: int, newer: np.ndarray) -> None:
    for s in range(width):
        newer[s] = older[s] * newer[s]


@helper_as_written
def _finish(
    divided: bool, folded: np.ndarray, counts: np.ndarray, needed: float, out: np.ndarray
) -> None:
    for s in range(out.size):
        value = folded[s] / counts[s] if divided else folded[s]
        out[s] = value if (counts[s] >= needed) & (abs(value) <= LARGEST) else math.nan


@kernel(
    f"void(int64, float64[:,::1], {STEPS}, int64, float64, float64[:,::1])",
    regrouped=False,
)
def fold(
    code: int, x: np.ndarray, steps: np.ndarray, window: int, needed: float, out: np.ndarray
) -> None:
    """The values of each window joined to one; windows end on the last rows of `x`."""
    rows, symbols = x.shape
    past = rows - out.shape[0]
    width = width_of(symbols, _WIDTH)
    work = np.empty((rows, 2 * width))
    seen = np.empty((rows + 1, width))
    counts = np.empty(width)
    for left in range(0, symbols, width):
        right = min(left + width, symbols)
        missing = 0
        for t in range(rows):
            missing += _load(code, x[t, left:right], width, work[t])
        for i in range(steps.shape[0]):
            if steps[i, 0] == ALONE:
                continue
            place = 0 if steps[i, 0] == EXTEND else width
            older, newer = work[steps[i, 1], place:], work[steps[i, 2], width:]
            if code == PRODUCT:
                _multiply(older, width, newer)
            else:
                _add(older, width, newer)
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
            _finish(code == MEAN, work[t, width:], counts, needed, out[t - past, left:right])


@helper_as_written
def _add_aged(older: np.ndarray, ages: float, width: int, newer: np.ndarray) -> None:
    """Join sums and sums of age times value of two blocks; the older ends `ages` sessions before.

    A row has the session's value, the sum, the sum of age times value.
    """
    for s in range(width):
        aged = older[2 * width + s] + ages * older[width + s]
        newer[2 * width + s] = aged + newer[2 * width + s]
        newer[width + s] = older[width + s] + newer[width + s]


@helper_as_written
def _add_aged_value(older: np.ndarray, age: float, width: int, newer: np.ndarray) -> None:
    for s in range(width):
        newer[2 * width + s] = age * older[s] + newer[2 * width + s]
        newer[width + s] = older[s] + newer[width + s]


@helper_as_written
def _count_rows(
    x: np.ndarray, row: float, before: np.ndarray, width: int, after: np.ndarray
) -> None:
    """The number of valid values up to a session, and the sum of their rows' numbers."""
    for s in range(x.size):
        valid = 1.0 if x[s] == x[s] else 0.0
        after[s] = before[s] + valid
        after[width + s] = before[width + s] + row * valid


@helper_as_written
def _weigh(
    oldest: float,
    first: np.ndarray,
    last: np.ndarray,
    width: int,
    counts: np.ndarray,
    weights: np.ndarray,
) -> None:
    """Valid values of a window and the sum of their weights, which are row numbers less `oldest`.

    `first` and `last` are what `_count_rows` counted up to the ends of the window.
    """
    for s in range(width):
        counts[s] = last[s] - first[s]
        weights[s] = (last[width + s] - first[width + s]) - oldest * counts[s]


@helper_as_written
def _finish_decay(
    window: float,
    row: np.ndarray,
    width: int,
    counts: np.ndarray,
    weights: np.ndarray,
    needed: float,
    out: np.ndarray,
) -> None:
    for s in range(out.size):
        value = (window * row[width + s] - row[2 * width + s]) / weights[s]
        out[s] = value if (counts[s] >= needed) & (abs(value) <= LARGEST) else math.nan


@kernel(
    f"void(float64[:,::1], {STEPS}, int64, float64, boolean, float64[:,::1])",
    regrouped=False,
)
def decay(
    x: np.ndarray,
    steps: np.ndarray,
    window: int,
    needed: float,
    dense: bool,
    out: np.ndarray,
) -> None:
    """Means with weights from `window` for the newest session down to 1 for the oldest.

    The weights are divided by the sum of those of the valid values; unless `dense`, of all.
    """
    rows, symbols = x.shape
    past = rows - out.shape[0]
    width = width_of(symbols, _WIDTH)
    work = np.empty((rows, 3 * width))
    seen = np.empty((rows + 1, 2 * width))
    counts = np.empty(width)
    weights = np.empty(width)
    for left in range(0, symbols, width):
        right = min(left + width, symbols)
        missing = 0
        for t in range(rows):
            missing += _load(SUM, x[t, left:right], width, work[t])
            work[t, 2 * width :] = 0.0
        for i in range(steps.shape[0]):
            older, newer = steps[i, 1], steps[i, 2]
            ages = float(newer - older)
            if steps[i, 0] == EXTEND:
                _add_aged_value(work[older], ages, width, work[newer])
            elif steps[i, 0] != ALONE:
                _add_aged(work[older], ages, width, work[newer])
        if missing > 0:
            seen[0] = 0.0
            for t in range(rows):
                _count_rows(x[t, left:right], float(t), seen[t], width, seen[t + 1])
        for t in range(past, rows):
            first = max(t + 1 - window, 0)
            n = float(t + 1 - first)
            changed = t == past or t < window
            if missing > 0:
                oldest = float(t - window)
                _weigh(oldest, seen[first], seen[t + 1], width, counts, weights)
            elif changed:
                counts[:] = n
            if (missing == 0 and changed) or not dense:
                weights[:] = n * window - n * (n - 1.0) / 2.0
            result = out[t - past, left:right]
            _finish_decay(float(window), work[t], width, counts, weights, needed, result)
