"""Runs on record: what is measured, what is written when, what becomes of failures."""

import mmap
import multiprocessing
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from quant_assets.mining.measurement import Meter, host
from quant_assets.mining.parts import compute_in_parts
from quant_assets.mining.recording import Ended, Recorder, dagster_run_of, lost_runs
from quant_assets.mining.run_log import RunLog, dagster_batch, machine_batch
from quant_assets.mining.runs import FactorRun, frame_of, runs_of
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.window import Window

START = datetime(2024, 1, 2, 23, 59, 59, 123456, tzinfo=UTC)


@pytest.fixture
def log(tmp_path: Path) -> RunLog:
    return RunLog(ParquetWarehouse(str(tmp_path / "warehouse"), ["us"]), "us")


def rows(log: RunLog) -> dict[int, FactorRun]:
    return {run.part: run for run in runs_of(log.read())}


def test_the_meter() -> None:
    size = 64 * 2**20
    with Meter() as meter:
        block = mmap.mmap(-1, size)
        for page in range(0, size, mmap.PAGESIZE):
            block[page] = 1
        time.sleep(0.1)  # longer than the time between two looks
        block.close()
    cost = meter.cost
    assert cost.seconds >= 0.1
    assert cost.ended > cost.started
    assert cost.cpu_seconds > 0
    assert cost.memory_mb is not None
    assert cost.added_memory_mb is not None
    # 64 MB were held, and were given back before the end
    assert 55 < cost.added_memory_mb <= cost.memory_mb


def test_a_run_and_its_parts_are_recorded(log: RunLog) -> None:
    seen: list[dict[int, FactorRun]] = []

    def compute(factors: Sequence[str], thread_no: int) -> None:
        seen.append(rows(log))

    with Recorder(log, "run-1", "alpha101", 2, 3, rows=5000, factor_version="abc") as recorder:
        compute_in_parts([*"abcde"], compute, 2, 3, observer=recorder)
    # while it ran, the whole stood there as running
    assert [set(each) for each in seen] == [{0}] * 3
    running = seen[0][0]
    assert (running.status, running.ended, running.seconds) == ("RUNNING", None, None)
    found = rows(log)
    whole = found[0]
    assert (whole.status, whole.factor, whole.library) == ("SUCCEEDED", "alpha101", "alpha101")
    assert (whole.thread_no, whole.parallel_m, whole.rows) == (2, 3, 5000)
    assert (whole.run_id, whole.source, whole.market) == ("run-1/alpha101/0", "dagster", "us")
    assert (whole.host, whole.factor_version, whole.parent_id) == (host(), "abc", None)
    assert whole.seconds is not None
    assert whole.memory_mb is not None
    assert {n: run.factor for n, run in found.items()} == {
        0: "alpha101",
        1: "a, d",
        2: "b, e",
        3: "c",
    }
    for number in (1, 2, 3):
        part = found[number]
        assert (part.run_id, part.parent_id) == (f"run-1/alpha101/{number}", whole.run_id)
        assert (part.status, part.rows, part.cpu_seconds) == ("SUCCEEDED", 5000, None)
        assert part.seconds is not None
        assert 0 <= part.seconds <= whole.seconds


def test_blocks_add_up(log: RunLog) -> None:
    with Recorder(log, "run-1", "style", 1, 1) as recorder:
        for _ in range(3):
            compute_in_parts([*"ab"], lambda *_: time.sleep(0.02), 1, 1, parts=2, observer=recorder)
        compute_in_parts([*"c"], lambda *_: None, 1, 1, observer=recorder)
    found = rows(log)
    assert {n: run.factor for n, run in found.items()} == {0: "style", 1: "a", 2: "b", 3: "c"}
    for number in (1, 2):
        assert (found[number].seconds or 0) >= 0.06
    assert found[1].cpu_seconds is not None


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (ValueError("bad panel"), "FAILED"),
        (MemoryError("bad panel"), "FAILED"),
        (TimeoutError("bad panel"), "TIMED_OUT"),
        (KeyboardInterrupt("bad panel"), "ABORTED"),
    ],
)
def test_failures_stay_on_record(log: RunLog, fault: BaseException, status: str) -> None:
    def compute(factors: Sequence[str], thread_no: int) -> None:
        if "b" in factors:
            raise fault

    with pytest.raises(type(fault)), Recorder(log, "run-1", "style", 1, 1) as recorder:
        compute_in_parts([*"abc"], compute, 1, 1, parts=3, observer=recorder)
    found = rows(log)
    assert {n: run.status for n, run in found.items()} == {
        0: status,
        1: "SUCCEEDED",
        2: status,
        3: "ABORTED",
    }
    assert found[0].error == found[2].error == type(fault).__name__
    assert found[0].cause == "bad panel\nin part 2 of 3: b"
    assert found[2].cause == "bad panel"
    assert found[3].error is None


