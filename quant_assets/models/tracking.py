"""Tracking: what MLflow is told of a trained model, and how its faults are kept from the training.

Belongs here: names of parameters, metrics, tags and artifacts. Not here: which server, experiment
or run (whoever hands in the `mlflow` object decides that), nor the store from which predictions
load their models: that works without MLflow.
"""

import csv
import io
import json
import tempfile
import time
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from quant_assets.models.trained import KIND, TrainedModel

PROJECT = "quant_assets"
# One request carries at most so many metrics (MLflow's limit of a batch).
BATCH = 1000


@dataclass(frozen=True)
class TrackingReport:
    """How the logging went.

    Attributes:
        run_id: of the MLflow run, None if none could be opened.
        model_uri: `models:/…` of the logged model, None if it was not logged.
        seconds: it took.
        fault: None, or what went wrong; the training is none the worse for it.
    """

    run_id: str | None
    model_uri: str | None
    seconds: float
    fault: str | None


def ensure_experiment(mlflow: Any, name: str, artifact_location: str | None = None) -> str:
    """The id of an experiment, made if it is not there; safe in several processes at once.

    Without a location of its own, an experiment in a database keeps its artifacts in a folder
    `mlruns` of whatever working directory the process has, and dagster-mlflow gives it none: call
    this first. `artifact_location` is a folder or URI, None for a server that has its own.
    """
    found = mlflow.get_experiment_by_name(name)
    if found is None:
        try:
            return str(mlflow.create_experiment(name, artifact_location=artifact_location))
        except Exception:
            found = mlflow.get_experiment_by_name(name)
            if found is None:  # not another process that was faster
                raise
    return str(found.experiment_id)


def log_model_run(
    mlflow: Any,
    trained: TrainedModel,
    market: str,
    model: str,
    tags: Mapping[str, str] | None = None,
    pictures: Mapping[str, bytes] | None = None,
    nested: bool = False,
) -> TrackingReport:
    """Log parameters, metrics, tags, tables, pictures and the model itself.

    It stops at the first fault: a server that does not answer would make every further call wait
    for its time-out, too.

    Args:
        mlflow: the module `mlflow`, or an object that passes its functions on, such as the resource
            of dagster-mlflow; None where tracking could not be reached, which becomes the fault.
        trained: the model.
        market: its market.
        model: its name.
        tags: further tags.
        pictures: file name -> PNG bytes, kept as artifacts.
        nested: log into a child run of its own, which ends here, instead of the active run: for a
            process that trains several months under one run (parameters of a run cannot change).

    Returns:
        What was logged; any exception of MLflow becomes its `fault`.
    """
    begun = time.perf_counter()
    run_id = uri = fault = None
    try:
        if mlflow is None:
            raise RuntimeError("MLflow could not be reached")
        name = f"{market}/{model}/{trained.month}"
        run: AbstractContextManager[Any] = (
            mlflow.start_run(run_name=name, nested=True) if nested else nullcontext()
        )
        with run:
            active = mlflow.active_run()
            if active is None:
                raise RuntimeError("no MLflow run is active")
            run_id = active.info.run_id
            mlflow.log_params(_parameters(trained))
            _log_metrics(mlflow, run_id, trained)
            mlflow.set_tags({**_tags(trained, market, model), **(tags or {})})
            _log_files(mlflow, trained, pictures or {})
            uri = _log_booster(mlflow, trained)
    except Exception as error:  # whatever a tracking server does, the model is trained
        fault = f"{type(error).__name__}: {error}"
    return TrackingReport(run_id, uri, time.perf_counter() - begun, fault)


def _parameters(trained: TrainedModel) -> dict[str, Any]:
    split = trained.split
    return {
        **trained.parameters,
        "horizon": split.horizon,
        "embargo": split.embargo,
        "train_window": str(split.train),
        "validation_window": str(split.validation),
        "last_label_known": split.last_known.isoformat(),
        "feature_count": len(trained.features),
    }


def _tags(trained: TrainedModel, market: str, model: str) -> dict[str, str]:
    versions = {f"version_{name}": text for name, text in trained.versions.items()}
    return {
        "project": PROJECT,
        "market": market,
        "model": model,
        "kind": KIND,
        "month": trained.month,
        "data_hash": trained.data_hash,
        **versions,
    }


def _log_metrics(mlflow: Any, run_id: str, trained: TrainedModel) -> None:
    """The metrics, and the validation rank IC by boosting round, in as few requests as can be."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    known = {name: value for name, value in trained.metrics.items() if np.isfinite(value)}
    metrics: list[Any] = [Metric(name, value, now, 0) for name, value in known.items()]
    metrics += [
        Metric("rank_ic_by_round", value, now, step + 1)
        for step, value in enumerate(trained.history)
    ]
    client = mlflow.MlflowClient()
    for first in range(0, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[first : first + BATCH])


def _log_files(mlflow: Any, trained: TrainedModel, pictures: Mapping[str, bytes]) -> None:
    """The record, the importance table and the pictures, as artifacts of the run."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(["feature", "gain_share"])
    largest_first = sorted(trained.importance, key=lambda name: -trained.importance[name])
    writer.writerows((name, trained.importance[name]) for name in largest_first)
    with tempfile.TemporaryDirectory() as folder:
        record = json.dumps(trained.to_record(), indent=1, allow_nan=False)
        (Path(folder) / "model.json").write_text(record, encoding="utf-8")
        (Path(folder) / "feature_importance.csv").write_text(table.getvalue(), encoding="utf-8")
        for name, content in pictures.items():
            (Path(folder) / name).write_bytes(content)
        mlflow.log_artifacts(folder)


def _log_booster(mlflow: Any, trained: TrainedModel) -> str:
    """The model in MLflow's LightGBM flavour, with its signature; the uri of it."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    signature = ModelSignature(
        inputs=Schema([ColSpec("float", name, required=False) for name in trained.features]),
        outputs=Schema([TensorSpec(np.dtype(np.float64), (-1,))]),
    )
    with warnings.catch_warnings():
        # Loading its own modules in here, MLflow warns of one of its own type hints.
        warnings.filterwarnings("ignore", ".*Any type hint is inferred", UserWarning)
        # Without the requirements MLflow would load the model in another process to find them.
        logged = mlflow.lightgbm.log_model(
            trained.booster,
            name="model",
            signature=signature,
            pip_requirements=[f"lightgbm=={trained.versions['lightgbm']}"],
        )
    uri: str = logged.model_uri
    return uri
