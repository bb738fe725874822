"""Step Functions over HTTP: pages, throttling, incremental looks, maps, secrets that stay so."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from quant_assets.mining import sync
from quant_assets.mining.client import (
    TRANSIENT,
    Calls,
    Patience,
    StepFunctions,
    StepFunctionsError,
    open_client,
)
from quant_assets.mining.run_log import RunLog
from quant_assets.mining.runs import FactorRun, runs_of
from quant_assets.mining.sync import REDRIVABLE, synchronise
from quant_assets.settings_research import StateMachine
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets_tests.mining import aws
from quant_assets_tests.mining.aws import Proxy

IMPATIENT = Patience(tries=4, first_seconds=0.001, most_seconds=0.01)


@pytest.fixture(scope="module")
def service() -> Iterator[Proxy]:
    with aws.step_functions() as proxy:
        yield proxy


@pytest.fixture
def proxy(service: Proxy) -> Proxy:
    service.reset()
    return service


@pytest.fixture
def log(tmp_path: Path) -> RunLog:
    return RunLog(ParquetWarehouse(str(tmp_path), ["us"]), "us")


@pytest.fixture(scope="module")
def opened(service: Proxy) -> StepFunctions:
    return open_client("us-east-1", 1000, IMPATIENT)


@pytest.fixture
def client(proxy: Proxy, opened: StepFunctions) -> StepFunctions:
    return replace(opened, calls=Calls())


def of(arn: str) -> StateMachine:
    return StateMachine(arn=arn, market="us", library="alpha101")


def look(
    client: StepFunctions, arn: str, log: RunLog, now: datetime | None = None, history: bool = True
) -> list[FactorRun]:
    """One look; the rows that it brought."""
    chunks = synchronise(
        client, of(arn), log, now or datetime.now(UTC), first_days=90, history=history
    )
    return [run for chunk in chunks for run in chunk]


def stored(log: RunLog) -> dict[str, FactorRun]:
    return {run.run_id.rsplit(":", 1)[-1]: run for run in runs_of(log.read())}


def test_pages_of_executions(proxy: Proxy, client: StepFunctions, log: RunLog) -> None:
    arn = aws.machine(proxy, "paged", aws.MINING)
    inputs = [
        {"thread_no": 1 + k % 4, "parallel_m": 1 + k % 3, "factor": f"a{k}"} for k in range(105)
    ]
    started = [aws.start(proxy, arn, f"run-{k}", content) for k, content in enumerate(inputs)]
    aws.wait_until_ended(proxy, *started)
    small = replace(client, page=50)
    assert len(look(small, arn, log)) == 105
    assert proxy.seen["ListExecutions"] == 3
    assert proxy.seen["DescribeExecution"] == proxy.seen["GetExecutionHistory"] == 105
    found = stored(log)
    for k, content in enumerate(inputs):
        run = found[f"run-{k}"]
        assert (run.thread_no, run.parallel_m, run.factor) == tuple(content.values())
        assert (run.status, run.rows, run.host, run.library) == (
            *("SUCCEEDED", 100, "node-1"),
            "alpha101",
        )
        assert run.seconds is not None
        assert run.task_failures == 0
    # nothing has changed: the second look lists, and describes nothing
    proxy.reset()
    assert look(client, arn, log) == []
    assert proxy.seen == {"ListExecutions": 1}
    assert proxy.bodies[0]["maxResults"] == 1000
    # one more is all that the third look describes
    aws.wait_until_ended(proxy, aws.start(proxy, arn, "later", {"thread_no": 8}))
    proxy.reset()
    assert [run.thread_no for run in look(client, arn, log)] == [8]
    assert proxy.seen["DescribeExecution"] == 1
    assert len(stored(log)) == 106


def test_failures_running_ones_and_odd_inputs_are_kept(
    proxy: Proxy, client: StepFunctions, log: RunLog
) -> None:
    arn = aws.machine(proxy, "kept", aws.MINING)
    slow = aws.machine(proxy, "slow", aws.SLOW)
    failed = aws.start(proxy, arn, "failed", {"fail": 1, "thread_no": 2})
    odd = aws.start(proxy, arn, "odd", {"thread_no": "many", "factor": 7})
    running = aws.start(proxy, arn, "running", {"wait": 600, "parallel_m": 2})
    late = aws.start(proxy, slow, "late", {"thread_no": 1})
    aws.wait_until_ended(proxy, failed, odd, late)
    look(client, arn, log)
    look(client, slow, log)
    found = stored(log)
    assert {name: run.status for name, run in found.items()} == {
        "failed": "FAILED",
        "odd": "SUCCEEDED",
        "running": "RUNNING",
        "late": "TIMED_OUT",
    }
    assert (found["failed"].error, found["failed"].cause) == ("NoMemory", "the batch needs 9 GB")
    assert found["failed"].thread_no == 2
    assert found["odd"].thread_no is None
    assert "thread_no must be a whole number" in str(found["odd"].note)
    assert (found["running"].ended, found["running"].seconds) == (None, None)
    assert (found["late"].seconds or 0) >= 1.0
    # the next look brings the running one up to date, and only that one
    aws.stop(proxy, running)
    aws.wait_until_ended(proxy, running)
    (again,) = look(client, arn, log)
    assert (again.run_id, again.status, again.parallel_m) == (running, "ABORTED", 2)
    assert stored(log)["running"] == again


def test_what_runs_for_weeks_is_asked_for_by_name(
    proxy: Proxy, client: StepFunctions, log: RunLog
) -> None:
    arn = aws.machine(proxy, "weeks", aws.MINING)
    old = aws.start(proxy, arn, "old", {"wait": 600})
    look(client, arn, log)
    # it began long ago, and later ones have moved the look on
    began = datetime.now(UTC) - REDRIVABLE - timedelta(days=3)
    (run,) = stored(log).values()
    day = began.date().isoformat()
    log.write(run.batch, [])
    log.merge([replace(run, batch=f"{day}{run.batch[10:]}", started=began)])
    forgotten = replace(
        run, run_id=f"{old}-forgotten", batch=f"{day}{run.batch[10:]}", started=began
    )
    log.merge([forgotten])
    aws.stop(proxy, old)
    aws.wait_until_ended(proxy, old, aws.start(proxy, arn, "new", {}))
    proxy.reset()
    look(client, arn, log, datetime.now(UTC))
    found = stored(log)
    assert found["old"].status == "ABORTED"
    assert found["new"].status == "SUCCEEDED"
    gone = found["old-forgotten"]
    assert (gone.status, gone.error) == ("ABORTED", "ExecutionDoesNotExist")


def test_the_first_look_goes_back_so_many_days(
    proxy: Proxy, client: StepFunctions, log: RunLog
) -> None:
    arn = aws.machine(proxy, "first", aws.MINING)
    aws.wait_until_ended(proxy, aws.start(proxy, arn, "one", {}))
    assert look(client, arn, log, datetime.now(UTC) + timedelta(days=91)) == []
    assert len(look(client, arn, log, datetime.now(UTC) + timedelta(days=89))) == 1


@pytest.mark.parametrize("fault", ["ThrottlingException", "TooManyRequestsException", "500", "cut"])
def test_throttling_is_waited_out_and_counted(
    proxy: Proxy, client: StepFunctions, log: RunLog, fault: str
) -> None:
    arn = aws.machine(proxy, f"throttled-{fault}", aws.MINING)
    aws.wait_until_ended(proxy, *(aws.start(proxy, arn, f"run-{k}", {}) for k in range(3)))
    proxy.reset()
    proxy.fail("ListExecutions", fault, fault, fault)
    proxy.fail("DescribeExecution", fault)
    assert len(look(client, arn, log)) == 3
    assert len(stored(log)) == 3
    assert proxy.seen == {"ListExecutions": 4, "DescribeExecution": 4, "GetExecutionHistory": 3}
    assert client.calls.requests == 11
    met = client.calls.interrupted if fault == "cut" else client.calls.throttled
    assert met == 4
    assert client.calls.throttled + client.calls.interrupted == 4


def test_patience_ends(proxy: Proxy, client: StepFunctions, log: RunLog) -> None:
    arn = aws.machine(proxy, "over", aws.MINING)
    proxy.fail("ListExecutions", *["ThrottlingException"] * 4)
    words = rf"ListExecutions of {arn}: no answer in 4 tries; the last: .*Rate exceeded"
    with pytest.raises(StepFunctionsError, match=words) as caught:
        look(client, arn, log)
    assert caught.value.code == "ThrottlingException"
    assert proxy.seen == {"ListExecutions": 4}


def test_what_waiting_does_not_mend_is_raised_at_once(
    proxy: Proxy, client: StepFunctions, log: RunLog
) -> None:
    arn = aws.machine(proxy, "denied", aws.MINING)
    proxy.fail("ListExecutions", "AccessDeniedException")
    with pytest.raises(StepFunctionsError, match=r"The credentials need states:ListExecutions"):
        look(client, arn, log)
    assert proxy.seen == {"ListExecutions": 1}
    with pytest.raises(StepFunctionsError, match=r"Mend the ARN in mining\.yaml"):
        look(client, f"{arn}-not-there", log)


def test_an_interrupted_look_leaves_no_gap(
    proxy: Proxy, client: StepFunctions, log: RunLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "CHUNK", 2)
    arn = aws.machine(proxy, "interrupted", aws.MINING)
    for k in range(7):
        aws.wait_until_ended(proxy, aws.start(proxy, arn, f"run-{k}", {}))
    # AWS refuses the sixth description: two chunks are written, the oldest ones
    proxy.fail("DescribeExecution", *["pass"] * 5, "AccessDeniedException")
    with pytest.raises(StepFunctionsError):
        look(client, arn, log)
    assert sorted(stored(log)) == [f"run-{k}" for k in range(4)]
    assert [run.run_id[-5:] for run in look(client, arn, log)] == ["run-4", "run-5", "run-6"]
    assert len(stored(log)) == 7


@pytest.mark.parametrize("history", [True, False])
def test_the_executions_of_a_map(
    proxy: Proxy, client: StepFunctions, log: RunLog, history: bool
) -> None:
    arn = aws.machine(proxy, f"mapped-{history}", aws.MAP)
    items = [{"factor": "a", "thread_no": 1}, {"factor": "b", "thread_no": 2}]
    parent = aws.start(proxy, arn, "parent", {"items": items})
    aws.wait_until_ended(proxy, parent)
    (map_run,) = aws.map_runs(proxy, parent)
    now = time.time()
    for name, content in (("c1", '{"factor": "a", "thread_no": 2}'), ("c2", "{}")):
        proxy.children[f"{parent}:{name}"] = {
            "executionArn": f"{parent}:{name}",
            "name": name,
            "mapRunArn": map_run,
            "status": "SUCCEEDED",
            "startDate": now - 10,
            "stopDate": now - 4,
            "input": content,
        }
    found = {run.run_id: run for run in look(client, arn, log, history=history)}
    assert set(found) == {parent, f"{parent}:c1", f"{parent}:c2"}
    child = found[f"{parent}:c1"]
    assert (child.parent_id, child.factor, child.thread_no) == (parent, "a", 2)
    assert child.parallel_m == 3  # the map's own limit
    assert child.seconds == pytest.approx(6.0, abs=0.01)
    assert child.task_failures == (1 if history else None)
    assert found[parent].parent_id is None
    assert proxy.seen["DescribeMapRun"] == 1
    assert look(client, arn, log, history=history) == []


def test_maps_whose_executions_aws_does_not_list(
    proxy: Proxy, client: StepFunctions, log: RunLog
) -> None:
    arn = aws.machine(proxy, "express-children", aws.MAP)
    parent = aws.start(proxy, arn, "parent", {"items": [1]})
    aws.wait_until_ended(proxy, parent)
    proxy.fail("ListExecutions", "pass", "StateMachineTypeNotSupported")
    (run,) = look(client, arn, log)
    assert run.note == "the executions of its map are not listed by AWS"


def test_requests_keep_their_pace(proxy: Proxy, client: StepFunctions) -> None:
    arn = aws.machine(proxy, "paced", aws.MINING)
    client = replace(client, requests_per_second=20)
    began = time.monotonic()
    for _ in range(5):
        list(client.executions(arn))
    assert time.monotonic() - began >= 4 / 20


def test_waits_are_drawn_below_a_doubling_bound() -> None:
    patience = Patience(tries=9, first_seconds=0.5, most_seconds=4.0)
    bounds = [patience.wait(failures, lambda: 1.0) for failures in range(1, 7)]
    assert bounds == [0.5, 1.0, 2.0, 4.0, 4.0, 4.0]
    assert patience.wait(3, lambda: 0.25) == 0.5
    assert patience.wait(3, lambda: 0.0) == 0.0
    assert {"ThrottlingException", "ServiceUnavailable"} <= TRANSIENT


def test_without_credentials_it_says_so(
    proxy: Proxy, log: RunLog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:any"
    with pytest.raises(StepFunctionsError, match=f"ListExecutions of {arn}: Unable to locate cred"):
        look(open_client("us-east-1", 1000, IMPATIENT), arn, log)


def test_no_secret_is_logged_or_told(
    proxy: Proxy, client: StepFunctions, log: RunLog, caplog: pytest.LogCaptureFixture
) -> None:
    arn = aws.machine(proxy, "secret", aws.MINING)
    aws.wait_until_ended(proxy, aws.start(proxy, arn, "run", {}))
    proxy.fail("ListExecutions", "ThrottlingException", "AccessDeniedException")
    ours = logging.getLogger("quant_assets")
    with caplog.at_level(logging.DEBUG, ours.name), pytest.raises(StepFunctionsError) as caught:
        look(client, arn, log)
    look(client, arn, log)
    shown = f"{caught.value!r} {client!r} {caplog.text} {log.read().to_pylist()}"
    assert aws.SECRET not in shown
    assert aws.KEY not in shown


def test_statuses_and_batches(proxy: Proxy, client: StepFunctions, log: RunLog) -> None:
    arns = [aws.machine(proxy, name, aws.MINING) for name in ("twin-1", "twin-2")]
    for arn in arns:
        aws.wait_until_ended(proxy, aws.start(proxy, arn, "run", {}))
        look(client, arn, log)
    batches = Counter(run.batch for run in runs_of(log.read()))
    assert len(batches) == 2
    assert set(batches.values()) == {1}
