"""Executions of AWS Step Functions as runs of factors, from what AWS answers.

Belongs here: pure reading of the answers to ListExecutions, DescribeExecution, GetExecutionHistory
and DescribeMapRun (https://docs.aws.amazon.com/step-functions/latest/apireference). Not here: the
asking (client.py), which executions to ask for (sync.py), the JSON of inputs (inputs.py).

Every execution becomes a row, whatever its state and however odd its input; status, error and cause
are those of AWS. An execution that failed because a task timed out is FAILED with the error
States.Timeout; TIMED_OUT is one that ran longer than its state machine may.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from quant_assets.mining.inputs import Told, told
from quant_assets.mining.run_log import machine_batch
from quant_assets.mining.runs import ABORTED, FAILED, RUNNING, SUCCEEDED, TIMED_OUT, FactorRun
from quant_assets.settings_research import StateMachine

Answer = Mapping[str, Any]

# The event that ends an execution -> the status it ends with.
ENDS = {
    "ExecutionSucceeded": SUCCEEDED,
    "ExecutionFailed": FAILED,
    "ExecutionTimedOut": TIMED_OUT,
    "ExecutionAborted": ABORTED,
}
_TASKS = ("Task", "LambdaFunction", "Activity")
_FAULTS = ("Failed", "StartFailed", "SubmitFailed", "ScheduleFailed")
TASK_FAILURES = frozenset(f"{task}{fault}" for task in _TASKS for fault in _FAULTS)
TASK_TIMEOUTS = frozenset(f"{task}TimedOut" for task in _TASKS)


@dataclass(frozen=True, slots=True)
class History:
    """What the events of an execution tell; of one that goes on, `status` is RUNNING."""

    status: str
    started: datetime | None
    ended: datetime | None
    error: str | None
    cause: str | None
    input: str | None
    output: str | None
    task_failures: int
    task_timeouts: int
    map_runs: tuple[str, ...]


def read_history(events: Iterable[Answer]) -> History:
    """The history of one execution, all pages of it, in either order.

    A redriven execution has several ends: the last event of the execution decides.
    """
    ordered = sorted(events, key=lambda event: int(event["id"]))
    first: Answer = next((e for e in ordered if e["type"] == "ExecutionStarted"), {})
    last: Answer = {}
    for event in ordered:
        if event["type"] in ENDS:
            last = event
        elif event["type"] == "ExecutionRedriven":
            last = {}
    details = _details(last)
    types = [event["type"] for event in ordered]
    return History(
        status=ENDS[last["type"]] if last else RUNNING,
        started=first.get("timestamp"),
        ended=last.get("timestamp"),
        error=details.get("error"),
        cause=details.get("cause"),
        input=_details(first).get("input"),
        output=details.get("output"),
        task_failures=sum(kind in TASK_FAILURES for kind in types),
        task_timeouts=sum(kind in TASK_TIMEOUTS for kind in types),
        map_runs=tuple(
            dict.fromkeys(
                event["mapRunStartedEventDetails"]["mapRunArn"]
                for event in ordered
                if event["type"] == "MapRunStarted"
            )
        ),
    )


def read_execution(
    described: Answer,
    machine: StateMachine,
    history: History | None = None,
    map_run: Answer | None = None,
) -> FactorRun:
    """The row of an execution.

    Args:
        described: the answer to DescribeExecution (or an entry of ListExecutions).
        machine: the state machine that it is an execution of.
        history: what its history tells; it fills in what the description leaves out.
        map_run: for a child of a distributed map, the answer to DescribeMapRun: its
            `executionArn` is the parent, its `maxConcurrency` is `parallel_m` where the input names
            none (0 there means that there is no limit).

    A redriven execution has no `seconds`: between its first end and its new start lies any time.
    """
    started = described["startDate"]
    ended = described.get("stopDate") or (history.ended if history else None)
    asked = _told(described, "input", history.input if history else None)
    answered = _told(described, "output", history.output if history else None)
    whole = map_run or {}
    billing = described.get("billingDetails") or {}
    redriven = described.get("redriveCount") or 0
    notes = [asked.note, answered.note, f"redriven {redriven} times" if redriven else None]
    run = FactorRun(
        batch=machine_batch(started, machine.arn),
        run_id=described["executionArn"],
        parent_id=whole.get("executionArn"),
        source="step_functions",
        market=machine.market,
        library=asked.library or answered.library or machine.library,
        factor=asked.factor or answered.factor,
        factor_version=asked.factor_version or answered.factor_version,
        thread_no=asked.thread_no or answered.thread_no,
        parallel_m=asked.parallel_m or answered.parallel_m or whole.get("maxConcurrency") or None,
        rows=answered.rows if answered.rows is not None else asked.rows,
        started=started,
        ended=ended,
        seconds=None if redriven else _seconds(started, ended),
        memory_mb=answered.memory_mb or billing.get("billedMemoryUsedInMB"),
        host=answered.host or asked.host,
        status=described["status"],
        error=described.get("error") or None,
        cause=described.get("cause") or None,
        note="; ".join(note for note in notes if note) or None,
    )
    if history is None:
        return run
    return replace(
        run,
        error=run.error or history.error or None,
        cause=run.cause or history.cause or None,
        task_failures=history.task_failures,
        task_timeouts=history.task_timeouts,
    )


def described_by(arn: str, history: History) -> dict[str, Any]:
    """What DescribeExecution would answer of an execution, from its history alone.

    For executions of which only the history is at hand, an export for instance.

    Raises:
        ValueError: the history has no start.
    """
    if history.started is None:
        raise ValueError(f"The history of {arn} must begin with ExecutionStarted. It has none.")
    told_of: dict[str, Any] = {
        "executionArn": arn,
        "startDate": history.started,
        "stopDate": history.ended,
        "status": history.status,
        "input": history.input,
        "output": history.output,
        "error": history.error,
        "cause": history.cause,
    }
    return {name: value for name, value in told_of.items() if value is not None}


def changed(listed: Answer, stored: FactorRun | None) -> bool:
    """Whether an entry of ListExecutions says more than the row that is stored.

    A redriven execution keeps its ARN and its start, and ends a second time.
    """
    if stored is None or stored.unfinished:
        return True
    stop = listed.get("stopDate")
    return listed["status"] != stored.status or (stop is not None and not _same(stop, stored.ended))


def gone(run: FactorRun) -> FactorRun:
    """A run that was going on when AWS was last asked, and that AWS does not know any more."""
    return replace(
        run,
        status=ABORTED,
        error="ExecutionDoesNotExist",
        cause="deleted, with its state machine perhaps, before its end was read",
    )


def _told(described: Answer, which: str, from_history: str | None) -> Told:
    text = described.get(which)
    if text is None:
        text = from_history
    included = (described.get(f"{which}Details") or {}).get("included", True)
    if text is None and not included:
        return Told(note=f"AWS left the {which} out")
    if which == "output" and text is not None and text.lstrip()[:1] not in ("{", "["):
        return Told()  # a bare text or number, which tells nothing
    return told(text, which)


def _details(event: Answer) -> Answer:
    """The details of an event, whose key is spelled after its type."""
    found: Sequence[Answer] = [
        value
        for name, value in event.items()
        if name.endswith("EventDetails") and isinstance(value, Mapping)
    ]
    return found[0] if found else {}


def _seconds(started: datetime, ended: datetime | None) -> float | None:
    return None if ended is None else max((ended - started).total_seconds(), 0.0)


def _same(one: datetime, other: datetime | None) -> bool:
    return other is not None and abs((one - other).total_seconds()) < 0.0005
