"""Portfolios of strategies against a literal account, and who is in them when."""

import numpy as np
import pytest

from quant_assets.backtests.combined.portfolio import (
    Portfolios,
    combine,
    month_ends,
    portfolio_table,
    weights_table,
)
from quant_assets.backtests.combined.weighting import METHODS
from quant_assets.settings_combined import CombinedSettings
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.backtests.combined.samples import LATE, NAMES, dates, found, values

RULES = CombinedSettings(window=120, minimum_sessions=60, regime_window=240, regime_sessions=30)
DAYS = len(values())


def made(panel: np.ndarray | None = None, settings: CombinedSettings = RULES) -> Portfolios:
    read = found(panel)
    count = len(read.dates)
    return combine(read, np.full(count, 1e-5), np.arange(count) // 50 % 2, settings)


def test_money_is_counted_as_in_an_account_of_several_purses() -> None:
    """Purses in money, each with its strategy's returns, moved at the switches."""
    panel = values()
    portfolios = made(panel)
    row = {day: k for k, day in enumerate(dates())}
    for portfolio in portfolios.of.values():
        targets = dict(zip(portfolios.switched.tolist(), portfolio.weights, strict=True))
        cash, purses = 1.0, np.zeros(len(NAMES))
        for k, day in enumerate(portfolio.dates):
            before = cash + purses.sum()
            purses = purses * (1 + np.nan_to_num(panel[row[day]]))
            grown = cash + purses.sum()
            assert grown / before - 1 == pytest.approx(portfolio.gross[k], abs=1e-14)
            wanted = targets.get(day.item())
            if wanted is not None:
                moved = np.abs(wanted * grown - purses).sum()
                fee = RULES.switching_bps * 1e-4 * moved
                assert fee / before == pytest.approx(portfolio.cost[k], abs=1e-14)
                cash, purses = 0.0, wanted * (grown - fee)
                grown -= fee
            assert grown == pytest.approx(portfolio.equity[k], rel=1e-12)
            assert np.count_nonzero(purses) == portfolio.held[k]


def test_a_decision_knows_the_month_that_ended_and_is_traded_a_session_later() -> None:
    portfolios = made()
    days = dates()
    months = days.astype("datetime64[M]")
    assert len(portfolios.switched) > 30
    for decided, switched in zip(portfolios.decided, portfolios.switched, strict=True):
        d = int(np.searchsorted(days, decided))
        assert days[d + 1] == switched
        assert months[d] != months[d + 1]
    assert month_ends(days)[-1] < len(days) - 1
    for portfolio in portfolios.of.values():
        # the day of the first switch earns nothing: what is bought is bought at its close
        assert portfolio.gross[0] == 0
        assert portfolio.turnover[0] == pytest.approx(1.0)


def test_a_late_strategy_joins_with_enough_history() -> None:
    portfolios = made()
    joined = int(np.searchsorted(dates(), portfolios.joined["late"]))
    assert joined - 1 - LATE >= RULES.minimum_sessions - 1
    assert joined - 1 - LATE < RULES.minimum_sessions + 23  # at the next end of a month
    assert portfolios.joined["alpha"] == portfolios.switched[0]
    late = portfolios.of["equal"].weights[:, NAMES.index("late")]
    np.testing.assert_array_equal(late > 0, portfolios.switched >= portfolios.joined["late"])


def test_a_strategy_that_ends_leaves_and_is_named() -> None:
    panel = values()
    panel[700:, 1] = np.nan
    for interest in (0.0, 1e-4 * (1 + np.arange(250) % 5 // 4)):  # in cash for good
        panel[650:, 2] = interest
        portfolios = made(panel)
        for portfolio in portfolios.of.values():
            assert (portfolio.weights[-1, [1, 2]] == 0).all()
        last = portfolios.of["equal"].weights[-1]
        np.testing.assert_allclose(last, [1 / 3, 0, 0, 1 / 3, 1 / 3])
        assert [note.split()[2] for note in portfolios.notes] == ["beta", "gamma"]
        assert "one of them must be a loss" in portfolios.notes[0]


def test_a_portfolio_goes_on_with_the_last_strategy_and_then_in_cash() -> None:
    panel = values()
    panel[:, 2:] = np.nan
    panel[500:, 0] = np.nan
    panel[700:, 1] = 0.0
    portfolios = made(panel)
    ended = dates()[500]
    for name, portfolio in portfolios.of.items():
        alone = (portfolios.switched > ended) & (portfolios.decided < dates()[700])
        np.testing.assert_array_equal(portfolio.weights[alone][:, :2], [[0, 1]] * alone.sum(), name)
        assert alone.sum() > 5
        assert (portfolio.weights[-1] == 0).all()
        assert portfolio.held[-1] == 0
    assert [note.split()[2] for note in portfolios.notes] == list(NAMES[:2])
    schema_of("portfolio_weights").validate(weights_table(portfolios))


def test_a_gap_counts_as_no_change_and_days_of_a_decision_are_complete() -> None:
    panel = values()
    gapped = panel.copy()
    gapped[300:310, 0] = np.nan
    still = panel.copy()
    still[300:310, 0] = 0.0
    first, second = made(gapped).of["equal"], made(still).of["equal"]
    np.testing.assert_array_equal(first.gross, second.gross)
    assert np.isfinite(made(gapped).of["hierarchical_risk_parity"].weights).all()


def test_strategies_without_common_days_do_not_join_together() -> None:
    panel = values()
    panel[::2, 0] = np.nan  # alpha has every other day only
    rules = RULES.model_copy(update={"minimum_sessions": 61})
    assert "alpha" not in made(panel, rules).joined
    assert "beta" in made(panel, rules).joined


def test_costs_are_those_of_the_setting() -> None:
    free = made(settings=RULES.model_copy(update={"switching_bps": 0.0}))
    paid = made()
    for name in METHODS:
        assert (free.of[name].cost == 0).all()
        np.testing.assert_array_equal(free.of[name].turnover, paid.of[name].turnover)
        assert paid.of[name].equity[-1] < free.of[name].equity[-1]


def test_tables_fit_their_schemas() -> None:
    portfolios = made()
    schema_of("portfolio").validate(portfolio_table(portfolios))
    weights = weights_table(portfolios)
    schema_of("portfolio_weights").validate(weights)
    sums = weights.to_pandas().groupby(["method", "date"])["weight"].sum()
    np.testing.assert_allclose(sums, 1.0)
    assert len(sums) == len(METHODS) * len(portfolios.switched)


@pytest.mark.parametrize("count", [0, 1])
def test_without_two_strategies_there_is_no_portfolio_and_it_is_said(count: int) -> None:
    panel = values()[:, :count] if count else values()[:0]
    portfolios = made(np.column_stack([panel, np.full((len(panel), 5 - count), np.nan)]))
    schema_of("portfolio").validate(portfolio_table(portfolios))
    schema_of("portfolio_weights").validate(weights_table(portfolios))
    assert portfolio_table(portfolios).num_rows == weights_table(portfolios).num_rows == 0
    assert portfolios.notes[0].startswith("there is no portfolio: at no month end 2 strategies")
