"""What MLflow is told of a backtest or a search, and how its faults are kept from them.

Belongs here: names of experiments, tags, parameters and metrics, and the few requests of a log. Not
here: which server (settings), nor trained models (models/tracking.py), which log through the active
run of dagster-mlflow; a strategy has an experiment of its own, so that it takes a client.
"""

import logging
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from quant_assets.models.tracking import BATCH, ensure_experiment

# What MLflow takes of a parameter's and of a tag's value.
_PARAMETER_LENGTH, _TAG_LENGTH = 6000, 8000
# What a run of many may take, on top of the waiting for a server: nobody waits for a slow one.
_SECONDS_A_RUN = 0.2
# For how long any log is waited for; the first of a process takes seconds by itself, many where
# the machine is busy.
_LONGEST = 120.0
_PARENT = "mlflow.parentRunId"
# Databases that MLflow may lie in, and what their drivers call the time to connect.
_CONNECT_SECONDS = {"postgresql": "connect_timeout", "mysql": "connect_timeout", "mssql": "timeout"}
# Of an error's message in a report: SQLAlchemy adds the statement with all that was to be written.
_FAULT_LENGTH = 300


@dataclass(frozen=True)
class BacktestRecord:
    """A backtest as it is logged, or a search, or one of its trials.

    Attributes:
        market: its name.
        asset_class: of the market, such as `equities`.
        family: of the strategy, such as `momentum`.
        strategy: its name.
        status: of the strategy, such as `research`.
        parameters: what it ran with.
        metrics: by name; those that are not finite are left out.
        tags: further tags.
        series: metrics of several steps, in their order; those that are not finite are left out.
        name: of the run; empty for market and strategy.
    """

    market: str
    asset_class: str
    family: str
    strategy: str
    status: str
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)
    series: Mapping[str, Sequence[float]] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True)
class Tracked:
    """How a log went.

    Attributes:
        run_id: of the MLflow run, None if none could be made; with a fault it may lack something.
        url: its page, None where no UI is known.
        seconds: it took.
        fault: None, or what went wrong.
    """

    run_id: str | None
    url: str | None
    seconds: float
    fault: str | None


@dataclass
class _Run:
    """What is known of a run while it is logged."""

    run_id: str | None = None
    experiment: str | None = None


class BacktestTracking:
    """Logs backtests and searches; opened with the first log, which costs seconds once a process.

    Args:
        tracking_uri: of MLflow: a server or a database.
        project: first part of the names of experiments.
        team: a tag.
        artifact_location: where a database keeps artifacts; None for a server.
        mlflow_url: address of MLflow's UI, where the tracking URI is no server.
        timeout_seconds: for how long a server or a locked database is waited for.
    """

    def __init__(
        self,
        tracking_uri: str,
        project: str,
        team: str,
        artifact_location: str | None = None,
        mlflow_url: str | None = None,
        timeout_seconds: int = 5,
    ) -> None:
        self._uri = tracking_uri
        self._project, self._team = project, team
        self._artifacts = artifact_location
        served = tracking_uri if tracking_uri.startswith(("http://", "https://")) else None
        self._ui = mlflow_url or served
        self._timeout = timeout_seconds
        self._client: Any = None
        self._experiments: dict[str, str] = {}

    def log(self, record: BacktestRecord, children: Sequence[BacktestRecord] = ()) -> Tracked:
        """Log a backtest as a finished run; any fault of MLflow becomes that of the report.

        Args:
            record: of the run.
            children: of its child runs, in the same experiment. They end with the first fault, or
                when they take longer than a backtest may on average.
        """
        return self._reported(lambda run: self._log(run, record, children), runs=1 + len(children))

    def attach(self, run_id: str, files: Mapping[str, bytes]) -> Tracked:
        """Add files by name to a run, and say the same of faults."""
        return self._reported(lambda run: self._attach(run, files), run_id)

    def experiment_of(self, record: BacktestRecord) -> str:
        """`{project}.{asset_class}.{strategy_family}.{strategy}`."""
        return f"{self._project}.{record.asset_class}.{record.family}.{record.strategy}"

    def _reported(
        self, work: Callable[[_Run], None], run_id: str | None = None, runs: int = 1
    ) -> Tracked:
        begun = time.perf_counter()
        run, url, fault = _Run(run_id), None, None
        try:
            with _patience(self._timeout):
                _wait_for_database(self._uri, self._timeout, known=bool(self._experiments))
                _within(_LONGEST + _SECONDS_A_RUN * runs, lambda: work(run))
        except Exception as error:  # whatever a tracking server does, the backtest is done
            fault = _told(error)
        if self._ui and run.run_id and run.experiment:
            url = f"{self._ui.rstrip('/')}/#/experiments/{run.experiment}/runs/{run.run_id}"
        return Tracked(run.run_id, url, time.perf_counter() - begun, fault)

    def _opened(self) -> Any:
        if self._client is None:
            from mlflow import MlflowClient

            self._client = MlflowClient(self._uri)
        return self._client

    def _experiment(self, name: str) -> str:
        if name not in self._experiments:
            found = ensure_experiment(self._opened(), name, self._artifacts)
            self._experiments[name] = found
        return self._experiments[name]

    def _log(self, run: _Run, record: BacktestRecord, children: Sequence[BacktestRecord]) -> None:
        run.experiment = self._experiment(self.experiment_of(record))
        self._log_run(run, record)
        end = time.perf_counter() + self._timeout + _SECONDS_A_RUN * len(children)
        for k, child in enumerate(children):
            if time.perf_counter() > end:
                raise TimeoutError(f"{k} of {len(children)} child runs logged: the server is slow")
            self._log_run(_Run(experiment=run.experiment), child, {_PARENT: run.run_id or ""})

    def _log_run(
        self, run: _Run, record: BacktestRecord, further: Mapping[str, str] | None = None
    ) -> None:
        client = self._opened()
        from mlflow.entities import Metric, Param, RunTag

        now = int(time.time() * 1000)
        name = record.name or f"{record.market}/{record.strategy}"
        run.run_id = str(client.create_run(run.experiment, now, run_name=name).info.run_id)
        tags = {
            "project": self._project,
            "team": self._team,
            "market": record.market,
            "asset_class": record.asset_class,
            "strategy_family": record.family,
            "strategy": record.strategy,
            "status": record.status,
            **record.tags,
            **(further or {}),
        }
        points = [(name, value, 0) for name, value in record.metrics.items()]
        points += [
            (name, value, step)
            for name, values in record.series.items()
            for step, value in enumerate(values)
        ]
        metrics = [Metric(k, float(v), now, step) for k, v, step in points if isfinite(v)]
        try:
            for first in range(BATCH, len(metrics), BATCH):
                client.log_batch(run.run_id, metrics[first : first + BATCH])
            client.log_batch(
                run.run_id,
                metrics[:BATCH],
                [Param(k, str(v)[:_PARAMETER_LENGTH]) for k, v in record.parameters.items()],
                [RunTag(k, str(v)[:_TAG_LENGTH]) for k, v in tags.items() if v],
            )
        except Exception:
            with suppress(Exception):  # or it would be shown as running for good
                client.set_terminated(run.run_id, "FAILED")
            raise
        client.set_terminated(run.run_id)

    def _attach(self, run: _Run, files: Mapping[str, bytes]) -> None:
        client = self._opened()
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            client.log_artifacts(run.run_id, folder)
        run.experiment = str(client.get_run(run.run_id).info.experiment_id)


