"""Splits and payments, and how positions and simulations end."""

import numpy as np
import pytest

from quant_assets.backtests.simulation import simulate, simulate_returns
from quant_assets.backtests.trading_data import TradingData
from quant_assets_tests.backtests.samples import prices
from quant_assets_tests.backtests.trading_samples import (
    decide,
    equity,
    events,
    free,
    market,
    once,
    orders,
)

FREE = free()
TEN = free(commission_bps=10)
NAN = np.nan


def test_a_split_changes_the_shares_and_not_the_value() -> None:
    # 10 shares at 100 become 15 at 66.67, of 7 at 10 there are 10.5: the half is paid out
    data = market(
        [[100, 10], [100, 10], [200 / 3, 20 / 3], [200 / 3, 20 / 3]],
        events=events((2, 0, 1.5, 0.0), (2, 1, 1.5, 0.0)),
    )
    rules = free(capital=10_000.0, lot=1)
    result = simulate(once(0.1, 0.007, sessions=4), data, rules)
    held = {row["symbol"]: row["shares"] for row in result.positions.to_pylist()[-2:]}
    assert held == {"S000": 15.0, "S001": 10.0}
    assert result.account.equity == pytest.approx([10_000] * 3)
    assert result.returns["dividends"].to_pylist() == pytest.approx([0, 0.5 * 20 / 3 / 10_000, 0])


def test_a_split_changes_what_waits_too() -> None:
    data = market([[10.0], [NAN], [5.0]], events=events((2, 0, 2.0, 0.0)))
    rules = free(capital=1000.0, lot=1, blocked_orders="wait")
    result = simulate(once(0.5, sessions=3), data, rules)
    assert result.fills.to_pylist()[0]["quantity"] == 100.0


def test_payments_come_on_the_ex_date_and_short_positions_pay_them() -> None:
    data = market([[10], [10], [9], [9]], events=events((2, 0, 1.0, 1.0)))
    for weight in (0.5, -0.5):
        result = simulate(once(weight, sessions=4), data, FREE)
        assert equity(result) == pytest.approx([1.0, 1.0, 1.0])
        assert result.returns["dividends"].to_pylist() == pytest.approx([0, weight / 10, 0])


def test_a_halted_position_is_valued_ex_the_event() -> None:
    data = market([[10], [10], [NAN], [4]], events=events((2, 0, 2.0, 1.0)))
    result = simulate(once(1.0, sessions=4), data, FREE)
    assert result.positions["price"].to_pylist() == [10.0, 4.5, 4.0]
    assert equity(result) == pytest.approx([1.0, 1.0, 0.9])


def test_short_positions_gain_when_prices_fall() -> None:
    result = simulate(once(-1.0, sessions=3), market([[10], [10], [5]]), FREE)
    assert equity(result) == pytest.approx([1.0, 1.5])
    assert result.positions["weight"].to_pylist() == pytest.approx([-1.0, -0.5 / 1.5])
    assert result.returns["short_exposure"].to_pylist() == pytest.approx([-1.0, -1 / 3])


def test_lost_capital_ends_the_simulation() -> None:
    data = market([[10], [10], [30], [30]])
    result = simulate(once(-1.0, sessions=4), data, FREE)
    assert result.ruined == data.dates[2].astype(object)
    assert equity(result) == pytest.approx([1.0, -1.0])
    assert result.returns["exposure"].to_pylist()[-1] == 0.0
    assert result.returns["positions"].to_pylist() == [1, 0]
    assert result.positions.num_rows == 1
    alone = simulate_returns(once(-1.0, sessions=4), data, FREE)
    np.testing.assert_allclose(alone, [NAN, 0.0, -2.0, 0.0], atol=1e-12)


def test_without_decisions_or_with_one_on_the_last_day_there_is_nothing() -> None:
    data = TradingData.from_panel(prices(20, 4, 0))
    weights = np.full(data.shape, NAN)
    for last in (NAN, 0.25, 0.0):
        weights[-1] = last
        result = simulate(weights, data, TEN)
        assert result.ruined is None
        for name in ("returns", "orders", "fills", "positions"):
            assert getattr(result, name).num_rows == 0
        assert np.isnan(simulate_returns(weights, data, TEN)).all()


def test_only_cash_is_held_without_any_weight() -> None:
    data = market([[10]] * 3, risk_free_rate=[0.0365] * 3)
    result = simulate(np.zeros((3, 1)), data, free(cash_interest=1.0))
    day = 1.0365 ** (1 / 365)
    assert equity(result) == pytest.approx([day, day**4])


WAITING = free(capital=1000.0, lot=100, blocked_orders="wait")


def test_an_order_that_closes_an_odd_lot_closes_it_after_a_split_too() -> None:
    # 100 shares become 137; their sale waits over a halt and a second split: 274, not two lots
    before, after = 10 / 1.37, 10 / 2.74
    data = market(
        [[10], [10], [before], [NAN], [after], [after]],
        events=events((2, 0, 1.37, 0.0), (4, 0, 2.0, 0.0)),
    )
    result = simulate(decide({0: [1.0], 2: [0.0]}, 6), data, WAITING)
    assert orders(result, "date", "side", "wanted", "status") == [
        (1, "buy", 100.0, "filled"),
        (3, "sell", 137.0, "waiting"),
        (4, "sell", 274.0, "filled"),
    ]


def test_an_order_of_which_a_split_leaves_no_lot_is_told() -> None:
    data = market([[10], [NAN], [100], [100], [100]], events=events((2, 0, 0.1, 0.0)))
    for rows, told in (
        ({0: [1.0]}, [(0, 2, 10.0, 0.0, "rejected", "less than a lot")]),
        ({0: [1.0], 1: [0.0]}, []),  # the new decision had cancelled it
    ):
        result = simulate(decide(rows, 5), data, WAITING)
        found = orders(result, "decided", "date", "wanted", "filled", "status", "reason")
        assert found == [(0, 1, 100.0, 0.0, "waiting", "no trading"), *told]
