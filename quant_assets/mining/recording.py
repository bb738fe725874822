"""A run of a library on record: the whole and its parts, from their start on.

The rows are written when the run begins, as RUNNING, and again when it ends: of a run that was
killed, for want of memory perhaps, the knobs that it was killed with stay known.

Belongs here: turning what happens into rows. Not here: the measuring (measurement.py), the table
(run_log.py).
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar

from quant_assets.mining.measurement import Cost, Meter, host
from quant_assets.mining.run_log import RunLog, dagster_batch
from quant_assets.mining.runs import (
    ABORTED,
    FAILED,
    RUNNING,
    SUCCEEDED,
    TIMED_OUT,
    FactorRun,
    batch_name,
)

Result = TypeVar("Result")
_LOST = "the process ended without recording the end of the run"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a Dagster run ended, and when; `status` is one of factor_runs."""

    status: str
    at: datetime | None


class Recorder:
    """Records a run of a library while it happens; an observer of `compute_in_parts`.

        with Recorder(log, run_id, "alpha101", thread_no, parallel_m, rows=len(dates) * len(symbols)
                      ) as recorder:
            compute_in_parts(names, compute, thread_no, parallel_m, observer=recorder)

    A library that is computed block after block has one row a part: what the blocks cost is added
    up. An error is recorded with the run and passed on; a `TimeoutError` counts as timed out, what
    is no `Exception` (Ctrl-C) as aborted.

    Args:
        log: the market's runs.
        dagster_run: its id.
        library: name of the library.
        thread_no: threads in a part.
        parallel_m: parts at once.
        factor: name of the batch as a whole; by default the library's.
        factor_version: hash of the formulas.
        rows: sessions x securities of the result.
        attempt: number of the step's retry in the same Dagster run.
    """

    def __init__(
        self,
        log: RunLog,
        dagster_run: str,
        library: str,
        thread_no: int,
        parallel_m: int,
        *,
        factor: str | None = None,
        factor_version: str | None = None,
        rows: int | None = None,
        attempt: int = 0,
    ) -> None:
        self._log = log
        started = datetime.now(UTC)
        retry = f".{attempt}" if attempt else ""
        self._whole = FactorRun(
            batch=dagster_batch(started, dagster_run, library, attempt),
            run_id=f"{dagster_run}/{library}{retry}/0",
            source="dagster",
            market=log.market,
            library=library,
            factor=factor or library,
            factor_version=factor_version,
            thread_no=thread_no,
            parallel_m=parallel_m,
            rows=rows,
            started=started,
            status=RUNNING,
            host=host(),
        )
        self._parts: dict[tuple[str, ...], FactorRun] = {}
        self._lock = threading.Lock()
        self._meter = Meter()

    def __enter__(self) -> Self:
        self._write()
        self._meter.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._meter.__exit__(kind, error, traceback)
        self._whole = _ended(self._whole, self._meter.cost, error)
        try:
            self._write()
        except Exception as fault:
            if error is None:
                raise
            error.add_note(f"the run could not be recorded either: {fault}")

    def measured(self, part: int, factors: Sequence[str], work: Callable[[], Result]) -> Result:
        """Runs the work of a part and records what it costs."""
        with self._lock:
            self._begin(part, tuple(factors))
        meter = Meter()
        try:
            with meter:
                result = work()
        except BaseException as error:
            self._end(tuple(factors), meter.cost, error)
            raise
        self._end(tuple(factors), meter.cost, None)
        return result

    def left_out(self, part: int, factors: Sequence[str]) -> None:
        """Records a part that was not begun."""
        with self._lock:
            run = self._begin(part, tuple(factors))
            self._parts[tuple(factors)] = replace(run, status=ABORTED, ended=run.started)

    def _begin(self, part: int, factors: tuple[str, ...]) -> FactorRun:
        """The row of a part: that of its earlier block, or a new one."""
        run = self._parts.get(factors)
        if run is None:
            taken = {other.part for other in self._parts.values()}
            number = part if part not in taken else max(taken) + 1
            run = replace(
                self._whole,
                run_id=f"{self._whole.run_id[:-1]}{number}",
                parent_id=self._whole.run_id,
                part=number,
                factor=batch_name(factors),
                started=datetime.now(UTC),
            )
            self._parts[factors] = run
        return run

    def _end(self, factors: tuple[str, ...], cost: Cost, error: BaseException | None) -> None:
        with self._lock:
            run = _ended(self._parts[factors], cost, error)
            # Processor time is of the process: with several parts at once it is not the part's.
            own = run.cpu_seconds if self._whole.parallel_m == 1 else None
            self._parts[factors] = replace(run, cpu_seconds=own)

    def _write(self) -> None:
        parts = sorted(self._parts.values(), key=lambda run: run.part)
        self._log.write(self._whole.batch, [self._whole, *parts])


def lost_runs(runs: Iterable[FactorRun], ended: Mapping[str, Ended]) -> list[FactorRun]:
    """The rows of Dagster runs that are RUNNING though their run has ended, as what they are.

    Args:
        runs: any runs.
        ended: the Dagster runs that have ended, by their id.
    """
    found = []
    for run in runs:
        end = ended.get(dagster_run_of(run))
        if run.source == "dagster" and run.status == RUNNING and end is not None:
            status = FAILED if end.status == SUCCEEDED else end.status
            found.append(replace(run, status=status, ended=end.at, error="Lost", cause=_LOST))
    return found


def dagster_run_of(run: FactorRun) -> str:
    """The id of the Dagster run that a row comes from."""
    return run.run_id.split("/", 1)[0]


def _ended(run: FactorRun, cost: Cost, error: BaseException | None) -> FactorRun:
    """The run with one more piece of work: costs add up, the last error stays."""
    return replace(
        run,
        ended=cost.ended,
        seconds=(run.seconds or 0.0) + cost.seconds,
        cpu_seconds=(run.cpu_seconds or 0.0) + cost.cpu_seconds,
        memory_mb=_higher(run.memory_mb, cost.memory_mb),
        added_memory_mb=_higher(run.added_memory_mb, cost.added_memory_mb),
        status=_status(error) if error is not None or run.status == RUNNING else run.status,
        error=type(error).__name__ if error is not None else run.error,
        cause=_words(error) if error is not None else run.cause,
    )


def _higher(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return max(known) if known else None


def _status(error: BaseException | None) -> str:
    if error is None:
        return SUCCEEDED
    if isinstance(error, TimeoutError):
        return TIMED_OUT
    return FAILED if isinstance(error, Exception) else ABORTED


def _words(error: BaseException) -> str:
    return "\n".join([str(error), *getattr(error, "__notes__", [])])
