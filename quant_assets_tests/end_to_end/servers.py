"""Servers for tests: processes in a group of their own, a log each, and none left behind.

What is asked of a server stands in `api.py`.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")

SCRIPTS = Path(sys.executable).parent
# A shell that started the tests in the background has made them, and so their children, deaf to
# SIGINT. Servers are to hear it, or they could not be stopped as a user stops them.
WITH_OPEN_EARS = (
    "import os, signal, sys\n"
    "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
    "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
    "os.execv(sys.argv[1], sys.argv[1:])"
)
SECONDS_TO_STOP = 30


@dataclass(frozen=True)
class Server:
    """A running server and what it says."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-6000:]

    def left(self) -> list[int]:
        """The processes of its group that live, by /proc; one that only waits to be buried is no
        longer alive.
        """
        self.process.poll()
        living = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(group) == self.process.pid and state != "Z":
                living.append(int(stat.parent.name))
        return living


@contextmanager
def running(
    name: str, command: Sequence[str], folder: Path, env: dict[str, str]
) -> Iterator[Server]:
    """A server for the length of a block; afterwards it is stopped as Ctrl-C stops it.

    Raises:
        AssertionError: it, or a process that it started, outlived the signal and was killed.
    """
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", WITH_OPEN_EARS, *command],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(name, process, log)
    try:
        yield server
    finally:
        _stop(server)


def _stop(server: Server) -> None:
    if server.process.poll() is None:
        server.process.send_signal(signal.SIGINT)
    end = time.monotonic() + SECONDS_TO_STOP
    while (left := server.left()) and time.monotonic() < end:
        time.sleep(0.1)
    if left:
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait(SECONDS_TO_STOP)
        raise AssertionError(
            f"{server.name} left {len(left)} processes after SIGINT:\n{server.said()}"
        )
    # It may have ended after it was last asked: a child that nobody has waited for is reported.
    server.process.wait(SECONDS_TO_STOP)


def wait_for(
    condition: Callable[[], Found | None], seconds: float, what: str, *servers: Server
) -> Found:
    """What a condition returns as soon as that is something.

    Raises:
        AssertionError: it took too long or a server ended; with the ends of the servers' logs.
    """
    end = time.monotonic() + seconds
    while not (found := condition()):
        dead = [s.name for s in servers if s.process.poll() is not None]
        if dead or time.monotonic() > end:
            why = f"{dead[0]} has ended" if dead else f"waited {seconds:.0f} s"
            logs = "\n".join(f"--- {s.name}\n{s.said()}" for s in servers)
            raise AssertionError(f"{what}: {why}\n{logs}")
        time.sleep(0.25)
    return found


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    """Whether a server answers a GET."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def clean_environment(**variables: str) -> dict[str, str]:
    """This process's environment without settings of the platform and of Dagster."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("QUANT_ASSETS_", "DAGSTER_"))}
    return kept | variables
