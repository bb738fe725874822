"""The whole graph: settings in, definitions out.

Tests, the CLI and notebooks build a fresh graph with other settings or resources from here; what
the parts are stands in their modules.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from quant_assets.backtests.availability import fitting
from quant_assets.backtests.strategies.base import Strategy
from quant_assets.backtests.strategies.registry import enabled_strategies
from quant_assets.orchestration.account_check import account_check
from quant_assets.orchestration.assets.backtests import backtest_assets
from quant_assets.orchestration.assets.factors import factor_assets
from quant_assets.orchestration.assets.market_data import market_data_assets
from quant_assets.orchestration.assets.models import model_assets
from quant_assets.orchestration.assets.order_book import order_book_assets
from quant_assets.orchestration.assets.raw_files import raw_file_assets
from quant_assets.orchestration.assets.recommendations import recommendation_assets
from quant_assets.orchestration.assets.sweeps import sweep_assets
from quant_assets.orchestration.assets.tear_sheets import tear_sheet_assets
from quant_assets.orchestration.backtest_tracking import tracking_resource
from quant_assets.orchestration.checks import freshness_checks, market_checks
from quant_assets.orchestration.combined import combined_definitions
from quant_assets.orchestration.consistency import check_settings
from quant_assets.orchestration.io_managers import WarehouseIOManager
from quant_assets.orchestration.jobs import market_jobs
from quant_assets.orchestration.listener import listener_logger
from quant_assets.orchestration.mining import mining_definitions
from quant_assets.orchestration.notifications import failure_sensor
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.orchestration.policies import EXECUTOR
from quant_assets.orchestration.resources import (
    WarehouseResource,
    artifacts_resource,
    mlflow_tracking,
    model_store,
    s3_resource,
)
from quant_assets.orchestration.schedules import market_schedules
from quant_assets.orchestration.sensors import landing_sensor
from quant_assets.orchestration.summary import summary_definitions
from quant_assets.settings import Settings, load_settings
from quant_assets.warehouse.store import open_warehouse

EXPERIMENT = "quant_assets.models"


def build_defs(settings: Settings | None = None, **overrides: Any) -> dg.Definitions:
    """The definitions of every active market.

    Args:
        settings: by default those of files and environment.
        overrides: resources in place of the settings' own (`warehouse`, `artifacts`,
            `model_store`, `mlflow`, `backtest_tracking`, `io_manager`; `s3`, where something lies
            there).

    Raises:
        ConfigError: a setting that does not fit.
    """
    settings = settings or load_settings()
    enabled = enabled_strategies(settings.strategies)
    check_settings(settings, enabled)
    parts = [
        _market(MarketPartitions(market), settings, enabled) for market in settings.markets.values()
    ]
    common = dg.Definitions(
        resources={**_resources(settings), **overrides},
        executor=EXECUTOR,
        loggers={"console": dg.colored_console_logger, "listener": listener_logger},
        sensors=[failure_sensor(settings.notifiers)],
    )
    return dg.Definitions.merge(common, *parts)


def _market(
    partitions: MarketPartitions, settings: Settings, strategies: Mapping[str, Strategy]
) -> dg.Definitions:
    strategies = fitting(strategies, partitions.market, settings).able
    by_strategy = dg.StaticPartitionsDefinition(list(strategies))
    assets = [
        *raw_file_assets(partitions, settings.thread_no),
        *market_data_assets(partitions),
        *order_book_assets(partitions),
        *factor_assets(partitions, settings),
        *model_assets(partitions, settings),
        *backtest_assets(partitions, settings, strategies, by_strategy),
        *recommendation_assets(partitions, settings, strategies),
        *sweep_assets(partitions, settings, strategies, by_strategy),
        *tear_sheet_assets(partitions, settings, strategies, by_strategy),
    ]
    jobs = market_jobs(partitions, by_strategy, assets)
    freshness, freshness_sensor = freshness_checks(partitions, assets)
    landing = [landing_sensor(partitions, jobs.daily)] if partitions.market.watched else []
    market = dg.Definitions(
        assets=assets,
        asset_checks=[
            *market_checks(partitions, settings, assets),
            account_check(partitions),
            *freshness,
        ],
        jobs=jobs.all(),
        schedules=market_schedules(partitions, list(strategies), jobs),
        sensors=[*landing, freshness_sensor],
    )
    return dg.Definitions.merge(
        market,
        summary_definitions(partitions, settings, assets),
        mining_definitions(partitions, settings, assets),
        combined_definitions(partitions, settings, strategies, jobs.strategies),
    )


def _resources(settings: Settings) -> dict[str, Any]:
    warehouse = open_warehouse(settings)
    return {
        "warehouse": WarehouseResource(root=settings.warehouse_root),
        "artifacts": artifacts_resource(settings.artifacts_root),
        "model_store": model_store,
        **({"s3": s3_resource()} if settings.uses_s3 else {}),
        "backtest_tracking": tracking_resource(settings),
        "io_manager": WarehouseIOManager(warehouse, settings.markets),
        "mlflow": mlflow_tracking.configured(
            {
                "experiment_name": EXPERIMENT,
                "mlflow_tracking_uri": settings.mlflow_tracking_uri,
                "artifact_location": settings.mlflow_artifacts,
                "env": {},
                "extra_tags": {},
            }
        ),
    }
