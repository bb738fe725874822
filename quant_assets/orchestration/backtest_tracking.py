"""Backtests in MLflow: the resource, and what an asset says of a log in its metadata.

What is logged stands in performance/tracking.py. The resource of dagster-mlflow is one experiment
for a whole run, that of the models; each backtest has an experiment of its own, so this one hands
out a client.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from quant_assets.backtests.run import BacktestResult
from quant_assets.backtests.strategies.base import Strategy
from quant_assets.performance.tracking import BacktestRecord, BacktestTracking, Tracked
from quant_assets.settings import Market, Settings
from quant_assets.warehouse.store import Warehouse

RUN, FAULT = "mlflow_run", "tracking_fault"
# Of a backtest's materialization, for its tear sheet.
DATA_HASH = "data_hash"
BENCHMARK_COLUMNS = ["date", "index_close", "volatility_index", "risk_free_rate"]


def tracking_resource(settings: Settings) -> dg.ResourceDefinition:
    """The tracking of backtests by the settings; None where it is switched off."""
    rules = settings.tracking

    @dg.resource(description="Logs backtests to MLflow, an experiment a strategy.")
    def backtest_tracking(context: dg.InitResourceContext) -> BacktestTracking | None:
        if not rules.backtests:
            return None
        return BacktestTracking(
            settings.mlflow_tracking_uri,
            rules.project,
            rules.team,
            settings.mlflow_artifacts,
            rules.mlflow_url,
            rules.timeout_seconds,
        )

    return backtest_tracking


def log_backtest(
    context: dg.AssetExecutionContext,
    tracking: BacktestTracking | None,
    warehouse: Warehouse,
    settings: Settings,
    market: Market,
    strategy: Strategy,
    result: BacktestResult,
) -> dict[str, Any]:
    """Log a backtest; what its materialization says of that. A fault is a warning, no error."""
    if tracking is None:
        return {}
    from quant_assets.performance.page.measured import measure
    from quant_assets.performance.strategy_sheet import strategy_sheet

    returns = result.tables["backtest"]
    benchmark = warehouse.read(f"{market.name}/benchmark", columns=BENCHMARK_COLUMNS)
    sheet = strategy_sheet(returns, strategy, result.parameters, market, benchmark)
    run_id = context.run.run_id
    first_and_last = {"first_session": "", "last_session": ""}
    if len(sheet.dates):
        first_and_last = {
            "first_session": str(sheet.dates[0]),
            "last_session": str(sheet.dates[-1]),
        }
    record = BacktestRecord(
        market.name,
        market.asset_class,
        strategy.family,
        strategy.name,
        settings.strategies.status(strategy.name),
        result.parameters.model_dump(mode="json"),
        {**measure(sheet).own, **_numbers(result.summary)},
        {
            "dagster_run_id": run_id,
            "dagster_run_url": f"{settings.tracking.dagster_url}/runs/{run_id}",
            "simulated": str(market.simulated).lower(),
            DATA_HASH: result.data_hash,
            **first_and_last,
        },
    )
    return _told(context, tracking.log(record), "the backtest is done and stored")


def attach_pages(
    context: dg.AssetExecutionContext,
    tracking: BacktestTracking | None,
    run_id: str,
    files: Mapping[str, bytes],
) -> dict[str, Any]:
    """Add pages and pictures to the MLflow run of a backtest, if it has one."""
    if tracking is None or not run_id:
        return {}
    return _told(context, tracking.attach(run_id, files), "the tear sheet is made")


def _told(context: dg.AssetExecutionContext, tracked: Tracked, done: str) -> dict[str, Any]:
    if tracked.fault:
        context.log.warning(f"{done}, but not tracked: {tracked.fault}")
    return {
        **({RUN: tracked.run_id} if tracked.run_id else {}),
        **({"mlflow_page": dg.MetadataValue.url(tracked.url)} if tracked.url else {}),
        "tracking_seconds": round(tracked.seconds, 3),
        **({FAULT: tracked.fault} if tracked.fault else {}),
    }


def _numbers(summary: Mapping[str, object]) -> dict[str, float]:
    """The numbers of a summary, under names that no metric has."""
    return {
        f"run.{name}": float(value)
        for name, value in summary.items()
        if isinstance(value, int | float)
    }
