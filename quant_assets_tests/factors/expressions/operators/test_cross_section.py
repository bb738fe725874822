"""Operators across symbols against their references, and what is special about some."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from quant_assets.factors.expressions.operators import registry
from quant_assets.factors.expressions.operators.registry import Array
from quant_assets.factors.expressions.units import DIMENSIONLESS, PRICE, Unit
from quant_assets_tests.factors.expressions.operators.cross_samples import (
    CROSS_SECTION,
    GROUP,
    computed,
    operator,
    ordinary,
    panels,
    shapes,
)


def literal(name: str, inputs: list[Array], constants: tuple[float, ...]) -> Array:
    rows = range(inputs[0].shape[0])
    row = CROSS_SECTION[name].row
    return np.array([row([each[r].tolist() for each in inputs], constants) for r in rows])


def scale_of(inputs: list[Array]) -> float:
    return max(float(np.nanmax(np.abs(each), initial=1.0)) for each in inputs)


@pytest.mark.parametrize("name", CROSS_SECTION)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_operators_equal_their_references(name: str, data: st.DataObject) -> None:
    shape = (data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1, 2, 3, 5, 9, 40])))
    inputs = data.draw(panels(shape, CROSS_SECTION[name].inputs, ordinary))
    constants = data.draw(st.sampled_from(CROSS_SECTION[name].constants))
    found, expected = computed(name, inputs, constants), literal(name, inputs, constants)
    # What remains after subtraction is as exact as what was subtracted.
    rounding = 1e-9 if name.endswith("_neut") else 1e-11
    assert_allclose(found, expected, rtol=1e-9, atol=rounding * scale_of(inputs))


@pytest.mark.parametrize("name", CROSS_SECTION)
@pytest.mark.parametrize("columns", [64, 333, 1000])
def test_wide_rows_equal_their_references(name: str, columns: int) -> None:
    """More symbols than a sum has lanes, some missing."""
    random = np.random.default_rng(columns)
    inputs = [random.standard_t(3, size=(2, columns)) for _ in range(CROSS_SECTION[name].inputs)]
    for each in inputs:
        each[1, random.random(columns) < 0.2] = np.nan
    for constants in CROSS_SECTION[name].constants:
        found, expected = computed(name, inputs, constants), literal(name, inputs, constants)
        assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        assert np.isfinite(found).mean() > 0.5


def test_a_large_offset_loses_nothing() -> None:
    """The mean's own rounding is more than a hundred thousandth of the spread."""
    values = np.array([[0.0, 1.0, 2.0, 5.0, np.nan, 3.5]])
    for name, constants in (("zscore", ()), ("normalize", (1.0, 0.0)), ("normalize", (0.0, 0.0))):
        near = computed(name, [values], constants)
        assert_allclose(computed(name, [values + 4e11], constants), near, rtol=1e-12)
    target = np.array([[1.0, 3.0, 2.0, 7.0, 1.0, 2.0]])
    near = computed("regression_neut", [target, values])
    assert_allclose(computed("regression_neut", [target, values + 4e11]), near, rtol=1e-12)


def test_what_is_too_large_for_a_float_is_missing_and_not_zero() -> None:
    values = np.array([[-1.7e308, 1.7e308, 5.0]])
    assert np.isnan(computed("scale_down", [values], (0.0,))).all()
    assert np.isnan(computed("group_scale", [values, np.zeros((1, 3))])).all()
    assert np.isnan(computed("scale", [values], (1.0, 0.0, 0.0))).all()


@pytest.mark.parametrize("noise", [0.0, 1e-15])
def test_a_row_that_is_constant_but_for_rounding_has_no_score(noise: float) -> None:
    values = 0.1 + noise * (np.arange(7.0)[None] % 3)
    assert np.isnan(computed("zscore", [values])).all()
    assert np.isnan(computed("normalize", [values], (1.0, 0.0))).all()
    assert_allclose(computed("normalize", [values], (0.0, 0.0)), 0.0, atol=1e-14)
    assert_array_equal(computed("winsorize", [values], (1.0,)), values)
    assert np.isnan(computed("regression_neut", [np.arange(7.0)[None], values])).all()


def test_equal_values_cannot_be_scaled_down() -> None:
    assert np.isnan(computed("scale_down", [np.full((1, 7), 0.1)], (0.0,))).all()


def test_sides_of_a_book_scale_apart() -> None:
    values = np.array([[3.0, 1.0, -1.0, 0.0, np.nan]])
    book = computed("scale", [values], (1.0, 4.0, 3.0))
    assert_allclose(book, [[3.0, 1.0, -3.0, 0.0, np.nan]])
    assert_allclose(computed("scale", [values], (2.0, 0.0, 0.0)), values * 2.0 / 5.0)
    assert np.isnan(computed("scale", [values * 0.0], (1.0, 0.0, 0.0))).all()


def test_what_is_neutral_has_no_part_left() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 3, 50)) + 1.0
    assert_allclose((computed("vector_neut", [x, y]) * y).sum(axis=1), 0.0, atol=1e-12)
    rest = computed("regression_neut", [x, y])
    assert_allclose((rest * y).sum(axis=1), 0.0, atol=1e-12)
    assert_allclose(rest.sum(axis=1), 0.0, atol=1e-12)


def test_quantiles_of_two_and_three() -> None:
    gauss = computed("quantile", [np.array([[5.0, np.nan, 7.0, 6.0]])], (0.0, 1.0))
    assert_allclose(gauss, [[-0.430727, np.nan, 0.430727, 0.0]], atol=1e-6)
    assert computed("quantile", [np.array([[5.0, 6.0]])], (0.0, 1.0)).tolist() == [[0.0, 0.0]]
    assert computed("quantile", [np.array([[5.0, math.nan]])], (2.0, 1.0))[0, 0] == 0.0


@pytest.mark.parametrize(
    ("name", "constants", "expected"),
    [
        ("rank", (2.0,), DIMENSIONLESS),
        ("normalize", (0.0, 0.0), PRICE),
        ("normalize", (1.0, 0.0), DIMENSIONLESS),
        ("winsorize", (4.0,), PRICE),
        ("group_neutralize", (), PRICE),
        ("group_rank", (), DIMENSIONLESS),
    ],
)
def test_units(name: str, constants: tuple[float, ...], expected: Unit) -> None:
    assert operator(name).unit((PRICE,), constants) == expected


def test_every_cross_sectional_operator_has_its_reference() -> None:
    scoped = {each.name for each in registry.operators() if each.scope == "cross_section"}
    assert scoped == set(CROSS_SECTION) | set(GROUP)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_ranks_do_not_change_when_values_are_stretched(data: st.DataObject) -> None:
    (values,) = data.draw(panels(data.draw(shapes), 1, ordinary))
    stretched = np.arctan(values / 1e3) * 1e-200
    for name, constants in (("rank", (2.0,)), ("densify", ())):
        assert_array_equal(
            computed(name, [stretched], constants), computed(name, [values], constants)
        )
