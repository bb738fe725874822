"""Compiled look-ups in the history of a series: arrays in, arrays out, nothing checked.

Here stand values and sessions that are found in a window, not computed from it. The operators, with
what they do with values that are not ordinary, stand in operators/history.py.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.rounding import LARGEST

# Results of `changes`.
OTHER_VALUE, SESSIONS = range(2)

_WIDTH = 128  # symbols side by side: what is kept of them stays in the first-level cache

# Rows of the scratch array: the newest value and its session, the session since which it stands,
# the newest other value and its session.
_NEWEST, _SEEN, _SINCE, _OTHER, _BEFORE = range(5)


@kernel("void(float64[:,::1], int64, int64, int64, int64, float64[:,::1])", regrouped=False)
def kth_newest(
    values: np.ndarray, window: int, past: int, k: int, fill: int, out: np.ndarray
) -> None:
    """The k-th newest valid value of the window; with `fill` only where today's is missing."""
    for r in range(out.shape[0]):
        last = past + r
        begin = max(last - window + 1, 0)
        for s in range(out.shape[1]):
            now = values[last, s]
            if now == now and (fill == 1 or k == 1):
                out[r, s] = now
                continue
            found, row = 0, last + 1
            while found < k and row > begin:
                row -= 1
                if values[row, s] == values[row, s]:
                    found += 1
            out[r, s] = values[row, s] if found == k else math.nan


@helper_as_written
def _advance(line: np.ndarray, row: int, kept: np.ndarray) -> None:
    """Take a session in; nothing changes where its value is missing."""
    place = float(row)
    for s in range(line.size):
        value = line[s]
        changed = (value == value) & (value != kept[_NEWEST, s])
        kept[_OTHER, s] = kept[_NEWEST, s] if changed else kept[_OTHER, s]
        kept[_BEFORE, s] = kept[_SEEN, s] if changed else kept[_BEFORE, s]
        kept[_SINCE, s] = place if changed else kept[_SINCE, s]
        kept[_NEWEST, s] = value if value == value else kept[_NEWEST, s]
        kept[_SEEN, s] = place if value == value else kept[_SEEN, s]


@kernel("void(float64[:,::1], int64, int64, int64, float64[:,::1])", regrouped=False)
def changes(values: np.ndarray, code: int, window: int, past: int, out: np.ndarray) -> None:
    """The newest value other than today's (OTHER_VALUE), or the SESSIONS since it gave way."""
    kept = np.empty((5, _WIDTH))
    start = max(past - window + 1, 0)
    for first in range(0, out.shape[1], _WIDTH):
        stop = min(first + _WIDTH, out.shape[1])
        kept[:] = math.nan
        for last in range(start, past + out.shape[0]):
            now = values[last, first:stop]
            _advance(now, last, kept)
            if last < past:
                continue
            begin = max(last - window + 1, start)
            to = out[last - past, first:stop]
            for s in range(to.size):
                found = kept[_OTHER, s] if code == OTHER_VALUE else last - kept[_SINCE, s]
                known = (now[s] == now[s]) & (kept[_BEFORE, s] >= begin)
                to[s] = found if known else math.nan


@kernel("void(float64[:,::1], int64, int64, int64, float64[:,::1])", regrouped=False)
def returns(values: np.ndarray, ago: int, past: int, mode: int, out: np.ndarray) -> None:
    """Change since `ago` sessions before, relative to then (mode 1) or to the mean of both (2)."""
    for r in range(out.shape[0]):
        now, to = values[past + r], out[r]
        if past + r < ago:
            to[:] = math.nan
            continue
        before = values[past + r - ago]
        for s in range(to.size):
            base = before[s] if mode == 1 else (now[s] + before[s]) / 2.0
            change = (now[s] - before[s]) / (base if base != 0.0 else math.nan)
            to[s] = change if abs(change) <= LARGEST else math.nan
