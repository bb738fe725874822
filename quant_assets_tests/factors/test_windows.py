"""Windows: properties against numpy and scipy, agnosticism of threads and of the compiler."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from quant_assets.factors import windows
from quant_assets.factors.inputs import FactorInputs, FloatArray
from quant_assets.market_data.panels import Panel
from quant_assets_tests.factors.samples import sessions

T, N = 24, 3
MEASURES: dict[str, Callable[[FactorInputs, FloatArray, int], FloatArray]] = {
    "mean": windows.mean,
    "maximum": windows.maximum,
    "moments": windows.moments,
    "strength": windows.strength,
    "pair": lambda inputs, values, window: windows.pair(inputs, values, values[::-1], window),
    "market_model": lambda inputs, values, window: np.stack(
        list(windows.market_model(inputs, window, 2).values()), axis=1
    ),
}

numbers = st.one_of(
    st.floats(-1e3, 1e3, width=32),
    st.sampled_from([0.0, 1.0, 2.5, np.nan]),  # ties and gaps
)
series = arrays(np.float64, (N, T), elements=numbers)


def inputs_of(values: FloatArray, thread_no: int = 1, first: int = 0) -> FactorInputs:
    """Inputs whose closes are `values`, made positive."""
    dates = sessions(values.shape[1])
    symbols = np.array([f"S{k}" for k in range(len(values))], object)
    index = 100.0 + 10.0 * np.sin(np.arange(len(dates)))
    panel = Panel(dates, symbols, {"close": np.abs(values.T) + 1.0})
    return FactorInputs(panel, index, first=first, thread_no=thread_no)


def valid(values: FloatArray, symbol: int, t: int, window: int) -> FloatArray:
    found = values[symbol, max(t + 1 - window, 0) : t + 1]
    known: FloatArray = found[~np.isnan(found)]
    return known if len(known) >= windows.needed(window) else known[:0]


def literal(
    values: FloatArray, window: int, measure: Callable[[FloatArray], float]
) -> list[list[float]]:
    return [
        [
            measure(found) if len(found := valid(values, i, t, window)) else np.nan
            for t in range(values.shape[1])
        ]
        for i in range(len(values))
    ]


def unless_constant(measure: Callable[..., float]) -> Callable[[FloatArray], float]:
    """Missing where the spread is no more than rounding."""

    def measured(found: FloatArray) -> float:
        spread = np.std(found) > 1e-12 * np.abs(found).max()
        return float(measure(found, bias=False)) if spread else np.nan

    return measured


@settings(max_examples=60, deadline=None)
@given(values=series, window=st.integers(5, 12))
def test_windows_agree_with_numpy_and_scipy(values: FloatArray, window: int) -> None:
    inputs = inputs_of(values)
    assert_allclose(windows.mean(inputs, values, window), literal(values, window, np.mean))
    assert_array_equal(windows.maximum(inputs, values, window), literal(values, window, np.max))
    moments = windows.moments(inputs, values, window)
    deviation = literal(values, window, lambda found: float(np.std(found, ddof=1)))
    assert_allclose(moments[:, 0], deviation, rtol=1e-9, atol=1e-9)
    for place, measure in ((1, stats.skew), (2, stats.kurtosis)):
        with np.errstate(all="ignore"):
            expected = np.array(literal(values, window, unless_constant(measure)))
        near = np.array(deviation) < 1e-6 * np.nanmax(np.abs(values), initial=1.0)
        assert_allclose(moments[:, place][~near], expected[~near], rtol=1e-6, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(values=series, others=series, window=st.integers(4, 12))
def test_pairs_agree_with_numpy(values: FloatArray, others: FloatArray, window: int) -> None:
    found = windows.pair(inputs_of(values), values, others, window)
    for i in range(N):
        for t in range(T):
            x, y = (panel[i, max(t + 1 - window, 0) : t + 1] for panel in (values, others))
            both = ~(np.isnan(x) | np.isnan(y))
            if both.sum() < windows.needed(window):
                assert np.isnan(found[i, :, t]).all()
                continue
            covariance = np.cov(x[both], y[both])
            assert_allclose(found[i, 0, t], covariance[0, 1], rtol=1e-8, atol=1e-8)
            if min(covariance[0, 0], covariance[1, 1]) > 1e-6:
                scale = np.sqrt(covariance[0, 0] * covariance[1, 1])
                assert_allclose(found[i, 1, t], covariance[0, 1] / scale, atol=1e-7)


@pytest.mark.parametrize("name", MEASURES)
def test_threads_and_the_first_session_change_no_bit(name: str) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(7, 60))
    values[random.random(values.shape) < 0.1] = np.nan
    measure = MEASURES[name]
    alone = measure(inputs_of(values), values, 9)
    assert np.isfinite(alone).any()
    for thread_no in (2, 3, 16):
        assert_array_equal(measure(inputs_of(values, thread_no), values, 9), alone)
    late = measure(inputs_of(values, first=30), values, 9)
    assert_array_equal(late[..., 30:], alone[..., 30:])
    assert np.isnan(late[..., :30]).all()


def test_a_large_offset_loses_nothing() -> None:
    """Sums of squares would: the spread is a billionth of the level."""
    values = np.tile(np.arange(60.0) % 7, (1, 1))
    inputs = inputs_of(values)
    near, far = (windows.moments(inputs, values + offset, 21)[:, 0] for offset in (0.0, 1e9))
    assert_allclose(near, far, rtol=1e-6)


def test_a_constant_window_has_no_shape() -> None:
    values = np.full((1, 40), 0.1)
    moments = windows.moments(inputs_of(values), values, 10)
    assert_allclose(moments[0, 0, 20:], 0.0, atol=1e-15)
    assert np.isnan(moments[0, 1:]).all()
    correlation = windows.pair(inputs_of(values), values, np.arange(40.0)[None], 10)[0, 1]
    assert np.isnan(correlation).all()


def test_another_shape_or_type_is_refused() -> None:
    inputs = inputs_of(np.ones((2, 10)))
    with pytest.raises(ValueError, match=r"shape \(2, 10\) \(symbols, sessions\). Got float64"):
        windows.mean(inputs, np.ones((10, 2)), 5)
    with pytest.raises(ValueError, match="Got float32"):
        windows.mean(inputs, np.ones((2, 10), np.float32), 5)


SCRIPT = """
import sys
import numpy as np
from quant_assets_tests.factors.test_windows import every_measure
np.savez(sys.argv[1], **every_measure())
"""


def every_measure() -> dict[str, FloatArray]:
    values = np.random.default_rng(1).normal(size=(3, 40))
    values[0, 5:9] = np.nan
    return {name: measure(inputs_of(values), values, 9) for name, measure in MEASURES.items()}


def test_the_same_without_the_compiler(tmp_path: Path) -> None:
    """Plain Python checks every bound that compiled code does not."""
    path = tmp_path / "plain.npz"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", SCRIPT, str(path)], check=True, env=environment)
    with np.load(path) as plain:
        for name, compiled in every_measure().items():
            assert_allclose(plain[name], compiled, rtol=1e-10, atol=1e-14, err_msg=name)
