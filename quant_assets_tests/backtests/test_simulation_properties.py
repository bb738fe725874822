"""The simulation against its literal reference, and what holds whatever the rules are."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.backtests import simulation_codes as codes
from quant_assets.backtests.simulation import Simulation, simulate, simulate_returns
from quant_assets.backtests.trading_data import ShareEvents, TradingData
from quant_assets_tests.backtests.reference_simulation import Reference
from quant_assets_tests.backtests.trading_samples import (
    random_market,
    random_rules,
    random_weights,
)

SEEDS, SHOCKED = range(40), range(40, 46)


def case(seed: int) -> tuple[np.ndarray, TradingData, Any]:
    random = np.random.default_rng(seed)
    data = random_market(60, 8, seed, float(random.choice([0.0, 0.05, 0.3])))
    every, short = int(random.choice([1, 3, 7])), bool(random.random() < 0.4)
    leverage = float(random.choice([0.9, 1.0, 1.3]))
    if seed in SHOCKED:  # short only, with opens at which the account is worth nothing
        opened = data.open * np.where(random.random(len(data.dates)) < 0.2, 2.5, 1.0)[:, None]
        weights = random_weights(data.shape, seed, every, False, -1.0)
        return weights, replace(data, open=opened), random_rules(seed)
    return random_weights(data.shape, seed, every, short, leverage), data, random_rules(seed)


def frame(rows: Any, columns: list[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=columns)
    for name in {"date", "decided"} & set(columns):
        table[name] = pd.to_datetime(table[name].astype(str))
    keys = [name for name in ("date", "symbol") if name in columns]
    return table.sort_values(keys).reset_index(drop=True)


def test_agrees_with_the_literal_reference() -> None:
    seen: Counter[Any] = Counter()
    for seed in [*SEEDS, *SHOCKED]:
        weights, data, rules = case(seed)
        result, expected = simulate(weights, data, rules), Reference(weights, data, rules).run()
        for name, rows in (
            ("returns", expected.days), ("fills", expected.fills), ("orders", expected.orders),
            ("positions", expected.positions),
        ):  # fmt: skip
            table: pa.Table = getattr(result, name)
            columns = table.column_names
            pd.testing.assert_frame_equal(
                frame(table.to_pandas(), columns), frame(rows, columns), check_dtype=False,
                rtol=1e-9, atol=1e-9, obj=f"{name} of seed {seed}",
            )  # fmt: skip
        alone = simulate_returns(weights, data, rules)[result.first + 1 :]
        assert np.array_equal(alone[: len(result.account.dates)], result.account.net_return)
        seen.update((order["status"], order["reason"]) for order in expected.orders)
        seen["tax"] += sum(day["tax"] > 0 for day in expected.days)
    # every reason and every status was met
    taxes = seen.pop("tax")
    assert {reason for _, reason in seen} == set(codes.REASONS)
    assert {status for status, _ in seen} == {
        "filled", "partial", "waiting", "dropped", "rejected",
    }  # fmt: skip
    assert taxes > 0


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_the_account_balances_to_the_last_unit(seed: int) -> None:
    """Cash follows from the day's flows, equity from cash and positions, both from the fills."""
    weights, data, rules = case(seed)
    result = simulate(weights, data, rules)
    account = result.account
    columns = [
        codes.SOLD, codes.BOUGHT, codes.FEES, codes.STAMP, codes.TAX, codes.DIVIDENDS,
        codes.INTEREST, codes.BORROW,
    ]  # fmt: skip
    owed = account.money(codes.OWED) / rules.capital
    sold, bought, fees, stamp, tax, dividends, interest, borrow = (
        account.money(column) / rules.capital for column in columns
    )
    cash, equity = account.cash / rules.capital, account.equity / rules.capital
    flows = sold - bought - fees - stamp - tax + dividends + interest - borrow
    before = np.concatenate([[1.0], cash[:-1]])[: len(cash)]
    size = np.maximum(1.0, np.abs(cash) + sold + bought)
    assert (np.abs(before + flows - cash) <= 1e-9 * size).all()
    by_day = dict.fromkeys(result.returns["date"].to_pylist(), 0.0)
    for row in result.positions.to_pylist():
        by_day[row["date"]] += row["value"] / rules.capital
    days = list(by_day.values())[: len(cash) - (result.ruined is not None)]
    worth = cash[: len(days)] + days - owed[: len(days)]
    np.testing.assert_allclose(worth, equity[: len(days)], rtol=1e-9, atol=1e-9)
    _agree_with_fills(result, bought - sold, fees, stamp)


