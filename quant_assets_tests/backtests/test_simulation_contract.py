"""The contract of the simulation: columns of its tables, what is refused, what changes nothing."""

import numpy as np
import pytest

from quant_assets.backtests.simulation import simulate, simulate_returns
from quant_assets.backtests.trading_data import TradingData
from quant_assets.market_data.panels import Panel
from quant_assets.settings_trading import Trading
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.backtests.samples import prices
from quant_assets_tests.backtests.trading_samples import (
    free,
    random_market,
    random_rules,
    random_weights,
)

FREE = free()
NAN = np.nan


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
