"""Operators within groups against their references, codes of all kinds, filling from groups."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from quant_assets.factors.expressions.operators.registry import Array
from quant_assets_tests.factors.expressions.operators.cross_samples import (
    GROUP,
    bits,
    codes,
    computed,
    operator,
    ordinary,
    panels,
)
from quant_assets_tests.factors.expressions.operators.references_group import backfill

shapes = st.tuples(st.integers(1, 4), st.integers(1, 12))


def literal(name: str, inputs: list[Array]) -> Array:
    rows = range(inputs[0].shape[0])
    return np.array([GROUP[name].row([each[r].tolist() for each in inputs], ()) for r in rows])


@pytest.mark.parametrize("name", GROUP)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_operators_equal_their_references(name: str, data: st.DataObject) -> None:
    shape = data.draw(shapes)
    inputs = data.draw(panels(shape, GROUP[name].inputs - 1, ordinary))
    inputs += data.draw(panels(shape, 1, codes))
    if data.draw(st.booleans()):
        inputs[-1][:] = inputs[-1][0]  # groups that stay the same from session to session
    if name == "group_mean":  # weights that nearly cancel leave nothing to compare
        np.abs(inputs[1], out=inputs[1])
    largest = float(np.nanmax(np.abs(inputs[0]), initial=1.0))
    assert_allclose(computed(name, inputs), literal(name, inputs), rtol=1e-9, atol=1e-11 * largest)


@pytest.mark.parametrize("name", GROUP)
def test_many_groups_and_symbols(name: str) -> None:
    random = np.random.default_rng(0)
    inputs = [np.abs(random.normal(size=(3, 700))) for _ in range(GROUP[name].inputs - 1)]
    inputs.append(random.integers(0, 150, size=(3, 700)) * 1.0)
    for each in inputs:
        each[1, random.random(700) < 0.1] = np.nan
    found = computed(name, inputs)
    assert_allclose(found, literal(name, inputs), rtol=1e-9, atol=1e-12)
    assert np.isfinite(found).mean() > 0.7


@pytest.mark.parametrize("name", GROUP)
def test_only_which_codes_are_equal_matters(name: str) -> None:
    """Fractions, negative and large numbers tell groups apart as whole codes do."""
    random = np.random.default_rng(1)
    inputs = [np.abs(random.normal(size=(4, 60))) for _ in range(GROUP[name].inputs - 1)]
    whole = random.integers(0, 5, size=(4, 60)) * 1.0
    whole[random.random((4, 60)) < 0.1] = np.nan
    expected = computed(name, [*inputs, whole])
    for other in (whole * 0.37, whole - 3.0, whole * 1e12, whole + 65_000.0, whole * 65_535.0):
        assert_array_equal(bits(computed(name, [*inputs, other])), bits(expected))


def test_a_group_without_values_and_a_symbol_without_a_group() -> None:
    values = np.array([[1.0, np.nan, np.nan, 5.0, 3.0]])
    group = np.array([[0.0, 0.0, 1.0, np.nan, 0.0]])
    nan = np.nan
    assert_array_equal(computed("group_sum", [values, group]), [[4.0, 4.0, nan, nan, 4.0]])
    assert_array_equal(computed("group_count", [values, group]), [[2.0, 2.0, 0.0, nan, 2.0]])
    assert_array_equal(computed("group_median", [values, group]), [[2.0, 2.0, nan, nan, 2.0]])
    assert_array_equal(computed("group_neutralize", [values, group]), [[-1, nan, nan, nan, 1.0]])


@pytest.mark.parametrize("noise", [0.0, 1e-15])
def test_a_group_that_is_constant_but_for_rounding_has_no_score(noise: float) -> None:
    values = np.append(0.1 + noise * (np.arange(7.0) % 3), [1.0, 2.0]).reshape(1, -1)
    group = np.array([[3.0] * 7 + [4.0] * 2])
    assert np.isnan(computed("group_zscore", [values, group])[0, :7]).all()
    assert computed("group_std_dev", [values, group])[0, :7].tolist() == [0.0] * 7
    assert np.isnan(computed("group_scale", [values, group])[0, :7]).all() == (noise == 0.0)


def test_a_large_offset_loses_nothing() -> None:
    """The mean's own rounding is more than a hundred thousandth of the spread."""
    values = np.array([[0.0, 1.0, 2.0, 5.0, np.nan, 3.5, 7.0]])
    group = np.array([[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0]])
    for name in ("group_zscore", "group_std_dev"):
        near = computed(name, [values, group])
        assert_allclose(computed(name, [values + 4e11, group]), near, rtol=1e-12)


def test_weights_that_cancel_give_no_mean() -> None:
    inputs = [np.array([[1.0, 2.0]]), np.array([[1.0, -1.0]]), np.zeros((1, 2))]
    assert np.isnan(computed("group_mean", inputs)).all()


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(),
    window=st.integers(1, 7),
    std=st.sampled_from([4.0, 1.0, 0.3]),
    past=st.integers(0, 3),
)
def test_backfill_equals_its_reference(
    data: st.DataObject, window: int, std: float, past: int
) -> None:
    past = min(past, window - 1)
    rows, columns = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 8))
    shape = (past + rows, columns)
    (values,) = data.draw(panels(shape, 1, ordinary))
    (group,) = data.draw(panels(shape, 1, codes))
    found = computed("group_backfill", [values, group], (window, std), (rows, columns), past)
    expected = [
        backfill(values[max(t + 1 - window, 0) : t + 1].tolist(), group[t].tolist(), std)
        for t in range(past, past + rows)
    ]
    assert_allclose(found, expected, rtol=1e-9, atol=1e-8)


def test_backfill_is_that_of_the_manual() -> None:
    """BRAIN's own example, its newest value first."""
    newest_first = [[4.0, 2.0, 5.0, 5.0], [7.0, np.nan, 2.0, 9.0], [np.nan, -4.0, 2.0, np.nan]]
    values = np.ascontiguousarray(np.array(newest_first).T[::-1])
    found = computed("group_backfill", [values, np.ones((4, 3))], (4.0, 4.0), (1, 3), past=3)
    assert_allclose(found, [[4.0, 7.0, 3.56]], atol=0.005)


def test_backfill_knows_its_window_alone() -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=(30, 9))
    values[random.random(values.shape) < 0.4] = np.nan
    group = random.integers(0, 3, size=(30, 9)) * 1.0
    group[:, 8], values[:, 8] = np.nan, np.nan
    window = 6
    whole = computed("group_backfill", [values, group], (window, 2.0))
    assert operator("group_backfill").lookback((window, 2.0)) == window - 1
    for t in range(window - 1, 30):
        part = slice(t - window + 1, t + 1)
        alone = computed(
            "group_backfill", [values[part], group[part]], (window, 2.0), (1, 9), window - 1
        )
        assert_array_equal(bits(alone), bits(whole[t : t + 1]))
    without = [np.ascontiguousarray(each[:, :8]) for each in (values, group)]
    found = computed("group_backfill", without, (window, 2.0))
    assert_array_equal(bits(found), bits(np.ascontiguousarray(whole[:, :8])))
