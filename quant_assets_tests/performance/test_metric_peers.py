"""Every metric is held against what METRICS.md names beside it, or against a literal formula."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.integrate
import scipy.stats
from quantstats import stats as quantstats

from quant_assets.performance.metrics import METRICS, metrics
from quant_assets_tests.performance.peers import PEERS, Case, Series, rows, sample

RATE = 0.02
LENGTH = 2700  # ten years and a few months: the longest span is there


def measured(case: Case) -> dict[str, float]:
    returns = case.returns
    return metrics(
        returns.to_numpy(),
        case.benchmark.to_numpy(),
        case.annual_rate,
        case.days,
        dates=returns.index.to_numpy(),
    )


def test_the_table_names_every_metric_once() -> None:
    table = rows()
    assert [row.metric for row in table] == sorted(METRICS, key=[row.metric for row in table].index)
    for row in table:
        assert (row.peer == "-") == (row.metric not in PEERS), row.metric
        if row.peer != "-":
            assert row.equal in ("equal", "differs"), row.metric
        if row.equal == "differs":
            assert len(row.reason) > 10, row.metric
    beside = {row.metric for row in table if row.peer.startswith(("quantstats.", "empyrical."))}
    assert len(beside) >= 81


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("days", "seed"), [(252, 0), (244, 1)])
def test_equal_to_the_peer_or_different_as_told(days: int, seed: int) -> None:
    case = Case(*sample(LENGTH, seed), RATE, days)
    actual = measured(case)
    for name, peer in PEERS.items():
        assert actual[name] == pytest.approx(float(peer(case)), rel=1e-9, abs=1e-12), name


@pytest.mark.filterwarnings("ignore")
def test_where_the_table_says_so_the_peer_is_another_number() -> None:
    """Each difference that METRICS.md tells of is there, so that none outlives its reason."""
    returns, index = sample(LENGTH, 2)
    case = Case(returns, index, RATE, 252)
    actual = measured(case)
    theirs: dict[str, Any] = {
        "risk_adjusted_return": quantstats.rar(returns, RATE),
        "recovery_factor": quantstats.recovery_factor(returns),
        "ulcer_performance_index": quantstats.ulcer_performance_index(returns, RATE),
        "serenity_index": quantstats.serenity_index(returns, RATE),
        "ulcer_index": quantstats.ulcer_index(returns),
        "win_rate": quantstats.win_rate(returns),
        "win_rate_by_month": quantstats.win_rate(returns, "ME"),
        "gain_to_pain_by_month": quantstats.gain_to_pain_ratio(returns, 0, "ME"),
        "information_ratio": quantstats.information_ratio(returns, index),
        "treynor_ratio": quantstats.treynor_ratio(returns, index, 252, RATE),
        "time_in_market": quantstats.exposure(returns),
    }
    spans = {"three_months": 3, "six_months": 6, "one_year": 12}
    for name, months in spans.items():
        place = len(returns) - len(case.last(months))
        theirs[f"return_{name}"] = quantstats.comp(returns.iloc[place - 1 :])
    for name, months in {"three_years": 35, "five_years": 59, "ten_years": 119}.items():
        theirs[f"return_{name}"] = quantstats.cagr(case.last(months))
    assert set(theirs) == {row.metric for row in rows() if row.equal == "differs"}
    for name, value in theirs.items():
        assert actual[name] != pytest.approx(value, rel=1e-9), name
    assert math.ceil(actual["time_in_market"] * 100) / 100 == theirs["time_in_market"]


_BEGUN = {"longest_drawdown_days", "average_drawdown", "average_drawdown_days", "drawdown_count"}
_NO_LOSS = {"calmar", "ulcer_performance_index", "longest_drawdown_days", "profit_factor"}
ODD: dict[str, tuple[Callable[[np.ndarray], np.ndarray], set[str]]] = {
    "only gains": (np.abs, _NO_LOSS),
    "only losses": (lambda r: -np.abs(r), _BEGUN),
    "a loss on the first day": (lambda r: np.append(-0.3, r[1:]), _BEGUN),
    "a day of 90 %": (lambda r: np.append(r[1:], 0.9), set()),
    "more than all lost on the last day": (lambda r: np.append(r[1:], -1.2), set()),
    "idle nine days of ten": (lambda r: np.where(np.arange(len(r)) % 10 == 5, r, 0.0), set()),
    "tiny": (lambda r: r * 1e-6, {"skewness", "excess_kurtosis"}),
    "two sessions": (lambda r: np.array([0.01, -0.02]), {"return_year_to_date"}),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ODD)
def test_on_odd_series_peers_part_as_told(name: str) -> None:
    """No other metric than those that METRICS.md tells of differs, and these do."""
    change, differing = ODD[name]
    own, index = sample(300, 4)
    values = change(own.to_numpy())
    case = Case(pd.Series(values, own.index[: len(values)]), index[: len(values)], RATE, 252)
    actual = measured(case)
    found = set()
    for metric, peer in PEERS.items():
        try:
            theirs = float(peer(case))
        except ZeroDivisionError:
            theirs = math.inf
        if actual[metric] != pytest.approx(theirs, rel=1e-9, abs=1e-12, nan_ok=True):
            found.add(metric)
    assert found == differing


def _sharpe(returns: Series) -> float:
    return float(returns.mean() / returns.std())


def _cornish_fisher(returns: Series, share: float) -> float:
    z, s, k = scipy.stats.norm.ppf(share), returns.skew(), returns.kurt()
    corrected = z + (z**2 - 1) * s / 6 + (z**3 - 3 * z) * k / 24 - (2 * z**3 - 5 * z) * s**2 / 36
    return float(returns.mean() + corrected * returns.std())


def _cornish_fisher_mean(returns: Series, share: float) -> float:
    """The mean of the quantiles below the share, integrated."""
    total, _ = scipy.integrate.quad(
        lambda p: _cornish_fisher(returns, p), 0, share, epsabs=1e-13, limit=500
    )
    return float(total / share)


def _path(returns: Series) -> list[float]:
    value = peak = 1.0
    below = []
    for each in returns:
        value *= 1 + each
        peak = max(peak, value)
        below.append(value / peak - 1)
    return below


def _runs(returns: Series) -> list[int]:
    lengths, current = [], 0
    for loss in [*_path(returns), 0.0]:
        if loss < 0:
            current += 1
        elif current:
            lengths.append(current)
            current = 0
    return lengths


def _depths(returns: Series) -> list[float]:
    """The greatest loss of each drawdown."""
    below = np.array([0.0, *_path(returns)])
    return [low.min() for low in np.split(below, np.flatnonzero(below == 0)) if len(low)]


def _recovery(returns: Series) -> float:
    below = _path(returns)
    trough = below.index(min(below))
    back = [k for k in range(trough, len(below)) if below[k] == 0]
    return back[0] - trough if back else math.nan


def _excess_growth(case: Case) -> float:
    growth: Any = quantstats.cagr(case.returns, periods=case.days)
    return float(growth) - case.annual_rate


def _error(case: Case) -> float:
    excess = case.returns - case.rate
    sr = _sharpe(excess)
    inner = 1 - excess.skew() * sr + (excess.kurt() + 2) / 4 * sr**2
    return float(math.sqrt(inner / (len(excess) - 1)))


def _track_record(case: Case) -> float:
    sr = _sharpe(case.returns - case.rate)
    spread = _error(case) * math.sqrt(len(case.returns) - 1)
    return 1 + (spread * scipy.stats.norm.ppf(0.95) / sr) ** 2 if sr > 0 else math.nan


def _residual(case: Case) -> float:
    own, index = case.returns - case.rate, case.benchmark - case.rate
    slope, intercept = np.polyfit(index, own, 1)
    left = own - slope * index - intercept
    deviation = math.sqrt(float((left**2).sum()) / (len(left) - 2))
    return float(intercept) / deviation * math.sqrt(case.days)


LITERAL: dict[str, Callable[[Case], Any]] = {
    "sessions": lambda c: len(c.returns),
    "mean_annual_return": lambda c: c.returns.mean() * c.days,
    "sharpe_error": lambda c: _error(c) * math.sqrt(c.days),
    "minimum_track_record": lambda c: _track_record(c),
    "upside_potential": lambda c: (
        np.maximum(c.returns - c.rate, 0).mean()
        / math.sqrt((np.minimum(c.returns - c.rate, 0) ** 2).mean())
    ),
    "pain_ratio": lambda c: _excess_growth(c) / -np.mean(_path(c.returns)),
    "burke_ratio": lambda c: _excess_growth(c) / math.sqrt(np.sum(np.square(_depths(c.returns)))),
    "value_at_risk_cornish_fisher_95": lambda c: _cornish_fisher(c.returns, 0.05),
    "value_at_risk_cornish_fisher_99": lambda c: _cornish_fisher(c.returns, 0.01),
    "expected_shortfall_cornish_fisher_95": lambda c: _cornish_fisher_mean(c.returns, 0.05),
    "expected_shortfall_cornish_fisher_99": lambda c: _cornish_fisher_mean(c.returns, 0.01),
    "longest_drawdown_sessions": lambda c: max(_runs(c.returns)),
    "average_drawdown_sessions": lambda c: float(np.mean(_runs(c.returns))),
    "recovery_sessions": lambda c: _recovery(c.returns),
    "modigliani": lambda c: _sharpe(c.returns - c.rate) * c.benchmark.std() * c.days,
    "appraisal_ratio": _residual,
}
ELSEWHERE = {
    "deflated_sharpe": "test_deflation",
    "annual_turnover": "test_metrics",
    "average_turnover": "test_metrics",
    "annual_cost": "test_metrics",
    "cost_of_turnover": "test_metrics",
    "exposure": "test_metrics",
}


def test_what_has_no_peer_is_computed_literally() -> None:
    assert {*PEERS, *LITERAL, *ELSEWHERE} == set(METRICS)
    for seed in (0, 3):
        case = Case(*sample(700, seed), RATE, 244)
        actual = measured(case)
        for name, literal in LITERAL.items():
            assert actual[name] == pytest.approx(literal(case), rel=1e-9, nan_ok=True), name
