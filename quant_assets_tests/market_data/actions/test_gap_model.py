"""The model of gaps against a literal one, and what it must say of plain cases."""

from dataclasses import replace
from fractions import Fraction
from math import exp, gamma, log, pi, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant_assets.market_data.actions.gap_model import LEAST_GAP, RATIOS, Gap, judge

NAN = float("nan")
PLAIN = Gap(-log(2), 0.01, -log(2), 0.03, 1.0, 1.0)


def test_ratios_are_different_and_large_enough() -> None:
    values = [ratio.value for ratio in RATIOS]
    assert values == sorted(set(values))
    assert all(max(value, 1 / value) >= Fraction(6, 5) for value in values)
    assert all(abs(log(value)) > LEAST_GAP for value in values)
    assert {Fraction(3, 2), Fraction(13, 10), Fraction(1, 20), Fraction(7)} <= set(values)


def student(z: float) -> float:
    return gamma(2) / (sqrt(3 * pi) * gamma(1.5)) * (1 + z * z / 3) ** -2


def normal(x: float, mean: float, deviation: float) -> float:
    return exp(-0.5 * ((x - mean) / deviation) ** 2) / deviation


def literal(gap: Gap, largest_move: float | None) -> float:
    """Bayes' rule, written out."""
    seldom = {6: 8, 7: 12, 8: 10, 9: 18, 10: 5, 12: 15, 20: 8, 25: 12, 30: 15, 40: 20, 50: 15}
    seldom[100] = 15
    weights = [
        1 / (seldom.get(r.numerator, r.numerator) * seldom.get(r.denominator, r.denominator))
        for r in RATIOS
    ]
    split = 0.0
    for ratio, weight in zip(RATIOS, weights, strict=True):
        step = log(ratio.value)
        night = student((gap.size + step) / gap.noise) / gap.noise
        split += weight / sum(weights) * night * student((gap.level + step) / gap.level_noise)
    split *= 0.1
    least = log(1.18)
    news = 0.9 / 2 * 3 / least * max(abs(gap.size) / least, 1) ** -4
    news *= student((gap.level - gap.size) / gap.level_noise)
    news *= exp(-max(gap.size - log(3), 0) / 0.2)
    if largest_move is not None and abs(gap.size) > -log(1 - largest_move):
        news *= 0.01
    if gap.range_ratio > 0:
        split *= normal(log(gap.range_ratio), 0.2, 0.5)
        news *= normal(log(gap.range_ratio), 1.2, 0.6)
    if gap.turnover_ratio > 0:
        split *= normal(log(gap.turnover_ratio), 0.2, 0.8)
        news *= normal(log(gap.turnover_ratio), 1.6, 0.9)
    return split / (split + news)


SIZES = st.one_of(st.floats(-3, -LEAST_GAP), st.floats(LEAST_GAP, 3))
SHARES = st.one_of(st.just(NAN), st.just(0.0), st.floats(0.05, 30))


@given(SIZES, st.floats(0.004, 0.1), st.floats(-0.2, 0.2), st.floats(0.01, 0.2), SHARES, SHARES)
def test_the_model_is_the_literal_one(
    size: float, noise: float, moved: float, level_noise: float, ranges: float, turnover: float
) -> None:
    gap = Gap(size, noise, size + moved, level_noise, ranges, turnover)
    for largest_move in (None, 0.2):
        assert judge(gap, largest_move)[0] == pytest.approx(literal(gap, largest_move), rel=1e-9)


def test_a_plain_split_is_one_and_its_ratio_is_named() -> None:
    confidence, best = judge(PLAIN)
    assert confidence > 0.99
    assert RATIOS[best].value == 2


@pytest.mark.parametrize(
    "less",
    [
        {"range_ratio": 6.0},
        {"turnover_ratio": 20.0},
        {"size": -log(2) - 0.05},
        {"noise": 0.1},
    ],
)
def test_what_speaks_against_a_split_lowers_the_confidence(less: dict[str, float]) -> None:
    assert judge(replace(PLAIN, **less))[0] < judge(PLAIN)[0] - 1e-4
