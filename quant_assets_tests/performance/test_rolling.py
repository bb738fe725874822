"""Moving windows against pandas, QuantStats and empyrical, and the metrics of each window alone."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.performance.metrics import metrics
from quant_assets.performance.rolling import (
    rolling_alpha,
    rolling_beta,
    rolling_correlation,
    rolling_sharpe,
    rolling_sortino,
    rolling_volatility,
)
from quant_assets_tests.backtests.samples import sessions
from quant_assets_tests.performance.samples import fat_tailed
from quant_assets_tests.prefix import PanelInputs, check_prefix

DAYS = 244
WINDOW = 60


def both(days: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three series, a benchmark, and an annual rate a day."""
    series, index = zip(*(fat_tailed(days, seed + k) for k in range(3)), strict=True)
    return np.stack(series, axis=1), index[0], np.linspace(0.0, 0.05, days)


def test_each_window_is_measured_as_if_alone() -> None:
    returns, index, rate = both()
    found = {
        "sharpe": rolling_sharpe(returns, WINDOW, rate, DAYS),
        "sortino": rolling_sortino(returns, WINDOW, rate, DAYS),
        "volatility": rolling_volatility(returns, WINDOW, DAYS),
        "beta": rolling_beta(returns, index, WINDOW, rate, DAYS),
        "alpha": rolling_alpha(returns, index, WINDOW, rate, DAYS),
        "correlation": rolling_correlation(returns, index, WINDOW),
    }
    for name, values in found.items():
        assert values.shape == returns.shape
        assert np.isnan(values[: WINDOW - 1]).all()
        assert np.isfinite(values[WINDOW - 1 :]).all(), name
    for t in (WINDOW - 1, 130, 199):
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
    ours = {
        "sharpe": rolling_sharpe(panel[:, 0], WINDOW, 0.02, DAYS),
        "sortino": rolling_sortino(panel[:, 0], WINDOW, 0.02, DAYS),
        "volatility": rolling_volatility(panel[:, 0], WINDOW, DAYS),
        "beta": rolling_beta(panel[:, 0], index, WINDOW),
        "alpha": rolling_alpha(panel[:, 0], index, WINDOW, 0.0, DAYS),
    }
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
    volatility = rolling_volatility(returns, window, DAYS, least)
    expected = pd.Series(returns).rolling(window, least).std(ddof=1).to_numpy() * np.sqrt(DAYS)
    expected[: window - 1] = np.nan
    np.testing.assert_allclose(volatility, expected, atol=1e-9)
    beta = rolling_beta(returns, index, window, least=least)
    for t in range(40):
        days = slice(max(0, t + 1 - window), t + 1)
        known = ~np.isnan(returns[days]) & ~np.isnan(index[days])
        own, other = returns[days][known], index[days][known]
        if t + 1 < window or len(own) < least or np.ptp(other) == 0:
            assert np.isnan(beta[t])
        else:
            slope = np.cov(own, other)[0, 1] / other.var(ddof=1)
            assert beta[t] == pytest.approx(slope, rel=1e-9, abs=1e-9)


def test_what_does_not_vary_has_no_ratio() -> None:
    flat = np.full(10, 0.01)
    assert np.isnan(rolling_sharpe(flat, 5)).all()
    assert np.isnan(rolling_sortino(flat, 5)).all()
    assert (rolling_volatility(flat, 5)[4:] == 0).all()
    assert np.isnan(rolling_correlation(flat, np.arange(10.0), 5)).all()
    assert np.isnan(rolling_alpha(np.arange(10.0), flat, 5)).all()


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
        return {
            "sharpe": rolling_sharpe(own, 30, rates),
            "sortino": rolling_sortino(own, 30, rates),
            "alpha": rolling_alpha(own, data.series["index"], 30, rates),
            "correlation": rolling_correlation(own, data.series["index"], 30),
        }

    check_prefix(rolled, inputs, lookback=30)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rolling_sharpe(np.zeros((2, 2, 2))), r"shape \(T,\) or \(T, S\)"),
        (lambda: rolling_sharpe(np.zeros(9), 1), "window=1, least=None"),
        (lambda: rolling_volatility(np.zeros(9), 5, least=6), "window=5, least=6"),
        (
            lambda: rolling_beta(np.zeros(9), np.zeros(8), 5),
            r"benchmark must have the shape \(9,\)",
        ),
    ],
)
def test_bad_arguments(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(ValueError, match=message):
        call()
