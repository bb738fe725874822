"""One session's orders, compiled: what is wanted, what of it can be done, at which price.

Loops over the symbols of a session, each with one array that it writes: so the compiler can keep
them in vector registers. Sums are taken in the order of the symbols: a symbol that is not held
changes no bit of them. The rules are told in `simulation.py`, the loop over sessions stands in
`simulation_kernels.py`.
"""

import numpy as np

from quant_assets.backtests.simulation_codes import FIXED, VOLUME_IMPACT
from quant_assets.compiled import helper_uncounted

# Gaps below this share of equity are rounding, not orders.
NEGLIGIBLE = 1e-12
# A target that lies below a whole lot by this share of it, which is rounding, is that lot.
_TARGET_ROUNDING = 1e-10
# The same of volumes and positions.
_ROUNDING = 1e-9
_ROUNDED_UP = 1.0 + _ROUNDING
# Limit prices are published rounded to the tick, and prices may come from float32.
_LIMIT_MARGIN = 1e-6
# No order moves the price by more than half of it, however large it is.
_MOST_SLIPPAGE = 0.5


@helper_uncounted
def take(panel: np.ndarray, t: int, columns: np.ndarray, missing: float, row: np.ndarray) -> None:
    """Row t of the columns that are traded; `missing` where nothing above 0 is known."""
    if len(columns) == panel.shape[1]:
        for i in range(len(row)):
            x = panel[t, i]
            row[i] = x if x > 0.0 else missing
    else:
        for i in range(len(row)):
            x = panel[t, columns[i]]
            row[i] = x if x > 0.0 else missing


@helper_uncounted
def take_weights(weights: np.ndarray, t: int, columns: np.ndarray, row: np.ndarray) -> None:
    """Row t of the target weights."""
    if len(columns) == weights.shape[1]:
        for i in range(len(row)):
            row[i] = weights[t, i]
    else:
        for i in range(len(row)):
            row[i] = weights[t, columns[i]]


@helper_uncounted
def only_traded(
    closes: np.ndarray, volumes: np.ndarray, halted: np.ndarray, t: int, columns: np.ndarray,
    prices: np.ndarray,
) -> None:  # fmt: skip
    """Leave the price of execution only where the symbol traded on the day, else 0."""
    for i in range(len(prices)):
        prices[i] = prices[i] if (closes[i] > 0.0) & (volumes[i] > 0.0) else 0.0
    if len(halted):
        for i in range(len(prices)):
            if halted[t, columns[i]]:
                prices[i] = 0.0


@helper_uncounted
def value_prices(prices: np.ndarray, marks: np.ndarray, valued: np.ndarray) -> None:
    """The prices at which positions are valued before the orders."""
    for i in range(len(prices)):
        valued[i] = prices[i] if prices[i] > 0.0 else marks[i]


@helper_uncounted
def total_of(shares: np.ndarray, prices: np.ndarray) -> float:
    """The value of all positions."""
    total = 0.0
    for i in range(len(shares)):
        total += shares[i] * prices[i]
    return total


@helper_uncounted
def total_weight(targets: np.ndarray) -> float:
    """The sum of the target weights."""
    total = 0.0
    for i in range(len(targets)):
        total += targets[i]
    return total


@helper_uncounted
def want(
    targets: np.ndarray, shares: np.ndarray, valued: np.ndarray, equity: float, lot: float,
    band: float, wanted: np.ndarray,
) -> None:  # fmt: skip
    """The quantities that lead to the targets, whole lots towards the position."""
    least = max(band, NEGLIGIBLE) * equity
    if lot > 0.0:
        for i in range(len(wanted)):
            gap = targets[i] * equity - shares[i] * valued[i]
            slack = np.copysign(_TARGET_ROUNDING * abs(targets[i]) * equity, gap)
            lots = np.trunc((gap + slack) / (valued[i] * lot)) * lot
            order = lots if (abs(gap) > least) & (valued[i] > 0.0) else 0.0
            wanted[i] = order if targets[i] != 0.0 else -shares[i]
    else:
        for i in range(len(wanted)):
            gap = targets[i] * equity - shares[i] * valued[i]
            order = gap / valued[i] if (abs(gap) > least) & (valued[i] > 0.0) else 0.0
            wanted[i] = order if targets[i] != 0.0 else -shares[i]


@helper_uncounted
def without_order(targets: np.ndarray, shares: np.ndarray, wanted: np.ndarray) -> int:
    """How many symbols have a target, no position and yet no order."""
    found = 0
    for i in range(len(wanted)):
        found += (targets[i] != 0.0) & (shares[i] == 0.0) & (wanted[i] == 0.0)
    return found


@helper_uncounted
def allow_traded(wanted: np.ndarray, prices: np.ndarray, fill: np.ndarray) -> None:
    """Of the orders those of symbols that trade."""
    for i in range(len(fill)):
        fill[i] = wanted[i] if prices[i] > 0.0 else 0.0


@helper_uncounted
def at_upper(price: float, upper: float) -> bool:
    """Whether nobody sells: the price stands at its upper limit."""
    return price >= upper * (1.0 - _LIMIT_MARGIN)


@helper_uncounted
def at_lower(price: float, lower: float) -> bool:
    """Whether nobody buys: the price stands at its lower limit."""
    return price <= lower * (1.0 + _LIMIT_MARGIN)


