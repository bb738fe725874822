"""The income tax of Brazil by hand: months, exemption, losses, what is owed."""

from dataclasses import replace

import numpy as np
import pytest

from quant_assets.backtests import simulation_codes as codes
from quant_assets.backtests.simulation import Simulation, simulate
from quant_assets_tests.backtests.trading_samples import (
    decide,
    equity,
    events,
    free,
    market,
)


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


def test_the_tax_is_owed_from_the_sale_on_and_its_payment_moves_no_equity() -> None:
    opened = [10.0, 10.0, 12.0, 12.0] + [12.0] * 20
    result = taxed({0: [1.0], 1: [0.0]}, opened)
    owed = np.array(result.returns["tax_owed"].to_pylist()) * 1000
    assert owed == pytest.approx([0.0] + [30.0] * 20 + [0.0, 0.0])
    assert equity(result) == pytest.approx([1.0] + [1.17] * 22)
    # the last month's tax is in the returns, though nobody paid it
    assert equity(taxed({0: [1.0], 1: [0.0]}, opened[:5]))[-1] == pytest.approx(1.17)


def test_what_is_owed_buys_nothing_and_falls_with_later_losses() -> None:
    # a gain of 200 is realised; what remains, 1,170, is invested again and loses 97.50
    opened = [10.0, 10.0, 12.0, 12.0, 11.0] + [11.0] * 20
    result = taxed({0: [1.0], 1: [0.0], 2: [1.0], 3: [0.0]}, opened)
    assert result.fills["quantity"].to_pylist() == [100.0, -100.0, 97.0, -97.0]
    owed = np.array(result.returns["tax_owed"].to_pylist()) * 1000
    assert owed[1:4] == pytest.approx([30.0, 30.0, 0.15 * (200 - 97)])
    assert (result.account.cash >= 0).all()


def test_a_years_end_forfeits_no_loss_and_an_exempt_month_uses_none() -> None:
    # December: 200 lost on sales. January: a gain of 60 on sales of 160, exempt or not. February:
    # the rest is sold 60 above cost.
    dates = np.busday_offset("2019-12-02", np.arange(80), roll="forward").astype("datetime64[D]")
    first = [int(np.argmax(dates >= np.datetime64(day))) for day in ("2020-01-01", "2020-02-03")]
    opened = np.full((80, 1), 10.0)
    opened[2 : first[0]] = 8.0
    opened[first[0] :] = 16.0
    data = replace(market(opened), dates=dates)
    shares = {0: 200, 1: 100, first[0]: 90, first[1]: 0}
    worth = {0: 2000.0, 1: 1600.0, first[0]: 2400.0, first[1]: 2400.0}
    weights = decide({t: [n * opened[t + 1, 0] / worth[t]] for t, n in shares.items()}, 80)
    for exempt, taxes in (
        (0.0, [0.15 * (540.0 - (200.0 - 60.0))]),  # January's gain used up 60 of the loss
        (160.0, [0.15 * (540.0 - 200.0)]),
        (159.0, [0.15 * (540.0 - (200.0 - 60.0))]),
    ):
        tax = {"rate": 0.15, "exempt_sales": exempt}
        result = simulate(weights, data, free(capital=2000.0, lot=1, income_tax=tax))
        assert result.fills["quantity"].to_pylist() == [200.0, -100.0, -10.0, -90.0]
        assert [x for x in result.account.money(codes.TAX) if x] == pytest.approx(taxes)


@pytest.mark.parametrize(("after", "gain"), [(1000.0, 200.0), (1001.0, 200.0)])
def test_what_a_split_pays_out_is_sold_and_leaves_no_cost_behind(after: float, gain: float) -> None:
    # 500 shares bought at 1 become half a share, which is paid out; then one is bought and sold
    opened = np.array([1.0, 1.0, after] + [after] * 2 + [after + gain] * 30)[:, None]
    data = market(opened, events=events((2, 0, 0.001, 0.0)))
    tax = {"rate": 0.15, "exempt_sales": 0.0}
    result = simulate(
        decide({0: [0.25], 2: [0.6], 5: [0.0]}, len(opened)),
        data,
        free(capital=2000.0, lot=1, income_tax=tax),
    )
    assert result.fills["quantity"].to_pylist() == [500.0, 1.0, -1.0]
    assert sum(paid(result).values()) * 2 == pytest.approx(0.15 * gain)
