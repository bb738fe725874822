"""Regressions, smoothing, distributions and history: against literal references and peers."""

from collections.abc import Sequence

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from quant_assets.factors.expressions.operators.registry import Array, operator, operators
from quant_assets_tests.factors.expressions.operators.references_more_windows import REFERENCES

MODULES = ("regressions", "smoothing", "distributions", "history")
T, N = 14, 3

windows = st.integers(2, 17).map(float)  # some longer than the data
EXTRA: dict[str, tuple[st.SearchStrategy[float], ...]] = {
    "ts_regression": (st.integers(0, 3).map(float), st.integers(0, 9).map(float)),
    "ts_decay_exp_window": (st.sampled_from([0.0, 0.3, 0.9, 1.0]),),
    "ts_moment": (st.integers(1, 6).map(float),),
    "ts_percentile": (st.sampled_from([0.0, 0.2, 0.37, 0.5, 0.8, 1.0]),),
    "ts_quantile": (st.sampled_from([0.0, 1.0, 2.0]),),
    "ts_entropy": (st.sampled_from([1.0, 3.0, 10.0]),),
    "ts_backfill": (st.integers(1, 3).map(float),),
    "kth_element": (st.integers(1, 3).map(float),),
    "ts_returns": (st.sampled_from([1.0, 2.0]),),
    "jump_decay": (st.sampled_from([0.0, 0.55, 1.9]), st.just(0.1), st.sampled_from([0.0, 1.0])),
    "ts_min_max_diff": (st.sampled_from([0.5, 0.25]),),
}
# n and m of ts_ewm; the first has a window of one session
RATIOS = st.sampled_from([(2.0, 2.0), (3.0, 2.0), (7.0, 2.0), (6.0, 1.0)])

# Quarters: sums of a few are exact, ties abound; the others have all their digits.
numbers = st.one_of(
    st.integers(-20, 20).map(lambda k: k / 4.0),
    st.sampled_from([0.0, -0.0, 1.0, np.nan, np.nan]),
    st.floats(-1e3, 1e3, width=32).filter(lambda x: abs(x) > 1e-3),
)
offsets = st.sampled_from([0.0, 0.0, 1e9])


def panel(values: Array, offset: float, constant: bool) -> Array:
    """Values about `offset`; the last symbol is constant where it is not missing."""
    kept = np.round(values * 4.0) / 4.0 + offset if offset else values.copy()
    if constant:
        kept[:, -1] = np.where(np.isnan(kept[:, -1]), np.nan, offset + 3.7)
    return np.ascontiguousarray(kept)


@st.composite
def panels(draw: st.DrawFn, count: int) -> list[Array]:
    shape = (draw(st.sampled_from([T, T, 4, 1])), N)
    drawn = [draw(arrays(np.float64, shape, elements=numbers)) for _ in range(count)]
    return [panel(each, draw(offsets), draw(st.booleans())) for each in drawn]


def inputs_of(name: str) -> int:
    return sum(p.kind == "panel" for p in operator(name).parameters)


@st.composite
def settings_of(draw: st.DrawFn, name: str) -> tuple[float, ...]:
    """Constants that the operator takes."""
    if name == "ts_ewm":
        return draw(RATIOS)
    window = draw(windows)
    least = next(p.minimum for p in operator(name).parameters if p.kind == "window")
    return (max(window, least or 1.0), *(draw(each) for each in EXTRA.get(name, ())))


def computed(name: str, inputs: Sequence[Array], constants: tuple[float, ...]) -> Array:
    """The operator over all rows, in an array that was full of something else."""
    out = np.full_like(inputs[0], 12345.678)
    with np.errstate(all="ignore" if numba.config.DISABLE_JIT else "warn"):  # type: ignore[attr-defined]
        operator(name).compute(inputs, constants, 0, out)
    return out


def test_every_operator_of_these_modules_has_a_reference() -> None:
    here = {
        each.name for each in operators() if each.compute.__module__.rsplit(".", 1)[-1] in MODULES
    }
    assert here == set(REFERENCES)


