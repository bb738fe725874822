"""Backtests in MLflow: what is logged, and that no fault of a server reaches the backtest."""

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from quant_assets.performance.tracking import BacktestRecord, BacktestTracking
from quant_assets_tests.end_to_end.servers import free_port

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


def test_a_server_that_is_down_is_a_fault_of_the_report(tmp_path: Path) -> None:
    told = tracking(f"http://127.0.0.1:{free_port()}", tmp_path).log(RECORD)
    assert told.run_id is None
    assert told.url is None
    assert "failed with exception" in (told.fault or "")
    assert told.seconds < 60


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
