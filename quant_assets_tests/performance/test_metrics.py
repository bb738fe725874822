"""Metrics against empyrical-reloaded and literal computations, on random and on real returns."""

import math
from pathlib import Path
from typing import Any

import empyrical
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.performance.metrics import METRICS, metrics
from quant_assets_tests.performance.samples import fat_tailed

DAYS = 244  # not 252: a forgotten annualization shows


def peer(returns: np.ndarray, index: np.ndarray, annual_rate: float) -> dict[str, float]:
    """What empyrical (and scipy, and literal formulas) make of the same series."""
    rate = (1 + annual_rate) ** (1 / DAYS) - 1
    active = returns - index
    values = {
        "total_return": empyrical.cum_returns_final(returns),
        "cagr": empyrical.annual_return(returns, annualization=DAYS),
        "volatility": empyrical.annual_volatility(returns, annualization=DAYS),
        "sharpe": empyrical.sharpe_ratio(returns, rate, annualization=DAYS),
        "sortino": empyrical.sortino_ratio(returns, rate, annualization=DAYS),
        "calmar": empyrical.calmar_ratio(returns, annualization=DAYS),
        "omega": empyrical.omega_ratio(returns, rate, annualization=DAYS),
        "max_drawdown": empyrical.max_drawdown(returns),
        "skewness": float(scipy.stats.skew(returns, bias=False)),
        "excess_kurtosis": float(scipy.stats.kurtosis(returns, bias=False)),
        "value_at_risk": empyrical.value_at_risk(returns),
        "expected_shortfall": empyrical.conditional_value_at_risk(returns),
        "tail_ratio": empyrical.tail_ratio(returns),
        "beta": empyrical.beta(returns, index, rate),
        "alpha": empyrical.alpha(returns, index, rate, annualization=DAYS),
        "correlation": float(scipy.stats.pearsonr(returns, index)[0]),
        "tracking_error": empyrical.annual_volatility(active, annualization=DAYS),
        "information_ratio": empyrical.sharpe_ratio(active, annualization=DAYS),
    }
    for name, chosen in (("up_capture", index > 0), ("down_capture", index < 0)):
        own = empyrical.annual_return(returns[chosen], annualization=DAYS)
        values[name] = own / empyrical.annual_return(index[chosen], annualization=DAYS)
    return values


def literal(returns: np.ndarray) -> dict[str, float]:
    """Loops that nobody can get wrong."""
    gains = [r for r in returns if r > 0]
    losses = [r for r in returns if r < 0]
    value = peak = 1.0
    below = longest = 0
    for r in returns:
        value *= 1 + r
        peak = max(peak, value)
        below = below + 1 if value < peak else 0
        longest = max(longest, below)
    return {
        "win_rate": len(gains) / len(returns),
        "payoff_ratio": (sum(gains) / len(gains)) / -(sum(losses) / len(losses)),
        "best_day": max(returns),
        "worst_day": min(returns),
        "longest_drawdown_sessions": longest,
    }


def assert_equal(actual: dict[str, float], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        assert actual[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("days", [30, 2500])
def test_equal_to_peers_on_random_returns(seed: int, days: int) -> None:
    returns, index = fat_tailed(days, seed)
    actual = metrics(returns, index, 0.02, DAYS)
    assert_equal(actual, peer(returns, index, 0.02))
    assert_equal(actual, literal(returns))


def test_every_metric_is_compared_with_something() -> None:
    returns, index = fat_tailed(50, 0)
    trading = {"annual_turnover", "average_turnover", "annual_cost", "exposure"}
    assert set(METRICS) == {*peer(returns, index, 0.02), *literal(returns), *trading}


def test_equal_to_peers_on_real_returns(test_data: Path) -> None:
    """A strategy of 2004 to 2009 against the S&P 500."""
    strategy = pd.read_csv(
        test_data / "ref_pyfolio" / "test_returns.csv.gz", header=None, names=["date", "value"]
    )
    level = pd.read_csv(test_data / "us_benchmarks" / "arch_sp500_ohlcv_1999_2018.csv.gz")
    index = pd.Series(
        level["Close"].pct_change().to_numpy(), pd.to_datetime(level["Date"], format="%m/%d/%Y")
    )
    days = pd.to_datetime(strategy["date"].str.slice(0, 10), format="%Y-%m-%d")
    paired = np.asarray(index.reindex(pd.DatetimeIndex(days)), np.float64)
    known = np.isfinite(paired)
    assert known.mean() > 0.95
    returns = strategy["value"].to_numpy(np.float64)
    actual = metrics(returns, paired, 0.03, DAYS)
    whole = peer(returns, np.nan_to_num(paired), 0.03)
    both = peer(returns[known], paired[known], 0.03)
    for name, metric in METRICS.items():
        if metric.group != "trading" and name in whole:
            expected = both if metric.group == "benchmark" else whole
            assert_equal(actual, {name: expected[name]})


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-0.3, 0.3), min_size=4, max_size=60),
    st.integers(0, 2**31),
    st.floats(0, 0.2),
)
def test_equal_to_peers_whatever_the_returns(
    values: list[float], seed: int, annual_rate: float
) -> None:
    returns = np.round(np.array(values), 6)
    index = np.random.default_rng(seed).normal(0, 0.01, len(returns))
    actual = metrics(returns, index, annual_rate, DAYS)
    if np.ptp(returns) == 0:  # peers and we part on what is undefined
        return
    with np.errstate(all="ignore"):
        expected = peer(returns, index, annual_rate)
    for name, value in expected.items():
        if np.isfinite(value) and np.isfinite(actual[name]):
            assert actual[name] == pytest.approx(value, rel=1e-7, abs=1e-9), name
        else:
            assert not np.isfinite(value), f"{name}: ours is undefined, the peer says {value}"


