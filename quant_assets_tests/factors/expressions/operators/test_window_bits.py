"""Sums, order and pairs within windows: what the bits of a result depend on.

On nothing but the values of its own window: each operator is computed again on parts of the rows,
row by row, among other symbols and elsewhere in memory, and in other pieces.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from quant_assets.factors.expressions import window_steps
from quant_assets.factors.expressions.operators.registry import Array, operator
from quant_assets_tests.factors.expressions.operators.references_window import REFERENCES
from quant_assets_tests.factors.expressions.operators.test_window_values import (
    PANELS,
    SECOND_CONSTANT,
    SENTINEL,
    apply,
)

T, N = 60, 300  # more symbols than stand side by side
WINDOWS = (2.0, 5.0, 16.0, 31.0, 59.0)
EVERY = sorted(REFERENCES)


def constants_of(name: str, window: float) -> tuple[float, ...]:
    return (window, SECOND_CONSTANT[name][1]) if name in SECOND_CONSTANT else (window,)


def panels(name: str, gaps: float = 0.0, size: float = 1.0) -> list[Array]:
    """Walks with ties, a stretch without any change, and gaps in some symbols."""
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(PANELS.get(name, 1)):
        values = rng.normal(size=(T, N)).cumsum(axis=0)
        values[:, ::5] = np.round(values[:, ::5])
        values[20:50, 3] = 7.1
        values[:, ::2][rng.random(values[:, ::2].shape) < gaps] = np.nan
        drawn.append(np.clip(values, -17.0, 17.0) * size)
    return drawn


def assert_same_bits(actual: Array, expected: Array) -> None:
    assert_array_equal(np.isnan(actual), np.isnan(expected))
    there = ~np.isnan(expected)
    assert_array_equal(actual[there].view(np.int64), expected[there].view(np.int64))


@pytest.mark.parametrize("gaps", [0.0, 0.15])
@pytest.mark.parametrize("name", EVERY)
def test_a_later_start_or_an_earlier_end_changes_no_bit(name: str, gaps: float) -> None:
    inputs = panels(name, gaps)
    for window in WINDOWS:
        constants = constants_of(name, window)
        lookback = operator(name).lookback(constants)
        whole = apply(name, inputs, constants, 0)
        for begin, end in ((1, T), (7, 40), (T - 1, T), (0, 1), (33, 59)):
            past = min(lookback, begin)
            part = apply(name, [x[begin - past : end] for x in inputs], constants, past)
            assert_same_bits(part, whole[begin:end])
            more = min(lookback + 3, begin)
            part = apply(name, [x[begin - more : end] for x in inputs], constants, more)
            assert_same_bits(part, whole[begin:end])


@pytest.mark.parametrize("gaps", [0.0, 0.15])
@pytest.mark.parametrize("name", EVERY)
def test_row_by_row_changes_no_bit(name: str, gaps: float) -> None:
    inputs = panels(name, gaps)
    constants = constants_of(name, 21.0)
    whole = apply(name, inputs, constants, 0)
    lookback = operator(name).lookback(constants)
    for t in range(T):
        past = min(lookback, t)
        row = apply(name, [x[t - past : t + 1] for x in inputs], constants, past)
        assert_same_bits(row, whole[t : t + 1])


@pytest.mark.parametrize("name", EVERY)
def test_other_symbols_change_no_bit(name: str) -> None:
    inputs = panels(name, 0.15)
    constants = constants_of(name, 13.0)
    whole = apply(name, inputs, constants, 0)
    rng = np.random.default_rng(2)
    for chosen in (np.array([1]), np.arange(5), np.arange(1, N, 2), rng.permutation(N)):
        part = apply(name, [np.ascontiguousarray(x[:, chosen]) for x in inputs], constants, 0)
        assert_same_bits(part, whole[:, chosen])
    with_absent = [np.insert(x, [0, 1, 150, 300], np.nan, axis=1) for x in inputs]
    among = np.delete(apply(name, with_absent, constants, 0), [0, 2, 152, 303], axis=1)
    assert_same_bits(among, whole)


@pytest.mark.parametrize("name", EVERY)
def test_symbols_without_gaps_after_some_with_gaps(name: str) -> None:
    """Blocks of symbols are computed one after the other with the same counters."""
    inputs = [np.tile(x, 3) for x in panels(name)]
    whole = apply(name, inputs, constants_of(name, 13.0), 0)
    for x in inputs:
        x[10:20, :5] = np.nan
    after = apply(name, inputs, constants_of(name, 13.0), 0)
    assert_same_bits(after[:, 5:], whole[:, 5:])


@pytest.mark.parametrize("name", EVERY)
def test_other_places_in_memory_change_no_bit(name: str) -> None:
    inputs = panels(name, 0.15)
    constants = constants_of(name, 13.0)
    whole = apply(name, inputs, constants, 0)
    for shift in (1, 3, 5):
        moved = []
        for x in inputs:
            room = np.empty(x.size + shift)
            room[shift:] = x.ravel()
            moved.append(room[shift:].reshape(x.shape))
        out = np.empty(whole.size + shift)[shift:].reshape(whole.shape)
        operator(name).compute(moved, constants, 0, out)
        assert_same_bits(out, whole)


@pytest.mark.parametrize("name", EVERY)
def test_other_pieces_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = panels(name, 0.15)
    constants = constants_of(name, 6.0)
    whole = apply(name, inputs, constants, 0)
    monkeypatch.setattr(window_steps, "_SCRATCH_BYTES", 0)
    monkeypatch.setattr(window_steps, "_FEWEST_SESSIONS", 7)
    assert_same_bits(apply(name, inputs, constants, 0), whole)


@pytest.mark.parametrize("name", EVERY)
def test_what_comes_later_changes_no_bit(name: str) -> None:
    inputs = panels(name, 0.15)
    constants = constants_of(name, 9.0)
    before = apply(name, inputs, constants, 0)[:40]
    rng = np.random.default_rng(3)
    for x in inputs:
        x[40:] = rng.normal(size=x[40:].shape) * 1e6
    assert_same_bits(apply(name, inputs, constants, 0)[:40], before)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("size", [1e307, 1e-307, 1e160, 1e-160])
def test_values_at_the_ends_of_the_exponents(name: str, size: float) -> None:
    """No infinity, and what is before the window does not spoil it, not even by overflowing."""
    inputs = panels(name, 0.3, size)
    constants = constants_of(name, 5.0)
    whole = apply(name, inputs, constants, 0)
    assert not np.isinf(whole).any()
    lookback = operator(name).lookback(constants)
    for t in range(T):
        past = min(lookback, t)
        row = apply(name, [x[t - past : t + 1] for x in inputs], constants, past)
        assert_same_bits(row, whole[t : t + 1])


@pytest.mark.parametrize("name", EVERY)
def test_every_place_is_written(name: str) -> None:
    for gaps in (0.0, 0.5, 1.0):
        for window in (2.0, 40.0, 200.0):
            out = apply(name, panels(name, gaps), constants_of(name, window), 0)
            assert not (out == SENTINEL).any()
            empty = apply(name, [x[:, :0] for x in panels(name)], constants_of(name, window), 0)
            assert empty.shape == (T, 0)


@pytest.mark.parametrize("name", EVERY)
def test_inputs_are_left_alone(name: str) -> None:
    inputs = panels(name, 0.15)
    kept = [x.copy() for x in inputs]
    apply(name, inputs, constants_of(name, 5.0), 0)
    assert_array_equal(inputs, kept)


SCRIPT = """
import sys
import numpy as np
from quant_assets_tests.factors.expressions.operators.test_window_bits import every_operator
with np.errstate(all="ignore"):
    np.savez(sys.argv[1], **every_operator())
"""


def every_operator() -> dict[str, Array]:
    """Each operator on few symbols: one whole, one constant, one with gaps."""
    results = {}
    for name in EVERY:
        inputs = [x[:30, [1, 3, 4]] for x in panels(name, 0.3)]
        inputs[0][5:25, 1] = 7.1
        for window in (2.0, 7.0, 16.0):
            out = apply(name, inputs, constants_of(name, window), 0)
            results[f"{name} {window:g}"] = out
    return results


def test_the_same_bits_without_the_compiler(tmp_path: Path) -> None:
    """Nothing is regrouped or fused; and plain Python checks bounds that compiled code does not."""
    path = tmp_path / "plain.npz"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", SCRIPT, str(path)], check=True, env=environment)
    with np.load(path) as plain:
        for name, compiled in every_operator().items():
            assert_same_bits(plain[name], compiled)
