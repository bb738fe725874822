"""Units of expressions: what is measured in money a share, in shares, in neither.

Here stand the unit of a value and the rules by which operators hand units on. Units never stop a
computation (published formulas add prices to correlations); the gate reports what does not fit.
"""

from collections.abc import Callable
from typing import NamedTuple


class Unit(NamedTuple):
    """Powers of price (currency a share) and of shares; turnover is price x shares: (1, 1)."""

    price: float
    shares: float


Units = tuple[Unit | None, ...]  # None: not known; agrees with everything
UnitRule = Callable[[Units, tuple[float, ...]], Unit | None]

DIMENSIONLESS = Unit(0.0, 0.0)
PRICE = Unit(1.0, 0.0)
SHARES = Unit(0.0, 1.0)
MONEY = Unit(1.0, 1.0)


def dimensionless(units: Units, constants: tuple[float, ...]) -> Unit | None:
    """Whatever goes in, a pure number comes out: ranks, correlations, counts, truths."""
    return DIMENSIONLESS


def same(units: Units, constants: tuple[float, ...]) -> Unit | None:
    """The unit of the first input."""
    return units[0]


def product(units: Units, constants: tuple[float, ...]) -> Unit | None:
    """The product of the inputs' units."""
    total = DIMENSIONLESS
    for unit in units:
        if unit is None:
            return None
        total = Unit(total.price + unit.price, total.shares + unit.shares)
    return total


def quotient(units: Units, constants: tuple[float, ...]) -> Unit | None:
    """The first unit over the second."""
    if units[0] is None or units[1] is None:
        return None
    return Unit(units[0].price - units[1].price, units[0].shares - units[1].shares)


def unknown(units: Units, constants: tuple[float, ...]) -> Unit | None:
    """Depends on values, as that of a power with a varying exponent."""
    return None
