"""Metrics at the edges: gaps of the benchmark, lost capital, mere rounding, extreme days."""

import math

import numpy as np
import pytest
import scipy.stats

from quant_assets.performance.benchmark import spanned
from quant_assets.performance.metrics import METRICS, metrics, metrics_of_many
from quant_assets_tests.performance.samples import fat_tailed


def test_days_without_a_benchmark_are_spanned_in_the_comparison_only() -> None:
    """The next return of the benchmark is of those days, too, and so must be that of the series."""
    returns, index = fat_tailed(200, 3)
    gaps = np.random.default_rng(1).random(200) < 0.1
    gaps[:3] = True  # before its first return nothing is compared
    holed = np.where(gaps, np.nan, index)
    rate = np.full(200, 1.02 ** (1 / 252) - 1)
    actual = metrics(returns, holed, 0.02)
    alone = metrics(returns, None, 0.02)
    spans, rates = spanned(returns, holed)[~gaps], spanned(rate, holed)[~gaps]
    paired = metrics(spans, index[~gaps], (1 + rates) ** 252 - 1)
    for name, metric in METRICS.items():
        expected = paired if metric.group == "benchmark" else alone
        assert actual[name] == pytest.approx(expected[name], rel=1e-9, nan_ok=True), name
    itself = metrics(index, spans_of(index, gaps))
    assert itself["beta"] == itself["correlation"] == pytest.approx(1.0, rel=1e-12)
    assert itself["tracking_error"] == 0.0
    assert itself["active_return"] == pytest.approx(0.0, abs=1e-12)


def spans_of(index: np.ndarray, gaps: np.ndarray) -> np.ndarray:
    """Returns of an index that has no level on some days, each from its last level."""
    level = np.cumprod(1 + index)
    known = np.flatnonzero(~gaps)
    found = np.full(len(index), np.nan)
    found[known[1:]] = level[known[1:]] / level[known[:-1]] - 1
    return found


def test_a_series_ends_with_its_capital() -> None:
    """Two losses of more than everything would be a gain, and the drawdown recovered."""
    ended = metrics([0.1, -0.2, -1.5], [0.01, 0.02, 0.01], 0.02)
    for further in ([-3.0, 0.1], [0.1, 0.1], [-1.0, np.nan]):
        lost = metrics([0.1, -0.2, -1.5, *further], [0.01, 0.02, 0.01, 0.3, 0.1], 0.02)
        np.testing.assert_equal(lost, ended)
    assert ended["total_return"] == pytest.approx(1.1 * 0.8 * -0.5 - 1)
    assert ended["max_drawdown"] == ended["current_drawdown"] == pytest.approx(-0.4 - 1)


def test_what_varies_by_rounding_only_has_no_ratio() -> None:
    """An account that earns the same interest every day has a deviation of 1e-16, not a Sharpe."""
    daily = 1.03 ** (1 / 252) - 1
    account = 1e6 * np.cumprod(np.full(501, 1 + daily))
    saved = account[1:] / account[:-1] - 1
    assert np.ptp(saved) > 0
    _, index = fat_tailed(500, 1)
    actual = metrics(saved, index, 0.03)
    ratios = ("sharpe", "smart_sharpe", "sortino", "omega", "skewness", "correlation")
    for name in (*ratios, "probabilistic_sharpe", "treynor_ratio", "risk_return_ratio"):
        assert math.isnan(actual[name]), name
    assert actual["volatility"] == actual["beta"] == 0.0
    rates = np.linspace(0.01, 0.03, 500)
    idle = metrics(np.zeros(500), index, rates)
    for name in ("sharpe", "probabilistic_sharpe", "sharpe_error", "smart_sharpe"):
        assert math.isnan(idle[name]), name  # what varies is the rate, by nearly nothing
    assert idle["sortino"] < 0
    same = metrics(index, index + np.resize([1e-16, -1e-16], 500), 0.03)
    assert same["tracking_error"] == same["batting_average"] == 0.0
    assert math.isnan(same["information_ratio"])


def test_the_cornish_fisher_expansion_is_asked_within_its_domain() -> None:
    """Beyond it, one day of 50 % among a thousand makes the value at risk a gain."""
    random = np.random.default_rng(0)
    normal = random.normal(0.0005, 0.01, 1000)
    names = [name for name in METRICS if "cornish_fisher" in name]
    for outlier in (0.5, -0.5):
        actual = metrics(np.where(np.arange(1000) == 500, outlier, normal))
        assert all(math.isnan(actual[name]) for name in names)
    grid = np.linspace(-6, 6, 4001)
    checked = set()
    many = metrics_of_many(random.standard_t(3, (60, 300)) * 0.01)
    for column in range(300):
        actual = {name: values[column] for name, values in many.items()}
        s, k = actual["skewness"], actual["excess_kurtosis"]
        for share, level in ((0.05, 95), (0.01, 99)):
            z = scipy.stats.norm.ppf(share)
            x = np.append(grid[np.abs(grid - z) > 1e-3], z)
            q = x + (x**2 - 1) * s / 6 + (x**3 - 3 * x) * k / 24 - (2 * x**3 - 5 * x) * s**2 / 36
            divides = (q[x < z] < q[-1]).all() and (q[x > z] > q[-1]).all()
            assert math.isnan(actual[f"value_at_risk_cornish_fisher_{level}"]) == (not divides)
            assert math.isnan(actual[f"expected_shortfall_cornish_fisher_{level}"]) != divides
            checked.add(bool(divides))
    assert checked == {False, True}
