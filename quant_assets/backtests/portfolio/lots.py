"""From changes of weights to whole lots of shares.

Rounding never makes a position larger than it was wanted; the turnover that it adds by selling
whole lots is taken back from the worst-ranked orders.
"""

import math

import numpy as np

from quant_assets.market_data.panels import FloatArray

# Shares: what is a whole number but for rounding is that number.
_ROUNDING = 1e-6


def quantities(
    previous: FloatArray,
    target: FloatArray,
    prices: FloatArray,
    lot: int,
    capital: float,
    turnover: float,
    order: list[int],
) -> FloatArray:
    """Shares to buy (negative: to sell) so that positions are nearest to the targets, (M,).

    An order that makes a position larger is rounded down to whole lots, one that makes it smaller
    up, so that no cap is broken; a position that is closed is sold as it is, in whole shares. An
    order through 0 closes the one side and opens the other in whole lots. If all together then
    trade more than `turnover`, lots are taken from the worst-ranked orders, first those that make
    positions larger.

    Args:
        previous: (M,) weights that are held.
        target: (M,) weights that are wanted; equal to `previous` where nothing is ordered.
        prices: (M,), above 0 where something is ordered.
        lot: shares of a lot; 0 leaves fractions.
        capital: of which weights are shares.
        turnover: largest sum of traded values, as a share of the capital.
        order: places, those first whose orders are given up first.
    """
    wanted = np.zeros(len(previous))
    for place in np.flatnonzero(target != previous):
        unit = capital / prices[place]
        wanted[place] = _rounded(previous[place] * unit, target[place] * unit, lot)
    if lot > 0:
        _give_up(wanted, previous, prices, lot, capital, turnover, order)
    return wanted


def weights_after(
    previous: FloatArray, shares: FloatArray, prices: FloatArray, lot: int, capital: float
) -> FloatArray:
    """Weights after the orders, (M,).

    Where shares are whole, what is left of a position that was sold counts as closed if it is less
    than a share: weights drift, shares do not.
    """
    ordered = shares != 0
    after = previous.copy()
    after[ordered] += shares[ordered] * prices[ordered] / capital
    least = 1.0 - _ROUNDING if lot > 0 else _ROUNDING
    smaller = ordered & (np.abs(after) < np.abs(previous))
    after[smaller & (np.abs(after) * capital < least * prices)] = 0.0
    return after


def _rounded(held: float, wanted: float, lot: int) -> float:
    """Shares to trade from a position of `held` to nearest `wanted`."""
    if lot == 0:
        return wanted - held
    if wanted == 0:
        return -math.copysign(_floor(abs(held), 1), held)
    if held * wanted < 0:
        closed = -math.copysign(_floor(abs(held), 1), held)
        return closed + math.copysign(_floor(abs(wanted), lot), wanted)
    change = abs(wanted) - abs(held)
    if change > 0:
        return math.copysign(_floor(change, lot), wanted)
    sold = min(float(math.ceil((-change - _ROUNDING) / lot) * lot), _floor(abs(held), 1))
    return -math.copysign(sold, held)


def _floor(shares: float, lot: int) -> float:
    return float(math.floor((shares + _ROUNDING) / lot) * lot)


def _give_up(
    wanted: FloatArray,
    previous: FloatArray,
    prices: FloatArray,
    lot: int,
    capital: float,
    turnover: float,
    order: list[int],
) -> None:
    """Take lots from orders until what they trade is within the turnover."""
    value = np.where(wanted != 0, prices, 0.0) / capital
    excess = float((np.abs(wanted) * value).sum()) - turnover * (1 + 1e-12)
    larger = [place for place in order if wanted[place] * previous[place] >= 0]
    smaller = [place for place in order if wanted[place] * previous[place] < 0]
    for place in (*larger, *smaller):
        if excess <= 0:
            return
        if wanted[place] == 0:
            continue
        left = max(0.0, _floor(abs(wanted[place]) - excess / float(value[place]), lot))
        excess -= (abs(wanted[place]) - left) * float(value[place])
        wanted[place] = math.copysign(left, wanted[place])
