"""Operators across symbols written from their definitions: rows of plain floats, exact sums."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from statistics import NormalDist

MISSING = math.nan
Row = list[float]
Values = tuple[float, ...]  # those of a row that are there


@dataclass(frozen=True)
class Reference:
    """row(inputs, constants) gives the results of one session."""

    row: Callable[[list[Row], tuple[float, ...]], Row]
    inputs: int = 1
    constants: tuple[tuple[float, ...], ...] = ((),)  # sets of constants to try


def there(row: Row) -> Values:
    return tuple(x for x in row if not math.isnan(x))


@lru_cache(maxsize=4096)
def mean(values: Values) -> Fraction:
    return sum(map(Fraction, values), Fraction(0)) / len(values)


@lru_cache(maxsize=4096)
def deviation(values: Values) -> float:
    """Sample deviation; 0 for a constant, missing for a single value."""
    if len(values) < 2:
        return MISSING
    centre = mean(values)
    squares = float(sum((Fraction(x) - centre) ** 2 for x in values))
    if squares <= len(values) * (1e-12 * max(map(abs, values))) ** 2:
        return 0.0
    return math.sqrt(squares / (len(values) - 1))


def average_rank(x: float, values: Values) -> float:
    smaller, equal = sum(v < x for v in values), sum(v == x for v in values)
    return smaller + (equal + 1) / 2


def per_value(function: Callable[..., float]) -> Callable[[list[Row], tuple[float, ...]], Row]:
    """function(x, values, *constants) for each x that is there among all values that are."""

    def row(inputs: list[Row], constants: tuple[float, ...]) -> Row:
        values = there(inputs[0])
        return [MISSING if math.isnan(x) else function(x, values, *constants) for x in inputs[0]]

    return row


def rank(x: float, values: Values, rate: float = 0.0) -> float:
    return average_rank(x, values) / len(values)


def quantile(x: float, values: Values, driver: float, sigma: float) -> float:
    n = len(values)
    u = 0.5 if n == 1 else 1 / n + (average_rank(x, values) - 1) / (n - 1) * (1 - 2 / n)
    return (
        sigma
        * (
            NormalDist().inv_cdf(u),
            math.tan(math.pi * (u - 0.5)),
            u - 0.5,
        )[int(driver)]
    )


def zscore(x: float, values: Values) -> float:
    spread = deviation(values)
    return float(Fraction(x) - mean(values)) / spread if spread > 0 else MISSING


def normalize(x: float, values: Values, use_std: float, limit: float) -> float:
    result = zscore(x, values) if use_std else float(Fraction(x) - mean(values))
    return min(max(result, -limit), limit) if limit > 0 and not math.isnan(result) else result


def winsorize(x: float, values: Values, std: float) -> float:
    spread = deviation(values)
    if not spread > 0:
        return x
    centre = float(mean(values))
    return min(max(x, centre - std * spread), centre + std * spread)


def scale(x: float, values: Values, total: float, long: float, short: float) -> float:
    size = math.fsum(map(abs, values))
    if size == 0.0:
        return MISSING
    if long == 0.0 and short == 0.0:
        return x * total / size
    if x > 0:
        return x * (long or 1.0) / math.fsum(v for v in values if v > 0)
    return x * (short or 1.0) / -math.fsum(v for v in values if v < 0) if x < 0 else 0.0


def scale_down(x: float, values: Values, constant: float) -> float:
    extent = max(values) - min(values)
    return (x - min(values)) / extent - constant if extent > 0 else MISSING


def truncate(x: float, values: Values, share: float) -> float:
    limit = share * math.fsum(map(abs, values))
    return min(max(x, -limit), limit)


def densify(x: float, values: Values) -> float:
    return float(len({v for v in values if v < x}))


def paired(inputs: list[Row]) -> list[tuple[Fraction, Fraction]]:
    return [
        (Fraction(a), Fraction(b))
        for a, b in zip(*inputs, strict=True)
        if not (math.isnan(a) or math.isnan(b))
    ]


def vector_neut(inputs: list[Row], constants: tuple[float, ...]) -> Row:
    pairs = paired(inputs)
    squares = sum(y * y for _, y in pairs)
    slope = sum(x * y for x, y in pairs) / squares if squares else None
    return left(inputs, slope, Fraction(0), Fraction(0))


def regression_neut(inputs: list[Row], constants: tuple[float, ...]) -> Row:
    """y, the first, on x, the second."""
    pairs = paired(inputs)
    if len(pairs) < 3 or not deviation(tuple(float(x) for _, x in pairs)) > 0:
        return left(inputs, None, Fraction(0), Fraction(0))
    y_mean, x_mean = (sum(each, Fraction(0)) / len(pairs) for each in zip(*pairs, strict=True))
    squares = sum(((x - x_mean) ** 2 for _, x in pairs), Fraction(0))
    slope = sum(((x - x_mean) * (y - y_mean) for y, x in pairs), Fraction(0)) / squares
    return left(inputs, slope, y_mean, x_mean)


def left(inputs: list[Row], slope: Fraction | None, target: Fraction, regressor: Fraction) -> Row:
    return [
        MISSING
        if slope is None or math.isnan(a) or math.isnan(b)
        else float(Fraction(a) - target - slope * (Fraction(b) - regressor))
        for a, b in zip(*inputs, strict=True)
    ]


REFERENCES: dict[str, Reference] = {
    "rank": Reference(per_value(rank), constants=((2.0,), (0.0,))),
    "quantile": Reference(
        per_value(quantile), constants=((0.0, 1.0), (1.0, 0.5), (2.0, 1.0), (0.0, 2.0))
    ),
    "zscore": Reference(per_value(zscore)),
    "normalize": Reference(
        per_value(normalize), constants=((0.0, 0.0), (1.0, 0.0), (1.0, 0.7), (0.0, 2.0))
    ),
    "winsorize": Reference(per_value(winsorize), constants=((4.0,), (1.0,), (0.5,))),
    "scale": Reference(
        per_value(scale),
        constants=((1.0, 0.0, 0.0), (20.0, 0.0, 0.0), (1.0, 4.0, 3.0), (1.0, 0.0, 2.0)),
    ),
    "scale_down": Reference(per_value(scale_down), constants=((0.0,), (0.5,))),
    "truncate": Reference(per_value(truncate), constants=((0.01,), (0.2,))),
    "vector_neut": Reference(vector_neut, 2),
    "regression_neut": Reference(regression_neut, 2),
    "densify": Reference(per_value(densify)),
}
