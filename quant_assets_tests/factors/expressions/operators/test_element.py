"""Element-wise operators against their references, and what is special about some."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from quant_assets.factors.expressions.operators import groups, registry
from quant_assets.factors.expressions.operators.registry import Array
from quant_assets.factors.expressions.units import DIMENSIONLESS, MONEY, PRICE, SHARES, Unit
from quant_assets_tests.factors.expressions.operators.cross_samples import (
    ELEMENT,
    bits,
    codes,
    computed,
    extreme,
    operator,
    ordinary,
    panels,
    shapes,
)


def literal(name: str, inputs: list[Array], constants: tuple[float, ...], rows: int) -> Array:
    reference = ELEMENT[name]
    whole = [np.broadcast_to(each, (rows, each.shape[1])) for each in inputs]
    return np.array(
        [
            [reference([float(each[r, i]) for each in whole], constants) for i in range(columns)]
            for r, columns in enumerate([whole[0].shape[1]] * rows)
        ]
    )


@pytest.mark.parametrize("name", ELEMENT)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_operators_equal_their_references(name: str, data: st.DataObject) -> None:
    reference = ELEMENT[name]
    shape = data.draw(shapes)
    count = reference.inputs + (data.draw(st.integers(0, 2)) if reference.variadic else 0)
    elements = (
        codes if name.startswith("group_") else data.draw(st.sampled_from([ordinary, extreme]))
    )
    inputs = data.draw(panels(shape, count, elements))
    for k in range(count):
        if shape[0] > 1 and data.draw(st.booleans()):
            inputs[k] = np.full((1, shape[1]), inputs[k][0, 0])
    constants = data.draw(st.sampled_from(reference.constants))
    found = computed(name, inputs, constants, shape)
    expected = literal(name, inputs, constants, shape[0])
    assert_allclose(found, expected, rtol=1e-9, atol=1e-300)


EXPONENTS = (1.0, 2.0, 3.0, 4.0, 5.0, 0.5, -1.0, 0.0, 1.7, -2.0)


def assert_one_value(name: str, x: Array, exponent: float) -> None:
    """A constant exponent takes a shorter way than a panel that happens to hold that number."""
    constant = computed(name, [x, np.full((1, x.shape[1]), exponent)])
    mixed = np.full((x.shape[0] + 1, x.shape[1] + 1), exponent)
    mixed[:, -1] = 0.3
    base = np.pad(x, ((0, 1), (0, 1)), constant_values=2.0)
    among_others = computed(name, [base, mixed])[:-1, :-1]
    assert_array_equal(bits(constant), bits(np.ascontiguousarray(among_others)))


@pytest.mark.parametrize("name", ["power", "signed_power"])
@settings(max_examples=40, deadline=None)
@given(data=st.data(), exponent=st.sampled_from(EXPONENTS))
def test_powers_have_one_value_however_they_are_written(
    name: str, data: st.DataObject, exponent: float
) -> None:
    (x,) = data.draw(panels(data.draw(shapes), 1, extreme))
    assert_one_value(name, x, exponent)


@pytest.mark.parametrize("name", ["power", "signed_power"])
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_powers_of_many_values_have_one_value(name: str, exponent: float) -> None:
    assert_one_value(name, np.random.default_rng(4).normal(size=(2, 400)), exponent)


@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0, 4.0, 5.0, 0.5, -1.0])
def test_simple_exponents_are_as_exact_as_pow(exponent: float) -> None:
    x = np.exp(np.random.default_rng(0).normal(scale=5.0, size=(3, 500)))
    expected = [[math.pow(v, exponent) for v in row] for row in x]
    found = computed("power", [x, np.full((1, 500), exponent)])
    assert_allclose(found, expected, rtol=1e-15)


def test_signs_and_zeros_of_powers() -> None:
    x = np.array([[-2.0, -2.0, -2.0, 0.0, 0.0, 0.0, -8.0, np.nan, 1.0]])
    y = np.array([[2.0, 3.0, 0.5, 0.0, -1.0, 2.0, 1.0 / 3.0, 0.0, np.nan]])
    nan = np.nan
    assert_array_equal(computed("power", [x, y]), [[4.0, -8.0, nan, 1.0, nan, 0.0, nan, nan, nan]])
    signed = computed("signed_power", [x, y])
    assert_allclose(signed, [[-4.0, -8.0, -math.sqrt(2.0), 0.0, nan, 0.0, -2.0, nan, nan]])


@pytest.mark.parametrize("name", ["log", "log1p", "s_log_1p", "exp", "tanh", "sigmoid", "power"])
def test_numpys_vectors_give_one_value_the_same_bits_anywhere(name: str) -> None:
    """At the head, in the body and in the tail of an array, and wherever the array begins."""
    random = np.random.default_rng(1)
    values = np.concatenate([np.exp(random.normal(scale=8.0, size=30)), [0.0, 1.0, -0.5, np.nan]])
    inputs = [values] if name != "power" else [values, random.normal(size=values.size)]
    for k, value in enumerate(zip(*inputs, strict=True)):
        alone = computed(name, [np.array([[each]]) for each in value])
        for width in (2, 8, 9, 67):
            for place in {0, width // 2, width - 1}:
                for offset in (1, 3):
                    row = [shifted(each, place, width, offset) for each in inputs]
                    for each, v in zip(row, value, strict=True):
                        each[0, place] = v
                    found = computed(name, row)[:, place : place + 1]
                    assert_array_equal(bits(found.copy()), bits(alone), err_msg=f"{name} {k}")


def shifted(values: Array, turn: int, width: int, offset: int) -> Array:
    """Some of the values in one row that begins `offset` floats after an aligned place."""
    memory = np.empty(width + offset)
    memory[offset:] = np.resize(np.roll(values, turn), width)
    return memory[offset:].reshape(1, width)


@pytest.mark.parametrize("name", ELEMENT)
def test_a_constant_row_is_as_good_as_a_panel(name: str) -> None:
    random = np.random.default_rng(2)
    rows, columns = 5, 11
    inputs = [random.normal(size=(rows, columns)) for _ in range(ELEMENT[name].inputs)]
    for k in range(1 if len(inputs) == 1 else 0, len(inputs)):
        for number in (2.0, 0.3, -1.0, np.nan):
            one, whole = list(inputs), list(inputs)
            one[k] = np.full((1, columns), number)
            whole[k] = np.full((rows, columns), number)
            for constants in ELEMENT[name].constants:
                first = computed(name, one, constants, (rows, columns))
                second = computed(name, whole, constants, (rows, columns))
                assert_array_equal(bits(first), bits(second))


def test_buckets_are_those_of_the_manual() -> None:
    """BRAIN's own examples."""
    x = np.array([[0.05, 0.5, 0.9]])
    assert computed("bucket", [x], (0.1, 1.0, 0.1)).tolist() == [[0.0, 4.0, 8.0]]
    x = np.array([[-1.0, 3.0, 6.0, 8.0, 12.0]])
    found = computed("digitize", [x], (2.0, 5.0, 6.0, 7.0, 10.0))
    assert found.tolist() == [[0.0, 1.0, 2.0, 4.0, 5.0]]


