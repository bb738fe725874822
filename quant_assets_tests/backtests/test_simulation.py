"""The simulation's rules by hand, one at a time, and its contract."""

from typing import Any

import numpy as np
import pytest

from quant_assets.backtests.simulation import Simulation, simulate, simulate_returns
from quant_assets.backtests.trading_data import TradingData
from quant_assets.market_data.panels import Panel
from quant_assets.settings_trading import Slippage, Trading
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.backtests.samples import prices
from quant_assets_tests.backtests.trading_samples import (
    events,
    free,
    market,
    random_market,
    random_rules,
    random_weights,
)

FREE, TEN = free(), free(commission_bps=10)
NAN = np.nan


def once(*weights: float, sessions: int) -> np.ndarray:
    """One decision on the first session."""
    rows = np.full((sessions, len(weights)), NAN)
    rows[0] = weights
    return rows


def decide(rows: dict[int, list[float]], sessions: int) -> np.ndarray:
    """Decisions by session."""
    weights = np.full((sessions, len(next(iter(rows.values())))), NAN)
    for t, row in rows.items():
        weights[t] = row
    return weights


def orders(result: Simulation, *columns: str) -> list[tuple[Any, ...]]:
    rows = result.orders.to_pylist()
    start = {str(day): t for t, day in enumerate(result.data.dates)}
    return [
        tuple(start[str(row[c])] if c in ("date", "decided") else row[c] for c in columns)
        for row in rows
    ]


def equity(result: Simulation) -> list[float]:
    values: list[float] = result.returns["equity"].to_pylist()
    return values


# --- execution -----------------------------------------------------------------------------------


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


# --- costs ---------------------------------------------------------------------------------------


def test_costs_come_out_of_cash_and_full_investment_leaves_no_debt() -> None:
    # of 1 unit of money x is bought and x / 1000 paid for it: x = 1 / 1.001
    data = market([[10], [10], [10]])
    result = simulate(decide({0: [1.0], 1: [0.0]}, 3), data, TEN)
    bought = 1 / 1.001
    assert result.returns["cost"].to_pylist() == pytest.approx([bought / 1000, 1 / 1000])
    assert equity(result) == pytest.approx([bought, bought * 0.999])
    assert result.returns["turnover"].to_pylist() == pytest.approx([bought, 1.0])
    assert result.account.cash == pytest.approx([0.0, bought * 0.999], abs=1e-15)
    assert result.returns["gross_return"].to_pylist() == pytest.approx([0.0, 0.0], abs=1e-15)
    # costs are no reason for an order to be called partial
    assert orders(result, "status") == [("filled",), ("filled",)]


def test_a_minimum_commission_and_stamp_tax_on_sales() -> None:
    data = market([[10, 10]] * 4)
    rules = free(capital=1000.0, commission_bps=100, minimum_commission=5, lot=1)
    rules = rules.model_copy(update={"stamp_tax_bps": {data.dates[3].astype(object): 200.0}})
    weights = decide({0: [0.6, 0.1], 1: [0.0, 0.1], 2: [0.0, 0.0]}, 4)
    fills = simulate(weights, data, rules).fills.to_pylist()
    assert [(f["quantity"], f["commission"], f["stamp_tax"]) for f in fills] == [
        (60, 6, 0),  # one hundredth of 600
        (10, 5, 0),  # at least 5
        (-60, 6, 0),  # the tax is not yet in force
        (-10, 5, 2),
    ]


@pytest.mark.parametrize(
    ("slippage", "rate"),
    [
        (Slippage(bps=20), 0.002),
        (Slippage(kind="volume_share", bps=20), 0.002 + 0.1 * 0.25**2),
        (Slippage(kind="volume_share", bps=0, impact=0.2), 0.2 * 0.25**2),
        (Slippage(kind="square_root", bps=20), 0.002 + 0.03 * np.sqrt(1000 / 4000)),
        (Slippage(kind="square_root", bps=0, impact=1e1), 0.15),
        (Slippage(kind="volume_share", bps=0, impact=10), 0.5),  # 0.625, at most a half
    ],
)
def test_slippage_is_in_the_price(slippage: Slippage, rate: float) -> None:
    volume, turnover, volatility = [[400]] * 3, [[4000.0]] * 3, [[0.03]] * 3
    data = market([[10]] * 3, None, volume, average_turnover=turnover, volatility=volatility)
    rules = free(capital=2000.0, slippage=slippage.model_dump(), lot=1)
    fills = simulate(decide({0: [0.5], 1: [0.0]}, 3), data, rules).fills.to_pylist()
    assert [f["quantity"] for f in fills] == [100, -100]
    assert [f["price"] for f in fills] == pytest.approx([10 * (1 + rate), 10 * (1 - rate)])
    assert [f["slippage"] for f in fills] == pytest.approx([1000 * rate] * 2)


def test_interest_on_cash_debt_and_borrowed_shares() -> None:
    data = market([[10, 10]] * 3, risk_free_rate=[0.0365, NAN, 0.5])  # Thursday, Friday, Monday
    rules = free(cash_interest=0.5, margin_rate=0.0365, borrow_rate=0.073)
    # half in cash: 0.5 x 1.825 % over three days, at the rate last known on Friday
    result = simulate(once(0.5, 0.0, sessions=3), data, rules)
    expected = 0.5 * (1 + 0.5 * 0.0365 / 365) * 0.5 * 0.0365 * 3 / 365
    assert result.returns["interest"].to_pylist()[1] == pytest.approx(expected)
    result = simulate(once(1.5, 0.0, sessions=3), data, rules)  # weights above 1 are debt
    after = 1 + 0.5 * 0.0365 / 365  # a day of interest before the purchase
    debt = result.account.cash[0]
    assert debt == pytest.approx(-0.5 * after)
    assert result.returns["interest"].to_pylist()[1] == pytest.approx(debt * 0.0365 * 3 / 365)
    result = simulate(once(0.0, -0.4, sessions=3), data, rules)
    assert result.returns["borrow_cost"].to_pylist() == pytest.approx(
        [0.0, 0.4 * (1 + 0.5 * 0.0365 / 365) * 0.073 * 3 / 365]
    )


