"""Literal references of the operators on the distribution of a window, from their definitions."""

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from statistics import NormalDist

from quant_assets_tests.factors.expressions.operators.references_exact import (
    MISSING,
    Expected,
    Window,
    constant,
    enough,
    exact,
    mean,
    products,
    root,
    spread,
    tuples,
    valid,
)


def moment(values: Sequence[Fraction], k: int) -> Fraction:
    centre = mean(values)
    return mean([(x - centre) ** k for x in values])


def ts_skewness(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    values = exact(valid(windows[0]))
    n = len(values)
    if not enough(n, constants[0], 3) or constant(values):
        return MISSING
    shape = float(moment(values, 3)) / root(moment(values, 2) ** 3)
    bias = math.sqrt(n * (n - 1)) / (n - 2)
    return Expected(bias * shape, bias)


def ts_kurtosis(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    values = exact(valid(windows[0]))
    n = len(values)
    if not enough(n, constants[0], 4) or constant(values):
        return MISSING
    shape = moment(values, 4) / moment(values, 2) ** 2
    bias = Fraction(n - 1, (n - 2) * (n - 3))
    return Expected(float(bias * ((n + 1) * shape - 3 * (n - 1))), float(bias * 3 * (n - 1)))


def ts_moment(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    values, k = exact(valid(windows[0])), int(constants[1])
    if not enough(len(values), constants[0]):
        return MISSING
    centre = mean(values)
    size = mean([abs(x - centre) ** k for x in values])
    return Expected(float(moment(values, k)), float(size))


def ts_ir(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    values = exact(valid(windows[0]))
    n = len(values)
    if not enough(n, constants[0], 2) or constant(values):
        return MISSING
    deviation = root(products(values, values) / (n - 1))
    return Expected(float(mean(values)) / deviation, spread(values) / deviation)


def comoment(windows: Sequence[Window], d: float, k: int) -> Expected:
    found = tuples(windows)
    n = len(found[0])
    if not enough(n, d, 2):
        return MISSING
    y, x = (exact(each) for each in found)
    if constant(y) or constant(x):
        return MISSING
    y_mean, x_mean = mean(y), mean(x)
    joint = mean([(b - y_mean) * (a - x_mean) ** k for b, a in zip(y, x, strict=True)])
    return Expected(float(joint) / root(moment(y, 2) * moment(x, 2) ** k), float(n))


def ts_co_skewness(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    return comoment(windows, constants[0], 2)


def ts_co_kurtosis(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    return comoment(windows, constants[0], 3)


def ts_percentile(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    values = sorted(valid(windows[0]))
    if not enough(len(values), constants[0]):
        return MISSING
    place = constants[1] * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    between = Fraction(place) - low
    return Expected(float(Fraction(values[low]) * (1 - between) + Fraction(values[high]) * between))


def ts_median(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    return ts_percentile(windows, (constants[0], 0.5))


def ts_quantile(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    values, now = valid(windows[0]), windows[0][-1]
    n = len(values)
    if not enough(n, constants[0]) or math.isnan(now):
        return MISSING
    below, equal = sum(x < now for x in values), sum(x == now for x in values)
    rank = Fraction(2 * below + equal - 1, 2 * (n - 1)) if n > 1 else Fraction(1, 2)
    p = Fraction(1, n) + rank * (1 - Fraction(2, n)) if n > 1 else Fraction(1, 2)
    match int(constants[1]):
        case 0:
            return Expected(NormalDist().inv_cdf(float(p)), 1.0)
        case 1:
            return Expected(math.tan(math.pi * float(p - Fraction(1, 2))), 1.0)
        case _:
            return Expected(float(p - Fraction(1, 2)), 1.0)


def ts_entropy(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    values, buckets = valid(windows[0]), int(constants[1])
    if not enough(len(values), constants[0]):
        return MISSING
    low, high = min(values), max(values)
    if high - low <= 1e-12 * abs(values[-1]):
        return Expected(0.0)
    places = [
        min(math.floor(Fraction(x - low) * buckets / Fraction(high - low)), buckets - 1)
        for x in values
    ]
    shares = [count / len(values) for count in Counter(places).values()]
    return Expected(-math.fsum(p * math.log(p) for p in shares), 1.0)
