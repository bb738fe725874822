"""The check of the stored accounts over all strategies: it tells which one does not add up."""

from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa

from quant_assets.backtests.simulation import Simulation, simulate
from quant_assets.orchestration.account_check import account_check
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets_tests.backtests.trading_samples import market
from quant_assets_tests.markets import simulated_market, small_settings


def stored(warehouse: ParquetWarehouse, strategy: str, result: Simulation) -> None:
    tables = {
        "backtest": result.returns,
        "backtest_orders": result.orders,
        "backtest_fills": result.fills,
        "backtest_positions": result.positions,
    }
    for table, rows in tables.items():
        named = rows.add_column(0, "strategy", pa.array([strategy] * rows.num_rows, pa.string()))
        warehouse.replace(f"toy/{table}", [strategy], named)


def test_an_account_that_lost_a_fill_is_named(tmp_path: Path) -> None:
    settings = small_settings(tmp_path, {"toy": simulated_market(20)})
    toy, warehouse = settings.markets["toy"], ParquetWarehouse(settings.warehouse_root)
    result = simulate(np.full((6, 2), 0.4), market([[10, 20]] * 6), toy.trading)
    assert result.fills.num_rows >= 2
    for name in ("first", "second"):
        stored(warehouse, name, result)
    check = account_check(MarketPartitions(toy))

    def found() -> tuple[bool, dict[str, Any]]:
        told = check(dg.build_asset_check_context(), warehouse)
        assert isinstance(told, dg.AssetCheckResult)
        assert told.severity == dg.AssetCheckSeverity.WARN
        return told.passed, {k: v.value for k, v in dict(told.metadata).items()}

    passed, told = found()
    assert passed, told
    assert (told["accounts"], told["fills"]) == (2, 2 * result.fills.num_rows)
    assert told["largest_deviation_of_cash"] <= 1e-9
    rows = warehouse.read("toy/backtest_fills", ["second"])
    warehouse.replace("toy/backtest_fills", ["second"], rows.slice(1))
    passed, told = found()
    assert not passed
    assert told["violations"] > 0
    assert told["largest_deviation_of_cash"] > 0.1
    assert told["examples"].startswith("- second: 2020-01-03: cash is off by")
