"""Positions from fills: the holdings of every session once more, compiled.

Nothing is decided here: shares change by the fills and events that the simulation wrote down, with
its own arithmetic, so the holdings have its bits.
"""

import numpy as np

from quant_assets.backtests.holding_kernels import detach
from quant_assets.backtests.order_kernels import take
from quant_assets.compiled import kernel

_ROW, _PANEL, _WHOLE = "float64[::1]", "float64[:, ::1]", "int64[::1]"


@kernel(
    f"int64({_PANEL}, {_WHOLE}, {_WHOLE}, {_WHOLE}, {_ROW}, {_ROW}, float64, {_WHOLE}, int32[::1], "
    f"{_ROW}, {_WHOLE}, int32[::1], {_ROW}, {_ROW})",
    regrouped=False,
)
def replay(
    close: np.ndarray,  # (T, N) raw; NaN where there is no bar
    columns: np.ndarray,  # (K,) the symbols that are traded
    event_session: np.ndarray,  # (E,) ascending
    event_column: np.ndarray,  # (E,) places in `columns`
    event_ratio: np.ndarray,  # (E,)
    event_cash: np.ndarray,  # (E,)
    lot: float,
    fill_start: np.ndarray,  # (S + 1,)
    fill_column: np.ndarray,
    fill_quantity: np.ndarray,
    start: np.ndarray,  # out (S + 1,): the holdings of t are [start[t], start[t + 1])
    column: np.ndarray,  # out: place in `columns`
    held: np.ndarray,  # out: shares at the close
    price: np.ndarray,  # out: at which they are valued
) -> int:
    """Fill the outputs; returns how many holdings there are."""
    count = len(columns)
    shares, marks, closes = np.zeros(count), np.zeros(count), np.zeros(count)
    unused = np.zeros(count)
    event, place = 0, 0
    for t in range(len(fill_start) - 1):
        while event < len(event_session) and event_session[event] == t:
            detach(
                event_column[event], event_ratio[event], event_cash[event], lot, shares, marks,
                unused,
            )  # fmt: skip
            event += 1
        for k in range(fill_start[t], fill_start[t + 1]):
            shares[fill_column[k]] += fill_quantity[k]
        take(close, t, columns, 0.0, closes)
        for i in range(count):
            marks[i] = closes[i] if closes[i] > 0.0 else marks[i]
            if shares[i] != 0.0:
                column[place], held[place], price[place] = i, shares[i], marks[i]
                place += 1
        start[t + 1] = place
    return place
