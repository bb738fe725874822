"""What becomes of decisions: sizes, prices of execution, orders that cannot be done."""

from typing import Any

import numpy as np
import pytest

from quant_assets.backtests.simulation import simulate
from quant_assets_tests.backtests.trading_samples import (
    decide,
    equity,
    free,
    market,
    once,
    orders,
)

FREE = free()
NAN = np.nan


def test_a_decision_is_traded_at_the_next_open_and_earns_from_there() -> None:
    data = market([[10], [20], [30]], [[11], [22], [33]])
    result = simulate(once(1.0, sessions=3), data, FREE)
    assert result.returns["net_return"].to_pylist() == pytest.approx([0.1, 0.5])
    assert result.fills.to_pylist() == [
        {
            "date": data.dates[1].astype(object), "symbol": "S000", "quantity": 0.05, "price": 20.0,
            "commission": 0.0, "stamp_tax": 0.0, "slippage": 0.0,
        }
    ]  # fmt: skip
    assert result.positions["value"].to_pylist() == pytest.approx([1.1, 1.65])
    assert result.positions["weight"].to_pylist() == pytest.approx([1.0, 1.0])


def test_a_decision_can_be_traded_at_the_next_close() -> None:
    data = market([[10], [20], [30]], [[11], [22], [33]])
    result = simulate(once(1.0, sessions=3), data, free(execution="next_close"))
    assert result.returns["net_return"].to_pylist() == pytest.approx([0.0, 0.5])


def test_positions_drift_overnight_before_they_are_traded() -> None:
    # half and half at 10; the first doubles overnight: two thirds, and is cut back to a half
    data = market([[10, 10], [10, 10], [20, 10]])
    result = simulate(decide({0: [0.5, 0.5], 1: [0.5, 0.5]}, 3), data, FREE)
    assert result.fills["quantity"].to_pylist() == pytest.approx([0.05, 0.05, -0.0125, 0.025])
    assert equity(result) == pytest.approx([1.0, 1.5])


def test_whole_lots_towards_the_position_and_the_rest_stays_cash() -> None:
    data = market([[7, 3], [7, 3], [7, 3]])
    rules = free(capital=1000.0, lot=10)
    result = simulate(decide({0: [0.5, 0.3], 1: [0.21, 0.0]}, 3), data, rules)
    # 500 / 7 = 71.4 -> 70 and 300 / 3 = 100; then 210 / 7 = 30: 40 are sold, and all of the other
    assert result.fills["quantity"].to_pylist() == [70.0, 100.0, -40.0, -100.0]
    assert result.account.cash.tolist() == [1000 - 490 - 300, 1000 - 210]


def test_a_target_of_exactly_some_lots_is_met_in_spite_of_rounding() -> None:
    data = market([[0.1], [0.1]])  # 0.7 x 1000 / 0.1 is 6999.999…
    result = simulate(once(0.7, sessions=2), data, free(capital=1000.0, lot=100))
    assert result.fills["quantity"].to_pylist() == [7000.0]


def test_less_than_a_lot_is_told() -> None:
    data = market([[50], [50]])
    result = simulate(once(1.0, sessions=2), data, free(capital=1000.0, lot=100))
    assert orders(result, "decided", "date", "wanted", "filled", "status", "reason") == [
        (0, 1, 20.0, 0.0, "rejected", "less than a lot")
    ]
    assert result.fills.num_rows == 0


def test_a_band_leaves_small_gaps_alone_but_closes_positions() -> None:
    data = market([[10, 10]] * 4)
    weights = decide({0: [0.5, 0.5], 1: [0.48, 0.52], 2: [0.4, 0.0]}, 4)
    result = simulate(weights, data, free(band=0.03))
    assert result.fills["quantity"].to_pylist() == pytest.approx([0.05, 0.05, -0.01, -0.05])


@pytest.mark.parametrize(("every", "traded"), [("decided", 9), ("weekly", 3), ("monthly", 1)])
def test_only_the_first_decision_of_a_week_or_month_is_traded(every: str, traded: int) -> None:
    data = market([[10]] * 10)  # from Thursday, 2 January, to Wednesday, 15 January
    weights = np.linspace(0.1, 1, 10)[:, None]
    result = simulate(weights, data, free(rebalance=every))
    assert result.fills.num_rows == traded


