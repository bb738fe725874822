"""Stored accounts add up whatever the rules are, and what is tampered with is found."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.backtests.audit import Audit, audit
from quant_assets.backtests.simulation import Simulation, simulate
from quant_assets.market_data.panels import date_column
from quant_assets_tests.backtests.trading_samples import (
    decide,
    events,
    free,
    market,
    random_market,
    random_rules,
    random_weights,
)


def actions(result: Simulation) -> pa.Table:
    """The events of the made-up market as the table `corporate_actions` tells them."""
    found = result.data.events
    assert found is not None
    return pa.table(
        {
            "ex_date": date_column(result.data.dates[found.session]),
            "symbol": pa.array(result.data.symbols[found.column].tolist(), pa.string()),
            "kind": pa.array(np.where(found.ratio == 1, "dividend", "split"), pa.string()),
            "ratio": pa.array(np.where(found.ratio == 1, np.nan, found.ratio), from_pandas=True),
        }
    )


def checked(result: Simulation, **changed: pa.Table) -> Audit:
    returns, fills, positions = (
        changed.get(name, getattr(result, name)) for name in ("returns", "fills", "positions")
    )
    told = changed.get("actions", actions(result))
    return audit(returns, fills, positions, told, result.rules.capital, result.rules.lot)


@pytest.mark.parametrize("seed", range(12))
def test_every_account_adds_up(seed: int) -> None:
    data = random_market(60, 8, seed)
    weights = random_weights(data.shape, seed, 3, short=seed % 2 == 0, leverage=1.2)
    result = simulate(weights, data, random_rules(seed))
    found = checked(result)
    assert (found.violations, found.examples) == (0, ())
    assert max(found.cash, found.equity, found.shares) <= 1e-9
    assert (found.sessions, found.fills) == (result.returns.num_rows, result.fills.num_rows)


def bought() -> Simulation:
    """10 shares at 100, split in three for two on session 3, and half of them sold on session 4."""
    price = np.array([[100], [100], [100], [200 / 3], [200 / 3], [70]])
    data = market(price, events=events((3, 0, 1.5, 0.0)))
    weights = decide({0: [1.0], 3: [0.46]}, 6)
    rules = free(capital=1002.0, lot=1, commission_bps=10, income_tax={"exempt_sales": 0.0})
    return simulate(weights, data, rules)


def altered(table: pa.Table, column: str, row: int, value: Any) -> pa.Table:
    values = table[column].to_pylist()
    values[row] += value
    place = table.column_names.index(column)
    return table.set_column(place, column, pa.array(values, table.schema.field(column).type))


@pytest.mark.parametrize(
    ("table", "column", "row", "value", "what"),
    [
        ("fills", "price", 0, 1e-3, "2020-01-03: cash is off by"),
        ("fills", "commission", 1, 0.01, "2020-01-08: cash is off by"),
        ("fills", "quantity", 1, 1.0, "2020-01-08: S000 is off by"),
        ("returns", "interest", 2, 1e-6, "2020-01-07: cash is off by"),
        ("returns", "equity", 1, 1e-6, "2020-01-06: equity is off by"),
        ("returns", "tax_owed", 4, 1e-6, "2020-01-09: equity is off by"),
        ("positions", "shares", 1, 1.0, "2020-01-06: S000 is off by"),
        ("positions", "value", 0, 1.0, "2020-01-03: equity is off by"),
    ],
)
def test_what_is_changed_is_found(
    table: str, column: str, row: int, value: float, what: str
) -> None:
    result = bought()
    assert result.fills["quantity"].to_pylist() == [10.0, -8.0]
    assert checked(result).violations == 0
    found = checked(result, **{table: altered(getattr(result, table), column, row, value)})
    assert found.violations > 0
    assert any(told.startswith(what) for told in found.examples), found.examples


def test_a_fill_a_position_or_a_split_that_got_lost_is_found() -> None:
    result = bought()
    for name, what in (("fills", "cash"), ("positions", "equity")):
        lost = getattr(result, name).slice(1)
        assert any(f"{what} is off" in told for told in checked(result, **{name: lost}).examples)
    unsplit = actions(result).slice(0, 0)
    assert "S000 is off" in checked(result, actions=unsplit).examples[0]
    stray = result.returns.slice(1)
    assert "on no session of the account" in checked(result, returns=stray).examples[0]


def test_an_account_without_a_fill_or_a_session_adds_up() -> None:
    data = market([[10.0]] * 4)
    for weights in (np.zeros((4, 1)), np.full((4, 1), np.nan)):
        result = simulate(weights, data, free())
        empty = replace(result, data=replace(data, events=events()))
        assert checked(empty).violations == 0
