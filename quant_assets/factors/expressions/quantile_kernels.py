"""Compiled quantiles of windows along time: arrays in, arrays out, nothing checked.

Here stand the quantiles of a window. The operators stand in operators/distributions.py; other
windows in the modules beside this one.

A window is held sorted, for a block of symbols side by side: row 1 holds the smallest value of each
symbol, the next rows the others ascending; missing values are +inf and lie at the end, and so do
rows that no session fills. When the window moves on, one pass over the rows takes a value out and
puts another in, without a branch, all symbols of the block in step. A sorted window is the same
whatever way it came about, so that a result depends on the values of its window alone.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.rounding import LARGEST

_LANES = 64  # symbols side by side; always all of them, so that loops have a known length
_STEP = 4  # rows that are moved at once


@helper_as_written
def _rows(sessions: int) -> int:
    """Rows that hold so many sessions: whole steps."""
    return (sessions + _STEP - 1) // _STEP * _STEP


@helper_as_written
def _load(values: np.ndarray, row: int, first: int, lanes: np.ndarray) -> None:
    """A session's values; +inf where missing and where there is no symbol."""
    for s in range(_LANES):
        lanes[s] = math.inf
    line = values[row, first : first + _LANES]
    for s in range(line.size):
        lanes[s] = line[s] + 0.0 if line[s] == line[s] else math.inf  # -0.0 becomes 0.0


@helper_as_written
def _replace(
    old: np.ndarray, new: np.ndarray, rows: int, held: np.ndarray, left: np.ndarray
) -> None:
    """Take `old` out of the sorted rows and put `new` in; `left` is scratch.

    Without `old`, row k holds r[k] = held[k] if it is smaller than `old`, else held[k + 1]; with
    `new` it then holds the larger of r[k - 1] and the smaller of r[k] and `new`.
    """
    for s in range(_LANES):
        left[s] = -math.inf
    for k in range(1, rows + 1, _STEP):
        for s in range(_LANES):
            a, b, c = held[k, s], held[k + 1, s], held[k + 2, s]
            d, e = held[k + 3, s], held[k + 4, s]
            a = a if a < old[s] else b
            b = b if b < old[s] else c
            c = c if c < old[s] else d
            d = d if d < old[s] else e
            e = a if a < new[s] else new[s]
            held[k, s] = e if e > left[s] else left[s]
            e = b if b < new[s] else new[s]
            held[k + 1, s] = e if e > a else a
            e = c if c < new[s] else new[s]
            held[k + 2, s] = e if e > b else b
            e = d if d < new[s] else new[s]
            held[k + 3, s] = e if e > c else c
            left[s] = d


@helper_as_written
def _quantile(
    level: float, counts: np.ndarray, needed: int, held: np.ndarray, out: np.ndarray
) -> None:
    """The value `level` of the way from the smallest to the largest, between two neighbours."""
    least, most = counts[0], counts[0]
    for s in range(out.size):
        least, most = min(least, counts[s]), max(most, counts[s])
    if least == most and least >= needed:
        place = level * (least - 1.0)
        k = int(place)
        part = place - k
        low = held[k + 1]
        high = held[k + 2] if part > 0.0 else low
        for s in range(out.size):
            value = low[s] + (high[s] - low[s]) * part
            out[s] = value if abs(value) <= LARGEST else math.nan
        return
    for s in range(out.size):
        if counts[s] < needed:
            out[s] = math.nan
            continue
        place = level * (counts[s] - 1.0)
        k = int(place)
        part = place - k
        near = held[k + 1, s]
        far = held[k + 2, s] if part > 0.0 else near
        value = near + (far - near) * part
        out[s] = value if abs(value) <= LARGEST else math.nan


@kernel(
    "void(float64[:,::1], int64, int64, int64, float64[::1], float64[:,:,::1])", regrouped=False
)
def quantiles(
    values: np.ndarray, window: int, past: int, needed: int, levels: np.ndarray, out: np.ndarray
) -> None:
    """out[k, r]: the quantile `levels[k]` of the window that ends on session past + r."""
    held = np.empty((_rows(window) + 2, _LANES))
    lanes = np.empty((4, _LANES))
    old, new, left, counts = lanes[0], lanes[1], lanes[2], lanes[3]
    start = max(past - window + 1, 0)
    for first in range(0, out.shape[2], _LANES):
        width = min(_LANES, out.shape[2] - first)
        held[:] = math.inf
        counts[:] = 0.0
        for row in range(start, past + out.shape[1]):
            rows = _rows(min(row - start + 1, window))
            _load(values, row, first, new)
            if row - window >= start:
                _load(values, row - window, first, old)
            else:
                old[:] = math.inf
            for s in range(_LANES):
                counts[s] += 1.0 if new[s] < math.inf else 0.0
                counts[s] -= 1.0 if old[s] < math.inf else 0.0
            _replace(old, new, rows, held, left)
            if row >= past:
                for k in range(levels.size):
                    to = out[k, row - past, first : first + width]
                    _quantile(levels[k], counts, needed, held, to)
