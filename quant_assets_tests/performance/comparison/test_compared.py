"""Side by side: figures over own and common days are those of the metrics, and nothing is lost."""

import numpy as np
import pytest

from quant_assets.backtests.combined.portfolio import portfolio_table
from quant_assets.backtests.combined.weighting import METHODS
from quant_assets.performance.comparison.compared import (
    KEY_METRICS,
    compare,
    comparison_table,
    portfolio_subjects,
    strategy_subjects,
)
from quant_assets.performance.market_days import market_days
from quant_assets.performance.metrics import METRICS, metrics
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.backtests.combined.samples import LATE, NAMES, dates, values
from quant_assets_tests.performance.comparison.samples import (
    Ledger,
    backtest,
    compared,
    found,
    market,
    portfolios,
)


def test_the_key_metrics_are_twenty_that_exist() -> None:
    assert len(KEY_METRICS) == 20
    assert set(KEY_METRICS) <= set(METRICS)


def test_subjects_stand_in_order() -> None:
    shown = [(each.kind, each.name) for each in compared().subjects]
    assert shown == [
        *(("strategy", name) for name in NAMES),
        *(("portfolio", name) for name in METHODS),
        ("benchmark", "benchmark"),
    ]


@pytest.mark.parametrize("period", ["own", "common"])
def test_figures_are_those_of_the_metrics(period: str) -> None:
    both, days = compared(), market()
    first, last = both.common_days or (0, 0)
    rows = slice(None) if period == "own" else slice(first, last + 1)
    ledger = Ledger()
    for k, subject in enumerate(both.subjects):
        returns = subject.returns[rows]
        expected = metrics(
            returns,
            days.index[rows],
            0.01,
            252,
            turnover=subject.turnover[rows],
            cost=subject.cost[rows],
            dates=days.dates[rows],
            trials=ledger.count,
            variance_of_sharpes=ledger.variance_of_sharpes,
        )
        for name, figures in getattr(both, period).items():
            assert figures[k] == pytest.approx(expected[name], rel=1e-12, nan_ok=True), name
    assert np.isfinite(getattr(both, period)["deflated_sharpe"]).all()


def test_common_days_are_those_of_the_last_to_begin() -> None:
    both = compared()
    begun = int(np.searchsorted(dates(), portfolios().switched[0]))
    assert begun < LATE
    assert both.common_days == (LATE, len(dates()) - 1)


def test_without_common_days_there_are_no_common_figures() -> None:
    panel = values()
    panel[200:, 0] = np.nan
    panel[:300, 1] = np.nan
    subjects = strategy_subjects(found(), backtest(), {}, {})
    cut = [
        type(each)(each.kind, each.name, each.title, panel[:, k], each.turnover, each.cost)
        for k, each in enumerate(subjects)
    ]
    both = compare(cut, market(), "Index")
    assert both.common_days is None
    assert both.common == {}
    assert np.isnan(both.own["deflated_sharpe"]).all()
    schema_of("strategy_comparison").validate(comparison_table(both))


def test_years_are_compounded_and_incomplete_ones_marked() -> None:
    both = compared()
    years = dates().astype("datetime64[Y]").astype(int) + 1970
    for k, name in enumerate(NAMES):
        for y, year in enumerate(both.years):
            returns = values()[years == year, NAMES.index(name)]
            known = returns[np.isfinite(returns)]
            expected = np.prod(1 + known) - 1 if len(known) else np.nan
            assert both.yearly[y, k] == pytest.approx(expected, nan_ok=True)
            full = len(known) == len(returns) and year < years[-1]  # the days end in summer
            assert both.whole_years[y, k] == full


def test_an_older_portfolio_is_cut_to_the_days_of_the_strategies() -> None:
    table = portfolio_table(portfolios())
    some = dates()[300:500]
    subjects = portfolio_subjects(table, some, METHODS, {"equal": "there.html"})
    assert [each.name for each in subjects] == list(METHODS)
    assert all(len(each.returns) == len(some) for each in subjects)
    assert subjects[0].link == "there.html"
    assert portfolio_subjects(table, dates()[:5], METHODS, {}) == []


def test_the_table_fits_its_schema() -> None:
    table = comparison_table(compared())
    schema_of("strategy_comparison").validate(table)
    assert table.num_rows == 2 * 20 * len(compared().subjects)
    nothing = compare([], market_days(None, dates(), 252), "Index")
    assert nothing.subjects == ()
    schema_of("strategy_comparison").validate(comparison_table(nothing))
