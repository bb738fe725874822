"""Compiled figures of one series of returns beside its benchmark.

Arrays in, arrays out; both come without missing values, on the same days.
"""

import math

import numpy as np

from quant_assets.compiled import helper, helper_as_written
from quant_assets.performance.return_measures import ROUNDING, less

LINE = 8
PAIRS = 12


@helper
def regress(own: np.ndarray, index: np.ndarray, out: np.ndarray) -> None:
    """Moments that a line needs, `LINE` of them: sums of squares and products about the means."""
    n = len(own)
    out[:] = math.nan
    out[0] = n
    if n == 0:
        return
    first = second = 0.0
    low_own = high_own = own[0]
    low_index = high_index = index[0]
    for t in range(n):
        first += own[t]
        second += index[t]
        low_own, high_own = min(low_own, own[t]), max(high_own, own[t])
        low_index, high_index = min(low_index, index[t]), max(high_index, index[t])
    first /= n
    second /= n
    squares = squares_index = products = 0.0
    for t in range(n):
        a = own[t] - first
        b = index[t] - second
        squares += a * a
        squares_index += b * b
        products += a * b
    out[1], out[2], out[3], out[4], out[5] = first, second, squares, squares_index, products
    out[6] = 1.0 if high_own - low_own > ROUNDING else 0.0
    out[7] = 1.0 if high_index - low_index > ROUNDING else 0.0


@helper_as_written
def side_by_side(own: np.ndarray, index: np.ndarray, out: np.ndarray) -> None:
    """Growth and days won on all days, on days of a rising and of a falling benchmark: `PAIRS`."""
    growth = growth_index = up = up_index = down = down_index = 1.0
    up_days = down_days = not_down = won = won_up = won_down = 0
    for t in range(len(own)):
        mine, other = 1.0 + own[t], 1.0 + index[t]
        ahead = 1 if less(own[t], index[t]) > 0.0 else 0
        growth *= mine
        growth_index *= other
        won += ahead
        if index[t] > 0.0:
            up *= mine
            up_index *= other
            up_days += 1
        if index[t] < 0.0:
            down *= mine
            down_index *= other
            down_days += 1
            won_down += ahead
        else:
            not_down += 1
            won_up += ahead
    out[0], out[1] = growth, growth_index
    out[2], out[3], out[4] = up, up_index, up_days
    out[5], out[6], out[7] = down, down_index, down_days
    out[8], out[9], out[10], out[11] = won, won_up, won_down, not_down
