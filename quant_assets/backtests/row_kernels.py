"""Target weights of the rows in which a decision is due, compiled: for many parameter sets.

Arrays in, arrays out: which rows are due and what the signal is, is known to the wrappers in
`rows.py`. Between rows nothing is shared, so a row has the same bits whatever is around it.
"""

import numpy as np

from quant_assets.compiled import kernel

_PANEL, _FLAGS = "float64[:, ::1]", "boolean[:, ::1]"


@kernel(
    f"void({_PANEL}, {_FLAGS}, int64[::1], float64, int64, float64, float64, boolean, {_PANEL})",
    regrouped=False,
)
def select_equal(
    signal: np.ndarray,  # (D, N) of the due rows; higher is better, not finite is not ranked
    eligible: np.ndarray,  # (D, N) who may be held
    rows: np.ndarray,  # (D,) places of the due rows
    quantile: float,  # share of the ranked symbols that is held
    minimum: int,  # with fewer ranked symbols nothing is decided
    side: float,  # share of equity of a side
    maximum: float,  # largest weight of a symbol
    long_short: bool,  # whether the worst are sold short
    out: np.ndarray,  # out (T, N): the due rows in which something is decided
) -> None:
    """Equal weights of the best (and, long-short, the worst).

    Of equals at the edge the first are held, the last are sold short.
    """
    last = signal.shape[1] - 1
    ranked = np.empty(signal.shape[1])
    for d in range(len(rows)):
        count = 0
        for i in range(signal.shape[1]):
            if eligible[d, i] and np.isfinite(signal[d, i]):
                ranked[count] = signal[d, i]
                count += 1
        if count < minimum:
            continue
        taken = max(1, int(count * quantile + 1e-9))
        weight = min(1.0 / taken * side, maximum)
        target = out[rows[d]]
        target[:] = 0.0
        ordered = np.sort(ranked[:count])
        for way in range(2 if long_short else 1):
            edge = ordered[count - taken] if way == 0 else ordered[taken - 1]
            beyond = 0
            for i in range(count):
                beyond += ranked[i] > edge if way == 0 else ranked[i] < edge
            at_edge = taken - beyond
            for k in range(signal.shape[1]):
                i = k if way == 0 else last - k
                value = signal[d, i]
                if not (eligible[d, i] and np.isfinite(value)):
                    continue
                if value > edge if way == 0 else value < edge:
                    target[i] += weight if way == 0 else -weight
                elif value == edge and at_edge > 0:
                    at_edge -= 1
                    target[i] += weight if way == 0 else -weight


@kernel(
    f"void({_PANEL}, {_PANEL}, {_FLAGS}, int64[::1], float64, float64, float64, boolean, boolean, "
    f"{_PANEL})",
    regrouped=False,
)
def hold_above(
    upper: np.ndarray,  # (D, N) of the due rows
    lower: np.ndarray,  # (D, N)
    eligible: np.ndarray,  # (D, N) who may be held
    rows: np.ndarray,  # (D,) places of the due rows
    band: float,  # distance upper / lower - 1 within which there is no signal
    total: float,  # share of equity that is shared out
    maximum: float,  # largest weight of a symbol
    long_short: bool,  # whether what lies below is sold short
    among_held: bool,  # shared among the held, else among the eligible
    out: np.ndarray,  # out (T, N): the due rows in which something is decided
) -> None:
    """Equal weights of what lies above, and long-short of what lies below."""
    sides = np.empty(upper.shape[1], np.int8)
    for d in range(len(rows)):
        held, members = 0, 0
        for i in range(upper.shape[1]):
            sides[i] = 0
            distance = upper[d, i] / lower[d, i] - 1.0
            if eligible[d, i] and np.isfinite(distance):
                members += 1
                if distance > band:
                    sides[i] = 1
                elif long_short and distance < -band:
                    sides[i] = -1
                held += sides[i] != 0
        if members == 0:
            continue
        weight = min(total / max(held if among_held else members, 1), maximum)
        target = out[rows[d]]
        for i in range(upper.shape[1]):
            target[i] = sides[i] * weight
