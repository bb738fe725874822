"""Metrics against empyrical-reloaded and literal computations, on random and on real returns."""

import math
from pathlib import Path
from typing import Any, get_args

import empyrical
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.performance.metric_registry import GROUPS, Unit, register
from quant_assets.performance.metrics import METRICS, metrics, metrics_of_many
from quant_assets.performance.sample import Sample
from quant_assets_tests.backtests.samples import sessions
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
    assert actual["cost_of_turnover"] == pytest.approx(2e-4 / 0.3)
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
        ({"returns": [0.1, np.inf]}, r"returns must be finite or NaN. Got inf at place \(1, 0\)"),
        ({"returns": [0.1], "dates": np.array(["NaT"], "M8[D]")}, "Got NaT at place 0"),
        ({"returns": [0.1], "benchmark": [0.1, 0.2]}, r"benchmark must have the shape \(1,\)"),
        ({"returns": [0.1], "cost": [0.1, 0.2]}, r"cost must have the shape \(1,\)"),
        ({"returns": [0.1], "risk_free": -1.0}, "risk_free must be above -1"),
        ({"returns": [0.1], "annualization": 0}, "annualization must be above 0"),
        ({"returns": [0.1], "dates": np.array(["2020-01-01"])}, "dates must be datetime64 of the"),
        (
            {"returns": [0.1, 0.1], "dates": np.array(["2020-01-02", "2020-01-02"], "M8[D]")},
            "dates must ascend without repetition. Got 2020-01-02 after 2020-01-02 at place 1",
        ),
        (
            {"returns": [0.1, 0.1], "dates": np.array(["2020-01-02", "NaT"], "M8[D]")},
            "Got NaT after 2020-01-02 at place 1",
        ),
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
        assert metric.unit in get_args(Unit)
        assert metric.group in GROUPS
    groups = [metric.group for metric in METRICS.values()]
    assert groups == sorted(groups, key=GROUPS.index)


def test_a_metric_needs_a_name_a_title_and_a_convention_of_its_own() -> None:
    def known(sample: Sample) -> np.ndarray:
        return sample.own.mean

    for name, title, text in (
        ("sharpe", "New", "A."),
        ("new", "Sharpe ratio", "A."),
        ("n", "N", ""),
    ):
        with pytest.raises(ValueError, match="registered already or has no description"):
            register(name, title, "ratio", "return", text, known)


def test_many_series_are_each_as_if_alone() -> None:
    """One code path: a column of a panel has the bits of the series alone, on any thread."""
    random = np.random.default_rng(4)
    panel = random.standard_t(4, (300, 70)) * 0.01
    panel[random.random(panel.shape) < 0.03] = np.nan
    panel[:, 3] = np.nan
    panel[:, 4] = 0.0
    panel[40:, 5] = np.nan
    index = np.where(random.random(300) < 0.05, np.nan, random.normal(0, 0.01, 300))
    dates = sessions(300, "2019-11-20")
    rates = np.linspace(0.01, 0.05, 300)
    trading: dict[str, Any] = {
        name: random.random(panel.shape) for name in ("turnover", "cost", "exposure")
    }
    told: dict[str, Any] = {"dates": dates, "trials": 50, "variance_of_sharpes": 1e-3}
    many = metrics_of_many(panel, index, rates, 250, **trading, **told)
    threaded = metrics_of_many(panel, index, rates, 250, **trading, **told, thread_no=3)
    assert list(many) == list(METRICS)
    for name, values in many.items():
        assert values.shape == (70,)
        np.testing.assert_array_equal(values, threaded[name], name)
    for k in (0, 3, 4, 5, 69):
        own: dict[str, Any] = {name: values[:, k] for name, values in trading.items()}
        alone = metrics(panel[:, k], index, rates, 250, **own, **told)
        np.testing.assert_equal({name: values[k] for name, values in many.items()}, alone)
    assert all(math.isnan(values[3]) for values in many.values())
    assert not math.isnan(many["deflated_sharpe"][0])


@pytest.mark.parametrize("shape", [(0, 3), (5, 0), (0, 0)])
def test_a_panel_without_days_or_series(shape: tuple[int, int]) -> None:
    for values in metrics_of_many(np.empty(shape)).values():
        assert values.shape == shape[1:]
        assert np.isnan(values).all()