def test_a_symbol_without_a_bar_keeps_its_position_and_its_order_is_dropped() -> None:
    data = market([[10, 10], [10, 10], [NAN, 10], [5, 10]])
    result = simulate(decide({0: [1.0, 0.0], 1: [0.0, 1.0]}, 4), data, FREE)
    # the sale could not be done, so nothing could be bought; the loss of day 3 is still ours
    assert orders(result, "date", "symbol", "side", "status", "reason") == [
        (1, "S000", "buy", "filled", ""),
        (2, "S000", "sell", "dropped", "no trading"),
        (2, "S001", "buy", "rejected", "no cash"),
    ]
    assert equity(result) == pytest.approx([1.0, 1.0, 0.5])
    assert result.account.cash.tolist() == [0.0, 0.0, 0.0]


def test_purchases_shrink_alike_to_the_cash_that_sales_brought() -> None:
    data = market([[10] * 4, [10] * 4, [NAN, 10, 10, 10]])
    weights = decide({0: [0.4, 0.6, 0, 0], 1: [0, 0, 0.7, 0.3]}, 3)
    result = simulate(weights, data, FREE)
    assert orders(result, "date", "symbol", "status", "reason")[2:] == [
        (2, "S000", "dropped", "no trading"),
        (2, "S001", "filled", ""),
        (2, "S002", "partial", "no cash"),
        (2, "S003", "partial", "no cash"),
    ]
    assert result.fills["quantity"].to_pylist()[2:] == pytest.approx([-0.06, 0.042, 0.018])


@pytest.mark.parametrize("what", ["bar", "volume", "halt", "upper"])
def test_an_order_that_waits_is_done_as_soon_as_it_can_be(what: str) -> None:
    opened = [[10.0], [10.0], [10.0], [12.0], [12.0]]
    volume = [[100.0]] * 5
    more: dict[str, Any] = {}
    if what == "bar":
        opened[1], opened[2] = [NAN], [NAN]
        volume = [[100.0], [NAN], [NAN], [100.0], [100.0]]
    elif what == "volume":
        volume = [[100.0], [0.0], [0.0], [100.0], [100.0]]
    elif what == "halt":
        more = {"halted": [[False], [True], [True], [False], [False]]}
    else:
        more = {"upper": [[NAN], [10.0], [10.0], [13.0], [NAN]], "lower": [[NAN]] * 5}
    data = market(opened, None, volume, **more)
    rules = free(capital=1000.0, lot=1, blocked_orders="wait")
    result = simulate(once(0.6, sessions=5), data, rules)
    told = orders(result, "decided", "date", "wanted", "filled", "status")
    assert told == [(0, 1, 60, 0, "waiting"), (0, 2, 60, 0, "waiting"), (0, 3, 60, 60, "filled")]
    assert result.fills["price"].to_pylist() == [12.0]
    dropped = simulate(
        once(0.6, sessions=5), data, rules.model_copy(update={"blocked_orders": "drop"})
    )
    assert orders(dropped, "date", "status") == [(1, "dropped")]


def test_a_new_decision_cancels_what_waits() -> None:
    data = market([[10.0], [10.0], [10.0], [10.0]], volume=[[9], [0], [9], [9]])
    rules = free(blocked_orders="wait")
    result = simulate(decide({0: [1.0], 1: [0.0]}, 4), data, rules)
    assert orders(result, "date", "status") == [(1, "waiting")]
    assert equity(result) == [1.0, 1.0, 1.0]


def test_limits_stop_purchases_above_and_sales_below() -> None:
    data = market([[10, 10]] * 4, upper=[[NAN] * 2, [10, 11], [10, 11], [11, 11]],
                  lower=[[NAN] * 2, [9, 9], [9, 10], [9, 10]])  # fmt: skip
    result = simulate(decide({0: [0.5, 0.5], 1: [0.5, 0.0], 2: [0.5, 0.0]}, 4), data, FREE)
    assert orders(result, "date", "symbol", "side", "status", "reason") == [
        (1, "S000", "buy", "dropped", "upper price limit"),
        (1, "S001", "buy", "filled", ""),
        (2, "S000", "buy", "dropped", "upper price limit"),
        (2, "S001", "sell", "dropped", "lower price limit"),
        (3, "S000", "buy", "filled", ""),
        (3, "S001", "sell", "dropped", "lower price limit"),
    ]


def test_a_share_of_the_volume_is_filled_and_the_rest_waits() -> None:
    data = market([[10.0]] * 5, volume=[[500], [500], [259], [500], [500]])
    rules = free(capital=1000.0, lot=10, max_volume_share=0.1, blocked_orders="wait")
    result = simulate(once(1.0, sessions=5), data, rules)
    assert orders(result, "date", "wanted", "filled", "status", "reason") == [
        (1, 100, 50, "partial", "volume"),
        (2, 50, 20, "partial", "volume"),  # 25 of them in whole lots
        (3, 30, 30, "filled", ""),
    ]


