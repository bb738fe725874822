"""Tracking of a search: one MLflow run for the study, a child for each trial that was run.

Belongs here: names of parameters, metrics and tags, and how faults are kept from the search. Not
here: which server and experiment; the `mlflow` object that is handed in has a run open, and that
becomes the parent.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from quant_assets.backtests.sweeps.ledger import Trial
from quant_assets.backtests.sweeps.optimization import Optimization
from quant_assets.backtests.sweeps.search import Measures
from quant_assets.models.tracking import PROJECT, TrackingReport

PARENT = "mlflow.parentRunId"


def log_search(
    mlflow: Any,
    result: Optimization,
    trials: Sequence[tuple[Trial, Measures]],
    tags: Mapping[str, str] | None = None,
) -> TrackingReport:
    """Log the study into the open run, and each trial of this worker into a child of it.

    It stops at the first fault: a server that does not answer would make every further call wait.

    Args:
        mlflow: the module `mlflow`, or an object that passes its functions on, with a run open;
            None where tracking could not be reached, which becomes the fault.
        result: the study.
        trials: those that this worker ran.
        tags: further tags of the parent.

    Returns:
        What was logged; any exception of MLflow becomes its `fault`.
    """
    begun = time.perf_counter()
    run_id = fault = None
    try:
        if mlflow is None:
            raise RuntimeError("MLflow could not be reached")
        active = mlflow.active_run()
        if active is None:
            raise RuntimeError("no MLflow run is active")
        run_id = active.info.run_id
        client = mlflow.MlflowClient()
        _log_study(client, run_id, result, tags or {})
        for trial, measures in trials:
            _log_trial(client, active.info.experiment_id, run_id, trial, measures)
    except Exception as error:  # whatever a tracking server does, the search is done
        fault = f"{type(error).__name__}: {error}"
    return TrackingReport(run_id, None, time.perf_counter() - begun, fault)


def _log_study(client: Any, run_id: str, result: Optimization, tags: Mapping[str, str]) -> None:
    from mlflow.entities import Param, RunTag

    search = result.search
    parameters = {
        "metric": search.metric,
        "windows": len(search.windows),
        "trials_a_window": search.trials,
        "seed": search.seed,
        **{f"searched_{axis.name}": str(axis.span or axis.values) for axis in search.axes},
        **{str(name): value for name, value in search.fixed.items()},
    }
    metrics = {
        "in_sample": result.in_sample,
        "out_of_sample": result.out_of_sample,
        "parameter_sets": float(result.sets),
    }
    points = _metrics(metrics)
    for each in result.windows:
        points += _metrics(
            {
                "window_in_sample": each.in_sample,
                "window_out_of_sample": each.out_of_sample,
                "window_median_out_of_sample": each.median_out_of_sample,
            },
            each.place,
        )
    marks = {
        "project": PROJECT,
        "market": search.market,
        "strategy": search.evaluation.strategy.name,
        "strategy_family": search.evaluation.strategy.family,
        "kind": "optimization",
        "study": search.name,
        "data_hash": search.evaluation.data_hash,
        **tags,
    }
    client.log_batch(
        run_id,
        metrics=points,
        params=[Param(name, str(value)) for name, value in parameters.items()],
        tags=[RunTag(name, value) for name, value in marks.items()],
    )


def _log_trial(client: Any, experiment: str, parent: str, trial: Trial, measures: Measures) -> None:
    from mlflow.entities import Param

    run = client.create_run(
        experiment,
        tags={PARENT: parent, "kind": "trial", "trial": trial.key},
        run_name=f"{trial.strategy} {trial.key}",
    )
    points = _metrics({"sharpe_of_a_session": trial.sharpe})
    for k, (train, test) in enumerate(zip(measures.train, measures.test, strict=True)):
        points += _metrics({"in_sample": train, "out_of_sample": test}, k)
    client.log_batch(
        run.info.run_id,
        metrics=points,
        params=[Param(name, str(value)) for name, value in measures.parameters.items()],
    )
    client.set_terminated(run.info.run_id)


def _metrics(values: Mapping[str, float], step: int = 0) -> list[Any]:
    """Those that are defined, as MLflow's points of one step."""
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(n, v, now, step) for n, v in values.items() if np.isfinite(v)]
