"""Mining in the graph: runs on record, killed ones found, executions read, the report."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from quant_assets.mining.parts import compute_in_parts
from quant_assets.mining.recording import Recorder
from quant_assets.mining.run_log import RunLog
from quant_assets.mining.runs import FactorRun, runs_of
from quant_assets.orchestration.consistency import check_settings
from quant_assets.orchestration.io_managers import WarehouseIOManager
from quant_assets.orchestration.mining import mining_definitions
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.orchestration.resources import artifacts_resource
from quant_assets.settings import Settings
from quant_assets.settings_files import ConfigError
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets_tests.markets import files_market, small_settings
from quant_assets_tests.mining import aws, samples
from quant_assets_tests.mining.aws import Proxy

MARKET = "tiny"


@dataclass
class Mining:
    """The mining of a small market with a library that only pretends to compute."""

    settings: Settings
    instance: dg.DagsterInstance

    @property
    def warehouse(self) -> ParquetWarehouse:
        return ParquetWarehouse(self.settings.warehouse_root, [MARKET])

    @property
    def log(self) -> RunLog:
        return RunLog(self.warehouse, MARKET)

    @property
    def runs(self) -> dict[str, FactorRun]:
        return {run.run_id: run for run in runs_of(self.log.read())}

    def definitions(self) -> dg.Definitions:
        library = self.library()
        partitions = MarketPartitions(self.settings.markets[MARKET])
        mining = mining_definitions(partitions, self.settings, [library])
        common = dg.Definitions(
            assets=[library],
            jobs=[dg.define_asset_job("compute", [library])],
            resources={
                "warehouse": self.warehouse,
                "artifacts": artifacts_resource(self.settings.artifacts_root),
                "io_manager": WarehouseIOManager(self.warehouse, self.settings.markets),
            },
        )
        return dg.Definitions.merge(common, mining)

    def library(self) -> dg.AssetsDefinition:
        """A library of eight factors, whose knobs and end are told by the tags of the run."""
        log = self.log

        @dg.asset(key=[MARKET, "factors_pretended"])
        def factors(context: dg.AssetExecutionContext) -> None:
            tags = context.run.tags
            knobs = int(tags["thread_no"]), int(tags["parallel_m"])
            recorder = Recorder(log, context.run.run_id, "pretended", *knobs, rows=1000)
            if tags.get("end") == "killed":
                recorder.__enter__()  # and nothing after it
                raise RuntimeError("killed")
            with recorder:
                compute_in_parts([*"abcdefgh"], lambda *_: None, *knobs, observer=recorder)

        return factors

    def compute(self, thread_no: int, parallel_m: int, **tags: str) -> str:
        """Runs the library; the id of the run."""
        job = self.definitions().resolve_job_def("compute")
        tags |= {"thread_no": str(thread_no), "parallel_m": str(parallel_m)}
        done = job.execute_in_process(instance=self.instance, tags=tags, raise_on_error=False)
        assert done.success == ("end" not in tags)
        return done.run_id

    def mine(self, *names: str, success: bool = True) -> dg.ExecuteInProcessResult:
        """Runs the job, or some of its assets."""
        job = self.definitions().resolve_job_def(f"{MARKET}_mining")
        chosen = [dg.AssetKey([MARKET, name]) for name in names]
        done = job.execute_in_process(
            instance=self.instance, asset_selection=chosen or None, raise_on_error=False
        )
        assert done.success == success
        return done

    def metadata(self, name: str) -> dict[str, Any]:
        """The metadata of an asset's last materialization."""
        event = self.instance.get_latest_materialization_event(dg.AssetKey([MARKET, name]))
        assert event is not None
        assert event.asset_materialization is not None
        return {key: each.value for key, each in event.asset_materialization.metadata.items()}


def with_machines(folder: Path, *arns: str, **keys: Any) -> Settings:
    """Settings of a small market with state machines."""
    machines = [{"arn": arn, "market": MARKET, "library": "alpha101"} for arn in arns]
    service = {"state_machines": machines, "requests_per_second": 1000, **keys}
    market = {MARKET: files_market(folder / "data")}
    return small_settings(folder, market, {"mining": {"step_functions": service}})


