"""Regressions, smoothing, distributions and history: what the bits of a result depend on.

On nothing but the values of its own window: each operator is computed again on parts of the rows,
row by row, among other symbols, elsewhere in memory, and together with its kin.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from quant_assets.factors.expressions.operators.registry import Array, Wanted, operator, operators
from quant_assets_tests.factors.expressions.operators.references_more_windows import REFERENCES

T, N = 75, 70  # more symbols than stand side by side in the narrowest kernel

# Windows of one digit and of several, even and odd, of one step of a kernel and of several.
CONSTANTS: dict[str, list[tuple[float, ...]]] = {
    "ts_regression": [(20.0, 0.0, 0.0), (7.0, 3.0, 2.0), (12.0, 1.0, 4.0), (5.0, 2.0, 9.0)],
    "ts_ewm": [(3.0, 1.0), (7.0, 2.0), (2.0, 2.0), (20.0, 1.0)],
    "ts_decay_exp_window": [(11.0, 0.5), (40.0, 0.95)],
    "ts_moment": [(10.0, 3.0), (7.0, 6.0)],
    "ts_percentile": [(5.0, 0.2), (20.0, 0.8), (31.0, 0.37)],
    "ts_quantile": [(10.0, 0.0), (20.0, 1.0), (5.0, 2.0)],
    "ts_entropy": [(20.0, 10.0)],
    "ts_backfill": [(5.0, 1.0), (10.0, 2.0)],
    "kth_element": [(10.0, 3.0)],
    "ts_returns": [(1.0, 1.0), (10.0, 2.0)],
    "jump_decay": [(10.0, 0.5, 0.1, 1.0)],
    "ts_min_max_diff": [(10.0, 0.5)],
}
CASES = [
    (name, constants)
    for name in sorted(REFERENCES)
    for constants in CONSTANTS.get(name, [(5.0,), (20.0,), (61.0,)])
]


def panels(count: int, gaps: float, seed: int = 0) -> list[Array]:
    """Walks with gaps, ties, a stretch without any change, and zeros of both signs."""
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(count):
        values = 30.0 + rng.normal(size=(T, N)).cumsum(axis=0)
        values[:, ::5] = np.round(values[:, ::5])
        values[20:50, 3] = 7.1
        values[:, 6] = rng.choice([0.0, -0.0, 0.5], T)
        values[rng.random((T, N)) < gaps] = np.nan
        drawn.append(values)
    return drawn


def inputs_of(name: str) -> int:
    return sum(p.kind == "panel" for p in operator(name).parameters)


def part(
    name: str,
    constants: tuple[float, ...],
    inputs: Sequence[Array],
    begin: int,
    end: int,
    more: int,
) -> Array:
    """Rows begin to end, given the look-back and `more` rows before it where there are any."""
    past = min(operator(name).lookback(constants) + more, begin)
    out = np.full((end - begin, inputs[0].shape[1]), 12345.678)
    given = [np.ascontiguousarray(each[begin - past : end]) for each in inputs]
    operator(name).compute(given, constants, past, out)
    return out


def whole(name: str, constants: tuple[float, ...], inputs: Sequence[Array]) -> Array:
    return part(name, constants, inputs, 0, len(inputs[0]), 0)


def assert_same_bits(got: Array, want: Array, told: str = "") -> None:
    """Equal to the sign of zero; every NaN is the same."""
    assert_array_equal(np.isnan(got), np.isnan(want), err_msg=told)
    known = ~np.isnan(want)
    assert_array_equal(got[known].view(np.int64), want[known].view(np.int64), err_msg=told)


@pytest.mark.parametrize("gaps", [0.0, 0.08])
@pytest.mark.parametrize(("name", "constants"), CASES)
def test_bits_depend_on_the_window_alone(
    name: str, constants: tuple[float, ...], gaps: float
) -> None:
    inputs = panels(inputs_of(name), gaps)
    want = whole(name, constants, inputs)
    assert np.isfinite(want).any()
    for begin, end in ((1, T), (4, 30), (33, 34), (40, 73), (70, T)):
        for more in (0, 9):
            got = part(name, constants, inputs, begin, end, more)
            assert_same_bits(got, want[begin:end], f"rows {begin} to {end}, {more} more")
    for row in range(T):
        got = part(name, constants, inputs, row, row + 1, 0)
        assert_same_bits(got, want[row : row + 1], f"row {row} alone")


@pytest.mark.parametrize(("name", "constants"), CASES)
def test_bits_do_not_depend_on_neighbours_or_memory(
    name: str, constants: tuple[float, ...]
) -> None:
    inputs = panels(inputs_of(name), 0.0)
    want = whole(name, constants, inputs)
    gapless = whole(name, constants, [np.ascontiguousarray(each[:, 1:]) for each in inputs])
    assert_same_bits(gapless, want[:, 1:], "one symbol fewer")
    for each in inputs:
        each[np.random.default_rng(1).random(T) < 0.5, 0] = np.nan
    beside_gaps = whole(name, constants, inputs)
    assert_same_bits(beside_gaps[:, 1:], want[:, 1:], "a symbol with gaps among them")
    order = np.random.default_rng(2).permutation(N)
    mixed = whole(name, constants, [np.ascontiguousarray(each[:, order]) for each in inputs])
    assert_same_bits(mixed, beside_gaps[:, order], "another order")
    alone = whole(name, constants, [np.ascontiguousarray(each[:, -1:]) for each in inputs])
    assert_same_bits(alone, want[:, -1:], "one symbol")
    wide = [np.ascontiguousarray(np.tile(each, (1, 5))) for each in inputs]
    assert_same_bits(whole(name, constants, wide), np.tile(beside_gaps, (1, 5)), "more symbols")
    moved = []
    for each in inputs:
        memory = np.empty(each.size + 1)[1:]
        memory[:] = each.ravel()
        moved.append(memory.reshape(each.shape))
    assert_same_bits(whole(name, constants, moved), beside_gaps, "elsewhere in memory")


@pytest.mark.parametrize(("name", "constants"), CASES)
def test_every_place_is_written_and_nothing_is_infinite(
    name: str, constants: tuple[float, ...]
) -> None:
    extremes = np.array([1e308, -1e308, 1e-308, 0.0, -0.0, 1.0, 1e200, -1e200, np.nan, 1e-200])
    for seed in range(6):
        rng = np.random.default_rng(seed)
        chosen = extremes if seed % 2 else extremes[[3, 5, 8]]
        inputs = [rng.choice(chosen, (30, 5)) for _ in range(inputs_of(name))]
        first, second = np.full((30, 5), np.inf), np.full((30, 5), -np.inf)
        kept = [each.copy() for each in inputs]
        operator(name).compute(inputs, constants, 0, first)
        operator(name).compute(inputs, constants, 0, second)
        assert_same_bits(first, second)
        assert not np.isinf(first).any()
        for each, before in zip(inputs, kept, strict=True):
            assert_array_equal(each, before, err_msg="an input was written")


def joints() -> list[list[str]]:
    """The names that share a computation."""
    shared: dict[str, list[str]] = {}
    for each in operators():
        if each.joint is not None and each.name in REFERENCES:
            shared.setdefault(each.joint.name, []).append(each.name)
    return list(shared.values())


@pytest.mark.parametrize("names", joints(), ids="-".join)
def test_together_is_alone(names: list[str]) -> None:
    inputs = panels(inputs_of(names[0]), 0.05)
    settings: dict[str, list[tuple[float, ...]]] = {
        "ts_regression": [(10.0, lag, float(k)) for lag in (0.0, 3.0) for k in range(10)],
        "ts_moment": [(10.0, 2.0), (10.0, 5.0)],
        "ts_percentile": [(10.0, 0.2), (10.0, 0.8), (10.0, 0.2)],
    }
    chosen = [(name, each) for name in names for each in settings.get(name, [(10.0,)])]
    past = 40  # more than any look-back, as when one of them has a longer one
    wanted = [Wanted(name, each, np.full((T - past, N), np.inf)) for name, each in chosen]
    shared = operator(names[0]).joint
    assert shared is not None
    shared.compute(wanted, inputs, past)
    for each in wanted:
        alone = whole(each.operator, each.constants, inputs)[past:]
        assert_same_bits(each.out, alone, f"{each.operator}{each.constants}")
