"""What MLflow is told of a backtest, and how its faults are kept from the backtest.

Belongs here: names of experiments, tags, parameters and metrics, and the few requests of a log. Not
here: which server (settings), nor trained models (models/tracking.py), which log through the active
run of dagster-mlflow; a backtest has an experiment of its own, so that it takes a client.
"""

import logging
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from quant_assets.models.tracking import ensure_experiment

# What MLflow takes of a parameter's and of a tag's value.
_PARAMETER_LENGTH, _TAG_LENGTH = 6000, 8000
# Of an error's message in a report: SQLAlchemy adds the statement with all that was to be written.
_FAULT_LENGTH = 300


@dataclass(frozen=True)
class BacktestRecord:
    """A backtest as it is logged.

    Attributes:
        market: its name.
        asset_class: of the market, such as `equities`.
        family: of the strategy, such as `momentum`.
        strategy: its name.
        status: of the strategy, such as `research`.
        parameters: what it ran with.
        metrics: by name; those that are not finite are left out.
        tags: further tags.
    """

    market: str
    asset_class: str
    family: str
    strategy: str
    status: str
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tracked:
    """How a log went.

    Attributes:
        run_id: of the MLflow run, None if none could be made.
        url: its page, None where no UI is known.
        seconds: it took.
        fault: None, or what went wrong.
    """

    run_id: str | None
    url: str | None
    seconds: float
    fault: str | None


class BacktestTracking:
    """Logs backtests; opened when the first is logged, which costs seconds once a process.

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

    def log(self, record: BacktestRecord) -> Tracked:
        """Log a backtest as a finished run; any fault of MLflow becomes that of the report."""
        return self._reported(lambda: self._log(record))

    def attach(self, run_id: str, files: Mapping[str, bytes]) -> Tracked:
        """Add files by name to a run, and say the same of faults."""
        return self._reported(lambda: self._attach(run_id, files), run_id)

    def experiment_of(self, record: BacktestRecord) -> str:
        """`{project}.{asset_class}.{strategy_family}.{strategy}`."""
        return f"{self._project}.{record.asset_class}.{record.family}.{record.strategy}"

    def _reported(self, work: Callable[[], tuple[str, str]], run_id: str | None = None) -> Tracked:
        begun = time.perf_counter()
        url = fault = None
        try:
            with _patience(self._timeout):
                _wait_for_database(self._uri, self._timeout)
                run_id, experiment = work()
            if self._ui:
                url = f"{self._ui.rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"
        except Exception as error:  # whatever a tracking server does, the backtest is done
            fault = _told(error)
        return Tracked(run_id, url, time.perf_counter() - begun, fault)

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

    def _log(self, record: BacktestRecord) -> tuple[str, str]:
        client = self._opened()
        from mlflow.entities import Metric, Param, RunTag

        name = self.experiment_of(record)
        experiment = self._experiment(name)
        now = int(time.time() * 1000)
        run = client.create_run(experiment, now, run_name=f"{record.market}/{record.strategy}")
        run_id: str = run.info.run_id
        tags = {
            "project": self._project,
            "team": self._team,
            "market": record.market,
            "asset_class": record.asset_class,
            "strategy_family": record.family,
            "strategy": record.strategy,
            "status": record.status,
            **record.tags,
        }
        client.log_batch(
            run_id,
            [Metric(k, float(v), now, 0) for k, v in record.metrics.items() if isfinite(v)],
            [Param(k, str(v)[:_PARAMETER_LENGTH]) for k, v in record.parameters.items()],
            [RunTag(k, str(v)[:_TAG_LENGTH]) for k, v in tags.items() if v],
        )
        client.set_terminated(run_id)
        return run_id, experiment

    def _attach(self, run_id: str, files: Mapping[str, bytes]) -> tuple[str, str]:
        client = self._opened()
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / name).write_bytes(content)
            client.log_artifacts(run_id, folder)
        return run_id, str(client.get_run(run_id).info.experiment_id)


def _wait_for_database(uri: str, seconds: int) -> None:
    """Return when an SQLite file can be written.

    MLflow itself waits 20 s for another process's lock, whatever it is told.

    Raises:
        sqlite3.OperationalError: it is locked for so long, or cannot be written at all.
    """
    if not uri.startswith("sqlite:"):
        return
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
