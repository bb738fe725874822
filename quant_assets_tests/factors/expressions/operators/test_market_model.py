"""The market model: against literal regressions, alone and together, with and without gaps."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from quant_assets.factors.expressions.operators.registry import Array, Wanted, operator
from quant_assets_tests.factors.expressions.operators.cross_samples import bits

NAMES = (
    "ts_market_beta",
    "ts_residual_std_dev",
    "ts_residual_skewness",
    "ts_downside_beta",
    "ts_residual_coskewness",
    "ts_residual_momentum",
)
T, N = 22, 2

numbers = st.one_of(
    st.integers(-20, 20).map(lambda k: k / 64.0),
    st.sampled_from([0.0, 0.25, np.nan]),
    st.floats(-1.0, 1.0, width=32).filter(lambda x: abs(x) > 1e-3),
)
panels = arrays(np.float64, (T, N), elements=numbers)


def constants_of(name: str, window: int, recent: int) -> tuple[float, ...]:
    return (float(window), float(recent)) if name == NAMES[5] else (float(window),)


def computed(name: str, y: Array, x: Array, window: int, recent: int = 3, past: int = 0) -> Array:
    out = np.full((len(y) - past, y.shape[1]), -77.25)
    operator(name).compute([y, x], constants_of(name, window, recent), past, out)
    return out


def two_thirds(window: int) -> int:
    return max(-(-2 * window // 3), 4)


def literal(y: Array, x: Array, window: int, recent: int) -> dict[str, float]:
    """All six over the sessions of one window; missing where a formula divides by nothing."""
    nothing = dict.fromkeys(NAMES, np.nan)
    both = ~(np.isnan(y) | np.isnan(x))
    r, m = y[both], x[both]
    if len(r) < two_thirds(window) or np.ptp(m) <= 1e-10:
        return nothing
    fit = stats.linregress(m, r)
    e = r - fit.intercept - fit.slope * m
    found = {**nothing, NAMES[0]: fit.slope, NAMES[1]: np.sqrt(np.sum(e**2) / (len(e) - 2))}
    if np.std(e) > 1e-10:
        d = m - np.mean(m)
        found[NAMES[2]] = stats.skew(e, bias=False)
        found[NAMES[4]] = np.mean(e * d**2) / (np.std(e) * np.mean(d**2))
    down = m < np.mean(m)
    if down.sum() >= -(-2 * two_thirds(window) // 3) // 2 and np.ptp(m[down]) > 1e-10:
        found[NAMES[3]] = stats.linregress(m[down], r[down]).slope
    old = both[: len(both) - recent]
    rest = (y - fit.slope * x)[: len(both) - recent][old]
    if len(rest) >= max(two_thirds(window - recent), 4) and np.std(rest) > 1e-10:
        found[NAMES[5]] = np.mean(rest) / np.std(rest, ddof=1)
    return found


@settings(max_examples=30, deadline=None)
@given(y=panels, x=panels, window=st.integers(4, 14), recent=st.integers(0, 5))
def test_agrees_with_literal_regressions(y: Array, x: Array, window: int, recent: int) -> None:
    found = {name: computed(name, y, x, window, recent) for name in NAMES}
    for t in range(2, T, 3):
        for i in range(N):
            inside = slice(max(t + 1 - window, 0), t + 1)
            # Where the range is shorter than the window, `recent` still ends on the day.
            expected = literal(y[inside, i], x[inside, i], window, min(recent, t + 1))
            for name, value in expected.items():
                assert_allclose(
                    found[name][t, i], value, rtol=1e-6, atol=1e-7, err_msg=f"{name} {t} {i}"
                )


def samples(rows: int = 60, seed: int = 0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    x = np.repeat(random.normal(0.0, 0.01, (rows, 1)), 5, axis=1)
    y = x * random.uniform(0.5, 1.5, 5) + random.standard_t(4, (rows, 5)) * 0.01
    y[random.random(y.shape) < 0.1] = np.nan
    y[:, 4] = 0.0
    return y, x


def test_together_is_alone() -> None:
    y, x = samples()
    asked = [*((name, 3) for name in NAMES), (NAMES[5], 0), (NAMES[5], 7), (NAMES[0], 3)]
    wanted = [
        Wanted(name, constants_of(name, 20, recent), np.full((40, 5), -77.25))
        for name, recent in asked
    ]
    joint = operator(NAMES[0]).joint
    assert joint is not None
    assert all(operator(name).joint is joint for name in NAMES)
    joint.compute(wanted, [y, x], 20)
    for (name, recent), each in zip(asked, wanted, strict=True):
        alone = computed(name, y, x, 20, recent, past=20)
        assert_array_equal(bits(each.out), bits(alone), err_msg=name)
        assert np.isfinite(alone[:, :4]).mean() > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_bits_depend_on_the_window_alone(name: str) -> None:
    y, x = samples()
    whole = computed(name, y, x, 20)
    for first in (19, 30, 59):
        rows = slice(first - 19, None)
        near = computed(
            name, np.ascontiguousarray(y[rows]), np.ascontiguousarray(x[rows]), 20, past=19
        )
        assert_array_equal(bits(near), bits(whole[first:]))
    alone = computed(name, np.ascontiguousarray(y[:, 2:3]), np.ascontiguousarray(x[:, 2:3]), 20)
    assert_array_equal(bits(alone), bits(whole[:, 2:3]))


def test_what_never_moves_has_a_beta_of_zero_and_no_shape() -> None:
    y, x = samples()
    still = {name: computed(name, y, x, 20)[19:, 4] for name in NAMES}
    assert_array_equal(still[NAMES[0]], 0.0)
    assert_array_equal(still[NAMES[1]], 0.0)
    for name in (NAMES[2], NAMES[4], NAMES[5]):
        assert np.isnan(still[name]).all(), name
    x[:] = 0.1
    for name in NAMES:
        assert np.isnan(computed(name, y, x, 20)).all(), name


def test_recent_may_be_as_long_as_the_window_and_leaves_nothing() -> None:
    y, x = samples()
    for recent in (17, 20, 50):
        assert np.isnan(computed(NAMES[5], y, x, 20, recent)).all()
    assert np.isfinite(computed(NAMES[5], y, x, 20, 16)[19:, :4]).any()


SCRIPT = """
import sys
import numpy as np
from quant_assets_tests.factors.expressions.operators.test_market_model import every_result
np.savez(sys.argv[1], **every_result())
"""


def every_result() -> dict[str, Array]:
    y, x = samples(40)
    return {name: computed(name, y, x, 15) for name in NAMES}


def test_the_same_without_the_compiler(tmp_path: Path) -> None:
    """Plain Python checks every bound that compiled code does not."""
    path = tmp_path / "plain.npz"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", SCRIPT, str(path)], check=True, env=environment)
    with np.load(path) as plain:
        for name, compiled in every_result().items():
            assert_allclose(plain[name], compiled, rtol=1e-10, atol=1e-14, err_msg=name)
