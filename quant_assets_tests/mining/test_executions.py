"""Reading answers of AWS: every recorded history, and what their inputs and outputs tell."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from quant_assets.mining.executions import (
    changed,
    described_by,
    gone,
    read_execution,
    read_history,
)
from quant_assets.mining.run_log import RunLog
from quant_assets.mining.runs import FactorRun, frame_of, runs_of
from quant_assets.settings_research import StateMachine
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets_tests.mining.recorded import (
    MACHINE,
    START,
    Recorded,
    arn,
    descriptions,
    histories,
    text,
)


@pytest.fixture(scope="module")
def recorded(test_data: Path) -> list[Recorded]:
    return histories(test_data)


def runs_of_histories(recorded: list[Recorded]) -> list[FactorRun]:
    read = [read_history(each.answer["events"]) for each in recorded]
    return [
        read_execution(described_by(arn(k), past), MACHINE, past) for k, past in enumerate(read)
    ]


def end_of(each: Recorded) -> dict[str, Any]:
    """The one event of a recorded history that ends its execution, {} without one."""
    names = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")
    ends = [event for event in each.raw["events"] if event["type"] in names]
    assert len(ends) <= 1
    return ends[0] if ends else {"type": "none"}


def test_every_recorded_history_is_a_run(recorded: list[Recorded], tmp_path: Path) -> None:
    runs = runs_of_histories(recorded)
    assert len(runs) == len(recorded) == 704
    assert Counter(run.status for run in runs) == {
        "SUCCEEDED": 551,
        "FAILED": 150,
        "ABORTED": 1,
        "RUNNING": 2,
    }
    ends = Counter(end_of(each)["type"] for each in recorded)
    assert ends == {
        "ExecutionSucceeded": 551,
        "ExecutionFailed": 150,
        "ExecutionAborted": 1,
        "none": 2,
    }
    log = RunLog(ParquetWarehouse(str(tmp_path)), "us")
    assert log.merge(runs) == 704
    assert sorted(runs_of(log.read()), key=lambda run: run.run_id) == sorted(
        runs, key=lambda run: run.run_id
    )


def test_no_error_and_no_cause_is_lost(recorded: list[Recorded]) -> None:
    errors, causes = 0, 0
    for each, run in zip(recorded, runs_of_histories(recorded), strict=True):
        details = end_of(each).get("executionFailedEventDetails", {})
        assert run.error == text(details.get("error")), each.name
        assert run.cause == text(details.get("cause")), each.name
        errors += run.error is not None
        causes += run.cause is not None
    assert (errors, causes) == (141, 132)


def test_instants_are_those_of_the_events(recorded: list[Recorded]) -> None:
    for each, run in zip(recorded, runs_of_histories(recorded), strict=True):
        instants = [event["timestamp"] for event in each.answer["events"]]
        assert run.started == min(instants)
        if run.status == "RUNNING":
            assert (run.ended, run.seconds) == (None, None)
        else:
            assert run.ended == max(instants)
            assert run.seconds == (max(instants) - min(instants)).total_seconds()


def test_retries_and_time_outs_inside_are_counted(recorded: list[Recorded]) -> None:
    runs = runs_of_histories(recorded)
    kinds = Counter(event["type"] for each in recorded for event in each.raw["events"])
    failed = kinds["TaskFailed"] + kinds["LambdaFunctionFailed"] + kinds["ActivityFailed"]
    timed_out = kinds["TaskTimedOut"] + kinds["LambdaFunctionTimedOut"] + kinds["ActivityTimedOut"]
    assert sum(run.task_failures or 0 for run in runs) == failed == 92
    assert sum(run.task_timeouts or 0 for run in runs) == timed_out == 14
    # a caught failure leaves a run that succeeded
    assert sum(run.status == "SUCCEEDED" and bool(run.task_failures) for run in runs) > 0


def test_map_runs_are_found(recorded: list[Recorded]) -> None:
    found = [read_history(each.answer["events"]).map_runs for each in recorded]
    started = sum(e["type"] == "MapRunStarted" for each in recorded for e in each.raw["events"])
    assert sum(len(arns) > 0 for arns in found) > 40
    assert sum(len(arns) for arns in found) <= started == 55


def test_every_recorded_description_is_a_run(test_data: Path) -> None:
    described = [each for each in descriptions(test_data) if "itemCounts" not in each.raw]
    runs = [read_execution(each.answer, MACHINE) for each in described]
    assert Counter(run.status for run in runs) == {"SUCCEEDED": 16, "FAILED": 5, "TIMED_OUT": 1}
    for each, run in zip(described, runs, strict=True):
        assert run.error == text(each.raw.get("error"))
        assert run.cause == text(each.raw.get("cause"))
        assert run.seconds == (each.answer["stopDate"] - START).total_seconds()
        assert run.memory_mb == each.raw.get("billingDetails", {}).get("billedMemoryUsedInMB")
    frame = frame_of(runs)
    assert frame.column("run_id").to_pylist() == [run.run_id for run in runs]


def test_the_children_of_a_map(test_data: Path) -> None:
    (map_run,) = (each for each in descriptions(test_data) if "itemCounts" in each.raw)
    child = described(arn(9), input='{"factor": "alpha001"}')
    run = read_execution(child, MACHINE, map_run=map_run.answer)
    assert run.parent_id == map_run.answer["executionArn"]
    assert run.parallel_m == map_run.raw["maxConcurrency"] == 1
    own = described(arn(9), input='{"factor": "alpha001", "parallel_m": 3}')
    assert read_execution(own, MACHINE, map_run=map_run.answer).parallel_m == 3
    without = read_execution(child, MACHINE, map_run=map_run.answer | {"maxConcurrency": 0})
    assert without.parallel_m is None


def described(of: str, **further: Any) -> dict[str, Any]:
    return {
        "executionArn": of,
        "startDate": START,
        "stopDate": START + timedelta(seconds=90),
        "status": "SUCCEEDED",
        **further,
    }


def test_input_and_output_make_the_row() -> None:
    machine = StateMachine(arn=MACHINE.arn, market="us", library="alpha101")
    asked = {"job": {"threadNo": "4", "parallel_m": 2.0, "factor": ["a", "b"]}}
    answered = {"rows": 1000, "peak_memory_mb": 512.5, "host": "node-1", "thread_no": 9}
    run = read_execution(
        described(arn(1), input=json.dumps(asked), output=json.dumps(answered)), machine
    )
    assert (run.thread_no, run.parallel_m, run.factor, run.library) == (4, 2, "a, b", "alpha101")
    assert (run.rows, run.memory_mb, run.host) == (1000, 512.5, "node-1")
    assert (run.seconds, run.market, run.source) == (90.0, "us", "step_functions")
    assert run.note is None


def test_a_malformed_input_keeps_the_row() -> None:
    run = read_execution(described(arn(1), input="{'thread_no': 4}", output='"done"'), MACHINE)
    assert (run.thread_no, run.parallel_m, run.factor, run.status) == (
        None,
        None,
        None,
        "SUCCEEDED",
    )
    assert run.note is not None
    assert run.note.startswith("input is not JSON: ")
    hidden = read_execution(described(arn(1), inputDetails={"included": False}), MACHINE)
    assert hidden.note == "AWS left the input out"


def test_the_seconds_of_a_redriven_execution_are_not_known() -> None:
    run = read_execution(described(arn(1), redriveCount=2), MACHINE)
    assert (run.seconds, run.note) == (None, "redriven 2 times")


def test_a_redriven_history_ends_with_its_last_end() -> None:
    def event(number: int, kind: str, **details: Any) -> dict[str, Any]:
        at = START + timedelta(seconds=number)
        return {"id": number, "type": kind, "timestamp": at, **details}

    failed = {"executionFailedEventDetails": {"error": "E", "cause": "C"}}
    events = [
        event(1, "ExecutionStarted", executionStartedEventDetails={"input": "{}"}),
        event(2, "ExecutionFailed", **failed),
        event(3, "ExecutionRedriven"),
    ]
    going_on = read_history(events)
    assert (going_on.status, going_on.error, going_on.ended) == ("RUNNING", None, None)
    done = read_history([event(4, "ExecutionTimedOut"), *reversed(events)])
    assert (done.status, done.error) == ("TIMED_OUT", None)
    assert done.ended == START + timedelta(seconds=4)


def test_a_history_without_a_start_names_its_execution() -> None:
    with pytest.raises(ValueError, match="The history of arn:x must begin with ExecutionStarted"):
        described_by("arn:x", read_history([]))


def test_what_has_changed() -> None:
    entry = described(arn(1))
    stored = read_execution(entry, MACHINE)
    assert changed(entry, None)
    assert not changed(entry, stored)
    assert changed(entry, replace(stored, status="FAILED"))
    assert changed(entry | {"stopDate": START + timedelta(seconds=91)}, stored)
    zone = entry["stopDate"].astimezone(datetime.now(UTC).astimezone().tzinfo)
    assert not changed(entry | {"stopDate": zone}, stored)
    running = read_execution({**entry, "status": "RUNNING", "stopDate": None}, MACHINE)
    assert running.unfinished
    assert changed({**entry, "status": "RUNNING"}, running)
    assert (gone(running).status, gone(running).error) == ("ABORTED", "ExecutionDoesNotExist")
