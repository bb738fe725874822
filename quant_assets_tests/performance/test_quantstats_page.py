"""QuantStats' page: no guesses, no network, no traces in this process."""

import logging
import re
import warnings
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

from quant_assets.performance.metrics import metrics
from quant_assets.performance.quantstats_page import quantstats_page
from quant_assets_tests.backtests.samples import sessions
from quant_assets_tests.performance.samples import fat_tailed


def page(returns: Any, index: np.ndarray | None = None, title: str = "A & B") -> str:
    values = np.array(returns, float)
    return quantstats_page(sessions(len(values)), values, index, 0.02, 250, title, "S", "Index")


def figure(text: str, name: str) -> float:
    """The strategy's figure (the last column) in the table of metrics."""
    row = re.search(rf"<tr><td>{re.escape(name)}\s*</td>(.*?)</tr>", text)
    assert row, f"no row {name!r}"
    cells = re.findall(r"<td>(.*?)</td>", row[1])
    return float(cells[-1].strip().replace("%", "").replace(",", ""))


@pytest.fixture(scope="module")
def usual() -> str:
    returns, index = fat_tailed(700, 5)
    return page(returns, index)


def test_its_figures_are_ours_where_conventions_are_one(usual: str) -> None:
    returns, index = fat_tailed(700, 5)
    own = metrics(returns, index, 0.02, 250)
    for theirs, ours, scale in (
        ("Cumulative Return", "total_return", 100),
        ("CAGR", "cagr", 100),
        ("Sharpe", "sharpe", 1),
        ("Sortino", "sortino", 1),
        ("Omega", "omega", 1),
        ("Max Drawdown", "max_drawdown", 100),
        ("Volatility (ann.)", "volatility", 100),
        ("Calmar", "calmar", 1),
        ("Skew", "skewness", 1),
        ("Kurtosis", "excess_kurtosis", 1),
        ("Beta", "beta", 1),
    ):
        assert figure(usual, theirs) == pytest.approx(own[ours] * scale, abs=0.0051), theirs


def test_it_differs_where_the_page_says_so(usual: str) -> None:
    returns, index = fat_tailed(700, 5)
    own = metrics(returns, index, 0.02, 250)
    daily = own["information_ratio"] / np.sqrt(250)
    assert figure(usual, "Information Ratio") == pytest.approx(daily, abs=0.0051)
    normal = returns.mean() - 1.6448536 * returns.std(ddof=1)
    assert figure(usual, "Daily Value-at-Risk") == pytest.approx(normal * 100, abs=0.0051)
    slope = np.cov(returns, index)[0, 1] / index.var(ddof=1)
    plain = (returns.mean() - slope * index.mean()) * 250
    assert figure(usual, "Alpha") == pytest.approx(plain, abs=0.0051)


def test_returns_are_never_taken_for_prices() -> None:
    gains = np.abs(fat_tailed(100, 1)[0])
    gains[7], gains[30] = 1.5, 0.0  # never negative, and above 1: a price series to QuantStats
    expected = (np.prod(1 + gains) - 1) * 100
    assert figure(page(gains), "Cumulative Return") == pytest.approx(expected, rel=1e-4)
    assert gains[30] == 0.0
    gains[30] = 0.001
    with pytest.raises(ValueError, match=r"takes returns that are all gains.* for prices"):
        page(gains)


def test_leading_days_without_trade_are_kept() -> None:
    returns, index = fat_tailed(60, 2)
    returns[:20] = 0.0
    assert "2 Jan, 2020" in page(returns, index)


def test_the_page_needs_no_network(usual: str) -> None:
    assert "A &amp; B" in usual
    assert "<title>A &amp; B</title>" in usual
    assert "(Compounded)" not in usual
    assert "Periods/Year: 250" in usual
    assert "INDEX" in usual
    asked = re.findall(r'(?:src|href)\s*=\s*"(?!#|http://quantstats\.io")([^"]*)"', usual)
    assert [link for link in asked if not link.startswith("data:")] == []
    assert "@import" not in usual
    assert not re.search(r"url\((?!#)", usual)
    assert "<script" not in usual


def test_no_trace_is_left(caplog: pytest.LogCaptureFixture) -> None:
    before, backend = dict(matplotlib.rcParams), matplotlib.get_backend()
    filters, level = list(warnings.filters), logging.getLogger("matplotlib.font_manager").level
    page(*fat_tailed(60, 3))
    after = dict(matplotlib.rcParams)
    assert {k: v for k, v in after.items() if before[k] != v} == {}
    assert matplotlib.get_backend() == backend
    assert warnings.filters == filters
    assert logging.getLogger("matplotlib.font_manager").level == level
    assert pyplot.get_fignums() == []
    assert caplog.records == []


def test_the_second_page_looks_like_the_first() -> None:
    returns, index = fat_tailed(60, 4)

    def stripped(text: str) -> str:
        """Without dates of making and random names of clips."""
        text = re.sub(r"<dc:date>.*?</dc:date>", "", text)
        return re.sub(r"[mp][0-9a-f]{10}", "", text)

    assert stripped(page(returns, index)) == stripped(page(returns, index))