@helper_uncounted
def allow_limits(
    prices: np.ndarray, uppers: np.ndarray, lowers: np.ndarray, fill: np.ndarray
) -> None:
    """No purchases at the upper limit, no sales at the lower one."""
    for i in range(len(fill)):
        shut = (fill[i] > 0.0) & at_upper(prices[i], uppers[i])
        shut |= (fill[i] < 0.0) & at_lower(prices[i], lowers[i])
        fill[i] = 0.0 if shut else fill[i]


@helper_uncounted
def settled(shares: float, unsettled: float) -> float:
    """What may be sold of a position; what is left by rounding only is nothing."""
    old = shares - unsettled
    return old if old > _ROUNDING * shares else 0.0


@helper_uncounted
def too_soon(quantity: float, shares: float, unsettled: float) -> bool:
    """Whether an order sells more than what was bought long enough ago."""
    return unsettled > 0.0 and -quantity > settled(shares, unsettled)


@helper_uncounted
def allow_settled(shares: np.ndarray, unsettled: np.ndarray, fill: np.ndarray) -> None:
    """No sales of what was bought too short ago."""
    for i in range(len(fill)):
        if (fill[i] < 0.0) & (unsettled[i] > 0.0):
            fill[i] = max(fill[i], -settled(shares[i], unsettled[i]))


@helper_uncounted
def allow_volume(volumes: np.ndarray, share: float, lot: float, fill: np.ndarray) -> None:
    """No order above a share of the session's volume, in whole lots."""
    if lot > 0.0:
        for i in range(len(fill)):
            most = np.floor(share * volumes[i] / lot * _ROUNDED_UP) * lot
            fill[i] = min(max(fill[i], -most), most)
    else:
        for i in range(len(fill)):
            most = share * volumes[i]
            fill[i] = min(max(fill[i], -most), most)


@helper_uncounted
def leave(wanted: np.ndarray, fill: np.ndarray, left: np.ndarray) -> tuple[int, int]:
    """What cannot be done; how many such orders there are, and how many of them are sales."""
    for i in range(len(fill)):
        left[i] = wanted[i] - fill[i]
    some, sales = 0, 0
    for i in range(len(fill)):
        some += left[i] != 0.0
        sales += left[i] < 0.0
    return some, sales


@helper_uncounted
def pay_prices(
    fill: np.ndarray, prices: np.ndarray, kind: int, spread: float, impact: float,
    volumes: np.ndarray, turnovers: np.ndarray, volatilities: np.ndarray, paid: np.ndarray,
) -> None:  # fmt: skip
    """The prices paid or got, slippage included."""
    if kind == FIXED:
        up, down = 1.0 + spread, 1.0 - spread
        for i in range(len(fill)):
            paid[i] = prices[i] * (up if fill[i] > 0.0 else down)
    elif kind == VOLUME_IMPACT:
        for i in range(len(fill)):
            share = abs(fill[i]) / volumes[i] if volumes[i] > 0.0 else 0.0
            rate = min(spread + impact * share * share, _MOST_SLIPPAGE)
            paid[i] = prices[i] * (1.0 + (rate if fill[i] > 0.0 else -rate))
    else:
        for i in range(len(fill)):
            value = abs(fill[i]) * prices[i]
            share = value / turnovers[i] if turnovers[i] > 0.0 else 0.0
            rate = min(spread + impact * volatilities[i] * np.sqrt(share), _MOST_SLIPPAGE)
            paid[i] = prices[i] * (1.0 + (rate if fill[i] > 0.0 else -rate))


@helper_uncounted
def fee(amount: float, rate: float, minimum: float) -> float:
    """The commission of an order with a value."""
    return max(rate * abs(amount), minimum) if amount != 0.0 else 0.0


@helper_uncounted
def sums(
    fill: np.ndarray, prices: np.ndarray, paid: np.ndarray, rate: float, minimum: float
) -> tuple[float, float, float, float, float, int]:
    """(bought, sold, commission of purchases, of sales, value at quoted prices, purchases)."""
    bought, sold, quoted = 0.0, 0.0, 0.0
    for i in range(len(fill)):
        amount = fill[i] * paid[i]
        bought += max(amount, 0.0)
        sold -= min(amount, 0.0)
        quoted += fill[i] * prices[i]
    buys = 0
    for i in range(len(fill)):
        buys += fill[i] > 0.0
    if minimum == 0.0:
        return bought, sold, rate * bought, rate * sold, quoted, buys
    buying, selling = 0.0, 0.0
    for i in range(len(fill)):
        amount = fill[i] * paid[i]
        due = fee(amount, rate, minimum)
        buying += due if amount > 0.0 else 0.0
        selling += due if amount < 0.0 else 0.0
    return bought, sold, buying, selling, quoted, buys


@helper_uncounted
def shrink(fill: np.ndarray, share: float, lot: float) -> None:
    """Purchases made smaller alike."""
    if lot > 0.0:
        for i in range(len(fill)):
            less = np.floor(fill[i] * share / lot) * lot
            fill[i] = less if fill[i] > 0.0 else fill[i]
    else:
        for i in range(len(fill)):
            fill[i] = fill[i] * share if fill[i] > 0.0 else fill[i]


@helper_uncounted
def add(fill: np.ndarray, shares: np.ndarray) -> None:
    """The positions after the fills."""
    for i in range(len(fill)):
        shares[i] += fill[i]
