"""Panels for the tests of element-wise, cross-sectional and group operators, and how to run one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quant_assets.factors.expressions.operators import registry
from quant_assets.factors.expressions.operators.registry import Array, Operator
from quant_assets_tests.factors.expressions.operators import (
    references_cross_section,
    references_element,
    references_group,
)

ELEMENT = references_element.REFERENCES
CROSS_SECTION = references_cross_section.REFERENCES
GROUP = references_group.REFERENCES

# Ties, constants and gaps beside ordinary values.
ordinary = st.one_of(
    st.floats(-1e3, 1e3, width=32),
    st.sampled_from([0.0, 1.0, 2.5, -1.0, np.nan, np.nan]),
)
# Values whose sums, products and powers are too large or too small for a float.
extreme = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 5.0, 1.5, 1e308, -1e308, 1e-308, np.nan]),
    st.floats(-10.0, 10.0),
)
codes = st.sampled_from([0.0, 1.0, 2.0, 11.0, np.nan])
shapes = st.tuples(st.integers(1, 4), st.integers(1, 9))


def panels(shape: tuple[int, int], count: int, elements: Any) -> st.SearchStrategy[list[Array]]:
    return st.lists(arrays(np.float64, shape, elements=elements), min_size=count, max_size=count)


def operator(name: str) -> Operator:
    return registry.operator(name)


def computed(
    name: str,
    inputs: Sequence[np.ndarray],
    constants: tuple[float, ...] = (),
    shape: tuple[int, int] | None = None,
    past: int = 0,
) -> Array:
    """The operator's result in a fresh array that was full of something else."""
    out = np.full(shape or inputs[0].shape, -77.25)
    operator(name).compute(inputs, constants, past, out)
    return out


def bits(values: Array) -> np.ndarray:
    """Bits, one for all kinds of NaN."""
    return np.where(np.isnan(values), np.nan, values).view(np.uint64)


def samples(name: str, rows: int, columns: int, seed: int) -> list[Array]:
    """Inputs of any operator of these tests: gaps, ties, a row without values, a constant row."""
    random = np.random.default_rng(seed)
    count, kinds = 0, [each.kind for each in operator(name).parameters]
    inputs = []
    for kind in kinds:
        if kind == "group":
            values = random.integers(0, 4, size=(rows, columns)) * 3.0
        elif kind == "panel":
            values = random.standard_t(2, size=(rows, columns)) * 10.0 ** (2 * count)
            tied = random.random((rows, columns)) < 0.2
            values[tied] = np.round(values[tied])
            values[min(2, rows - 1)] = 1.5
        else:
            continue
        values[random.random((rows, columns)) < 0.15] = np.nan
        if rows > 3:
            values[3] = np.nan
        inputs.append(np.ascontiguousarray(values))
        count += 1
    return inputs
