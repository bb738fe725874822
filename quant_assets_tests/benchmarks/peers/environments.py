"""Environments of peers whose requirements conflict with ours, and how a peer runs in one.

Here stand the pinned requirements, the making of environments under the user's cache folder, and
the process that a peer lives in: started once, then told to run as often as the benchmark wants.
What a peer computes is in its own script beside this module.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

_ROOT = Path(__file__).parents[3]


class PeerError(RuntimeError):
    """A peer that cannot be set up or has failed; the message says why."""


@dataclass(frozen=True)
class Environment:
    """What a peer needs.

    Attributes:
        title: the peer and its version, as tables show it.
        module: its script, run as a module.
        requirements: pinned; pip installs them.
        python: the oldest Python that runs it.
        programs: that must be on the path.
    """

    title: str
    module: str
    requirements: tuple[str, ...]
    python: tuple[int, int] = (3, 11)
    programs: tuple[str, ...] = ()

    def interpreter(self) -> Path:
        """The environment's Python; makes the environment if it is not there yet.

        Raises:
            PeerError: no Python or program that it needs, or pip failed.
        """
        absent = [each for each in self.programs if shutil.which(each) is None]
        if absent:
            raise PeerError(f"{self.title} needs {', '.join(absent)} on the path")
        base = _python(self.python)
        if base is None:
            wanted = ".".join(map(str, self.python))
            raise PeerError(f"{self.title} needs Python {wanted} or later on the path")
        text = "\n".join((str(base), *self.requirements))
        key = hashlib.sha256(text.encode()).hexdigest()[:10]
        folder = _cache() / f"{self.title.partition(' ')[0].lower()}-{key}"
        done = folder / "complete"
        if not done.exists():
            print(f"making {folder} for {self.title} ...", file=sys.stderr, flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            _call([str(base), "-m", "venv", str(folder)])
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            _call([*pip, *self.requirements])
            done.touch()
        return folder / "bin" / "python"


KUNQUANT = Environment(
    "KunQuant 0.1.12",
    "quant_assets_tests.benchmarks.peers.kunquant_factors",
    ("KunQuant==0.1.12", "numpy==2.4.6", "setuptools<81"),
    programs=("g++",),
)
ALPHA_LIB = Environment(
    "py-alpha-lib 0.3.1",
    "quant_assets_tests.benchmarks.peers.alpha_lib_factors",
    ("py-alpha-lib==0.3.1", "numpy==2.4.6"),
    python=(3, 12),  # its wheel says 3.11, and has syntax of 3.12
)
QLIB = Environment(
    "qlib 0.9.7",
    "quant_assets_tests.benchmarks.peers.qlib_factors",
    ("pyqlib==0.9.7", "pandas==2.3.3", "numpy==2.4.6"),
)
ORDER_BOOK = Environment(
    "order-book 0.6.1",
    "quant_assets_tests.benchmarks.peers.order_book_books",
    ("order-book==0.6.1", "numpy==2.4.6"),
)
VECTORBT = Environment(
    "vectorbt 1.2.0 (Rust)",
    "quant_assets_tests.benchmarks.peers.vectorbt_orders",
    ("vectorbt[rust]==1.2.0", "numpy==2.4.6"),
)
VECTORBT_SWEEPS = replace(VECTORBT, module="quant_assets_tests.benchmarks.peers.vectorbt_sweeps")


class Peer:
    """A peer at work on one input; use as a context manager.

    Attributes:
        environment: where it runs.
        facts: what it said when it was ready, such as how long it compiled.
        cpu_s: processor seconds of the fastest run so far.
    """

    def __init__(
        self, environment: Environment, fields: Mapping[str, Array], **options: Any
    ) -> None:
        self.environment = environment
        self.cpu_s = float("inf")
        interpreter = environment.interpreter()
        self._folder = tempfile.TemporaryDirectory(prefix="peer-")
        folder = Path(self._folder.name)
        arrays: dict[str, Any] = dict(fields)
        np.savez(folder / "input.npz", **arrays)
        (folder / "options.json").write_text(json.dumps(options))
        self._log: IO[str] = (folder / "log.txt").open("w+")
        self._process = subprocess.Popen(
            [str(interpreter), "-m", environment.module, str(folder)],
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.facts = self._answer()

    def __enter__(self) -> "Peer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()
        self._log.close()
        self._folder.cleanup()

    def run(self) -> "Peer":
        """One computation, timed here and there."""
        self.cpu_s = min(self.cpu_s, self._ask("run")["cpu"])
        return self

    def results(self) -> dict[str, Array]:
        """What the last run computed: name -> (days, symbols), mapped from files.

        They are gone when the peer is left.
        """
        folder = Path(self._folder.name) / "results"
        folder.mkdir(exist_ok=True)
        names = self._ask(f"save {folder}")["names"]
        return {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}

    def copied(self) -> dict[str, Array]:
        """As `results`, in memory: they stay."""
        return {name: np.array(values, np.float64) for name, values in self.results().items()}

    def _ask(self, command: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            said = self._log.read()[-2000:]
            raise PeerError(f"{self.environment.title} has ended without an answer:\n{said}")
        return dict(json.loads(line))


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "quant_assets_bench"


def _python(oldest: tuple[int, int]) -> Path | None:
    """This Python if it is new enough, or one of the path, or one of pyenv."""
    if sys.version_info[:2] >= oldest:
        return Path(sys.executable)
    names = [f"3.{minor}" for minor in range(oldest[1], 15)]
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [shutil.which(f"python{name}") for name in names]
    places += [str(p) for name in names for p in sorted(versions.glob(f"{name}.*/bin/python"))]
    for place in places:
        if place and _works(place):
            return Path(place)
    return None


def _works(place: str) -> bool:
    """Whether it starts; a shim of pyenv is on the path without a Python behind it."""
    return subprocess.run([place, "-c", ""], capture_output=True, check=False).returncode == 0


def _call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