@pytest.mark.parametrize("name", sorted(REFERENCES))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_reference(name: str, data: st.DataObject) -> None:
    inputs = data.draw(panels(inputs_of(name)))
    constants = data.draw(settings_of(name))
    lookback = operator(name).lookback(constants)
    got = computed(name, inputs, constants)
    for t in range(len(got)):
        for s in range(N):
            rows = slice(max(t - lookback, 0), t + 1)
            found = [each[rows, s].tolist() for each in inputs]
            want = REFERENCES[name](found, constants)
            told = f"{name}{constants} of {found}: {got[t, s]}, expected {want}"
            assert np.isnan(got[t, s]) == np.isnan(want.value), told
            error = abs(got[t, s] - want.value)
            assert not error > 1e-9 * max(abs(want.value), want.size), told


def sample(seed: int, rows: int = 90, symbols: int = 7) -> Array:
    """A walk with gaps."""
    rng = np.random.default_rng(seed)
    values = 50.0 + rng.normal(size=(rows, symbols)).cumsum(axis=0)
    values[rng.random(values.shape) < 0.06] = np.nan
    return values


@pytest.mark.parametrize("d", [5, 20, 60])
def test_distributions_are_those_of_pandas(d: int) -> None:
    values = sample(1)
    rolling = pd.DataFrame(values).rolling(d, min_periods=-(-2 * d // 3))
    peers = {
        ("ts_skewness", (float(d),)): rolling.skew(),
        ("ts_kurtosis", (float(d),)): rolling.kurt(),
        ("ts_percentile", (float(d), 0.8)): rolling.quantile(0.8),
        ("ts_percentile", (float(d), 0.2)): rolling.quantile(0.2),
        ("ts_median", (float(d),)): rolling.median(),
    }
    for (name, constants), peer in peers.items():
        assert_allclose(computed(name, [values], constants), peer, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("n", "m"), [(13.0, 2.0), (20.0, 1.0), (3.0, 1.0)])
def test_ewm_is_that_of_pandas_but_for_a_millionth(n: float, m: float) -> None:
    values = sample(2, rows=600)
    peer = pd.DataFrame(values).ewm(alpha=m / n, adjust=True, ignore_na=False).mean()
    got = computed("ts_ewm", [values], (n, m))
    known = ~np.isnan(got)
    assert known[30:].mean() > 0.9
    assert_allclose(got[known], peer.to_numpy()[known], atol=1e-6 * np.nanmax(np.abs(values)))


@pytest.mark.parametrize(
    ("n", "m", "sessions"),
    [(13.0, 2.0, 83), (20.0, 1.0, 270), (61.0, 2.0, 415), (2.0, 1.0, 20), (5.0, 5.0, 1)],
)
def test_ewm_leaves_out_less_than_a_millionth(n: float, m: float, sessions: int) -> None:
    assert operator("sma").lookback((n, m)) == sessions - 1
    assert (1.0 - m / n) ** sessions < 1e-6
    assert sessions == 1 or (1.0 - m / n) ** (sessions - 1) >= 1e-6


@pytest.mark.parametrize("m", [0.0, 3.5, -1.0])
def test_ewm_refuses_weights_that_do_not_fall(m: float) -> None:
    with pytest.raises(ValueError, match=r"must be above 0 and at most n = 3\. Got"):
        operator("ts_ewm").lookback((3.0, m))


def test_lines_through_clean_windows_are_those_of_numpy() -> None:
    rng = np.random.default_rng(3)
    y, x = rng.normal(size=(40, 1)), rng.normal(size=(40, 1))
    d = 20
    slope, intercept = np.polyfit(np.arange(1.0, d + 1.0), y[-d:, 0], 1)
    assert_allclose(computed("ts_slope", [y], (d,))[-1, 0], slope, rtol=1e-9)
    residual = y[-1, 0] - slope * d - intercept
    assert_allclose(computed("ts_residual", [y], (d,))[-1, 0], residual, rtol=1e-9)
    slope, intercept = np.polyfit(x[-d - 2 : -2, 0], y[-d:, 0], 1)
    got = [computed("ts_regression", [y, x], (d, 2.0, k))[-1, 0] for k in (1.0, 2.0, 3.0)]
    assert_allclose(got, [intercept, slope, intercept + slope * x[-3, 0]], rtol=1e-9)


def test_standard_errors_are_those_of_statsmodels() -> None:
    sm = pytest.importorskip("statsmodels.api", exc_type=ImportError)
    rng = np.random.default_rng(4)
    x = rng.normal(size=(30, 1)) + 5.0
    y = 2.0 * x + rng.normal(size=(30, 1))
    fit = sm.OLS(y, sm.add_constant(x)).fit()
    want = [fit.ssr, fit.centered_tss, fit.rsquared, fit.mse_resid, fit.bse[1], fit.bse[0]]
    got = [computed("ts_regression", [y, x], (30.0, 0.0, float(k)))[-1, 0] for k in range(4, 10)]
    assert_allclose(got, want, rtol=1e-9)


def test_examples_that_brain_documents() -> None:
    nan = np.nan
    volume = np.array([[100.0], [nan], [120.0], [nan], [nan]])
    assert computed("ts_backfill", [volume], (3.0, 1.0))[-1, 0] == 120.0
    assert computed("ts_backfill", [volume], (5.0, 2.0))[-1, 0] == 100.0
    changes = np.array([[10.0], [10.0], [12.0], [12.0], [12.0], [15.0]])
    since = computed("days_from_last_change", [changes], (252.0,))
    assert_array_equal(since[2:, 0], [0.0, 1.0, 2.0, 0.0])
    oldest_first = np.array([[10.0], [8.0], [3.0], [6.0], [5.0], [3.0], [2.0]])
    assert computed("kth_element", [oldest_first], (6.0, 3.0))[-1, 0] == 5.0


def test_windows_far_from_zero_keep_their_digits() -> None:
    noise = np.random.default_rng(5).integers(-8, 9, (40, 3)) / 4.0
    for name in ("ts_slope", "ts_rsquare", "ts_residual", "ts_skewness", "ts_kurtosis"):
        near = computed(name, [noise], (20.0,))
        far = computed(name, [noise + 1e9], (20.0,))
        assert_array_equal(near, far, err_msg=name)


def test_equal_values_have_no_spread_at_all() -> None:
    values = np.full((12, 2), 0.1)
    for name in ("ts_slope", "ts_residual", "ts_entropy", "ts_max_diff", "ts_min_max_diff"):
        extra = {"ts_entropy": (10.0,), "ts_min_max_diff": (0.5,)}.get(name, ())
        assert_array_equal(computed(name, [values], (6.0, *extra))[6:], 0.0, err_msg=name)
    assert_array_equal(computed("ts_moment", [values], (6.0, 2.0))[6:], 0.0)
    for name in ("ts_rsquare", "ts_skewness", "ts_kurtosis", "ts_ir"):
        assert np.isnan(computed(name, [values], (6.0,))).all(), name
    assert_allclose(computed("ts_ewm", [values], (6.0, 1.0))[10:], 0.1, rtol=1e-15)


def test_what_a_third_series_explains_has_no_partial_correlation() -> None:
    rng = np.random.default_rng(6)
    y, z = rng.normal(size=(2, 30, 2))
    explained = 0.3 * z + 0.1  # but for rounding
    assert np.isnan(computed("ts_partial_corr", [explained, y, z], (10.0,))).all()
    assert np.isnan(computed("ts_partial_corr", [y, explained, z], (10.0,))).all()
    hardly = explained + 1e-6 * y
    got = computed("ts_partial_corr", [hardly, y, z], (10.0,))[9:]
    assert_allclose(got, 1.0, rtol=1e-9)