@pytest.mark.parametrize(
    "constants", [(0.0, 1.0, 0.0), (1.0, 0.0, 0.1), (0.0, 1.0, 1e-9), (0.0, 1.0, -0.1)]
)
def test_a_range_without_an_end_is_refused(constants: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="range of bucket must be start, stop, step"):
        groups.edges(*constants)


def test_pairs_of_groups_have_codes_of_their_own() -> None:
    first, second = (each.reshape(1, -1) * 1.0 for each in np.divmod(np.arange(900), 30))
    found = computed("group_cartesian_product", [first, second])
    assert len(np.unique(found)) == 900
    assert found.max() < 900


@pytest.mark.parametrize(
    ("name", "inputs", "expected"),
    [
        ("add", (None, PRICE), PRICE),
        ("subtract", (PRICE, PRICE), PRICE),
        ("multiply", (PRICE, SHARES), MONEY),
        ("multiply", (PRICE, None), None),
        ("divide", (MONEY, SHARES), PRICE),
        ("inverse", (PRICE,), Unit(-1.0, 0.0)),
        ("sqrt", (MONEY,), Unit(0.5, 0.5)),
        ("sqrt", (None,), None),
        ("power", (PRICE, DIMENSIONLESS), None),
        ("log", (PRICE,), DIMENSIONLESS),
        ("less", (PRICE, PRICE), DIMENSIONLESS),
        ("if_else", (DIMENSIONLESS, None, PRICE), PRICE),
        ("filter", (PRICE, DIMENSIONLESS), PRICE),
    ],
)
def test_units(name: str, inputs: tuple[Unit | None, ...], expected: Unit | None) -> None:
    assert operator(name).unit(inputs, ()) == expected


def test_every_element_wise_operator_has_its_reference() -> None:
    scoped = {each.name for each in registry.operators() if each.scope == "element"}
    assert scoped == set(ELEMENT)
