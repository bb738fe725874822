"""Drawdowns: how far and how long a series lay below its highest point so far.

Only the path below the peak belongs here; figures made of it are metrics.
"""

import numpy as np

from quant_assets.market_data.panels import FloatArray


def drawdown_series(returns: FloatArray) -> FloatArray:
    """Loss since the highest value so far, shape (T,), 0 or negative.

    The start of capital, before the first return, counts as a value. Returns are simple, without
    missing values. Lost capital stays lost: what follows a return of -1 or less changes nothing.
    """
    change = 1.0 + returns
    lost = np.flatnonzero(change <= 0)
    if len(lost):
        change[lost[0] + 1 :] = 1.0
    value = np.concatenate([[1.0], np.cumprod(change)])
    peak = np.maximum.accumulate(value)
    below: FloatArray = (value / peak - 1.0)[1:]
    return below