def _agree_with_fills(
    result: Simulation, net: np.ndarray, fees: np.ndarray, stamp: np.ndarray
) -> None:
    capital = result.rules.capital
    amounts = pc.multiply(result.fills["quantity"], result.fills["price"])
    rows = result.fills.append_column("amount", amounts)
    rows = rows.group_by("date").aggregate(
        [(name, "sum") for name in ("amount", "commission", "stamp_tax")]
    )
    places = {day: t for t, day in enumerate(result.returns["date"].to_pylist())}
    for row in rows.to_pylist():
        t = places[row["date"]]
        assert row["amount_sum"] / capital == pytest.approx(net[t], abs=1e-9)
        assert row["commission_sum"] / capital == pytest.approx(fees[t], abs=1e-9)
        assert row["stamp_tax_sum"] / capital == pytest.approx(stamp[t], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_orders_keep_the_rules(seed: int) -> None:
    """No borrowed cash, whole lots, within volume and limits, one row a symbol and session."""
    weights, data, rules = case(seed)
    result = simulate(weights, data, rules)
    orders, fills = result.orders, result.fills
    rows = fills.to_pylist()
    keys = [(row["date"], row["symbol"]) for row in rows]
    assert keys == sorted(set(keys))
    told = {(row["date"], row["symbol"]): row for row in orders.to_pylist()}
    assert len(told) == orders.num_rows
    assert {key for key, row in told.items() if row["filled"] > 0} == set(keys)
    session = {day: t for t, day in enumerate(data.dates.astype(object))}
    column = {symbol: i for i, symbol in enumerate(data.symbols)}
    for row in rows:
        order = told[row["date"], row["symbol"]]
        assert order["filled"] == abs(row["quantity"])
        assert order["filled"] <= order["wanted"]
        assert (order["side"] == "buy") == (row["quantity"] > 0)
        if "no bars" in order["reason"]:
            continue
        t, i = session[row["date"]], column[row["symbol"]]
        assert not data.halted[t, i]  # type: ignore[index]
        assert data.volume[t, i] > 0
        if rules.max_volume_share:
            most = rules.max_volume_share * data.volume[t, i]
            assert abs(row["quantity"]) <= most * (1 + 1e-8)
        if row["quantity"] > 0 and rules.lot:
            assert row["quantity"] % rules.lot == 0 or data.events is not None
    decided = weights[~np.isnan(weights[:, 0])]
    planned = decided.sum(axis=1).max() > 1 or (decided < 0).any()
    charged = rules.income_tax or rules.minimum_commission or rules.margin_rate
    if not (planned or charged):
        assert (result.account.cash >= -1e-8 * np.abs(result.account.equity)).all()


def cut(data: TradingData, stop: int) -> TradingData:
    """The market as it was known at the close before row `stop`."""
    panels = {
        name: getattr(data, name)[:stop].copy()
        for name in (
            "dates", "open", "close", "volume", "halted", "upper", "lower", "average_turnover",
            "volatility", "risk_free_rate",
        )
    }  # fmt: skip
    assert data.events is not None
    rows = data.events.session < stop
    events = ShareEvents(*(getattr(data.events, name)[rows] for name in
                           ("session", "column", "ratio", "cash")))  # fmt: skip
    return TradingData(symbols=data.symbols, events=events, **panels)


@pytest.mark.parametrize("seed", range(8))
def test_nothing_depends_on_what_comes_later(seed: int) -> None:
    weights, data, rules = case(seed)
    stop = 40
    short = simulate(weights[:stop].copy(), cut(data, stop), rules)
    whole = simulate(weights, data, rules)
    last = data.dates[stop - 1].astype(object)
    for name in ("returns", "orders", "fills", "positions"):
        table = getattr(whole, name)
        assert table.filter(pc.less_equal(table["date"], last)).equals(getattr(short, name)), name