@pytest.mark.parametrize("sessions", [0, 1, 2, 3])
def test_what_was_bought_is_held_for_some_sessions(sessions: int) -> None:
    data = market([[10.0]] * 6)
    rules = free(holding_sessions=sessions, blocked_orders="wait")
    result = simulate(decide({0: [1.0], 1: [0.0]}, 6), data, rules)
    sold = orders(result, "date", "side", "filled")[-1]
    assert sold[:2] == (max(2, 1 + sessions), "sell")  # a session always passes: T+1 holds
    assert sold[2] == pytest.approx(0.1)


def test_a_symbol_without_any_price_is_rejected() -> None:
    data = market([[10, NAN], [10, NAN], [10, NAN]])
    result = simulate(once(0.5, 0.5, sessions=3), data, FREE)
    assert orders(result, "symbol", "side", "wanted", "status", "reason") == [
        ("S000", "buy", 0.05, "filled", ""),
        ("S001", "buy", 0.0, "rejected", "no price yet"),
    ]


@pytest.mark.parametrize("stale_sessions", [1, 3])
def test_a_vanished_symbol_is_closed_at_its_last_close_when_that_is_known(
    stale_sessions: int,
) -> None:
    data = market([[10], [10], [12], *[[NAN]] * 5])
    rules = free(commission_bps=10, stale_sessions=stale_sessions, slippage={"bps": 50})
    result = simulate(once(1.0, sessions=8), data, rules)
    told = orders(result, "decided", "date", "side", "status", "reason")[-1]
    day = 2 + stale_sessions
    assert told == (day, day, "sell", "filled", "no bars any more: closed at the last close")
    sale = result.fills.to_pylist()[-1]
    assert (sale["price"], sale["slippage"]) == (12.0, 0.0)
    held = result.returns["positions"].to_pylist()
    assert held == [1] * (1 + stale_sessions) + [0] * (6 - stale_sessions)
    assert equity(result)[-1] == pytest.approx(1.2 / (1.005 * 1.001) * 0.999)


def test_a_short_gap_or_a_halt_is_no_delisting() -> None:
    opened = [[10], [10], [NAN], [NAN], [20]]
    result = simulate(once(1.0, sessions=5), market(opened), free(stale_sessions=3))
    assert equity(result) == pytest.approx([1, 1, 1, 2])
    halted = market(opened, halted=[[False], [False], [True], [True], [False]])
    assert equity(simulate(once(1.0, sessions=5), halted, free(stale_sessions=1)))[-1] == 2.0
    gone = simulate(once(1.0, sessions=5), market(opened), free(stale_sessions=1))
    assert equity(gone)[-1] == 1.0


@pytest.mark.parametrize("targets", [[1.0, 0.0], [0.5, 0.5]])
def test_an_order_of_which_the_costs_leave_no_lot_is_told(targets: list[float]) -> None:
    data = market([[10, 5]] * 3)
    rules = free(capital=1000.0, lot=100, commission_bps=10)
    result = simulate(once(*targets, sessions=3), data, rules)
    told = orders(result, "symbol", "wanted", "filled", "status", "reason")
    if targets[1]:  # half of the capital is less than a lot of the first
        assert told == [
            ("S000", 50.0, 0.0, "rejected", "less than a lot"),
            ("S001", 100.0, 100.0, "filled", ""),
        ]
    else:
        assert told == [("S000", 100.0, 0.0, "rejected", "no cash")]


def test_without_equity_at_the_open_every_order_is_rejected() -> None:
    # short 100 at 10; at the open of session 2 the account owes more than it has, at its close not
    data = market(
        [[10, 10], [10, 10], [25, 10], [10, 10], [10, 10]],
        [[10, 10]] * 5,
        [[1e9, 1e9], [1e9, 0], [1e9, 0], [1e9, 1e9], [1e9, 1e9]],
    )
    rules = free(capital=1000.0, lot=1, blocked_orders="wait")
    columns = ("decided", "date", "symbol", "side", "wanted", "status", "reason")
    for decided, told in (
        # what waited is rejected, and so is not filled later on
        ({}, [(0, 2, "S001", "buy", 30.0, "rejected", "no equity")]),
        # a new decision: the purchase it cancelled is not done later on either
        (
            {1: [0.0, 0.2]},
            [
                (1, 2, "S000", "buy", 100.0, "rejected", "no equity"),
                (1, 2, "S001", "buy", 0.0, "rejected", "no equity"),
            ],
        ),
    ):
        result = simulate(decide({0: [-1.0, 0.3], **decided}, 5), data, rules)
        assert orders(result, *columns)[2:] == told
        assert equity(result) == [1.0] * 4
