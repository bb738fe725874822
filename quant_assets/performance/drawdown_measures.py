"""Compiled figures of the drawdowns of one series of returns.

Arrays in, arrays out; the series comes without missing values. The start of capital counts as a
value, and a drawdown lasts from the first session below the peak to the last one.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written

DRAWDOWNS = 14


@helper_as_written
def descend(values: np.ndarray, days: np.ndarray, out: np.ndarray) -> None:
    """Figures of all drawdowns, `DRAWDOWNS` of them; `days` are the sessions as calendar days."""
    n = len(values)
    out[:] = math.nan
    if n == 0:
        return
    value = peak = 1.0
    deepest = total = squares = 0.0
    count = below = longest = longest_days = begin = under = 0
    lengths = spans = depths = depth = depth_squares = 0.0
    trough = recovery = 0
    waiting = False
    for t in range(n):
        value *= 1.0 + values[t]
        peak = max(peak, value)
        loss = value / peak - 1.0
        total += loss
        squares += loss * loss
        if loss < 0.0:
            if below == 0:
                begin, depth = t, 0.0
                count += 1
            below += 1
            under += 1
            depth = min(depth, loss)
            longest = max(longest, below)
            longest_days = max(longest_days, days[t] - days[begin] + 1)
            if loss < deepest:
                deepest, trough, waiting = loss, t, True
        elif waiting:
            waiting = False
            recovery = t - trough
        if below > 0 and (loss == 0.0 or t == n - 1):
            last = t - 1 if loss == 0.0 else t
            lengths += below
            spans += days[last] - days[begin] + 1
            depths += depth
            depth_squares += depth * depth
            below = 0
    last_loss = value / peak - 1.0
    mean = total / n
    spread = 0.0
    value = peak = 1.0
    for t in range(n):
        value *= 1.0 + values[t]
        peak = max(peak, value)
        off = value / peak - 1.0 - mean
        spread += off * off
    out[0], out[1], out[2], out[3] = deepest, count, longest, longest_days
    out[4], out[5], out[6] = depths, lengths, spans
    out[7], out[8], out[9] = mean, squares, spread
    out[10], out[11] = under, last_loss
    out[12] = math.nan if waiting or deepest == 0.0 else recovery
    out[13] = depth_squares
