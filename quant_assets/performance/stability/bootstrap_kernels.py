"""Resampling in blocks, compiled by numba.

Arrays in, arrays out: checks and the choice of the block stand in bootstrap.py, which also says in
words what is done.
"""

import math

import numpy as np

from quant_assets.compiled import helper_uncounted, kernel

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 1.0 / 9007199254740992.0  # 2 ** -53
# A variance below this share of the squares is what rounding leaves of none.
_NOTHING = 1e-13


@helper_uncounted
def _uniform(state: np.uint64) -> float:
    """A number in [0, 1) of splitmix64's state (Steele, Lea and Flood 2014): the same bits on every
    machine and with every version of numba.
    """
    z = (state ^ (state >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return float((z ^ (z >> _31)) >> _11) * _UNIT


@kernel("void(float64[::1], float64, uint64, float64[::1])", regrouped=False)
def resampled_sharpes(
    values: np.ndarray,  # (T,) without missing values, T at least 2
    block: float,  # mean length of a block, at least 1
    seed: np.uint64,
    out: np.ndarray,  # out (B,): mean over sample deviation of each resample, NaN without any
) -> None:
    """Stationary bootstrap: blocks that begin anywhere, of geometric lengths, the end joined to the
    start.
    """
    count = len(values)
    centre = 0.0
    for t in range(count):
        centre += values[t]
    centre /= count
    stays = math.log1p(-1.0 / block) if block > 1.0 else 0.0
    state = np.uint64(seed)
    for b in range(len(out)):
        filled = 0
        total, squares = 0.0, 0.0
        while filled < count:
            state = state + _STEP
            place = min(int(_uniform(state) * count), count - 1)
            length = 1
            if block > 1.0:
                state = state + _STEP
                drawn = math.log1p(-_uniform(state)) / stays
                length = count if drawn >= count else 1 + int(drawn)
            for _ in range(min(length, count - filled)):
                deviation = values[place] - centre
                total += deviation
                squares += deviation * deviation
                place += 1
                if place == count:
                    place = 0
                filled += 1
        mean = total / count
        variance = (squares - count * mean * mean) / (count - 1)
        if variance * count > _NOTHING * squares:
            out[b] = (centre + mean) / math.sqrt(variance)
        else:
            out[b] = math.nan
