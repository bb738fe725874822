"""What every element-wise, cross-sectional and group operator holds to, whatever it computes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from quant_assets import compiled
from quant_assets.factors.expressions.operators.registry import Array
from quant_assets_tests.factors.expressions.operators.cross_samples import (
    CROSS_SECTION,
    ELEMENT,
    GROUP,
    bits,
    computed,
    operator,
    samples,
)

REFERENCES = ELEMENT | CROSS_SECTION | GROUP
CASES = [(name, constants) for name, each in REFERENCES.items() for constants in each.constants]
WIDTHS = (1, 7, 70, 333)
KERNELS = {
    f"quant_assets.factors.expressions.{kind}_kernels"
    for kind in ("element", "rank", "cross_section", "group")
}

every_operator = pytest.mark.parametrize(("name", "constants"), CASES)


@every_operator
def test_every_place_is_written_and_no_other(name: str, constants: tuple[float, ...]) -> None:
    for columns in WIDTHS:
        inputs = samples(name, 5, columns, seed=columns)
        before = [each.copy() for each in inputs]
        found = []
        for filling in (-77.25, 1e30):
            memory = np.full((7, columns), filling)
            operator(name).compute(inputs, constants, 0, memory[1:6])
            assert (memory[[0, 6]] == filling).all()
            found.append(memory[1:6].copy())
        assert_array_equal(bits(found[0]), bits(found[1]))
        for each, copy in zip(inputs, before, strict=True):
            assert_array_equal(bits(each), bits(copy))


@every_operator
def test_rows_are_computed_one_by_one_or_together(name: str, constants: tuple[float, ...]) -> None:
    for columns in WIDTHS:
        inputs = samples(name, 5, columns, seed=columns)
        together = computed(name, inputs, constants)
        for r in range(5):
            alone = computed(name, [each[r : r + 1] for each in inputs], constants)
            assert_array_equal(bits(alone), bits(together[r : r + 1]))


@every_operator
def test_memory_changes_no_bit(name: str, constants: tuple[float, ...]) -> None:
    for columns in WIDTHS:
        inputs = samples(name, 5, columns, seed=columns)
        aligned = computed(name, inputs, constants)
        for offset in (1, 2, 5):
            moved = [elsewhere(each, offset + k) for k, each in enumerate(inputs)]
            out = elsewhere(np.empty((5, columns)), offset + 3)
            operator(name).compute(moved, constants, 0, out)
            assert_array_equal(bits(out), bits(aligned))


def elsewhere(values: Array, offset: int) -> Array:
    """A copy that begins `offset` floats after the place where arrays begin."""
    memory = np.empty(values.size + offset)
    copy = memory[offset:].reshape(values.shape)
    copy[:] = values
    return copy


@every_operator
def test_an_absent_symbol_changes_no_bit(name: str, constants: tuple[float, ...]) -> None:
    for columns in WIDTHS:
        inputs = samples(name, 5, columns, seed=columns)
        without = computed(name, inputs, constants)
        for place in {0, columns // 2, columns}:
            more = [np.insert(each, place, np.nan, axis=1) for each in inputs]
            with_it = computed(name, more, constants)
            assert_array_equal(bits(np.delete(with_it, place, axis=1)), bits(without))
            if name != "is_nan" and (name, constants) != ("to_nan", (-1.0, 1.0)):
                assert np.isnan(with_it[:, place]).all()


@every_operator
def test_nothing_is_infinite(name: str, constants: tuple[float, ...]) -> None:
    """Where sums, squares, products and quotients are too large for a float, too."""
    random = np.random.default_rng(0)
    largest = [1.7e308, -1.7e308, 1e300, 1e-308, 5e-324, 0.0, -0.0, 1.0, -1.0, 800.0, np.nan]
    kinds = [p.kind for p in operator(name).parameters if p.kind in ("panel", "group")]
    for columns in WIDTHS:
        inputs = [
            random.choice(largest, (6, columns))
            if kind == "panel"
            else random.integers(0, 3, (6, columns)) * 1.0
            for kind in kinds
        ]
        assert not np.isinf(computed(name, inputs, constants)).any()


@every_operator
def test_results_of_ordinary_values_are_there(name: str, constants: tuple[float, ...]) -> None:
    """Or the tests above would compare nothing."""
    found = computed(name, samples(name, 5, 333, seed=333), constants)
    assert np.isfinite(found[[0, 1]]).mean() > 0.25


@pytest.mark.parametrize("name", REFERENCES)
def test_every_operator_is_described(name: str) -> None:
    described = operator(name)
    texts = (described.description, described.source, *vars(described.contract).values())
    assert all(len(text) > 3 and text == text.strip() for text in texts)
    panels = sum(each.kind in ("panel", "group") for each in described.parameters)
    assert panels == REFERENCES[name].inputs
    numbers = sum(each.kind in ("number", "window") for each in described.parameters)
    given = [len(each) for each in REFERENCES[name].constants]
    assert min(given) == numbers
    assert max(given) == numbers or name == "digitize"  # one edge or more


def test_nothing_is_compiled_for_another_type() -> None:
    """Each kernel has the one signature that it was compiled for."""
    for name, constants in CASES:
        computed(name, samples(name, 4, 5, seed=0), constants)
    ours = [each for each, _ in compiled.kernels() if each.__module__ in KERNELS]
    assert {each.__module__ for each in ours} == KERNELS
    assert all(len(each.signatures) <= 1 for each in ours)


SCRIPT = """
import sys
import numpy as np
from quant_assets_tests.factors.expressions.operators.test_cross_contract import every_result
np.savez(sys.argv[1], *every_result())
"""


def every_result() -> list[Array]:
    with np.errstate(all="ignore"):
        return [
            computed(name, samples(name, 4, 37, seed=1), constants) for name, constants in CASES
        ]


def test_the_same_without_the_compiler(tmp_path: Path) -> None:
    """Plain Python checks every bound that compiled code does not."""
    path = tmp_path / "plain.npz"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", SCRIPT, str(path)], check=True, env=environment)
    with np.load(path) as plain:
        for case, one, other in zip(CASES, plain.values(), every_result(), strict=True):
            assert_allclose(one, other, rtol=1e-12, atol=1e-14, err_msg=str(case))
