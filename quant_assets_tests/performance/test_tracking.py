"""Backtests in MLflow: what is logged, and that no fault of a server reaches the backtest."""

import logging
import os
import socket
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from quant_assets.performance.tracking import BacktestRecord, BacktestTracking

RECORD = BacktestRecord(
    market="us",
    asset_class="equities",
    family="momentum",
    strategy="cross_sectional_momentum",
    status="research",
    parameters={"lookback": 252, "quantile": 0.2},
    metrics={"sharpe": 0.7, "beta": float("nan"), "cagr": 0.1},
    tags={"dagster_run_id": "abc", "empty": ""},
)
NAME = "desk.equities.momentum.cross_sectional_momentum"


def tracking(uri: str, folder: Path, **more: object) -> BacktestTracking:
    location = (folder / "artifacts").as_uri()
    return BacktestTracking(uri, "desk", "quants", location, timeout_seconds=1, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """An SQLite file that MLflow has made."""
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    assert tracking(uri, folder).log(RECORD).fault is None
    return uri, folder


def test_a_backtest_is_a_finished_run_of_its_own_experiment(database: tuple[str, Path]) -> None:
    from mlflow import MlflowClient

    uri, folder = database
    ours = tracking(uri, folder, mlflow_url="http://127.0.0.1:5000/")
    told = ours.log(RECORD)
    assert told.fault is None
    assert told.run_id is not None
    client = MlflowClient(uri)
    run = client.get_run(told.run_id)
    assert client.get_experiment(run.info.experiment_id).name == NAME
    assert told.url == (
        f"http://127.0.0.1:5000/#/experiments/{run.info.experiment_id}/runs/{told.run_id}"
    )
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"sharpe": 0.7, "cagr": 0.1}
    assert run.data.params == {"lookback": "252", "quantile": "0.2"}
    tags = {k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")}
    assert tags == {
        "project": "desk",
        "team": "quants",
        "market": "us",
        "asset_class": "equities",
        "strategy_family": "momentum",
        "strategy": "cross_sectional_momentum",
        "status": "research",
        "dagster_run_id": "abc",
    }
    assert ours.attach(told.run_id, {"page.html": b"<p>", "equity.png": b"png"}).fault is None
    assert sorted(f.path for f in client.list_artifacts(told.run_id)) == ["equity.png", "page.html"]


def test_a_search_is_a_run_with_children_in_the_same_experiment(
    database: tuple[str, Path],
) -> None:
    from mlflow import MlflowClient

    uri, folder = database
    nan = float("nan")
    parent = replace(RECORD, series={"window": [0.1, nan, 0.3]}, name="search")
    children = [replace(RECORD, parameters={"lookback": k}, name=f"trial {k}") for k in (1, 2)]
    told = tracking(uri, folder).log(parent, children)
    assert told.fault is None
    assert told.run_id is not None
    client = MlflowClient(uri)
    run = client.get_run(told.run_id)
    steps = client.get_metric_history(told.run_id, "window")
    assert [(point.step, point.value) for point in steps] == [(0, 0.1), (2, 0.3)]
    found = client.search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{told.run_id}'"
    )
    assert {child.data.params["lookback"] for child in found} == {"1", "2"}
    assert {child.info.run_name for child in found} == {"trial 1", "trial 2"}
    assert {child.data.tags["strategy"] for child in found} == {RECORD.strategy}
    assert {child.info.status for child in found} == {"FINISHED"}


def test_what_mlflow_refuses_is_a_fault_and_leaves_no_run_running(
    database: tuple[str, Path],
) -> None:
    from mlflow import MlflowClient

    uri, folder = database
    told = tracking(uri, folder).log(replace(RECORD, metrics={"/": 1.0}))
    assert (told.fault or "").startswith("MlflowException: ")
    assert told.run_id is not None
    assert MlflowClient(uri).get_run(told.run_id).info.status == "FAILED"


@pytest.mark.parametrize("hung", [False, True])
@pytest.mark.parametrize("kind", ["http", "postgresql+psycopg2"])
def test_a_server_that_is_down_or_hangs_is_a_fault_of_the_report(
    kind: str, hung: bool, tmp_path: Path
) -> None:
    """MLflow itself would try for minutes; a hung server takes connections and says nothing."""
    if kind != "http":
        pytest.importorskip("psycopg2")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if hung:
            silent.listen(50)
        port = silent.getsockname()[1]
        told = tracking(f"{kind}://tester@127.0.0.1:{port}/x", tmp_path).log(RECORD)
    assert told.run_id is None
    assert told.url is None
    assert "failed with exception" in (told.fault or "") or "connection" in (told.fault or "")
    assert told.seconds < 60


@pytest.mark.parametrize("busy", [False, True])
def test_a_server_that_is_busy_or_trickles_is_not_waited_for(
    busy: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks to be tried again in ten minutes, or sends a byte before each time-out."""
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(429 if busy else 200)
            self.send_header("Retry-After", "600")
            self.send_header("Content-Length", "0" if busy else "1000")
            self.end_headers()
            while not busy and not done.wait(0.2):
                self.wfile.write(b" ")
                self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    monkeypatch.setattr("quant_assets.performance.tracking._LONGEST", 30.0 if busy else 3.0)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = tracking(f"http://127.0.0.1:{server.server_port}", tmp_path).log(RECORD)
        done.set()
        server.shutdown()
    expected = "MlflowException: " if busy else "TimeoutError: no end after 3 s"
    assert (told.fault or "").startswith(expected)
    assert told.run_id is None


def test_children_end_when_a_server_is_slow(
    database: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, folder = database
    monkeypatch.setattr("quant_assets.performance.tracking._SECONDS_A_RUN", -1.0)
    told = tracking(uri, folder).log(RECORD, [RECORD] * 3)
    assert told.run_id is not None
    assert told.fault == "TimeoutError: 0 of 3 child runs logged: the server is slow"


def test_a_locked_database_is_a_fault_and_serves_again(
    database: tuple[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    uri, folder = database
    ours = tracking(uri, folder)
    with closing(sqlite3.connect(folder / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        told = ours.log(RECORD)
        other.execute("ROLLBACK")
    assert told.fault == "OperationalError: database is locked"
    assert told.seconds < 15  # MLflow itself would wait 20
    assert caplog.text == ""
    assert ours.log(RECORD).fault is None


def test_a_database_that_cannot_be_written_is_a_fault(database: tuple[str, Path]) -> None:
    _, folder = database
    level = logging.getLogger("mlflow.store.db.utils").level
    told = tracking(f"sqlite:///file:{folder / 'mlflow.db'}?mode=ro&uri=true", folder).log(RECORD)
    assert "readonly database" in (told.fault or "")
    assert len(told.fault or "") < 400
    assert logging.getLogger("mlflow.store.db.utils").level == level
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


def test_a_run_that_is_gone_is_a_fault_of_the_files(database: tuple[str, Path]) -> None:
    uri, folder = database
    told = tracking(uri, folder).attach("0" * 32, {"page.html": b""})
    assert "0" * 32 in (told.fault or "")
    assert told.run_id == "0" * 32
