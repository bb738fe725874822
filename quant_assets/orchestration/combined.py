"""What is made of all strategies in the graph: its assets with a job and a sensor of their own.

Apart from the jobs of the market's chain: a day's run need not wait for it, and after a month's
strategies it is to run once, not once a strategy. When they will have ended no clock can say, so a
sensor looks. What the assets do stands in assets/combined.py.
"""

from collections.abc import Mapping

import dagster as dg

from quant_assets.backtests.strategies.base import Strategy
from quant_assets.orchestration.assets.combined import combined_assets
from quant_assets.orchestration.jobs import AssetJob
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.settings import Settings

SECONDS_BETWEEN_LOOKS = 60
_ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
_GOING_ON = [status for status in dg.DagsterRunStatus if status not in _ENDED]


def combined_definitions(
    partitions: MarketPartitions,
    settings: Settings,
    strategies: Mapping[str, Strategy],
    strategies_job: AssetJob,
) -> dg.Definitions:
    """The assets, the job and the sensor.

    Args:
        partitions: of the market.
        settings: the settings.
        strategies: those of the market's partitions.
        strategies_job: after whose runs the job is asked for.
    """
    market = partitions.market
    assets = combined_assets(partitions, settings, strategies)
    job = dg.define_asset_job(
        f"{market.name}_combined",
        selection=dg.AssetSelection.assets(*(key for asset in assets for key in asset.keys)),
        description=f"{market.label}: what is made of all strategies",
    )
    sensor = _after_strategies(market.name, strategies_job.name, job)
    return dg.Definitions(assets=assets, jobs=[job], sensors=[sensor])


def _after_strategies(market: str, strategies_job: str, job: AssetJob) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{market}_combined",
        job=job,
        minimum_interval_seconds=SECONDS_BETWEEN_LOOKS,
        description=f"{job.description}, once after the runs of {strategies_job}",
    )
    def after_strategies(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Asks once when no run of the strategies goes on and one has succeeded since last time.

        One that failed does not hold up the others: it is named in what is made of them.
        """
        going_on = dg.RunsFilter(job_name=strategies_job, statuses=_GOING_ON)
        if count := context.instance.get_runs_count(going_on):
            return dg.SkipReason(f"{count} runs of {strategies_job} have not ended")
        succeeded = dg.RunsFilter(job_name=strategies_job, statuses=[dg.DagsterRunStatus.SUCCESS])
        records = context.instance.get_run_records(succeeded, limit=1, order_by="update_timestamp")
        if not records or records[0].dagster_run.run_id == context.cursor:
            return dg.SkipReason(f"no run of {strategies_job} has succeeded since the last time")
        run_id = records[0].dagster_run.run_id
        context.update_cursor(run_id)
        return dg.RunRequest(run_key=run_id)

    return after_strategies