def test_trading_metrics_by_hand() -> None:
    actual = metrics(
        [0.01, -0.01], turnover=[0.2, 0.4], cost=[1e-4, 3e-4], exposure=[1.0, 0.5], annualization=10
    )
    assert actual["average_turnover"] == pytest.approx(0.3)
    assert actual["annual_turnover"] == pytest.approx(3.0)
    assert actual["annual_cost"] == pytest.approx(2e-3)
    assert actual["exposure"] == pytest.approx(0.75)


def test_a_risk_free_rate_a_day_is_that_of_each_day() -> None:
    returns, _ = fat_tailed(100, 1)
    annual = np.linspace(0.0, 0.1, 100)
    daily = (1 + annual) ** (1 / 252) - 1
    excess = returns - daily
    expected = excess.mean() / excess.std(ddof=1) * math.sqrt(252)
    assert metrics(returns, risk_free=annual)["sharpe"] == pytest.approx(expected)


def test_days_without_a_return_are_left_out_of_everything() -> None:
    returns, index = fat_tailed(200, 2)
    gaps = np.random.default_rng(0).random(200) < 0.1
    holed = np.where(gaps, np.nan, returns)
    full = np.full(200, 0.5)
    assert metrics(holed, index, 0.02, turnover=full) == metrics(
        returns[~gaps], index[~gaps], 0.02, turnover=full[~gaps]
    )


def test_days_without_a_benchmark_are_left_out_of_the_comparison_only() -> None:
    returns, index = fat_tailed(200, 3)
    gaps = np.random.default_rng(1).random(200) < 0.1
    actual = metrics(returns, np.where(gaps, np.nan, index), 0.02)
    alone, paired = metrics(returns, None, 0.02), metrics(returns[~gaps], index[~gaps], 0.02)
    for name, metric in METRICS.items():
        expected = paired if metric.group == "benchmark" else alone
        np.testing.assert_equal(actual[name], expected[name], name)


@pytest.mark.parametrize("returns", [[], [np.nan, np.nan], [0.01], [0.0, 0.0, 0.0], [0.1] * 7])
def test_what_is_undefined_is_nan_and_no_error(returns: list[float]) -> None:
    actual = metrics(returns, returns)
    assert list(actual) == list(METRICS)
    for name in ("sharpe", "skewness", "excess_kurtosis", "beta", "information_ratio"):
        assert math.isnan(actual[name]), name
    if returns and not np.isnan(returns).any():
        assert actual["max_drawdown"] == 0.0
        assert math.isnan(actual["calmar"])


def test_figures_beyond_all_bounds_are_undefined() -> None:
    assert math.isnan(metrics([50.0, 60.0], annualization=10_000)["cagr"])
    lost = metrics([0.1, -1.5, 0.1], [0.1, -0.2, 0.3])
    assert math.isnan(lost["cagr"])
    assert lost["total_return"] == pytest.approx(1.1 * -0.5 * 1.1 - 1)
    assert metrics([0.1, -1.0, 0.1])["cagr"] == -1.0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=80), st.integers(0, 100))
def test_properties(values: list[float], seed: int) -> None:
    returns = np.round(np.array(values), 6)
    shuffled = np.random.default_rng(seed).permutation(returns)
    first, second = metrics(returns), metrics(shuffled)
    # the order of the days matters to drawdowns only
    for name in ("total_return", "volatility", "sharpe", "value_at_risk", "win_rate", "omega"):
        np.testing.assert_allclose(first[name], second[name], rtol=1e-6, atol=1e-9)
    assert -1 <= first["max_drawdown"] <= 0
    assert first["expected_shortfall"] <= first["value_at_risk"] + 1e-15
    assert first["worst_day"] <= first["value_at_risk"] <= first["best_day"]
    assert first["longest_drawdown_sessions"] <= len(returns)
    halved = metrics(returns / 2)
    np.testing.assert_allclose(halved["volatility"], first["volatility"] / 2, atol=1e-12)
    np.testing.assert_allclose(halved["sharpe"], first["sharpe"], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"returns": [[0.1]]}, r"returns must have the shape \(T,\). Got \(1, 1\)"),
        ({"returns": [0.1, np.inf]}, "returns must be finite or NaN"),
        ({"returns": [0.1], "benchmark": [0.1, 0.2]}, r"benchmark must have the shape \(1,\)"),
        ({"returns": [0.1], "cost": [0.1, 0.2]}, r"cost must have the shape \(1,\)"),
        ({"returns": [0.1], "risk_free": -1.0}, "risk_free must be above -1"),
        ({"returns": [0.1], "annualization": 0}, "annualization must be above 0"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        metrics(**arguments)


def test_a_missing_rate_takes_the_last_known() -> None:
    returns = [0.01, 0.02, -0.01, 0.0]
    holed = [np.nan, 0.05, np.nan, 0.02]
    assert metrics(returns, risk_free=holed) == pytest.approx(
        metrics(returns, risk_free=[0.0, 0.05, 0.05, 0.02]), nan_ok=True
    )


def test_the_registry_describes_every_metric() -> None:
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.description.endswith(".")
        assert metric.unit in ("fraction", "ratio", "sessions")
