"""What a piece of work costs: seconds, processor time, peak memory, machine.

Belongs here: the meter. Not here: what is measured, and where it is written.
"""

import os
import platform
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

_MB = 1024.0 * 1024.0
_STATM = Path("/proc/self/statm")
# A look costs 20 µs: a ten-thousandth of a thread.
_SECONDS_BETWEEN_LOOKS = 0.02


@dataclass(frozen=True, slots=True)
class Cost:
    """What the work between the meter's start and end has cost; None is not known.

    `seconds` are of the wall clock, `cpu_seconds` of all threads of the process, whatever else ran
    in it; `memory_mb` is the highest resident memory of the process, `added_memory_mb` how much
    that is above the memory at the start.
    """

    started: datetime
    ended: datetime
    seconds: float
    cpu_seconds: float
    memory_mb: float | None
    added_memory_mb: float | None


class Meter:
    """Measures the work in a `with` block; `cost` has the result afterwards.

    The peak of memory is exact when it exceeds every peak that the process had before: the system
    keeps that one. Below an earlier peak it is the highest of looks every 20 ms, so memory that is
    held for a shorter time may be missed; outside Linux it is then not known.
    """

    cost: Cost

    def __enter__(self) -> Self:
        self._before = _resident()
        self._system_before = _peak_of_system()
        self._highest = self._before
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look, name="memory-watch", daemon=True)
        if self._before is not None:
            self._watch.start()
        self._started = datetime.now(UTC)
        self._cpu = time.process_time()
        self._clock = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        seconds = time.perf_counter() - self._clock
        cpu = time.process_time() - self._cpu
        ended = datetime.now(UTC)
        self._done.set()
        if self._before is not None:
            self._watch.join()
        peak = self._peak()
        before = self._before
        added = None if peak is None or before is None else max(peak - before, 0.0)
        self.cost = Cost(self._started, ended, seconds, cpu, peak, added)

    def _look(self) -> None:
        while not self._done.wait(_SECONDS_BETWEEN_LOOKS):
            self._note(_resident())

    def _note(self, resident: float | None) -> None:
        if resident is not None and self._highest is not None:
            self._highest = max(self._highest, resident)

    def _peak(self) -> float | None:
        self._note(_resident())
        system = _peak_of_system()
        rose = system is not None and (self._system_before or 0.0) < system
        known = [x for x in (self._highest, system if rose else None) if x is not None]
        return max(known) if known else None


def host() -> str:
    """The name of this machine on its network."""
    return platform.node() or "unknown"


def _resident() -> float | None:
    """Resident memory of the process now, in MB; None where the system does not tell."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / _MB


def _peak_of_system() -> float | None:
    """Highest resident memory that the process ever had, in MB."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak) / _MB if sys.platform == "darwin" else peak / 1024.0