@pytest.fixture
def mining(tmp_path: Path) -> Iterator[Mining]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Mining(with_machines(tmp_path), instance)


@pytest.fixture(scope="module")
def service() -> Iterator[Proxy]:
    with aws.step_functions() as proxy:
        yield proxy


@pytest.fixture
def proxy(service: Proxy) -> Proxy:
    service.reset()
    return service


def test_without_runs_there_is_a_report_all_the_same(mining: Mining) -> None:
    mining.mine()
    assert mining.metadata("factor_runs") == {"killed_runs_found": 0}
    report = mining.metadata("concurrency_report")
    assert report["runs"] == 0
    assert "runtime" not in report
    assert "No run is on record." in Path(report["page"]).read_text(encoding="utf-8")
    for table in ("concurrency_report", "factor_update_links"):
        assert mining.warehouse.read(f"{MARKET}/{table}").num_rows == 0


def test_runs_of_a_library_become_its_report(mining: Mining) -> None:
    ids = [mining.compute(thread_no, 2) for thread_no in (1, 1, 4)]
    assert set(mining.runs) == {f"{each}/pretended/{part}" for each in ids for part in (0, 1, 2)}
    mining.mine()
    rows = mining.warehouse.read(f"{MARKET}/concurrency_report").to_pylist()
    assert [(row["factor"], row["thread_no"], row["parallel_m"], row["runs"]) for row in rows] == [
        ("pretended", 1, 2, 2),
        ("pretended", 4, 2, 1),
    ]
    metadata = mining.metadata("concurrency_report")
    assert metadata["runs"] == 9
    assert metadata["runtime"].startswith("![runtime by setting](data:image/png;base64,")
    assert "| pretended | dagster |" in metadata["best_settings"]
    page = Path(metadata["page"])
    assert page.parent == Path(mining.settings.artifacts_root) / MARKET / "concurrency_report"
    assert "pretended (dagster, 1,000 rows and more; 3 runs)" in page.read_text(encoding="utf-8")


def test_old_runs_are_left_out(mining: Mining) -> None:
    old = datetime.now(UTC) - timedelta(days=366)
    mining.log.merge([samples.run(0, started=old), samples.run(1, started=datetime.now(UTC))])
    mining.mine("concurrency_report")
    assert mining.metadata("concurrency_report")["runs"] == 1


def test_killed_runs_are_found(mining: Mining) -> None:
    killed = mining.compute(2, 1, end="killed")
    foreign = samples.run(0, None, run_id="of-another-instance/style/0", status="RUNNING")
    mining.log.merge([foreign])
    whole = f"{killed}/pretended/0"
    assert (mining.runs[whole].status, mining.runs[whole].ended) == ("RUNNING", None)
    mining.mine("factor_runs")
    found = mining.runs[whole]
    assert (found.status, found.error, found.thread_no) == ("FAILED", "Lost", 2)
    assert found.ended is not None
    assert found.ended >= found.started
    assert mining.runs[foreign.run_id].status == "RUNNING"
    assert mining.metadata("factor_runs") == {"killed_runs_found": 1}


def test_executions_of_step_functions(proxy: Proxy, tmp_path: Path) -> None:
    arns = [aws.machine(proxy, name, aws.MINING) for name in ("graph-1", "graph-2")]
    inputs = [{"thread_no": 2, "factor": "alpha001"}, {"fail": 1, "parallel_m": 3}]
    started = [aws.start(proxy, arn, "run", each) for arn, each in zip(arns, inputs, strict=True)]
    aws.wait_until_ended(proxy, *started)
    with dg.DagsterInstance.ephemeral() as instance:
        mining = Mining(with_machines(tmp_path, *arns), instance)
        proxy.fail("ListExecutions", "ThrottlingException")
        mining.mine()
        counts = mining.metadata("factor_runs")
        assert counts["executions_changed"] == 2
        assert (counts["requests"], counts["requests_throttled"]) == (7, 1)
        found = mining.runs
        assert [found[arn].status for arn in started] == ["SUCCEEDED", "FAILED"]
        assert [found[arn].library for arn in started] == ["alpha101"] * 2
        assert found[started[1]].cause == "the batch needs 9 GB"
        report = mining.warehouse.read(f"{MARKET}/concurrency_report").to_pylist()
        assert {row["factor"]: row["failures"] for row in report} == {"alpha001": 0, "alpha101": 1}
        # a second look finds nothing new
        mining.mine("factor_runs")
        assert mining.metadata("factor_runs")["executions_changed"] == 0
        assert mining.runs == found
        # AWS refuses: the run fails with what to do, what is known stays
        proxy.fail("ListExecutions", "AccessDeniedException")
        done = mining.mine("factor_runs", success=False)
        (failed,) = done.get_step_failure_events()
        assert "The credentials need states:ListExecutions" in str(failed.event_specific_data)
        assert aws.SECRET not in str(failed.event_specific_data)
        assert mining.runs == found