# --- what cannot be traded -----------------------------------------------------------------------


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


# --- events --------------------------------------------------------------------------------------


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


# --- income tax ----------------------------------------------------------------------------------


def taxed(weights: dict[int, list[float]], opened: list[float], exempt: float = 0.0) -> Simulation:
    """Sessions from 2 January 2020 on, one symbol, 1,000 of capital, no costs."""
    data = market(np.array(opened)[:, None])
    tax = {"rate": 0.15, "exempt_sales": exempt}
    rules = free(capital=1000.0, income_tax=tax, lot=1)
    return simulate(decide(weights, len(opened)), data, rules)


def paid(result: Simulation) -> dict[str, float]:
    rows = result.returns.select(["date", "tax"]).to_pylist()
    return {str(row["date"]): row["tax"] * 1000 for row in rows if row["tax"]}


def test_the_tax_on_a_months_gain_is_paid_when_the_next_month_begins() -> None:
    opened = [10.0, 10.0, 12.0, 12.0] + [12.0] * 20
    result = taxed({0: [1.0], 1: [0.0]}, opened)
    assert paid(result) == {"2020-02-03": pytest.approx(0.15 * 200)}


def test_small_sales_are_free_and_losses_are_carried_forward() -> None:
    # January: 100 shares bought at 10, half sold at 8: a loss of 100. February: the rest at 13.
    opened = [10.0, 10.0, 8.0] + [8.0] * 19 + [13.0] * 30
    weights = {0: [1.0], 1: [0.5], 21: [0.0]}
    result = taxed(weights, opened)
    assert result.fills["quantity"].to_pylist() == [100.0, -50.0, -50.0]
    assert paid(result) == {"2020-03-02": pytest.approx(0.15 * (150 - 100))}
    assert paid(taxed(weights, opened, exempt=650.0)) == {}
    assert paid(taxed(weights, opened, exempt=649.0)) == {"2020-03-02": pytest.approx(7.5)}


def test_gains_of_short_positions_are_taxed_when_they_are_closed() -> None:
    opened = [10.0, 10.0, 8.0, 8.0] + [8.0] * 20
    result = taxed({0: [-1.0], 1: [0.0]}, opened)
    assert paid(result) == {"2020-02-03": pytest.approx(0.15 * 200)}


# --- the end -------------------------------------------------------------------------------------


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
    assert equity(result) == pytest.approx([1.0001, 1.0001 * 1.0003])


# --- contract and validation ---------------------------------------------------------------------


def test_tables_have_the_columns_of_the_warehouse() -> None:
    data = random_market(60, 5, 1)
    weights = random_weights(data.shape, 1, 5, short=False)
    result = simulate(weights, data, random_rules(3).model_copy(update={"capital": 1e6}))
    for name in ("returns", "orders", "fills", "positions"):
        table = getattr(result, name)
        assert table.num_rows > 5
        schema = schema_of("backtest" if name == "returns" else f"backtest_{name}")
        named = table.add_column(0, "strategy", [["any"] * table.num_rows])
        assert schema.validate(named).num_rows == table.num_rows
        assert list(schema.names) == named.column_names


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.inf, "must all be finite"), (NAN, r"or all NaN \(no decision\). Got nan for S001")],
)
def test_half_decided_rows_are_refused(value: float, message: str) -> None:
    data = TradingData.from_panel(prices(10, 3, 0))
    weights = np.full(data.shape, 0.1)
    weights[4, 1] = value
    for run in (simulate, simulate_returns):
        with pytest.raises(ValueError, match=message) as error:
            run(weights, data, FREE)
        assert str(data.dates[4]) in str(error.value)


def test_wrong_arguments_are_refused() -> None:
    panel = prices(10, 3, 0)
    data = TradingData.from_panel(panel)
    weights = np.full(data.shape, 0.1)
    with pytest.raises(ValueError, match=r"float64 of the shape of the prices \(10, 3\)"):
        simulate(weights[:5], data, FREE)
    with pytest.raises(ValueError, match="Got float32 of"):
        simulate(weights.astype(np.float32), data, FREE)
    with pytest.raises(ValueError, match=r"volume of trading data must be float64 .* \(9, 3\)"):
        TradingData(data.dates, data.symbols, data.open, data.close, data.volume[:9])
    with pytest.raises(ValueError, match="both price limits"):
        TradingData(data.dates, data.symbols, data.open, data.close, data.volume, upper=data.open)


def test_absent_symbols_and_the_order_of_memory_change_nothing() -> None:
    panel = prices(60, 6, 3)
    data = TradingData.from_panel(panel)
    wide = TradingData.from_panel(
        Panel(
            panel.dates,
            np.append(panel.symbols, "Z"),
            {k: np.column_stack([v, np.full(60, NAN)]) for k, v in panel.fields.items()},
        )
    )
    weights = random_weights(data.shape, 3, 5, short=False)
    padded = np.column_stack([weights, np.where(np.isnan(weights[:, 0]), NAN, 0.0)])
    rules = Trading()
    result = simulate(weights, data, rules)
    again = simulate(np.asfortranarray(padded), wide, rules)
    for name in ("returns", "orders", "fills", "positions"):
        assert getattr(again, name).equals(getattr(result, name))
