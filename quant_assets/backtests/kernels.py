"""The loop over sessions that trades on target weights, compiled by numba.

Arrays in, arrays out: checks, alignment and tables stand in `simulation.py`, which is also where
the rules are told in words.
"""

import numpy as np

from quant_assets.compiled import helper_as_written, kernel

# Orders below this share of equity are rounding, not orders.
_NEGLIGIBLE = 1e-12
# The equity after costs is the fixed point of a contraction: at ten bps five steps settle it.
_STEPS = 200
# Columns of `counts`.
_ORDERS, _DROPPED, _SCALED, _STALE = 0, 1, 2, 3

_SERIES, _PANEL = "float64[::1]", "float64[:, ::1]"
_SIGNATURE = (
    f"int64({_PANEL}, boolean[::1], {_PANEL}, {_PANEL}, {_PANEL}, float64, float64, int64, "
    f"{_SERIES}, {_SERIES}, {_SERIES}, {_PANEL}, {_PANEL}, {_PANEL}, {_PANEL}, int64[:, ::1])"
)


@kernel(_SIGNATURE, regrouped=False)
def trade_targets(
    weights: np.ndarray,  # (T, N) targets decided at the close of t; rows not decided are not read
    decided: np.ndarray,  # (T,) bool
    price: np.ndarray,  # (T, N) price of execution, NaN or <= 0 where there is none
    close: np.ndarray,  # (T, N) NaN where there is no bar
    volume: np.ndarray,  # (T, N)
    rate: float,  # cost as a share of the traded value
    initial: float,  # capital before the first session
    stale_sessions: int,  # sessions without a bar after which a position is closed
    equity: np.ndarray,  # out (T,) at the close
    cash: np.ndarray,  # out (T,) at the close
    equity_before: np.ndarray,  # out (T,) before the session's orders, at the prices of execution
    before: np.ndarray,  # out (T, N) value of the position before its trade
    traded: np.ndarray,  # out (T, N) value bought (sold: negative), 0 where nothing was
    trade_price: np.ndarray,  # out (T, N) where something was traded
    value: np.ndarray,  # out (T, N) of the positions at the close
    counts: np.ndarray,  # out (T, 4): orders, dropped, purchases scaled down (0 or 1), stale
) -> int:
    """Fill the outputs; returns the number of sessions until the capital was lost, at most T."""
    sessions, symbols = len(close), close.shape[1]
    units = np.zeros(symbols)
    mark = np.zeros(symbols)  # last close
    age = np.zeros(symbols, np.int64)  # sessions since the last bar
    wanted = np.zeros(symbols)
    purse = initial
    for t in range(sessions):
        total = purse
        for i in range(symbols):
            before[t, i] = units[i] * (price[t, i] if price[t, i] > 0.0 else mark[i])
            total += before[t, i]
        equity_before[t] = total
        if t > 0 and decided[t - 1] and total > 0.0:
            tradable = (price[t] > 0.0) & (volume[t] > 0.0)
            target = weights[t - 1]
            after = _equity_after_costs(target, before[t], tradable, total, rate)
            _orders(target, before[t], tradable, total, after, purse, rate, wanted, counts[t])
            for i in range(symbols):
                if wanted[i] != 0.0:
                    traded[t, i] = wanted[i]
                    trade_price[t, i] = price[t, i]
                    purse -= wanted[i] + rate * abs(wanted[i])
                    if wanted[i] == -before[t, i]:
                        units[i] = 0.0
                    else:
                        units[i] = (before[t, i] + wanted[i]) / price[t, i]
        for i in range(symbols):
            age[i] += 1
            if close[t, i] > 0.0:
                mark[i] = close[t, i]
                age[i] = 0
            value[t, i] = units[i] * mark[i]
            if units[i] != 0.0 and age[i] >= stale_sessions:
                before[t, i] = value[t, i]
                traded[t, i] = -value[t, i]
                trade_price[t, i] = mark[i]
                counts[t, _STALE] += 1
                purse += value[t, i] - rate * abs(value[t, i])
                units[i] = 0.0
                value[t, i] = 0.0
        cash[t] = purse
        equity[t] = purse + value[t].sum()
        if equity[t] <= 0.0:
            return t + 1
    return sessions


@helper_as_written
def _equity_after_costs(
    target: np.ndarray, before: np.ndarray, tradable: np.ndarray, total: float, rate: float
) -> float:
    """The equity E with E = total - rate * sum |target E - before| over what can be traded."""
    after = total
    for _ in range(_STEPS):
        moved = 0.0
        for i in range(len(target)):
            if tradable[i]:
                moved += abs(target[i] * after - before[i])
        closer = total - rate * moved
        if abs(closer - after) <= 1e-16 * total:
            break
        after = closer
    return closer


@helper_as_written
def _orders(
    target: np.ndarray,
    before: np.ndarray,
    tradable: np.ndarray,
    total: float,
    after: float,
    purse: float,
    rate: float,
    wanted: np.ndarray,  # out (N,) value to buy, negative to sell
    counts: np.ndarray,  # out (4,)
) -> None:
    """What can be traded of the way to the targets, and can be paid for."""
    bought, sold, planned = 0.0, 0.0, after
    for i in range(len(target)):
        planned -= target[i] * after
        wanted[i] = target[i] * after - before[i]
        if abs(wanted[i]) <= _NEGLIGIBLE * total:
            wanted[i] = 0.0
        elif not tradable[i]:
            wanted[i] = 0.0
            counts[_DROPPED] += 1
        else:
            counts[_ORDERS] += 1
            bought += max(wanted[i], 0.0)
            sold -= min(wanted[i], 0.0)
    if counts[_DROPPED] == 0 or bought == 0.0:
        return
    # What could not be sold pays for nothing: purchases shrink, cash is not borrowed.
    affordable = (purse + sold * (1.0 - rate) - min(planned, 0.0)) / (1.0 + rate)
    if affordable < bought:
        counts[_SCALED] = 1
        share = max(affordable, 0.0) / bought
        for i in range(len(target)):
            if wanted[i] > 0.0:
                wanted[i] *= share
                if wanted[i] <= _NEGLIGIBLE * total:
                    wanted[i] = 0.0
                    counts[_ORDERS] -= 1