def test_only_the_machines_of_the_market_are_asked(proxy: Proxy, tmp_path: Path) -> None:
    arn = aws.machine(proxy, "of-another", aws.MINING)
    blocks = {name: files_market(tmp_path / name) for name in (MARKET, "other")}
    machines = [{"arn": arn, "market": "other"}]
    config = {"mining": {"step_functions": {"state_machines": machines}}}
    with dg.DagsterInstance.ephemeral() as instance:
        mining = Mining(small_settings(tmp_path, blocks, config), instance)
        mining.mine("factor_runs")
        assert mining.metadata("factor_runs") == {"killed_runs_found": 0}
        assert proxy.seen == {}


def test_a_look_at_a_time(mining: Mining) -> None:
    assets = mining.definitions().resolve_asset_graph()
    node = assets.get(dg.AssetKey([MARKET, "factor_runs"]))
    assert node.pools == {"factor_runs"}
    assert node.parent_keys == {dg.AssetKey([MARKET, "factors_pretended"])}
    assert node.group_name == f"{MARKET}_mining"


def test_the_schedule_asks_every_day(mining: Mining) -> None:
    schedule = mining.definitions().resolve_schedule_def(f"{MARKET}_mining_daily")
    assert schedule.cron_schedule == "30 5 * * *"
    at = datetime(2024, 3, 2, 10, 30, tzinfo=UTC)
    context = dg.build_schedule_context(instance=mining.instance, scheduled_execution_time=at)
    ticked = schedule.evaluate_tick(context)
    assert [request.run_key for request in ticked.run_requests or []] == ["2024-03-02"]


ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:mining"


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        ({"arn": "mining", "market": MARKET}, r"arn: must be arn:aws:states:<region>:<account>"),
        ({"arn": f"{ARN}:1:2", "market": MARKET}, r"state_machines\.0\.arn: must be arn:aws"),
        ({"arn": ARN}, r"mining\.yaml: step_functions\.state_machines\.0\.market: missing"),
        (
            {"arn": ARN, "market": MARKET, "libary": "x"},
            r"unknown key \(did you mean 'library'\?\)",
        ),
    ],
)
def test_a_slip_in_the_settings(tmp_path: Path, machine: dict[str, str], words: str) -> None:
    config = {"mining": {"step_functions": {"state_machines": [machine]}}}
    with pytest.raises(ConfigError, match=words):
        small_settings(tmp_path, {MARKET: files_market(tmp_path / "data")}, config)


def test_a_machine_of_no_market(tmp_path: Path) -> None:
    config = {"mining": {"step_functions": {"state_machines": [{"arn": ARN, "market": "tiney"}]}}}
    settings = small_settings(tmp_path, {MARKET: files_market(tmp_path / "data")}, config)
    words = r"mining\.yaml: .*: no market 'tiney' \(did you mean 'tiny'\?\)"
    with pytest.raises(ConfigError, match=words):
        check_settings(settings, {})


WITHOUT_AWS = """
import sys
from pathlib import Path
import dagster as dg
from quant_assets_tests.orchestration.test_mining import Mining, with_machines
with dg.DagsterInstance.ephemeral() as instance:
    Mining(with_machines(Path(sys.argv[1])), instance).mine("factor_runs")
loaded = [name for name in sys.modules if name.split(".")[0] in ("boto3", "botocore", "moto")]
assert not loaded, loaded
"""


def test_without_state_machines_nothing_of_aws_is_loaded(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_AWS, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
