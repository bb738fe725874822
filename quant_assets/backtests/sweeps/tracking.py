"""What is tracked of a search: a run for the study, a child of it for each trial that was run.

Here stand names of parameters, metrics and tags. How they reach MLflow, and how its faults are kept
from the search, stands in `performance/tracking.py`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from quant_assets.backtests.sweeps.optimization import Optimization
from quant_assets.backtests.sweeps.search import Measures
from quant_assets.backtests.sweeps.trial import Trial
from quant_assets.performance.tracking import BacktestRecord


def study_record(result: Optimization, about: BacktestRecord) -> BacktestRecord:
    """The study: what was searched, what each window chose (a step each) and what came of it.

    Args:
        result: the study.
        about: market, strategy and tags.
    """
    search = result.search
    return replace(
        about,
        parameters={
            "metric": search.metric,
            "windows": len(search.windows),
            "trials_a_window": search.trials,
            "seed": search.seed,
            **{f"searched_{axis.name}": str(axis.span or axis.values) for axis in search.axes},
            **{f"fixed_{name}": value for name, value in search.fixed.items()},
        },
        metrics={
            "in_sample": result.in_sample,
            "out_of_sample": result.out_of_sample,
            "parameter_sets": float(result.sets),
        },
        series={
            "window_in_sample": [each.in_sample for each in result.windows],
            "window_out_of_sample": [each.out_of_sample for each in result.windows],
            "window_median_out_of_sample": [each.median_out_of_sample for each in result.windows],
        },
        tags={
            **about.tags,
            "kind": "optimization",
            "study": search.name,
            "data_hash": search.evaluation.data_hash,
        },
        name=f"{about.market}/{about.strategy} search",
    )


def trial_records(
    study: BacktestRecord, trials: Sequence[tuple[Trial, Measures]]
) -> list[BacktestRecord]:
    """The trials: parameters, and the metric in and out of sample of each window, a step each.

    Args:
        study: the record of their study, whose tags they share.
        trials: those that were run, with what the windows made of them.
    """
    return [
        replace(
            study,
            parameters=measures.parameters,
            metrics={} if np.isnan(trial.sharpe) else {"sharpe_of_a_session": trial.sharpe},
            series={"in_sample": measures.train, "out_of_sample": measures.test},
            tags={**study.tags, "kind": "trial", "trial": trial.key},
            name=f"{study.market}/{study.strategy} {trial.key}",
        )
        for trial, measures in trials
    ]
