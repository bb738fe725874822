"""Runs of factors: the table brought up to date, and what it says of the knobs.

Bodies read, call the domain and report; measuring, AWS and statistics stand in
`quant_assets.mining`. Rows of the platform's own runs are written by the assets that run; neither
asset here is partitioned: what was run when has nothing to do with sessions.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
import pyarrow as pa

from quant_assets.artifacts import Artifacts
from quant_assets.mining import recording
from quant_assets.mining.run_log import RunLog
from quant_assets.mining.runs import ABORTED, FAILED, RUNNING, SUCCEEDED, FactorRun, runs_of
from quant_assets.orchestration.images import inline
from quant_assets.orchestration.page_links import put_page
from quant_assets.orchestration.partitions import MarketPartitions, all_days
from quant_assets.orchestration.policies import OWNERS, RUN_LOG_POOL
from quant_assets.settings import Settings
from quant_assets.warehouse.store import Warehouse
from quant_assets.warehouse.window import Window

SHOWN = 25  # best settings in the metadata; the page has them all
ENDS = {
    dg.DagsterRunStatus.SUCCESS: SUCCEEDED,
    dg.DagsterRunStatus.FAILURE: FAILED,
    dg.DagsterRunStatus.CANCELED: ABORTED,
}


def mining_assets(
    partitions: MarketPartitions, settings: Settings, libraries: Sequence[dg.AssetKey]
) -> list[dg.AssetsDefinition]:
    """The runs of a market's factor libraries, and the report of them."""
    return [_runs(partitions, settings, libraries), _report(partitions, settings)]


def _runs(
    partitions: MarketPartitions, settings: Settings, libraries: Sequence[dg.AssetKey]
) -> dg.AssetsDefinition:
    market = partitions.market.name
    service = settings.mining.step_functions
    machines = [machine for machine in service.state_machines if machine.market == market]

    @dg.asset(
        key=[market, "factor_runs"],
        group_name=partitions.group("mining"),
        deps=[all_days(key) for key in libraries],
        pool=RUN_LOG_POOL,
        owners=OWNERS,
        kinds={"python", "parquet", *({"aws"} if machines else ())},
    )
    def factor_runs(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult:
        """Runs of factor batches: the platform's own, and executions of AWS Step Functions.

        The platform's runs are in the table as they happen; here those that were killed are marked,
        and the executions of the state machines of mining.yaml are read as far as they have
        changed.
        """
        log = RunLog(warehouse, market)
        lost = _lost(context.instance, log)
        counts = {"killed_runs_found": log.merge(lost)}
        if machines:
            from quant_assets.mining.client import open_client
            from quant_assets.mining.sync import synchronise

            for machine in machines:
                client = open_client(machine.region, service.requests_per_second)
                now = datetime.now(UTC)
                changed = 0
                try:
                    for runs in synchronise(
                        client,
                        machine,
                        log,
                        now,
                        first_days=service.first_days,
                        history=service.history,
                    ):
                        changed += len(runs)
                finally:
                    calls = client.calls
                    context.log.info(
                        f"{machine.arn}: {changed:,} new or changed executions, "
                        f"{calls.requests:,} requests, {calls.throttled:,} throttled"
                    )
                for name, number in (
                    ("executions_changed", changed),
                    ("requests", calls.requests),
                    ("requests_throttled", calls.throttled),
                    ("requests_interrupted", calls.interrupted),
                ):
                    counts[name] = counts.get(name, 0) + number
        return dg.MaterializeResult(metadata=counts)

    return factor_runs


def _lost(instance: dg.DagsterInstance, log: RunLog) -> list[FactorRun]:
    """Runs that stand as running though this instance knows that they have ended."""
    running = [run for run in runs_of(log.read()) if run.status == RUNNING]
    ids = sorted({recording.dagster_run_of(run) for run in running if run.source == "dagster"})
    if not ids:
        return []
    ended = {}
    for record in instance.get_run_records(dg.RunsFilter(run_ids=ids)):
        run = record.dagster_run
        if run.status in ENDS:
            at = None if record.end_time is None else datetime.fromtimestamp(record.end_time, UTC)
            ended[run.run_id] = recording.Ended(ENDS[run.status], at)
    return recording.lost_runs(running, ended)


def _report(partitions: MarketPartitions, settings: Settings) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "concurrency_report"],
        group_name=partitions.group("mining"),
        deps=[[market.name, "factor_runs"]],
        owners=OWNERS,
        kinds={"python"},
    )
    def concurrency_report(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[Artifacts],
    ) -> pa.Table:
        """How long batches of factors take under each thread_no and parallel_m, and which is best.

        With a page to choose a batch in, and with table factor_update_links: whether Step Functions
        run factors when the platform has updated them.
        """
        from quant_assets.mining.comparison import compare
        from quant_assets.mining.page import concurrency_page
        from quant_assets.mining.plots import concurrency_figure
        from quant_assets.mining.update_links import link

        today = datetime.now(UTC).date()
        window = Window(today - timedelta(days=settings.mining.report_days), today)
        runs = RunLog(warehouse, market.name).read(window)
        report, links = compare(runs), link(runs)
        warehouse.replace(f"{market.name}/factor_update_links", None, links)
        page = put_page(
            artifacts,
            settings,
            f"{market.name}/concurrency_report/concurrency_report.html",
            concurrency_page(runs, report, links, market.label),
        )
        context.add_output_metadata(
            {
                "page": page,
                "runs": runs.num_rows,
                "best_settings": dg.MetadataValue.md(_best(report)),
            }
        )
        if report.num_rows > report["median_seconds"].null_count:
            picture = concurrency_figure(runs, market.label)
            context.add_output_metadata({"runtime": inline(picture, "runtime by setting")})
        return report

    return concurrency_report


def _best(report: pa.Table) -> str:
    """The best settings as a table for the UI, the most runs first."""
    from quant_assets.pages.shell import shown

    best = sorted((row for row in report.to_pylist() if row["best"]), key=lambda r: -r["runs"])
    names = ("factor", "source", "thread_no", "parallel_m", "expected_seconds", "confidence")
    rows = [f"| {' | '.join(shown(row[name]) for name in names)} |" for row in best[:SHOWN]]
    head = f"| {' | '.join(names)} |"
    return "\n".join([head, "|" + " --- |" * len(names), *rows])
