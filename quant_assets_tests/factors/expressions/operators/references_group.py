"""Operators within groups written from their definitions, symbol by symbol."""

import math
import statistics
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache

from quant_assets_tests.factors.expressions.operators.references_cross_section import (
    MISSING,
    Reference,
    Row,
    Values,
    average_rank,
    deviation,
    mean,
    scale_down,
    there,
    zscore,
)


def members(row: Row, groups: Row, group: float) -> Values:
    return there([x for x, g in zip(row, groups, strict=True) if g == group])


def within(function: Callable[[float, Values], float]) -> Reference:
    """function(x, values of the group) where x and its group are there."""

    def row(inputs: list[Row], constants: tuple[float, ...]) -> Row:
        values, groups = inputs
        return [
            MISSING if math.isnan(x) or math.isnan(g) else function(x, members(values, groups, g))
            for x, g in zip(values, groups, strict=True)
        ]

    return Reference(row, 2)


def of_group(function: Callable[[Values], float]) -> Reference:
    """function(values of the group) where the group is there."""

    def row(inputs: list[Row], constants: tuple[float, ...]) -> Row:
        values, groups = inputs
        return [MISSING if math.isnan(g) else function(members(values, groups, g)) for g in groups]

    return Reference(row, 2)


def unless_empty(function: Callable[[Values], float]) -> Callable[[Values], float]:
    return lambda values: float(function(values)) if values else MISSING


def weighted_mean(inputs: list[Row], constants: tuple[float, ...]) -> Row:
    results = []
    for group in inputs[2]:
        total, weight = Fraction(0), Fraction(0)
        for x, w, g in zip(*inputs, strict=True):
            if g == group and not (math.isnan(x) or math.isnan(w)):
                total += Fraction(x) * Fraction(w)
                weight += Fraction(w)
        results.append(float(total / weight) if weight else MISSING)
    return results


def backfill(rows: list[Row], groups: Row, std: float) -> Row:
    """`rows` of the window, the day's last, whose groups are given."""
    results = []
    for x, group in zip(rows[-1], groups, strict=True):
        if math.isnan(x) and not math.isnan(group):
            values = tuple(v for row in rows for v in members(row, groups, group))
            x = winsorized_mean(values, std) if values else MISSING
        results.append(x)
    return results


@lru_cache(maxsize=4096)
def winsorized_mean(values: Values, std: float) -> float:
    centre = float(mean(values))
    reach = std * deviation(values) if len(values) > 1 else 0.0
    return math.fsum(min(max(x, centre - reach), centre + reach) for x in values) / len(values)


REFERENCES: dict[str, Reference] = {
    "group_neutralize": within(lambda x, values: float(Fraction(x) - mean(values))),
    "group_zscore": within(zscore),
    "group_scale": within(lambda x, values: scale_down(x, values, 0.0)),
    "group_rank": within(lambda x, values: average_rank(x, values) / len(values)),
    "group_mean": Reference(weighted_mean, 3),
    "group_sum": of_group(unless_empty(math.fsum)),
    "group_count": of_group(lambda values: float(len(values))),
    "group_min": of_group(unless_empty(min)),
    "group_max": of_group(unless_empty(max)),
    "group_median": of_group(unless_empty(statistics.median)),
    "group_std_dev": of_group(deviation),
}
