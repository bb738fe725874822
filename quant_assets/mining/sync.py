"""Bringing factor_runs up to date with a state machine's executions.

A look lists executions from the newest back to where everything is settled, and describes those
that are new or have changed, oldest first: whatever interrupts it, what is stored has no gap, and
the next look goes on from there. What is stored is all the state there is; looking again changes
nothing. One look at a time: two at once could undo each other's rows.

Belongs here: which executions to ask for. Not here: asking (client.py), reading (executions.py),
the table (run_log.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.mining.client import StepFunctions, StepFunctionsError
from quant_assets.mining.executions import Answer, changed, gone, read_execution, read_history
from quant_assets.mining.run_log import RunLog, machine_suffix
from quant_assets.mining.runs import UNFINISHED, FactorRun, runs_of
from quant_assets.settings_research import StateMachine
from quant_assets.warehouse.window import Window

# A failed execution may be redriven, which changes its row, for 14 days.
REDRIVABLE = timedelta(days=14)
# None lasts longer than a year, and AWS forgets an execution 90 days after its end.
LONGEST = timedelta(days=365 + 90)
# Executions that are described before their rows are written: an interruption costs no more.
CHUNK = 200


def synchronise(
    client: StepFunctions,
    machine: StateMachine,
    log: RunLog,
    now: datetime,
    *,
    first_days: int,
    history: bool = True,
) -> Iterator[list[FactorRun]]:
    """Looks once; gives the rows that were new or changed, chunk by chunk, once they are written.

    Args:
        client: asks AWS.
        machine: the state machine.
        log: the runs of its market.
        now: the instant of the look.
        first_days: how far the first look goes back.
        history: whether each execution's history is read, for retries and time-outs of its tasks.

    Raises:
        StepFunctionsError: AWS gave no answer; the chunks before are written.
    """
    window = Window((now - LONGEST).astimezone(UTC).date(), now.astimezone(UTC).date())
    stored = log.read(window, suffix=f".{machine_suffix(machine.arn)}")
    since = _since(stored, now - timedelta(days=first_days))
    look = _Look(client, machine, _unsettled(stored, since), history)
    waiting = look.waiting(since)
    for start in range(0, len(waiting), CHUNK):
        runs = [run for arn in waiting[start : start + CHUNK] for run in look.read(arn)]
        log.merge(runs)
        yield runs


def _since(stored: pa.Table, first: datetime) -> datetime:
    """Executions that started before this are settled, but for those stored as unfinished."""
    own = stored.filter(pc.is_null(stored["parent_id"]))
    latest = pc.max(own["started"].cast(pa.timestamp("us", tz="UTC"), safe=False)).as_py()
    return first if latest is None else latest - REDRIVABLE


def _unsettled(stored: pa.Table, since: datetime) -> dict[str, FactorRun]:
    """The stored rows that may still change, by ARN."""
    started = stored["started"]
    recent = pc.greater_equal(started, pa.scalar(since, started.type))
    unfinished = pc.is_in(stored["status"], pa.array(UNFINISHED))
    return {run.run_id: run for run in runs_of(stored.filter(pc.or_(recent, unfinished)))}


@dataclass
class _Look:
    """One look at a state machine; `known` are the stored rows that may still change."""

    client: StepFunctions
    machine: StateMachine
    known: Mapping[str, FactorRun]
    history: bool
    _maps: dict[str, Answer] = field(default_factory=dict)

    def waiting(self, since: datetime) -> list[str]:
        """The executions to read, by start; those of maps that come with their parent left out."""
        recent = takewhile(
            lambda entry: entry["startDate"] >= since, self.client.executions(self.machine.arn)
        )
        listed = {entry["executionArn"]: entry for entry in recent}
        starts: dict[str, datetime] = {
            arn: entry["startDate"]
            for arn, entry in listed.items()
            if changed(entry, self.known.get(arn))
        }
        for arn, run in self.known.items():
            if run.unfinished and arn not in listed:
                starts[arn] = run.started
        with_parent = {a for a, run in self.known.items() if run.parent_id in starts}
        return sorted(starts.keys() - with_parent, key=lambda arn: (starts[arn], arn))

    def read(self, arn: str) -> Iterator[FactorRun]:
        """The row of an execution, then those of the executions that its maps have started."""
        try:
            described = self.client.describe(arn)
        except StepFunctionsError as error:
            if error.code == "ExecutionDoesNotExist" and arn in self.known:
                yield gone(self.known[arn])
                return
            raise
        past = read_history(self.client.history(arn)) if self.history else None
        run = read_execution(described, self.machine, past, self._map(described))
        maps = past.map_runs if past else [m["mapRunArn"] for m in self.client.map_runs(arn)]
        try:
            children = [entry for each in maps for entry in self.client.children(each)]
        except StepFunctionsError as error:
            if error.code not in ("StateMachineTypeNotSupported", "ValidationException"):
                raise
            children = []  # of type EXPRESS
            without = "the executions of its map are not listed by AWS"
            run = replace(run, note=f"{run.note}; {without}" if run.note else without)
        yield run
        for entry in children:
            if changed(entry, self.known.get(entry["executionArn"])):
                yield from self.read(entry["executionArn"])

    def _map(self, described: Answer) -> Answer | None:
        """The distributed map that has started an execution, if one has."""
        arn = described.get("mapRunArn")
        if arn is not None and arn not in self._maps:
            self._maps[arn] = self.client.describe_map_run(arn)
        return self._maps[arn] if arn is not None else None
