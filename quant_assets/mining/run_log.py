"""Table factor_runs of a market: batches of runs written whole, read by day.

A batch is what one writer owns: the runs of a library in one Dagster run, or the executions of a
state machine that started on one day. Each is a partition, so any number of processes write at the
same time without losing a row, and writing a batch again replaces it.

Belongs here: names of batches, reading and writing. Not here: what a run is (runs.py).
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime

import pyarrow as pa

from quant_assets.mining.runs import FactorRun, frame_of, runs_of
from quant_assets.warehouse.store import Warehouse
from quant_assets.warehouse.window import Window

_UNUSUAL = re.compile(r"[^A-Za-z0-9_-]")


def dagster_batch(started: datetime, dagster_run: str, library: str, attempt: int = 0) -> str:
    """The batch of a library in a Dagster run; a retry in the same run is a batch of its own."""
    retry = f".{attempt}" if attempt else ""
    return f"{_day(started)}.dagster.{_plain(dagster_run)}.{_plain(library)}{retry}"


def machine_batch(started: datetime, machine_arn: str) -> str:
    """The batch of the executions of a state machine that started on that UTC day."""
    return f"{_day(started)}.{machine_suffix(machine_arn)}"


def machine_suffix(machine_arn: str) -> str:
    """What follows the day in the batches of a state machine.

    Names repeat from region to region and account to account; the hash of the ARN does not.
    """
    digest = hashlib.sha256(machine_arn.encode()).hexdigest()[:8]
    return f"step_functions.{_plain(machine_arn.rsplit(':', 1)[-1])}-{digest}"


class RunLog:
    """The runs of a market's factors."""

    def __init__(self, warehouse: Warehouse, market: str) -> None:
        self.market = market
        self.table = f"{market}/factor_runs"
        self._warehouse = warehouse

    def write(self, batch: str, runs: Iterable[FactorRun]) -> int:
        """Makes the batch hold exactly these runs; gives their number."""
        return self._warehouse.replace(self.table, [batch], frame_of(runs))[batch]

    def merge(self, runs: Iterable[FactorRun]) -> int:
        """Puts runs into their batches, in place of those of the same `run_id`; gives their number.

        Only for batches of which this process is the one writer at the time.
        """
        by_batch: dict[str, dict[str, FactorRun]] = {}
        for run in runs:
            by_batch.setdefault(run.batch, {})[run.run_id] = run
        for batch in sorted(by_batch):
            stored = {run.run_id: run for run in runs_of(self._warehouse.read(self.table, [batch]))}
            self.write(batch, (stored | by_batch[batch]).values())
        return sum(len(new) for new in by_batch.values())

    def read(self, window: Window | None = None, suffix: str = "") -> pa.Table:
        """Rows of the runs that started on the UTC days of the window; by default of all.

        With a `suffix` only batches whose names end so.
        """
        batches = [
            key
            for key in self._warehouse.partitions(self.table)
            if key.endswith(suffix)
            and (window is None or window.contains(date.fromisoformat(key[:10])))
        ]
        return self._warehouse.read(self.table, batches)


def _day(started: datetime) -> str:
    return started.astimezone(UTC).date().isoformat()


def _plain(name: str) -> str:
    return _UNUSUAL.sub("_", name)
