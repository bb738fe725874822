"""Sums, order and pairs within windows: the same as their definitions, to 1e-9."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from quant_assets.factors.expressions.operators.registry import Array, operator
from quant_assets_tests.factors.expressions.operators.references_window import (
    REFERENCES,
    computed,
)

SENTINEL = 7.77e77
SECOND_CONSTANT = {"ts_decay_linear": (1.0, 0.0), "ts_rank": (0.0, 2.5), "ts_scale": (0.0, -1.0)}
PANELS = {"ts_sum_if": 2, "ts_corr": 2, "ts_covariance": 2}
# Results that do not change when all values grow by the same amount.
SPREADS = (
    "ts_delta",
    "ts_std_dev",
    "ts_variance",
    "ts_zscore",
    "ts_av_diff",
    "ts_scale",
    "ts_corr",
)

few = st.integers(-2, 2).map(float)  # ties, constant windows, conditions
many = st.integers(-1000, 1000).map(lambda v: v / 8)
missing = st.just(np.nan)
elements = st.one_of(few, many, many, few, missing)


def apply(name: str, inputs: list[Array], constants: tuple[float, ...], past: int) -> Array:
    out = np.full((len(inputs[0]) - past, inputs[0].shape[1]), SENTINEL)
    operator(name).compute(inputs, constants, past, out)
    return out


@st.composite
def cases(draw: st.DrawFn, name: str) -> tuple[list[Array], tuple[float, ...], int]:
    shape = draw(st.tuples(st.integers(1, 24), st.integers(1, 2)))
    offset = draw(st.sampled_from([0.0, 0.0, 1e9]))
    inputs = [
        draw(arrays(np.float64, shape, elements=elements, fill=draw(st.sampled_from([few, many]))))
        for _ in range(PANELS.get(name, 1))
    ]
    inputs[0] = inputs[0] + offset
    window = operator(name).parameters[PANELS.get(name, 1) if name != "ts_sum_if" else 1]
    assert window.minimum is not None
    constants: tuple[float, ...] = (float(draw(st.integers(int(window.minimum), 30))),)
    if name in SECOND_CONSTANT:
        constants += (draw(st.sampled_from(SECOND_CONSTANT[name])),)
    lookback = operator(name).lookback(constants)
    return inputs, constants, draw(st.integers(0, min(lookback, shape[0] - 1)))


@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_equals_its_definition(name: str) -> None:
    @settings(max_examples=60, deadline=None)
    @given(cases(name))
    def check(case: tuple[list[Array], tuple[float, ...], int]) -> None:
        inputs, constants, past = case
        expected = computed(name, inputs, constants, past)
        size = 125.0 if name in SPREADS else max(np.nanmax(np.abs(inputs), initial=0.0), 1.0)
        atol = 1e-12 * size ** (2 if name in ("ts_variance", "ts_covariance") else 1)
        actual = apply(name, inputs, constants, past)
        assert_allclose(actual, expected, rtol=1e-9, atol=atol, equal_nan=True)

    check()


@pytest.mark.parametrize("name", sorted(REFERENCES))
@pytest.mark.parametrize("gaps", [0.0, 0.1])
def test_equals_its_definition_over_many_symbols_and_long_windows(name: str, gaps: float) -> None:
    """More symbols than stand side by side, some with gaps, windows of many digits."""
    rng = np.random.default_rng(5)
    inputs = [rng.normal(size=(70, 330)) for _ in range(PANELS.get(name, 1))]
    for values in inputs:
        values[rng.random(values.shape) < gaps] = np.nan
    for window in (3.0, 21.0, 63.0):
        constants = (window, 0.0) if name in SECOND_CONSTANT else (window,)
        actual = apply(name, inputs, constants, 0)
        chosen = [0, 1, 150, 255, 256, 329]
        expected = computed(name, [values[:, chosen] for values in inputs], constants, 0)
        assert_allclose(actual[:, chosen], expected, rtol=1e-9, atol=1e-12, equal_nan=True)
        assert np.isnan(actual).sum() == np.isnan(actual[:, chosen]).sum() * 55 or gaps


def test_covers_what_the_modules_register() -> None:
    modules = ("shifts", "moving", "extremes", "pairs")
    own = {name for name in REFERENCES if _module(name) in modules}
    assert own == set(REFERENCES)


def _module(name: str) -> str:
    return operator(name).compute.__module__.rsplit(".", 1)[-1]


def exact_moments(xs: list[float], ys: list[float]) -> tuple[Fraction, Fraction, Fraction]:
    """Sums of squared deviations and of their products, without any rounding."""
    n = len(xs)
    x, y = [Fraction(v) for v in xs], [Fraction(v) for v in ys]
    x_mean, y_mean = sum(x, Fraction(0)) / n, sum(y, Fraction(0)) / n
    return (
        sum(((a - x_mean) ** 2 for a in x), Fraction(0)),
        sum(((b - y_mean) ** 2 for b in y), Fraction(0)),
        sum(((a - x_mean) * (b - y_mean) for a, b in zip(x, y, strict=True)), Fraction(0)),
    )


def test_no_digits_are_lost_on_values_far_from_zero() -> None:
    """1e9 + noise, a spike as newest value, a trend: windows of 250 against exact fractions."""
    rng = np.random.default_rng(3)
    noise = rng.normal(size=(250, 4))
    noise[-1, 1] = 1e6  # the newest value, which all are measured from, far from the others
    noise[:, 2] += np.arange(250.0) * 100.0
    noise[100, 3] = -1e7
    x, y = 1e9 + noise, -3e8 + 0.3 * noise + rng.normal(size=(250, 4))
    out = {
        name: apply(name, [x, y] if name in PANELS else [x], (250.0,), 249)[0]
        for name in ("ts_std_dev", "ts_variance", "ts_zscore", "ts_corr", "ts_covariance")
    }
    for s in range(4):
        xx, yy, xy = exact_moments(x[:, s].tolist(), y[:, s].tolist())
        variance = float(xx / 249)
        mean = sum((Fraction(v) for v in x[:, s].tolist()), Fraction(0)) / 250
        assert_allclose(out["ts_variance"][s], variance, rtol=1e-11)
        assert_allclose(out["ts_std_dev"][s], variance**0.5, rtol=1e-11)
        score = float(Fraction(x[-1, s]) - mean) / variance**0.5
        assert_allclose(out["ts_zscore"][s], score, rtol=1e-9)
        spread = float(xx) ** 0.5 * float(yy) ** 0.5
        assert_allclose(out["ts_corr"][s], float(xy) / spread, rtol=0.0, atol=1e-11)
        assert_allclose(out["ts_covariance"][s], float(xy / 249), rtol=0.0, atol=1e-11 * spread)


def test_a_constant_window_has_no_spread() -> None:
    x = np.full((12, 1), 0.1)
    x[:3] = np.nan
    for name, expected in (
        ("ts_std_dev", 0.0),
        ("ts_variance", 0.0),
        ("ts_zscore", np.nan),
        ("ts_scale", np.nan),
        ("ts_av_diff", 0.0),
        ("ts_rank", (9 + 1) / 2 / 9),
        ("ts_arg_max", 8.0),
        ("ts_min_position", 4.0),
    ):
        constants = (12.0, 0.0) if name in SECOND_CONSTANT else (12.0,)
        assert_array_equal(apply(name, [x], constants, 11), [[expected]], err_msg=name)
    varied = np.arange(12.0)[:, np.newaxis]
    assert np.isnan(apply("ts_corr", [x, varied], (12.0,), 11)).all()
    assert np.isnan(apply("ts_corr", [varied, x], (12.0,), 11)).all()
    assert_array_equal(apply("ts_covariance", [x, varied], (12.0,), 11), [[0.0]])


def test_a_window_that_is_constant_but_for_rounding_has_no_spread() -> None:
    x = np.where(np.arange(12) % 3 == 0, 0.1 + 0.2, 0.3)[:, np.newaxis]
    assert len(np.unique(x)) == 2
    for name in ("ts_zscore", "ts_scale"):
        assert np.isnan(apply(name, [x], (12.0, 0.0), 11)).all()
    varied = np.arange(12.0)[:, np.newaxis]
    assert np.isnan(apply("ts_corr", [varied, x], (12.0,), 11)).all()
    assert_array_equal(apply("ts_std_dev", [x], (12.0,), 11), [[0.0]])


@pytest.mark.parametrize("name", ["ts_std_dev", "ts_variance", "ts_zscore", "ts_corr"])
def test_squares_that_overflow_leave_the_result_missing(name: str) -> None:
    x = np.random.default_rng(0).normal(size=(9, 3)) * 1e200
    inputs = [x, x[::-1].copy()][: PANELS.get(name, 1)]
    assert np.isnan(apply(name, inputs, (9.0,), 8)).all()


def test_a_correlation_never_leaves_its_bounds() -> None:
    x = np.random.default_rng(0).normal(size=(40, 200)).cumsum(axis=0)
    for sign in (1.0, -1.0):
        result = apply("ts_corr", [x, sign * 3.7 * x], (7.0,), 6)
        assert_allclose(result, sign, rtol=1e-12)
        assert np.abs(result).max() <= 1.0


def test_a_correlation_of_two_pairs_is_one_exactly() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 60, 200)) * 1e3 + 7.0
    same = np.sign(x[1:] - x[:-1]) * np.sign(y[1:] - y[:-1])
    assert_array_equal(apply("ts_corr", [x, y], (2.0,), 1), same)


@pytest.mark.parametrize("scale", [1e-140, 1e-90, 1e90, 1e140])
def test_a_correlation_of_tiny_or_huge_values(scale: float) -> None:
    """The product of two spreads has no exponent left for them; the correlation has."""
    x, y = np.random.default_rng(0).normal(size=(2, 30, 5))
    plain = apply("ts_corr", [x, y], (10.0,), 0)
    assert_allclose(apply("ts_corr", [x * scale, y * scale], (10.0,), 0), plain, atol=1e-12)


def test_the_oldest_of_equal_values_is_taken() -> None:
    x = np.array([[1.0], [5.0], [2.0], [5.0], [1.0], [0.0], [0.0]])
    assert_array_equal(apply("ts_arg_max", [x], (4.0,), 4)[:, 0], [3.0, 2.0, 3.0])
    assert_array_equal(apply("ts_max_position", [x], (4.0,), 4)[:, 0], [1.0, 2.0, 1.0])
    assert_array_equal(apply("ts_arg_min", [x], (4.0,), 5)[:, 0], [0.0, 1.0])
    assert_array_equal(apply("ts_min_position", [x], (4.0,), 5)[:, 0], [4.0, 3.0])


def test_short_windows_at_the_start_count_from_today() -> None:
    x = np.array([[3.0], [2.0], [1.0]])
    assert_array_equal(apply("ts_max_position", [x], (3.0,), 0)[:, 0], [np.nan, 2.0, 1.0])
    assert_array_equal(apply("ts_arg_max", [x], (3.0,), 0)[:, 0], [np.nan, 1.0, 2.0])


def test_a_delay_of_zero_is_the_day_itself() -> None:
    x = np.array([[3.0], [np.nan], [1.0]])
    assert_array_equal(apply("ts_delay", [x], (0.0,), 0), x)
    assert_array_equal(apply("ts_delta", [x], (0.0,), 0), x - x)
