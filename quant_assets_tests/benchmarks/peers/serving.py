"""A peer's side of the conversation: runs when told, says how long it took, saves its results.

Runs inside the peer's environment, on the standard library and numpy alone. The other side is
environments.Peer. Each line on the standard input is a command, each answer one line of JSON:

    run           one computation; {"seconds": wall, "cpu": of all threads and child processes}
    save FOLDER   the results of the last one, FOLDER/<name>.npy, (days, symbols); {"names": [...]}

The first line, before any command, holds the facts that `serve` was given.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np


class Server:
    """Speaks to the benchmark over the standard output; what libraries print goes to stderr."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def serve(
        self,
        run: Callable[[], Any],
        results: Callable[[], Mapping[str, Any]],
        **facts: Any,
    ) -> None:
        """Answer commands until the input ends; `results` are those of the last run."""
        self._answer(facts)
        for line in sys.stdin:
            command, _, argument = line.strip().partition(" ")
            if command == "run":
                cpu, start = _cpu(), time.perf_counter()
                run()
                self._answer({"seconds": time.perf_counter() - start, "cpu": _cpu() - cpu})
            elif command == "save":
                self._answer({"names": _save(Path(argument), results())})
            else:
                raise ValueError(f"no command {command!r}")

    def _answer(self, content: Mapping[str, Any]) -> None:
        self._answers.write(json.dumps(content) + "\n")
        self._answers.flush()


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _save(folder: Path, results: Mapping[str, Any]) -> list[str]:
    for name, values in results.items():
        np.save(folder / f"{name}.npy", values)
    return list(results)
