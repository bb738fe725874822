"""Tear sheets: one partition a strategy, and one for the model of a market.

Bodies read, call the domain and report; metrics, pictures and pages stand in
`quant_assets.performance`.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pyarrow as pa
from pydantic import Field

from quant_assets.artifacts import Artifacts
from quant_assets.backtests.strategies.base import Strategy
from quant_assets.models.store import ModelStore
from quant_assets.orchestration.assets.models import PREDICTING
from quant_assets.orchestration.backtest_tracking import attach_pages
from quant_assets.orchestration.partitions import MarketPartitions, all_days
from quant_assets.orchestration.policies import ONE_RUN_EACH, OWNERS
from quant_assets.orchestration.sheet_inputs import (
    model_sheet_of,
    published,
    strategy_sheet_of,
)
from quant_assets.settings import Settings
from quant_assets.warehouse.store import Warehouse


class TearSheetConfig(dg.Config):
    """What is made beside the page, in this run."""

    pdf: bool | None = Field(None, description="also a PDF; by default as tear_sheets.yaml says")
    quantstats: bool | None = Field(
        None, description="also QuantStats' report; by default as tear_sheets.yaml says"
    )


def tear_sheet_assets(
    partitions: MarketPartitions,
    settings: Settings,
    strategies: Mapping[str, Strategy],
    by_strategy: dg.StaticPartitionsDefinition,
) -> list[dg.AssetsDefinition]:
    """The tear sheet of each strategy, and of the model."""
    return [
        _strategies(partitions, settings, strategies, by_strategy),
        _model(partitions, settings),
    ]


def _strategies(
    partitions: MarketPartitions,
    settings: Settings,
    strategies: Mapping[str, Strategy],
    by_strategy: dg.StaticPartitionsDefinition,
) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "tear_sheet"],
        group_name=partitions.group("tear_sheets"),
        partitions_def=by_strategy,
        backfill_policy=ONE_RUN_EACH,
        deps=[
            [market.name, "backtest"],
            *(all_days(dg.AssetKey([market.name, each])) for each in ("benchmark", "universe")),
        ],
        owners=OWNERS,
        kinds={"python"},
    )
    def tear_sheet(
        context: dg.AssetExecutionContext,
        config: TearSheetConfig,
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[Artifacts],
        backtest_tracking: dg.ResourceParam[Any],
    ) -> pa.Table:
        """Metrics of a strategy's returns, and a page with them."""
        name = context.partition_key
        sheet, mlflow_run = strategy_sheet_of(
            context.instance, warehouse, settings, market, strategies[name]
        )
        folder = f"{market.name}/tear_sheet/{name}"
        table, told, files = published(artifacts, settings, folder, sheet, config)
        tracked = attach_pages(context, backtest_tracking, mlflow_run, files)
        context.add_output_metadata({**told, **tracked})
        return table

    return tear_sheet


def _model(partitions: MarketPartitions, settings: Settings) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "model_tear_sheet"],
        group_name=partitions.group("tear_sheets"),
        deps=[
            all_days(dg.AssetKey([market.name, each]))
            for each in ("predictions", "labels", "adjusted_bars", "benchmark")
        ],
        owners=OWNERS,
        kinds={"python"},
    )
    def model_tear_sheet(
        config: TearSheetConfig,
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[Artifacts],
        model_store: dg.ResourceParam[ModelStore],
    ) -> dg.MaterializeResult:
        """How well the model ordered securities, and what its top less bottom quantile earned."""
        sheet = model_sheet_of(warehouse, model_store, settings, market, PREDICTING)
        folder = f"{market.name}/model_tear_sheet"
        _, told, _ = published(artifacts, settings, folder, sheet, config)
        return dg.MaterializeResult(metadata=told)

    return model_tear_sheet
