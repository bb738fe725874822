"""What literal references of windows are written with: exact sums, and the size of an error.

A reference gets, for each input, the values from the first session that the operator may read to
the day, oldest first, and the constants. Sums are exact (fractions), so that what differs is the
operator's error. It returns the value and the size that an error of 1e-9 is relative to, where that
is not the value itself: a difference of large numbers is no better than they are.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

Window = Sequence[float]


class Expected(NamedTuple):
    """A reference's value, and the size that its error is relative to."""

    value: float
    size: float = 0.0


Reference = Callable[[Sequence[Window], Sequence[float]], Expected]

MISSING = Expected(math.nan)


def enough(n: int, d: float, least: int = 1) -> bool:
    return n >= max(math.ceil(Fraction(2 * int(d), 3)), least)


def valid(window: Window) -> list[float]:
    return [x for x in window if not math.isnan(x)]


def exact(values: Sequence[float]) -> list[Fraction]:
    return [Fraction(x) for x in values]


def mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def products(x: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
    """Sum of (x - mean x) (y - mean y)."""
    x_mean, y_mean = mean(x), mean(y)
    return sum(((a - x_mean) * (b - y_mean) for a, b in zip(x, y, strict=True)), Fraction(0))


def constant(values: Sequence[Fraction]) -> bool:
    """Values differ by rounding only; the last is the newest."""
    limit = Fraction(1, 10**12) * abs(values[-1])
    return products(values, values) <= len(values) * limit**2


def root(x: Fraction) -> float:
    return math.sqrt(x)


def tuples(windows: Sequence[Window]) -> list[list[float]]:
    """The sessions on which no input is missing, a list for each input."""
    rows = [row for row in zip(*windows, strict=True) if not any(math.isnan(x) for x in row)]
    return [[row[k] for row in rows] for k in range(len(windows))]


def spread(values: Sequence[Fraction]) -> float:
    return float(max(values) - min(values))
