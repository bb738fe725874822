"""Compiled figures of one series of returns by week, month, quarter or year.

Arrays in, arrays out; the series comes without missing values, with the number of the period that
each day lies in, ascending.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written

PERIODS = 8


@helper_as_written
def by_period(values: np.ndarray, codes: np.ndarray, out: np.ndarray) -> None:
    """Figures of the compound returns of the periods that have a day, `PERIODS` of them."""
    n = len(values)
    out[:] = math.nan
    if n == 0:
        return
    best, worst = -math.inf, math.inf
    gains = losses = 0.0
    count = gain_count = loss_count = 0
    growth = 1.0
    last = math.nan
    for t in range(n):
        growth *= 1.0 + values[t]
        if t == n - 1 or codes[t + 1] != codes[t]:
            earned = growth - 1.0
            count += 1
            best, worst = max(best, earned), min(worst, earned)
            if earned > 0.0:
                gains += earned
                gain_count += 1
            elif earned < 0.0:
                losses += earned
                loss_count += 1
            last = earned
            growth = 1.0
    out[0], out[1], out[2] = count, best, worst
    out[3], out[4], out[5], out[6], out[7] = gains, losses, gain_count, loss_count, last


@helper_as_written
def growth_since(values: np.ndarray, first: int) -> float:
    """Product of 1 + r from place `first` on."""
    growth = 1.0
    for t in range(first, len(values)):
        growth *= 1.0 + values[t]
    return growth
