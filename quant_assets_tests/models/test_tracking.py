"""Tracking with MLflow on SQLite: what a run holds, and that its faults stay its own."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from quant_assets.models.tracking import ensure_experiment, log_model_run
from quant_assets.models.trained import TrainedModel
from quant_assets_tests.models.conftest import train
from quant_assets_tests.models.synthetic import Tables

# MLflow declares its database with an option that SQLAlchemy 2.1 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")


@pytest.fixture(scope="module")
def mlflow(
    tmp_path_factory: pytest.TempPathFactory, tracking_database: Path
) -> Iterator[ModuleType]:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow

    before, folder = mlflow.get_tracking_uri(), tmp_path_factory.mktemp("mlflow")
    shutil.copy(tracking_database, folder)
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    ensure_experiment(mlflow, "demo", (folder / "artifacts").as_uri())
    mlflow.set_experiment("demo")
    yield mlflow
    mlflow.set_tracking_uri(before)


def artifacts(mlflow: Any, run_id: str | None) -> set[str]:
    return {item.path for item in mlflow.MlflowClient().list_artifacts(run_id)}


def test_a_run_holds_parameters_metrics_tags_files_and_the_model(
    mlflow: Any, trained: TrainedModel, tmp_path: Path
) -> None:
    with mlflow.start_run() as run:
        report = log_model_run(
            mlflow,
            trained,
            "demo",
            "lightgbm",
            tags={"simulated": "true"},
            pictures={"importance.png": b"\x89PNG"},
        )
    assert report.fault is None
    assert report.run_id == run.info.run_id
    data = mlflow.get_run(report.run_id).data
    assert data.params["num_leaves"] == "7"
    assert data.params["train_window"] == str(trained.split.train)
    assert data.params["last_label_known"] == trained.split.last_known.isoformat()
    for name, value in trained.metrics.items():
        assert data.metrics[name] == value
    expected = {"project": "quant_assets", "market": "demo", "model": "lightgbm"}
    expected |= {"month": "2023-06", "data_hash": trained.data_hash, "simulated": "true"}
    assert expected.items() <= data.tags.items()
    curve = mlflow.MlflowClient().get_metric_history(report.run_id, "rank_ic_by_round")
    assert [point.value for point in sorted(curve, key=lambda m: m.step)] == list(trained.history)
    assert artifacts(mlflow, report.run_id) == {
        "feature_importance.csv",
        "importance.png",
        "model.json",
    }


def test_the_logged_model_gives_the_same_scores(mlflow: Any, trained: TrainedModel) -> None:
    import pandas as pd

    with mlflow.start_run():
        report = log_model_run(mlflow, trained, "demo", "lightgbm")
    assert report.fault is None
    X = np.random.default_rng(0).uniform(-0.5, 0.5, (50, 5)).astype(np.float32)
    X[3, 2] = np.nan
    frame = pd.DataFrame(X, columns=list(trained.features))
    native = mlflow.lightgbm.load_model(report.model_uri)
    np.testing.assert_array_equal(native.predict(X), trained.predict(X))
    loaded = mlflow.pyfunc.load_model(report.model_uri)
    np.testing.assert_array_equal(loaded.predict(frame), trained.predict(X))
    assert loaded.metadata.signature.inputs.input_names() == list(trained.features)


def test_several_months_in_one_process_get_nested_runs(
    mlflow: Any, planted: Tables, trained: TrainedModel
) -> None:
    with mlflow.start_run() as parent:
        reports = [
            log_model_run(mlflow, model, "demo", "lightgbm", nested=True)
            for model in (trained, train(planted, "2023-07"))
        ]
    for report, month in zip(reports, ("2023-06", "2023-07"), strict=True):
        assert report.fault is None
        run = mlflow.get_run(report.run_id)
        assert run.info.status == "FINISHED"
        assert run.info.run_name == f"demo/lightgbm/{month}"
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id


def test_two_months_in_one_run_are_a_reported_fault(
    mlflow: Any, planted: Tables, trained: TrainedModel
) -> None:
    with mlflow.start_run():
        log_model_run(mlflow, trained, "demo", "lightgbm")
        report = log_model_run(mlflow, train(planted, "2023-07"), "demo", "lightgbm")
    assert report.fault is not None
    assert "MlflowException" in report.fault
    assert report.model_uri is None


def test_a_fault_is_reported_and_not_raised(mlflow: Any, trained: TrainedModel) -> None:
    no_run = log_model_run(mlflow, trained, "demo", "lightgbm")
    assert no_run.fault == "RuntimeError: no MLflow run is active"
    assert no_run.run_id is None

    absent = log_model_run(None, trained, "demo", "lightgbm")
    assert absent.fault == "RuntimeError: MLflow could not be reached"

    class Down:
        def __getattr__(self, name: str) -> Any:
            raise ConnectionError(f"no answer to {name}")

    report = log_model_run(Down(), trained, "demo", "lightgbm", nested=True)
    assert report.fault == "ConnectionError: no answer to start_run"
    assert report.model_uri is None


def test_an_experiment_is_made_once(mlflow: Any, tmp_path: Path) -> None:
    first = ensure_experiment(mlflow, "other", tmp_path.as_uri())
    assert ensure_experiment(mlflow, "other", "file:///elsewhere") == first
    assert mlflow.get_experiment_by_name("other").artifact_location == tmp_path.as_uri()


def test_an_experiment_that_another_process_made_meanwhile_is_taken(mlflow: Any) -> None:
    class Racing:
        """Sees no experiment at first, as if the other process had made it a moment later."""

        looked = False

        def get_experiment_by_name(self, name: str) -> Any:
            if self.looked:
                return mlflow.get_experiment_by_name(name)
            self.looked = True
            return None

        def create_experiment(self, name: str, artifact_location: str | None) -> Any:
            return mlflow.create_experiment(name, artifact_location=artifact_location)

    expected = mlflow.get_experiment_by_name("demo").experiment_id
    assert ensure_experiment(Racing(), "demo") == expected
