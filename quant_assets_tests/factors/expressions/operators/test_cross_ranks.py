"""Orders and ranks are exact on whatever values: easy ones, crowded ones, the largest there are."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from quant_assets.factors.expressions.operators.registry import Array
from quant_assets.factors.ordering import ascending
from quant_assets_tests.factors.expressions.operators.cross_samples import computed

R = 5


def normal(random: np.random.Generator, N: int) -> Array:
    return random.normal(size=(R, N))


VALUES = {
    "uniform": lambda random, N: random.random((R, N)),
    "normal": normal,
    "skewed": lambda random, N: np.exp(3.0 * normal(random, N)),
    "fat tails": lambda random, N: random.standard_cauchy((R, N)) ** 3,
    "three values": lambda random, N: random.integers(0, 3, (R, N)) * 1.0,
    "twenty values": lambda random, N: random.integers(0, 20, (R, N)) * 1.0,
    "one value": lambda random, N: np.full((R, N), 0.1),
    "ascending": lambda random, N: np.sort(normal(random, N)),
    "descending": lambda random, N: -np.sort(normal(random, N)),
    "mostly one value": lambda random, N: np.where(
        random.random((R, N)) < 0.7, 0.0, np.exp(normal(random, N))
    ),
    "zeros of both signs": lambda random, N: np.copysign(
        random.integers(0, 2, (R, N)) * 1.0, normal(random, N)
    ),
    # These crowd in a few numbers: all bits of the values decide.
    "rounding noise": lambda random, N: (
        random.integers(0, 5, (R, N)) + 1e-13 * random.integers(0, 3, (R, N))
    ),
    "two scales": lambda random, N: (
        normal(random, N) * np.where(random.random((R, N)) < 0.5, 1, 1e12)
    ),
    "an outlier": lambda random, N: np.where(
        np.arange(N) == N // 2, 1e280, 100 + normal(random, N)
    ),
    "the largest": lambda random, N: random.choice([1.7e308, -1.7e308, 1.0, 0.0, -2.0], (R, N)),
    "the smallest": lambda random, N: random.integers(-5, 5, (R, N)) * 5e-324,
    "infinities": lambda random, N: random.choice([np.inf, -np.inf, 1.0, 0.0, -2.0], (R, N)),
}
# Up to 96 values are compared each with each.
WIDTHS = (1, 2, 63, 96, 97, 500, 2049, 5000)


@pytest.fixture(params=VALUES)
def drawn(request: pytest.FixtureRequest) -> list[Array]:
    """Values of one kind in several widths, with gaps in two rows and one row without values."""
    random = np.random.default_rng(len(request.param))
    found = []
    for N in WIDTHS:
        values = np.ascontiguousarray(VALUES[request.param](random, N))
        values[1:3][random.random((2, N)) < 0.2] = np.nan
        values[3] = np.nan
        found.append(values)
    return found


def test_ranks_are_those_of_pandas(drawn: list[Array]) -> None:
    for values in drawn:
        expected = pd.DataFrame(values).rank(axis=1, pct=True).to_numpy()
        assert_array_equal(computed("rank", [values], (2.0,)), expected)


def test_orders_are_those_of_a_stable_sort(drawn: list[Array]) -> None:
    for values in drawn:
        order = ascending(values)
        assert order.dtype == np.int32
        assert_array_equal(order, np.argsort(values, axis=1, kind="stable"))


@settings(max_examples=150, deadline=None)
@given(
    values=arrays(
        np.float64,
        st.tuples(st.integers(0, 3), st.integers(0, 80)),
        elements=st.one_of(
            st.floats(allow_nan=True, allow_infinity=True),
            st.floats(-1.0, 1.0, width=16),
            st.sampled_from([0.0, -0.0, 1.0, np.nan]),
        ),
    )
)
def test_any_values_are_ordered(values: Array) -> None:
    assert_array_equal(ascending(values), np.argsort(values, axis=1, kind="stable"))
    dense = pd.DataFrame(values).rank(axis=1, method="dense").to_numpy() - 1.0
    assert_array_equal(computed("densify", [values]), dense)


@pytest.mark.parametrize("columns", [5, 3000])
def test_equals_are_found_where_another_value_stands_between(columns: int) -> None:
    """Three values closer than the numbers by which rows are sorted, two of them equal."""
    values = np.linspace(0.0, 1.0, columns).reshape(1, -1)
    values[0, 1:4] = 0.4567, 0.4567 + 1e-9, 0.4567
    expected = pd.DataFrame(values).rank(axis=1, pct=True).to_numpy()
    assert_array_equal(computed("rank", [values], (2.0,)), expected)


def test_orders_of_values_that_are_not_contiguous_or_not_writable() -> None:
    values = np.random.default_rng(0).normal(size=(6, 40))
    expected = np.argsort(values[::2, ::3], axis=1)
    assert_array_equal(ascending(values[::2, ::3]), expected)
    values.flags.writeable = False
    assert_array_equal(ascending(values), np.argsort(values, axis=1))


def test_a_row_alone_is_no_panel() -> None:
    with pytest.raises(ValueError, match=r"axes \(sessions, symbols\)\. Got 1 axes instead"):
        ascending(np.ones(3))
