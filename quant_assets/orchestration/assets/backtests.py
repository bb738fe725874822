"""Strategies traded over a market's history: one partition a strategy.

Bodies read, call the domain and report; trading rules stand in `quant_assets.backtests`.
"""

from collections.abc import Mapping

import dagster as dg

from quant_assets.backtests.run import run_backtest
from quant_assets.backtests.strategies.base import Strategy
from quant_assets.orchestration.partitions import MarketPartitions, all_days
from quant_assets.orchestration.policies import ONE_RUN_EACH, OWNERS
from quant_assets.settings import Settings
from quant_assets.warehouse.store import Warehouse

DEPENDENCIES = ("adjusted_bars", "universe", "benchmark", "predictions")


def backtest_assets(
    partitions: MarketPartitions,
    settings: Settings,
    strategies: Mapping[str, Strategy],
    by_strategy: dg.StaticPartitionsDefinition,
) -> list[dg.AssetsDefinition]:
    """The backtest of each strategy."""
    market = partitions.market

    @dg.asset(
        key=[market.name, "backtest"],
        group_name=partitions.group("backtests"),
        partitions_def=by_strategy,
        backfill_policy=ONE_RUN_EACH,
        deps=[all_days(dg.AssetKey([market.name, name])) for name in DEPENDENCIES],
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def backtest(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult:
        """Daily returns, trades and positions of a strategy over the whole history."""
        name = context.partition_key
        tables = {each: warehouse.read(f"{market.name}/{each}") for each in DEPENDENCIES}
        result = run_backtest(
            strategies[name],
            settings.strategies.parameters(name, market.name),
            tables["adjusted_bars"],
            tables["universe"],
            tables["benchmark"],
            tables["predictions"],
            market.costs,
            partitions.materialized(warehouse, "adjusted_bars").tolist(),
            stale_sessions=market.universe.stale_sessions,
        )
        warehouse.replace(f"{market.name}/backtest_trades", [name], result.trades)
        warehouse.replace(f"{market.name}/backtest_positions", [name], result.positions)
        warehouse.replace(f"{market.name}/backtest", [name], result.returns)
        for warning in result.warnings:
            context.log.warning(warning)
        return dg.MaterializeResult(
            metadata={
                **{name: _shown(value) for name, value in result.summary.items()},
                "parameters": dg.MetadataValue.json(result.parameters.model_dump(mode="json")),
                "warnings": dg.MetadataValue.md("\n".join(f"- {w}" for w in result.warnings)),
            }
        )

    return [backtest]


def _shown(value: float | str | None) -> float | str | None:
    """A number of a summary with as many digits as a reader can use."""
    return round(value, 6) if isinstance(value, float) else value
