"""What happens to what is held, compiled: events of the shares, closes, average cost, gains.

Each helper changes the state that it is given. Orders and their costs stand in `order_kernels.py`;
the rules are told in `simulation.py`.
"""

import numpy as np

from quant_assets.backtests import simulation_codes as codes
from quant_assets.compiled import helper_uncounted

# A holding nearer than this to a whole number of shares is that number.
_ROUNDING = 1e-6


@helper_uncounted
def detach(
    i: int, ratio: float, cash: float, lot: float, shares: np.ndarray, marks: np.ndarray,
    left: np.ndarray,
) -> float:  # fmt: skip
    """Apply an event to a position; returns the money that it brings."""
    money: float = shares[i] * cash
    if marks[i] > 0.0:
        marks[i] = (marks[i] - cash) / ratio
    held = shares[i] * ratio
    if lot > 0.0 and ratio != 1.0:
        whole = np.trunc(held + np.copysign(_ROUNDING, held))
        if abs(held - whole) > _ROUNDING:
            money += (held - whole) * marks[i]
        held = whole
        lots = left[i] * ratio / lot
        # an order that closes the position closes it still, odd lots included
        closes = left[i] != 0.0 and left[i] == -shares[i]
        left[i] = -held if closes else np.trunc(lots + np.copysign(_ROUNDING, lots)) * lot
    else:
        left[i] *= ratio
    shares[i] = held
    return money


@helper_uncounted
def mark(
    t: int, closes: np.ndarray, halted: np.ndarray, columns: np.ndarray, shares: np.ndarray,
    stale_sessions: int, marks: np.ndarray, seen: np.ndarray, row: np.ndarray,
) -> bool:  # fmt: skip
    """Value the positions at the close; whether one of them has had no bar for too long."""
    for i in range(len(marks)):
        marks[i] = closes[i] if closes[i] > 0.0 else marks[i]
    for i in range(len(seen)):
        seen[i] = t if closes[i] > 0.0 else seen[i]
    if len(halted):  # a halt, however long, ends no listing
        for i in range(len(seen)):
            seen[i] = t if halted[t, columns[i]] else seen[i]
    above, below = 0.0, 0.0
    for i in range(len(marks)):
        value = shares[i] * marks[i]
        above += max(value, 0.0)
        below += min(value, 0.0)
    held, old = 0, 0
    for i in range(len(marks)):
        held += shares[i] != 0.0
        old += (shares[i] != 0.0) & (t - seen[i] >= stale_sessions)
    row[codes.LONG], row[codes.SHORT], row[codes.HELD] = above, below, held
    return old > 0


@helper_uncounted
def book(
    i: int, quantity: float, price: float, due: float, stamp: float, held: float,
    basis: np.ndarray, gains: np.ndarray,
) -> None:  # fmt: skip
    """Average cost of a position and gain of what is closed, costs included; `held` before."""
    amount = quantity * price
    if amount < 0.0:
        gains[1] -= amount
        due -= amount * stamp
    closing = 0.0
    if quantity * held < 0.0:
        closing = min(1.0, abs(held / quantity))
        part = min(1.0, abs(quantity / held))
        gains[0] += -amount * closing - due * closing - basis[i] * part
        basis[i] -= basis[i] * part
    # money paid for what is held: below 0 for short positions, whose sale brought it
    basis[i] += amount * (1.0 - closing) + due * (1.0 - closing)


@helper_uncounted
def book_fraction(
    i: int, held: float, shares: np.ndarray, marks: np.ndarray, basis: np.ndarray,
    gains: np.ndarray,
) -> None:  # fmt: skip
    """What an event pays out of a position of `held` shares is sold, for what it was paid."""
    if abs(held - shares[i]) > _ROUNDING:
        book(i, shares[i] - held, marks[i], 0.0, 0.0, held, basis, gains)


@helper_uncounted
def owed(gains: np.ndarray, rate: float, exempt: float) -> float:
    """The tax on the month if it ended now."""
    gain, sales, losses = gains[0], gains[1], gains[2]
    tax: float = rate * max(gain - losses, 0.0) if sales > exempt else 0.0
    return tax


@helper_uncounted
def settle(gains: np.ndarray, rate: float, exempt: float) -> float:
    """The tax on the month that has ended; what is lost is carried forward."""
    gain, sales, losses = gains[0], gains[1], gains[2]
    tax = owed(gains, rate, exempt)
    if gain < 0.0:
        gains[2] = losses - gain
    elif sales > exempt:
        gains[2] = max(losses - gain, 0.0)
    gains[0] = gains[1] = 0.0
    return tax
