"""What trading and holding cost, by hand: commission, stamp tax, slippage, interest."""

import numpy as np
import pytest

from quant_assets.backtests.simulation import simulate
from quant_assets.settings_trading import Slippage
from quant_assets_tests.backtests.trading_samples import (
    decide,
    equity,
    free,
    market,
    once,
    orders,
)

TEN = free(commission_bps=10)
NAN = np.nan


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
    # half in cash: 0.5 x 1.825 % a year over three days, at the rate last known on Friday
    result = simulate(once(0.5, 0.0, sessions=3), data, rules)
    day = (1 + 0.5 * 0.0365) ** (1 / 365)
    expected = 0.5 * day * (day**3 - 1)
    assert result.returns["interest"].to_pylist()[1] == pytest.approx(expected)
    result = simulate(once(1.5, 0.0, sessions=3), data, rules)  # weights above 1 are debt
    debt = result.account.cash[0]
    assert debt == pytest.approx(-0.5 * day)  # a day of interest before the purchase
    assert result.returns["interest"].to_pylist()[1] == pytest.approx(debt * 0.0365 * 3 / 365)
    result = simulate(once(0.0, -0.4, sessions=3), data, rules)
    assert result.returns["borrow_cost"].to_pylist() == pytest.approx(
        [0.0, 0.4 * day * 0.073 * 3 / 365]
    )


def test_a_year_of_cash_earns_the_annual_rate() -> None:
    """The risk-free rate is effective (of CDI: 13 % and no more), as metrics take it off."""
    data = market([[10]] * 262, risk_free_rate=[0.13] * 262)
    result = simulate(np.zeros((262, 1)), data, free(cash_interest=1.0))
    days = (data.dates[-1] - data.dates[0]).astype(int)
    assert equity(result)[-1] == pytest.approx(1.13 ** (days / 365))
