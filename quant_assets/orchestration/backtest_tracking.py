"""Backtests and searches in MLflow: the resource, and what an asset says of a log in its metadata.

What is logged stands in performance/tracking.py and backtests/sweeps/tracking.py. The resource of
dagster-mlflow is one experiment for a whole run, that of the models; each strategy has an
experiment of its own, so this one hands out a client.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from quant_assets.backtests.run import BacktestResult
from quant_assets.backtests.strategies.base import Strategy
from quant_assets.backtests.sweeps.optimization import Optimization
from quant_assets.backtests.sweeps.search import Measures
from quant_assets.backtests.sweeps.trial import Trial
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
    first_and_last = {"first_session": "", "last_session": ""}
    if len(sheet.dates):
        first_and_last = {
            "first_session": str(sheet.dates[0]),
            "last_session": str(sheet.dates[-1]),
        }
    about = _about(context, settings, market, strategy)
    further = {"kind": "backtest", DATA_HASH: result.data_hash, **first_and_last}
    record = replace(
        about,
        parameters=result.parameters.model_dump(mode="json"),
        metrics={**measure(sheet).own, **_numbers(result.summary)},
        tags={**about.tags, **further},
    )
    return _told(context, tracking.log(record), "the backtest is done and stored")


def log_search(
    context: dg.AssetExecutionContext,
    tracking: BacktestTracking | None,
    settings: Settings,
    market: Market,
    result: Optimization,
    trials: Sequence[tuple[Trial, Measures]],
) -> dict[str, Any]:
    """Log a search with the trials of this run as its children; else as `log_backtest`."""
    if tracking is None:
        return {}
    from quant_assets.backtests.sweeps.tracking import study_record, trial_records

    about = _about(context, settings, market, result.search.evaluation.strategy)
    study = study_record(result, about)
    tracked = tracking.log(study, trial_records(study, trials))
    return _told(context, tracked, "the search is done and stored")


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


def _about(
    context: dg.AssetExecutionContext, settings: Settings, market: Market, strategy: Strategy
) -> BacktestRecord:
    """What all runs of a strategy have: its names, the Dagster run and the link to it."""
    run_id = context.run.run_id
    return BacktestRecord(
        market.name,
        market.asset_class,
        strategy.family,
        strategy.name,
        settings.strategies.status(strategy.name),
        {},
        {},
        {
            "dagster_run_id": run_id,
            "dagster_run_url": f"{settings.tracking.dagster_url}/runs/{run_id}",
            "simulated": str(market.simulated).lower(),
        },
    )


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
