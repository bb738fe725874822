"""A run of a batch of factors as a row of table factor_runs.

Belongs here: the row, its states, and rows as a frame. Not here: how a run is measured
(measurement.py), where rows are stored (run_log.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Literal

import pyarrow as pa

from quant_assets.warehouse.schemas import schema_of

SUCCEEDED, FAILED, TIMED_OUT, ABORTED, RUNNING = (
    *("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "RUNNING"),
)
# States in which a run is that may still change of itself.
UNFINISHED = (RUNNING, "PENDING_REDRIVE")

Source = Literal["dagster", "step_functions"]


@dataclass(frozen=True, slots=True)
class FactorRun:
    """One row of factor_runs; the columns are described where the table is declared.

    Instants carry a time zone. What is not known is None.
    """

    batch: str
    run_id: str
    source: Source
    market: str
    started: datetime
    status: str
    parent_id: str | None = None
    library: str | None = None
    factor: str | None = None
    part: int = 0
    factor_version: str | None = None
    thread_no: int | None = None
    parallel_m: int | None = None
    rows: int | None = None
    ended: datetime | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    memory_mb: float | None = None
    added_memory_mb: float | None = None
    host: str | None = None
    error: str | None = None
    cause: str | None = None
    task_failures: int | None = None
    task_timeouts: int | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        for name in ("started", "ended"):
            instant = getattr(self, name)
            if instant is not None and instant.tzinfo is None:
                raise ValueError(f"FactorRun.{name} must have a time zone. Got {instant} instead.")

    @property
    def unfinished(self) -> bool:
        """Whether the run may still change of itself."""
        return self.status in UNFINISHED


def frame_of(runs: Iterable[FactorRun]) -> pa.Table:
    """The runs as rows of factor_runs, in their order."""
    schema = schema_of("factor_runs").arrow
    rows = [{**_values(run), "date": run.started.astimezone(UTC).date()} for run in runs]
    return pa.Table.from_pylist(rows, schema=schema)


def runs_of(frame: pa.Table) -> list[FactorRun]:
    """Rows of factor_runs as runs; the reverse of `frame_of`, microseconds kept."""
    names = [field.name for field in fields(FactorRun)]
    micro = pa.timestamp("us", tz="UTC")
    columns = [
        c.cast(micro, safe=False) if pa.types.is_timestamp(c.type) else c
        for c in (frame.column(name) for name in names)
    ]
    rows = pa.Table.from_arrays(columns, names=names).to_pylist()
    return [FactorRun(**row) for row in rows]


def batch_name(factors: Sequence[str]) -> str:
    """The name of a batch without one of its own: its factors, as they were given."""
    return ", ".join(factors)


def with_status(run: FactorRun, status: str, error: str | None, cause: str | None) -> FactorRun:
    """The run in another state, with the error that brought it there."""
    return replace(run, status=status, error=error, cause=cause)


def _values(run: FactorRun) -> dict[str, object]:
    return {field.name: getattr(run, field.name) for field in fields(run)}
