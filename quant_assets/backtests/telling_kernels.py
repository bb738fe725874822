"""What is written down of a session, compiled: fills, and orders of which there is more to tell.

Each helper writes from `place` on and returns the place after its last row. Why an order was not
done is one of the reasons of `simulation_codes.py`.
"""

import numpy as np

from quant_assets.backtests import order_kernels as orders
from quant_assets.backtests import simulation_codes as codes
from quant_assets.compiled import helper_uncounted


@helper_uncounted
def record(
    fill: np.ndarray, paid: np.ndarray, column: np.ndarray, quantity: np.ndarray,
    price: np.ndarray, place: int,
) -> int:  # fmt: skip
    """Write down the fills; returns how many there are now."""
    for i in range(len(fill)):
        column[place], quantity[place], price[place] = i, fill[i], paid[i]
        place += fill[i] != 0.0
    return place


@helper_uncounted
def tell_none(
    targets: np.ndarray, shares: np.ndarray, wanted: np.ndarray, valued: np.ndarray, equity: float,
    band: float, column: np.ndarray, quantity: np.ndarray, reason: np.ndarray, place: int,
) -> int:  # fmt: skip
    """Targets of symbols that are not held and of which nothing can be bought."""
    least = max(band, orders.NEGLIGIBLE) * equity
    for i in range(len(targets)):
        if targets[i] != 0.0 and shares[i] == 0.0 and wanted[i] == 0.0:
            money = targets[i] * equity
            if not valued[i] > 0.0:
                column[place], reason[place] = i, codes.NO_PRICE
                quantity[place] = np.copysign(0.0, targets[i])
                place += 1
            elif abs(money) > least:
                column[place], reason[place] = i, codes.LESS_THAN_A_LOT
                quantity[place] = money / valued[i]
                place += 1
    return place


@helper_uncounted
def tell_blocked(
    wanted: np.ndarray, left: np.ndarray, prices: np.ndarray, uppers: np.ndarray,
    lowers: np.ndarray, shares: np.ndarray, unsettled: np.ndarray, limited: bool, holding: int,
    column: np.ndarray, quantity: np.ndarray, reason: np.ndarray, place: int,
) -> int:  # fmt: skip
    """Orders that cannot be done in full, with what hindered them first."""
    for i in range(len(wanted)):
        if left[i] == 0.0:
            continue
        why = codes.VOLUME
        if not prices[i] > 0.0:
            why = codes.NO_TRADING
        elif limited and wanted[i] > 0.0 and orders.at_upper(prices[i], uppers[i]):
            why = codes.LIMIT_UP
        elif limited and wanted[i] < 0.0 and orders.at_lower(prices[i], lowers[i]):
            why = codes.LIMIT_DOWN
        elif holding > 1 and orders.too_soon(wanted[i], shares[i], unsettled[i]):
            why = codes.UNSETTLED
        column[place], quantity[place], reason[place] = i, wanted[i], why
        place += 1
    return place


@helper_uncounted
def tell_short(
    wanted: np.ndarray, left: np.ndarray, fill: np.ndarray, expected: bool, column: np.ndarray,
    quantity: np.ndarray, reason: np.ndarray, place: int,
) -> int:  # fmt: skip
    """Purchases of which nothing is left, or less where `expected` sales were not done."""
    for i in range(len(wanted)):
        less = wanted[i] > 0.0 and left[i] == 0.0 and fill[i] < wanted[i]
        if less and (expected or fill[i] == 0.0):
            column[place], quantity[place], reason[place] = i, wanted[i], codes.CASH_SHORT
            place += 1
    return place


@helper_uncounted
def tell_without_equity(
    targets: np.ndarray, shares: np.ndarray, left: np.ndarray, decision: bool, column: np.ndarray,
    quantity: np.ndarray, reason: np.ndarray, place: int,
) -> int:  # fmt: skip
    """Orders of an account that is worth nothing at the prices of execution: new or waiting."""
    for i in range(len(targets)):
        wanted, some = left[i], left[i] != 0.0
        if decision:
            some = targets[i] != 0.0 or shares[i] != 0.0
            wanted = np.copysign(0.0, targets[i]) if targets[i] != 0.0 else -shares[i]
        if some:
            column[place], quantity[place], reason[place] = i, wanted, codes.NO_EQUITY
            place += 1
    return place