def _within(seconds: float, work: Callable[[], None]) -> None:
    """Do the work in a thread, which is left behind if it takes longer.

    A time-out of a request is one between two bytes: a server that sends some now and then has all
    the time in the world.
    """
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="mlflow", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"no end after {seconds:.0f} s: the server is slow")
    if failed:
        raise failed[0]


def _wait_for_database(uri: str, seconds: int, known: bool) -> None:
    """Return when a database can be reached, and when an SQLite file can be written.

    MLflow itself waits 20 s for another process's lock on such a file, and tries for minutes to
    open a database that does not answer, whatever it is told.

    Args:
        uri: of MLflow.
        seconds: for how long it is waited for.
        known: whether it has been opened before, when MLflow tries but once.

    Raises:
        sqlite3.OperationalError: it is locked for so long, or cannot be written at all.
        sqlalchemy.exc.OperationalError: there is no such server, or it does not let us in.
    """
    kind = uri.partition(":")[0].partition("+")[0]
    if kind == "sqlite":
        _wait_for_file(uri, seconds)
    elif kind in _CONNECT_SECONDS and not known:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        patience = {_CONNECT_SECONDS[kind]: seconds}
        create_engine(uri, poolclass=NullPool, connect_args=patience).connect().close()


def _wait_for_file(uri: str, seconds: int) -> None:
    from sqlalchemy.engine import make_url

    path = Path(make_url(uri).database or "")
    if not path.is_file():
        return  # MLflow makes it
    with closing(sqlite3.connect(path, timeout=seconds, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("ROLLBACK")


def _told(error: Exception) -> str:
    text = " ".join(str(error).split("[SQL:")[0].split())
    short = text if len(text) <= _FAULT_LENGTH else f"{text[:_FAULT_LENGTH]}…"
    return f"{type(error).__name__}: {short}"


@contextmanager
def _patience(seconds: int) -> Iterator[None]:
    """MLflow's own time-outs, unless the environment has others, and its errors told once.

    A server that does not answer is asked again seven times over minutes by default.
    """
    ours = {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(seconds),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",  # a busy one may ask for ten minutes
        "PGCONNECT_TIMEOUT": str(seconds),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
    }
    added = {name: value for name, value in ours.items() if name not in os.environ}
    store = logging.getLogger("mlflow.store.db.utils")
    level = store.level
    os.environ.update(added)
    store.setLevel(logging.CRITICAL)  # it writes the traceback of what becomes the report's fault
    try:
        yield
    finally:
        store.setLevel(level)
        for name in added:
            os.environ.pop(name, None)