def test_a_retry_is_a_run_of_its_own(log: RunLog) -> None:
    for attempt in (0, 1):
        with Recorder(log, "run-1", "style", 1, 1, attempt=attempt):
            pass
    ids = log.read().column("run_id").to_pylist()
    assert ids == ["run-1/style/0", "run-1/style.1/0"]


def test_a_run_recorded_again_replaces_itself(log: RunLog) -> None:
    for _ in range(2):
        with Recorder(log, "run-1", "style", 1, 1):
            pass
    assert log.read().num_rows == 1


def test_what_was_killed_is_found(log: RunLog) -> None:
    log.merge([run("dead/style/0", status="RUNNING"), run("alive/style/0", status="RUNNING")])
    log.merge([run("stopped/style/0", status="RUNNING"), run("done/style/0", status="SUCCEEDED")])
    at = START + timedelta(hours=1)
    ended = {
        "dead": Ended("SUCCEEDED", at),
        "stopped": Ended("ABORTED", None),
        "done": Ended("FAILED", at),
    }
    found = {dagster_run_of(each): each for each in lost_runs(runs_of(log.read()), ended)}
    assert set(found) == {"dead", "stopped"}
    assert (found["dead"].status, found["dead"].ended, found["dead"].error) == (
        "FAILED",
        at,
        "Lost",
    )
    assert found["stopped"].status == "ABORTED"
    assert found["dead"].seconds is None


def run(run_id: str, started: datetime = START, status: str = "SUCCEEDED") -> FactorRun:
    return FactorRun(
        batch=dagster_batch(started, run_id.split("/")[0], "style"),
        run_id=run_id,
        source="dagster",
        market="us",
        started=started,
        status=status,
    )


def test_rows_come_back_as_they_were(log: RunLog) -> None:
    east = START.astimezone(datetime.now().astimezone().tzinfo)
    runs = [run("a/style/0", east), run("b/style/0")]
    log.merge(runs)
    assert runs_of(log.read()) == runs
    frame = frame_of(runs)
    assert frame.column("date").to_pylist() == [date(2024, 1, 2)] * 2
    with pytest.raises(ValueError, match=r"FactorRun\.started must have a time zone"):
        run("c/style/0", START.replace(tzinfo=None))


def test_batches_by_day(log: RunLog) -> None:
    days = [START + timedelta(days=k) for k in range(3)]
    log.merge(run(f"r{k}/style/0", day) for k, day in enumerate(days))
    window = Window(date(2024, 1, 3), date(2024, 1, 4))
    assert log.read(window).column("run_id").to_pylist() == ["r1/style/0", "r2/style/0"]
    assert log.read(suffix=".r0.style").column("run_id").to_pylist() == ["r0/style/0"]
    assert log.read(Window(date(2023, 1, 1), date(2023, 1, 2))).num_rows == 0


def test_machines_of_one_name_do_not_meet() -> None:
    arns = [
        f"arn:aws:states:{place}:stateMachine:mine"
        for place in ("us-east-1:111111111111", "eu-west-1:111111111111", "us-east-1:222222222222")
    ]
    assert len({machine_batch(START, arn) for arn in arns}) == 3
    assert all(
        machine_batch(START, arn).startswith("2024-01-02.step_functions.mine-") for arn in arns
    )


def record(root: str, name: str) -> None:
    """A process that records a run."""
    log = RunLog(ParquetWarehouse(root), "us")
    with Recorder(log, name, "style", 1, 2) as recorder:
        compute_in_parts([*"abcd"], lambda *_: None, 1, 2, observer=recorder)


def test_processes_at_the_same_time_lose_no_row(log: RunLog, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    root = str(tmp_path / "warehouse")
    workers = [context.Process(target=record, args=(root, f"run-{k}")) for k in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 2
    found = runs_of(log.read())
    assert sorted(each.run_id for each in found) == sorted(
        f"run-{k}/style/{part}" for k in range(2) for part in range(3)
    )
    assert {each.status for each in found} == {"SUCCEEDED"}
