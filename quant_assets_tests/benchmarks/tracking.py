"""What logging a backtest to MLflow on SQLite costs, beside MLflow's own fluent calls.

The peer logs the same run as its documentation shows it: a request for the parameters, one for the
metrics, one for the tags. They agree if both runs hold the same. What MLflow takes to be imported
and to make its database comes once a process, and is a case of its own.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quant_assets.performance.metrics import METRICS
from quant_assets.performance.tracking import BacktestRecord, BacktestTracking
from quant_assets_tests.benchmarks.harness import Result, compare, main

JOB = "tracking"
_PARAMETERS = 15


def cases(quick: bool) -> Iterator[Result]:
    """The first log of a process, a log, and the files of a tear sheet."""
    with tempfile.TemporaryDirectory() as folder:
        uri = f"sqlite:///{folder}/mlflow.db"
        tracking = BacktestTracking(uri, "bench", "team", Path(folder, "artifacts").as_uri())
        yield compare(JOB, "first log: import, new database", lambda: _log(tracking), repeats=1)
        repeats = 2 if quick else 20
        yield compare(
            JOB,
            f"a log: {len(METRICS)} metrics, {_PARAMETERS} parameters",
            lambda: _log(tracking),
            "MLflow's fluent calls",
            lambda: _fluent(uri),
            lambda ours, theirs: _content(uri, ours) == _content(uri, theirs),
            repeats,
        )
        run_id = _log(tracking)
        files = {"tear_sheet.html": b"x" * 350_000, "equity.png": b"x" * 30_000}
        yield compare(
            JOB,
            "page and picture as artifacts",
            lambda: tracking.attach(run_id, files),
            agree=lambda told, _: told.fault is None,
            repeats=repeats,
        )


def _values() -> tuple[dict[str, float], dict[str, Any]]:
    metrics = {name: k / 7.0 for k, name in enumerate(METRICS)}
    return metrics, {f"parameter_{k}": k for k in range(_PARAMETERS)}


def _log(tracking: BacktestTracking) -> str:
    metrics, parameters = _values()
    told = tracking.log(
        BacktestRecord(
            "us", "equities", "momentum", "strategy", "research", parameters, metrics,
            {"dagster_run_id": "0" * 36},
        )
    )  # fmt: skip
    assert told.run_id is not None, told.fault
    return told.run_id


def _fluent(uri: str) -> str:
    import mlflow

    metrics, parameters = _values()
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("bench.equities.momentum.strategy")
    with mlflow.start_run(run_name="us/strategy") as run:
        mlflow.log_params(parameters)
        mlflow.log_metrics(metrics)
        mlflow.set_tags(
            {
                "project": "bench",
                "team": "team",
                "market": "us",
                "asset_class": "equities",
                "strategy_family": "momentum",
                "strategy": "strategy",
                "status": "research",
                "dagster_run_id": "0" * 36,
            }
        )
    found: str = run.info.run_id
    return found


def _content(uri: str, run_id: str) -> tuple[object, ...]:
    from mlflow import MlflowClient

    run = MlflowClient(uri).get_run(run_id)
    tags = {k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")}
    return run.info.status, run.info.experiment_id, run.data.metrics, run.data.params, tags


if __name__ == "__main__":
    main(JOB, cases)