def test_panels_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"returns must have the shape \(T, S\). Got \(3,\)"):
        metrics_of_many(np.zeros(3))
    with pytest.raises(ValueError, match=r"cost must have the shape \(3, 2\), that of the returns"):
        metrics_of_many(np.zeros((3, 2)), cost=np.zeros((2, 3)))


def test_prices_are_never_guessed() -> None:
    """A series of gains above 100 % is what it is: QuantStats would take it for prices."""
    assert metrics([1.5, 2.0, 0.5])["total_return"] == pytest.approx(2.5 * 3.0 * 1.5 - 1)


def test_without_dates_what_needs_them_is_undefined() -> None:
    returns, index = fat_tailed(600, 5)
    dates = sessions(600, "2018-01-01")
    bare, dated = metrics(returns, index), metrics(returns, index, dates=dates)
    needing = {name for name in METRICS if math.isnan(bare[name]) and not math.isnan(dated[name])}
    long = {"return_three_years", "return_five_years", "return_ten_years"}
    periods = {name for name, metric in METRICS.items() if metric.group == "periods"}
    assert needing == periods - long | {"longest_drawdown_days", "average_drawdown_days"}
    for name in set(METRICS) - needing:
        np.testing.assert_equal(bare[name], dated[name], name)


def test_spans_end_with_the_last_day_of_the_dates() -> None:
    """Days after the same day of an earlier month; the end of a shorter month stands for it."""
    dates = np.arange(np.datetime64("2019-01-01"), np.datetime64("2020-06-01"))  # to 2020-05-31
    returns = np.zeros(len(dates))
    returns[dates == np.datetime64("2020-02-29")] = 0.1  # three months before, the day itself
    returns[dates == np.datetime64("2020-03-01")] = 0.2
    returns[dates == np.datetime64("2020-05-01")] = 0.3
    actual = metrics(returns, dates=dates)
    assert actual["return_month_to_date"] == pytest.approx(0.3)
    assert actual["return_three_months"] == pytest.approx(1.2 * 1.3 - 1)
    assert actual["return_six_months"] == pytest.approx(1.1 * 1.2 * 1.3 - 1)
    assert actual["return_year_to_date"] == actual["return_one_year"] == actual["return_six_months"]
    assert math.isnan(actual["return_three_years"])
    ended = np.where(dates > np.datetime64("2020-04-20"), np.nan, returns)
    actual = metrics(ended, dates=dates)
    assert math.isnan(actual["return_month_to_date"])
    assert actual["return_three_months"] == pytest.approx(0.2)
    late = metrics(returns[430:], dates=dates[430:])
    assert math.isnan(late["return_year_to_date"])


def test_drawdowns_by_hand() -> None:
    returns = [-0.5, 1.0, 0.2, -0.25, 0.0, 0.5, -0.1, 0.0]
    days = ["01-02", "01-03", "01-06", "01-07", "01-08", "01-09", "01-10", "01-13"]
    dates = np.array([f"2020-{day}" for day in days], "M8[D]")
    actual = metrics(returns, dates=dates)
    expected = {
        "max_drawdown": -0.5,
        "drawdown_count": 3,
        "longest_drawdown_sessions": 2,
        "longest_drawdown_days": 4,  # Friday to Monday
        "average_drawdown": -(0.5 + 0.25 + 0.1) / 3,
        "average_drawdown_sessions": 5 / 3,
        "average_drawdown_days": (1 + 2 + 4) / 3,
        "time_under_water": 5 / 8,
        "current_drawdown": -0.1,
        "recovery_sessions": 1,
        "pain_index": (0.5 + 0.25 + 0.25 + 0.1 + 0.1) / 8,
        "consecutive_wins": 2,
        "consecutive_losses": 1,
    }
    assert_equal(actual, expected)
    assert math.isnan(metrics([0.1, -0.2, 0.1])["recovery_sessions"])
    assert math.isnan(metrics([0.1, 0.2])["average_drawdown"])
    assert metrics([0.1, 0.2])["longest_drawdown_sessions"] == 0
