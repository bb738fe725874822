"""Strategies traded over a market's history: one partition a strategy.

Bodies read, call the domain and report; trading rules stand in `quant_assets.backtests`.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from quant_assets.backtests.run import columns_to_read, run_backtest
from quant_assets.backtests.strategies.base import Strategy
from quant_assets.backtests.sweeps.ledger import record
from quant_assets.backtests.sweeps.trial import trial_of_backtest
from quant_assets.market_data.sources.registry import source_class
from quant_assets.orchestration.backtest_tracking import DATA_HASH, log_backtest
from quant_assets.orchestration.partitions import MarketPartitions, all_days
from quant_assets.orchestration.policies import ONE_RUN_EACH, OWNERS
from quant_assets.orchestration.strategy_config import parameters_schema, run_parameters
from quant_assets.settings import Market, Settings
from quant_assets.warehouse.store import Warehouse

UNPARTITIONED = ("corporate_actions",)


def backtest_assets(
    partitions: MarketPartitions,
    settings: Settings,
    strategies: Mapping[str, Strategy],
    by_strategy: dg.StaticPartitionsDefinition,
) -> list[dg.AssetsDefinition]:
    """The backtest of each strategy."""
    market = partitions.market
    absent = {"trading_status"} - set(source_class(market).further_tables(market))
    read = tables_read(market, settings, strategies) - absent

    @dg.asset(
        key=[market.name, "backtest"],
        group_name=partitions.group("backtests"),
        partitions_def=by_strategy,
        backfill_policy=ONE_RUN_EACH,
        deps=[
            key if key.path[-1] in UNPARTITIONED else all_days(key)
            for key in (dg.AssetKey([market.name, table]) for table in sorted(read))
        ],
        owners=OWNERS,
        kinds={"python", "parquet"},
        config_schema=parameters_schema(strategies.values()),
    )
    def backtest(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        backtest_tracking: dg.ResourceParam[Any],
    ) -> dg.MaterializeResult:
        """Daily returns, orders, fills and positions of a strategy over the whole history."""
        strategy = strategies[name := context.partition_key]
        parameters = run_parameters(context, strategy, settings, market)
        columns = columns_to_read(strategy, strategy.parse(parameters), market.trading)
        result = run_backtest(
            strategy,
            parameters,
            {
                table: warehouse.read(f"{market.name}/{table}", columns=chosen)
                for table, chosen in columns.items()
                if table not in absent
            },
            market.trading,
            partitions.materialized(warehouse, "adjusted_bars").tolist(),
        )
        trial = trial_of_backtest(
            result.returns,
            name,
            result.parameters.model_dump(mode="json"),
            warehouse.read(f"{market.name}/benchmark", columns=["date", "risk_free_rate"]),
            market.annualization,
            result.data_hash,
            context.run.run_id,
        )
        record(warehouse, market.name, [trial])  # what is shown has been counted
        for table, rows in result.tables.items():
            warehouse.replace(f"{market.name}/{table}", [name], rows)
        for warning in result.warnings:
            context.log.warning(warning)
        tracked = log_backtest(
            context, backtest_tracking, warehouse, settings, market, strategy, result
        )
        return dg.MaterializeResult(
            metadata={
                **{name: _shown(value) for name, value in result.summary.items()},
                DATA_HASH: result.data_hash,
                "parameters": dg.MetadataValue.json(result.parameters.model_dump(mode="json")),
                "warnings": dg.MetadataValue.md("\n".join(f"- {w}" for w in result.warnings)),
                **tracked,
            }
        )

    return [backtest]


def tables_read(market: Market, settings: Settings, strategies: Mapping[str, Strategy]) -> set[str]:
    """The tables that the strategies, with their settings, and their simulation read."""
    read = {"benchmark"}
    for name, strategy in strategies.items():
        parameters = strategy.parse(settings.strategies.parameters(name, market.name))
        read |= set(columns_to_read(strategy, parameters, market.trading))
    return read


def _shown(value: float | str | None) -> float | str | None:
    """A number of a summary with as many digits as a reader can use."""
    return round(value, 6) if isinstance(value, float) else value
