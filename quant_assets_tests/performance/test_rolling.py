"""Moving windows against pandas, QuantStats and empyrical, and the metrics of each window alone."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.performance.benchmark import spanned
from quant_assets.performance.metrics import metrics
from quant_assets.performance.rolling import Rolling
from quant_assets_tests.backtests.samples import sessions
from quant_assets_tests.performance.samples import fat_tailed
from quant_assets_tests.prefix import PanelInputs, check_prefix

DAYS = 244
WINDOW = 60
NAMES = ("sharpe", "sortino", "volatility", "beta", "alpha", "correlation")


def both(days: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three series, a benchmark, and an annual rate a day."""
    series, index = zip(*(fat_tailed(days, seed + k) for k in range(3)), strict=True)
    return np.stack(series, axis=1), index[0], np.linspace(0.0, 0.05, days)


def test_each_window_is_measured_as_if_alone() -> None:
    returns, index, rate = both()
    index[[70, 140, 141]] = np.nan
    rolled = Rolling(returns, WINDOW, index, rate, DAYS, WINDOW - 3)
    found = {name: getattr(rolled, name) for name in NAMES}
    for name, values in found.items():
        assert values.shape == returns.shape
        assert np.isnan(values[: WINDOW - 1]).all()
        assert np.isfinite(values[WINDOW - 1 :]).all(), name
    for t in (WINDOW - 1, 120, 195):  # gaps of the index lie within the windows
        days = slice(t + 1 - WINDOW, t + 1)
        for s in range(3):
            alone = metrics(returns[days, s], index[days], rate[days], DAYS)
            for name, values in found.items():
                assert values[t, s] == pytest.approx(alone[name], rel=1e-9, abs=1e-12), name


@pytest.mark.filterwarnings("ignore")
def test_equal_to_quantstats_and_empyrical() -> None:
    import empyrical
    from quantstats import stats as quantstats

    panel, index, _ = both()
    when = pd.bdate_range("2020-01-01", periods=200)
    own, other = pd.Series(panel[:, 0], when), pd.Series(index, when)
    args: dict[str, Any] = {"rolling_period": WINDOW, "periods_per_year": DAYS}
    greeks = quantstats.rolling_greeks(own, other, WINDOW)
    theirs = {
        "sharpe": quantstats.rolling_sharpe(own, 0.02, **args),
        "sortino": quantstats.rolling_sortino(own, 0.02, **args),
        "volatility": quantstats.rolling_volatility(own, **args),
        "beta": greeks["beta"],
        "alpha": (1 + greeks["alpha"]) ** DAYS - 1,  # theirs is that of a day
    }
    at_rate = Rolling(panel[:, 0], WINDOW, None, 0.02, DAYS)
    against = Rolling(panel[:, 0], WINDOW, index, 0.0, DAYS)
    ours = {name: getattr(at_rate, name) for name in NAMES[:3]}
    ours |= {name: getattr(against, name) for name in NAMES[3:]}
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-9, atol=1e-10, err_msg=name)
    beta = empyrical.roll_beta(own, other, window=WINDOW)
    np.testing.assert_allclose(ours["beta"][WINDOW - 1 :], beta, rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 12), st.integers(0, 1000), st.floats(0, 0.5))
def test_days_without_a_return_are_left_out(window: int, seed: int, missing: float) -> None:
    random = np.random.default_rng(seed)
    returns = np.round(random.normal(0, 0.01, 40), 2)
    index = np.round(random.normal(0, 0.01, 40), 2)
    returns[random.random(40) < missing] = np.nan
    index[random.random(40) < missing] = np.nan
    least = int(random.integers(2, window + 1))
    volatility = Rolling(returns, window, annualization=DAYS, least=least).volatility
    expected = pd.Series(returns).rolling(window, least).std(ddof=1).to_numpy() * np.sqrt(DAYS)
    expected[: window - 1] = np.nan
    np.testing.assert_allclose(volatility, expected, atol=1e-9)
    beta = Rolling(returns, window, index, least=least).beta
    spans = spanned(returns, index)
    for t in range(40):
        days = slice(max(0, t + 1 - window), t + 1)
        known = ~np.isnan(returns[days]) & ~np.isnan(index[days])
        own, other = spans[days][known], index[days][known]
        if t + 1 < window or len(own) < least or np.ptp(other) == 0:
            assert np.isnan(beta[t])
        else:
            slope = np.cov(own, other)[0, 1] / other.var(ddof=1)
            assert beta[t] == pytest.approx(slope, rel=1e-9, abs=1e-9)


def test_what_does_not_vary_has_no_ratio() -> None:
    flat = np.full(10, 0.01)
    saved = 1e6 * np.cumprod(np.full(11, 1.01))  # interest differs by rounding only
    for still in (flat, saved[1:] / saved[:-1] - 1):
        rolled = Rolling(still, 5, np.arange(10.0), 0.05)
        assert np.isnan(rolled.sharpe).all()
        assert np.isnan(rolled.sortino).all()
        assert (rolled.volatility[4:] == 0).all()
        assert np.isnan(rolled.correlation).all()
        assert np.isnan(Rolling(np.arange(10.0), 5, still).alpha).all()
    assert np.isnan(Rolling(np.arange(10.0), 5).beta).all()
    returns, _, rate = both()
    returns[50:120] = 0.0  # in cash: what varies is the rate
    found = Rolling(returns, WINDOW, None, rate).sharpe
    assert np.isnan(found[49 + WINDOW : 120]).all()
    assert np.isfinite(found[120:]).all()
    assert (np.abs(found[120:]) < 20).all()


def test_nothing_knows_the_future() -> None:
    returns, index, rate = both(150)
    names = np.array(["A", "B", "C"])
    inputs = PanelInputs(
        sessions(150, "2020-01-01"),
        names,
        {"returns": returns},
        {"index": index, "rate": np.abs(rate)},
    )

    def rolled(data: PanelInputs) -> dict[str, np.ndarray]:
        own, rates = data.fields["returns"], np.nan_to_num(data.series["rate"])
        found = Rolling(own, 30, data.series["index"], rates)
        return {name: getattr(found, name) for name in NAMES}

    check_prefix(rolled, inputs, lookback=30)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Rolling(np.zeros((2, 2, 2))), r"shape \(T,\) or \(T, S\)"),
        (lambda: Rolling(np.zeros(9), 1), "window=1, least=None"),
        (lambda: Rolling(np.zeros(9), 5, least=6), "window=5, least=6"),
        (
            lambda: Rolling(np.zeros(9), 5, np.zeros(8)),
            r"benchmark must have the shape \(9,\)",
        ),
    ],
)
def test_bad_arguments(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()
