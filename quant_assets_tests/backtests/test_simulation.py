"""The simulation: by hand, against the literal reference, and its invariants."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.backtests.simulation import Simulation, simulate
from quant_assets.market_data.panels import Panel
from quant_assets.settings import Costs
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.backtests.reference_simulation import reference
from quant_assets_tests.backtests.samples import names, prices, sessions

FREE = Costs(commission_bps=0, slippage_bps=0)
TEN = Costs(commission_bps=4, slippage_bps=6)


def panel(opened: Any, close: Any, volume: Any = None) -> Panel:
    opened, close = np.array(opened, float), np.array(close, float)
    volume = np.where(np.isnan(close), np.nan, 100.0) if volume is None else np.array(volume, float)
    fields = {"open": opened, "close": close, "volume": volume}
    return Panel(sessions(len(close)), names(close.shape[1]), fields)


def random_weights(market: Panel, seed: int, every: int, short: bool) -> np.ndarray:
    random = np.random.default_rng(seed)
    chosen = (random.random(market.shape) < 0.4) * random.random(market.shape)
    chosen[:, 0] += 0.01
    weights: np.ndarray = chosen / chosen.sum(axis=1, keepdims=True)
    if short:
        weights *= random.choice([-0.5, 0.5, 1.0], market.shape)
    weights[np.arange(len(weights)) % every != min(1, every - 1)] = np.nan
    return weights


def frame(table: pa.Table) -> pd.DataFrame:
    rows: pd.DataFrame = table.to_pandas()
    rows["date"] = rows["date"].astype("datetime64[s]")
    keys = [name for name in ("date", "symbol") if name in rows]
    return rows.sort_values(keys).reset_index(drop=True)


# --- by hand -------------------------------------------------------------------------------------


def test_a_decision_is_traded_at_the_next_open_and_earns_from_there() -> None:
    market = panel([[10], [20], [30]], [[11], [22], [33]])
    result = simulate(np.array([[1.0], [np.nan], [np.nan]]), market, FREE)
    assert result.returns["net_return"].to_pylist() == pytest.approx([22 / 20 - 1, 33 / 22 - 1])
    assert result.returns["equity"].to_pylist() == pytest.approx([1.1, 1.65])
    assert result.trades.to_pylist() == [
        {
            "date": market.dates[1].astype(object),
            "symbol": "S000",
            "weight_before": 0.0,
            "weight_after": 1.0,
            "traded_weight": 1.0,
            "price": 20.0,
            "cost": 0.0,
        }
    ]


def test_a_decision_can_be_traded_at_the_next_close() -> None:
    market = panel([[10], [20], [30]], [[11], [22], [33]])
    weights = np.array([[1.0], [np.nan], [np.nan]])
    result = simulate(weights, market, FREE, execution="next_close")
    assert result.returns["net_return"].to_pylist() == pytest.approx([0.0, 33 / 22 - 1])


def test_positions_drift_overnight_before_they_are_traded() -> None:
    # half and half at 10; the first doubles overnight: two thirds, and is cut back to a half
    market = panel([[10, 10], [10, 10], [20, 10]], [[10, 10], [10, 10], [20, 10]])
    weights = np.array([[0.5, 0.5], [0.5, 0.5], [np.nan, np.nan]])
    result = simulate(weights, market, FREE)
    last = frame(result.trades).tail(2)
    assert last["weight_before"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert last["traded_weight"].tolist() == pytest.approx([0.5 - 2 / 3, 0.5 - 1 / 3])
    assert result.returns["equity"].to_pylist() == pytest.approx([1.0, 1.5])


def test_costs_come_out_of_cash_and_full_investment_leaves_no_debt() -> None:
    # of 1 unit of money x is bought and x / 1000 paid for it: x = 1 / 1.001
    market = panel([[10], [10], [10]], [[10], [10], [10]])
    result = simulate(np.array([[1.0], [0.0], [np.nan]]), market, TEN)
    bought = 1 / 1.001
    assert result.returns["cost"].to_pylist() == pytest.approx([bought / 1000, 1 / 1000])
    assert result.returns["equity"].to_pylist() == pytest.approx([bought, bought * 0.999])
    assert result.returns["turnover"].to_pylist() == pytest.approx([bought, 1.0])
    assert result.ledger.cash == pytest.approx([0.0, bought * 0.999], abs=1e-15)
    assert result.returns["gross_return"].to_pylist() == pytest.approx([0.0, 0.0], abs=1e-15)


def test_half_invested_leaves_half_in_cash_after_costs() -> None:
    # x = 0.5 (1 - x / 1000), so x = 0.5 / 1.0005
    market = panel([[10], [10]], [[10], [10]])
    result = simulate(np.array([[0.5], [np.nan]]), market, TEN)
    assert result.trades["traded_weight"].to_pylist() == pytest.approx([0.5 / 1.0005])
    assert result.ledger.cash[-1] == pytest.approx(result.ledger.equity[-1] / 2)


def test_a_symbol_without_a_bar_keeps_its_position_and_its_order_is_dropped() -> None:
    nan = np.nan
    market = panel(
        [[10, 10], [10, 10], [nan, 10], [5, 10]], [[10, 10], [10, 10], [nan, 10], [5, 10]]
    )
    weights = np.array([[1.0, 0.0], [0.0, 1.0], [nan, nan], [nan, nan]])
    result = simulate(weights, market, FREE)
    # the sale could not be done, so nothing could be bought; the loss of day 3 is still ours
    assert result.dropped == 1
    assert result.scaled == 1
    assert result.trades.num_rows == 1
    assert result.returns["equity"].to_pylist() == pytest.approx([1.0, 1.0, 0.5])
    assert result.ledger.cash.tolist() == [0.0, 0.0, 0.0]


def test_a_volume_of_zero_is_no_trading() -> None:
    market = panel([[10], [10]], [[10], [10]], [[100], [0]])
    result = simulate(np.array([[1.0], [np.nan]]), market, FREE)
    assert (result.dropped, result.orders) == (1, 0)
    assert result.returns["exposure"].to_pylist() == [0.0]


def test_purchases_shrink_alike_to_the_cash_that_sales_brought() -> None:
    nan = np.nan
    day = [[10, 10, 10, 10]] * 2
    market = panel([*day, [nan, 10, 10, 10]], [*day, [nan, 10, 10, 10]])
    weights = np.array([[0.4, 0.6, 0, 0], [0, 0, 0.7, 0.3], [nan] * 4])
    result = simulate(weights, market, FREE)
    last = frame(result.trades).tail(3)
    assert last["symbol"].tolist() == ["S001", "S002", "S003"]
    assert last["traded_weight"].tolist() == pytest.approx([-0.6, 0.42, 0.18])


@pytest.mark.parametrize("stale_sessions", [1, 3])
def test_a_vanished_symbol_is_closed_at_its_last_close_when_that_is_known(
    stale_sessions: int,
) -> None:
    nan = np.nan
    gone = [[nan]] * 5
    market = panel([[10], [10], [12], *gone], [[10], [10], [12], *gone])
    weights = np.array([[1.0], *[[nan]] * 7])
    result = simulate(weights, market, TEN, stale_sessions=stale_sessions)
    sale = frame(result.trades).iloc[-1]
    assert sale["date"] == pd.Timestamp(market.dates[2 + stale_sessions].astype(object))
    assert (sale["price"], sale["weight_after"]) == (12.0, 0.0)
    assert result.stale == 1
    held = result.returns["positions"].to_pylist()
    assert held == [1] * (1 + stale_sessions) + [0] * (6 - stale_sessions)
    assert result.returns["equity"].to_pylist()[-1] == pytest.approx(1.2 / 1.001 * 0.999)


def test_a_short_halt_is_no_delisting() -> None:
    nan = np.nan
    halted = [[nan]] * 2
    market = panel([[10], [10], *halted, [20]], [[10], [10], *halted, [20]])
    weights = np.array([[1.0], *[[nan]] * 4])
    result = simulate(weights, market, FREE, stale_sessions=3)
    assert result.stale == 0
    assert result.returns["equity"].to_pylist() == pytest.approx([1, 1, 1, 2])


def test_short_positions_gain_when_prices_fall() -> None:
    market = panel([[10], [10], [5]], [[10], [10], [5]])
    result = simulate(np.array([[-1.0], [np.nan], [np.nan]]), market, FREE)
    assert result.returns["equity"].to_pylist() == pytest.approx([1.0, 1.5])
    assert result.positions["weight"].to_pylist() == pytest.approx([-1.0, -0.5 / 1.5])


def test_lost_capital_ends_the_simulation() -> None:
    market = panel([[10], [10], [30], [30]], [[10], [10], [30], [30]])
    result = simulate(np.array([[-1.0], *[[np.nan]] * 3]), market, FREE)
    assert result.ruined == market.dates[2].astype(object)
    assert result.returns["equity"].to_pylist() == pytest.approx([1.0, -1.0])
    assert result.returns["exposure"].to_pylist()[-1] == 0.0


def test_without_decisions_or_with_one_on_the_last_day_there_is_nothing() -> None:
    market = prices(20, 4, 0)
    weights = np.full(market.shape, np.nan)
    for last in (np.nan, 0.25):
        weights[-1] = last
        result = simulate(weights, market, TEN)
        assert result.returns.num_rows == result.trades.num_rows == 0
        assert result.positions.num_rows == len(result.ledger.dates) == 0
        assert result.ruined is None


# --- against the reference -----------------------------------------------------------------------


@pytest.mark.parametrize("execution", ["next_open", "next_close"])
@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("every", [1, 7])
def test_agrees_with_the_literal_reference(execution: Any, short: bool, every: int) -> None:
    seen = np.zeros(4, int)
    for seed in range(6):
        market = prices(70, 9, seed, missing=0.1, idle=0.1)
        weights = random_weights(market, seed, every, short)
        result = simulate(weights, market, TEN, 1.0, execution, 4)
        expected = reference(weights, market, 1e-3, execution, 4)
        compare(result, expected)
        seen += (result.orders > 0, result.dropped > 0, result.scaled > 0, result.stale > 0)
    assert (seen > 0).all(), f"a rule was never exercised: {seen}"


def compare(result: Simulation, expected: Any) -> None:
    days = pd.DataFrame(expected.days)
    np.testing.assert_allclose(result.ledger.cash, days.pop("cash"), rtol=0, atol=1e-9)
    for table, rows in (
        (result.returns, days),
        (result.trades, pd.DataFrame(expected.trades)),
        (result.positions, pd.DataFrame(expected.positions)),
    ):
        actual = frame(table)
        rows = rows.assign(date=rows["date"].astype("datetime64[s]"))
        rows = rows.sort_values([k for k in ("date", "symbol") if k in rows]).reset_index(drop=True)
        pd.testing.assert_frame_equal(
            actual, rows[list(actual)], check_dtype=False, rtol=1e-9, atol=1e-11
        )


# --- invariants ----------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    days=st.integers(2, 60),
    symbols=st.integers(1, 8),
    every=st.integers(1, 9),
    short=st.booleans(),
    missing=st.sampled_from([0.0, 0.1, 0.6]),
    bps=st.sampled_from([0.0, 10.0, 300.0]),
    stale=st.integers(1, 12),
)
def test_the_account_balances_to_the_last_unit(
    seed: int,
    days: int,
    symbols: int,
    every: int,
    short: bool,
    missing: float,
    bps: float,
    stale: int,
) -> None:
    """Rebuilt from the trades alone: cash, units and so equity are those of the tables."""
    market = prices(days, symbols, seed, missing)
    weights = random_weights(market, seed, every, short)
    costs = Costs(commission_bps=bps, slippage_bps=0)
    result = simulate(weights, market, costs, stale_sessions=stale)
    ledger, trades = result.ledger, frame(result.trades)
    held = frame(result.positions)
    last = dict(zip(market.symbols, np.zeros(symbols), strict=True))
    units: dict[str, float] = {}
    cash, returns = 1.0, result.returns.to_pylist()
    first = len(market.dates) - len(ledger.dates)
    for t, day in enumerate(ledger.dates):
        stamp = pd.Timestamp(day.astype(object))
        for trade in trades[trades["date"] == stamp].to_dict("records"):
            amount = trade["traded_weight"] * ledger.equity_before[t]
            cash -= amount + trade["cost"] * ledger.equity_before[t]
            name = trade["symbol"]
            units[name] = units.get(name, 0.0) + amount / trade["price"]
            after = trade["weight_before"] + trade["traded_weight"]
            assert after == pytest.approx(trade["weight_after"])
        for i, symbol in enumerate(market.symbols):
            if np.isfinite(market["close"][first + t, i]):
                last[symbol] = market["close"][first + t, i]
        equity = cash + sum(count * last[symbol] for symbol, count in units.items())
        assert cash == pytest.approx(ledger.cash[t], abs=1e-9)
        assert equity == pytest.approx(ledger.equity[t], abs=1e-9)
        if result.ruined is None:
            weight = held.loc[held["date"] == stamp, "weight"].sum()
            assert ledger.cash[t] / ledger.equity[t] + weight == pytest.approx(1.0, abs=1e-9)
        before = ledger.equity[t - 1] if t else 1.0
        assert returns[t]["net_return"] == pytest.approx(equity / before - 1.0, abs=1e-9)
        if not short:
            assert cash >= -1e-12


def test_absent_symbols_and_scale_change_nothing() -> None:
    market = prices(60, 6, 3)
    weights = random_weights(market, 3, 5, short=False)
    wide = Panel(
        market.dates,
        np.append(market.symbols, "Z"),
        {k: np.column_stack([v, np.full(60, np.nan)]) for k, v in market.fields.items()},
    )
    padded = np.column_stack([weights, np.where(np.isnan(weights[:, 0]), np.nan, 0.0)])
    result = simulate(weights, market, TEN)
    assert simulate(padded, wide, TEN).returns.equals(result.returns)
    rich = simulate(weights, market, TEN, initial=1e6)
    np.testing.assert_allclose(rich.ledger.equity, result.ledger.equity * 1e6, rtol=1e-12)


def test_later_rows_change_nothing_before_them() -> None:
    market, later = prices(60, 6, 4), prices(60, 6, 5)
    weights = random_weights(market, 4, 5, short=False)
    mixed = {k: np.concatenate([v[:40], later[k][40:]]) for k, v in market.fields.items()}
    first = simulate(weights, market, TEN)
    second = simulate(weights, Panel(market.dates, market.symbols, mixed), TEN)
    day = market.dates[39].astype(object)
    for a, b in ((first.returns, second.returns), (first.trades, second.trades)):
        rows = [table.filter(pa.compute.less_equal(table["date"], day)) for table in (a, b)]
        assert rows[0].num_rows > 10
        assert rows[0].equals(rows[1])


# --- contract and validation ---------------------------------------------------------------------


def test_tables_have_the_columns_of_the_warehouse() -> None:
    market = prices(40, 5, 1)
    result = simulate(random_weights(market, 1, 5, short=False), market, TEN)
    for name in ("returns", "trades", "positions"):
        table = getattr(result, name)
        asset = "backtest" if name == "returns" else f"backtest_{name}"
        assert list(schema_of(asset).names) == ["strategy", *table.column_names]
        wanted = schema_of(asset).arrow.remove(0)
        assert [field.type for field in table.schema] == [field.type for field in wanted]
        assert sum(column.null_count for column in table.columns) == 0


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.inf, "must all be finite"), (np.nan, r"or all NaN \(no decision\). Got nan for S001")],
)
def test_half_decided_rows_are_refused(value: float, message: str) -> None:
    market = prices(10, 3, 0)
    weights = np.full(market.shape, 0.1)
    weights[4, 1] = value
    with pytest.raises(ValueError, match=message) as error:
        simulate(weights, market, FREE)
    assert str(market.dates[4]) in str(error.value)


def test_wrong_arguments_are_refused() -> None:
    market = prices(10, 3, 0)
    weights = np.full(market.shape, 0.1)
    with pytest.raises(ValueError, match=r"shape of the prices \(10, 3\)"):
        simulate(weights[:5], market, FREE)
    with pytest.raises(ValueError, match=r"'next_open' or 'next_close'\. Got 'now'"):
        simulate(weights, market, FREE, execution="now")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="initial must be above 0"):
        simulate(weights, market, FREE, initial=0)
    with pytest.raises(ValueError, match="stale_sessions at least 1"):
        simulate(weights, market, FREE, stale_sessions=0)
