"""What came of a walk-forward search: the choice of each window, one account that followed them.

Here stand the result and its tables. How the sets were tried stands in `search.py`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from quant_assets.backtests.sweeps.evaluation import Evaluation, in_cash
from quant_assets.backtests.sweeps.measures import check_metric, measured
from quant_assets.backtests.sweeps.search import (
    Measures,
    Search,
    Work,
    chosen,
    measures_of,
    open_study,
    repeats_of,
    work,
)
from quant_assets.backtests.sweeps.spaces import Space
from quant_assets.backtests.sweeps.studies import StudyPlace
from quant_assets.backtests.sweeps.trial import Trial
from quant_assets.backtests.sweeps.windows import Window, walk_forward
from quant_assets.market_data.panels import FloatArray, date_column
from quant_assets.settings_sweeps import OptimizationSettings


@dataclass(frozen=True)
class WindowChoice:
    """One walk-forward window.

    Attributes:
        place: of the window, from 0.
        window: its rows.
        tried: key -> measures of every different set it tried.
        repeats: key -> how often a set was suggested again.
        key: of the set with the highest metric in the training window; None where none has one.
    """

    place: int
    window: Window
    tried: Mapping[str, Measures]
    repeats: Mapping[str, int]
    key: str | None

    @property
    def in_sample(self) -> float:
        """The metric of the chosen set in the training window."""
        return np.nan if self.key is None else self.tried[self.key].train[self.place]

    @property
    def out_of_sample(self) -> float:
        """The metric of the chosen set in the test window."""
        return np.nan if self.key is None else self.tried[self.key].test[self.place]

    @property
    def median_out_of_sample(self) -> float:
        """The median of all tried sets in the test window: what choosing at random would give."""
        values = [each.test[self.place] for each in self.tried.values()]
        known = [value for value in values if np.isfinite(value)]
        return float(np.median(known)) if known else np.nan

    @property
    def parameters(self) -> Mapping[str, object] | None:
        """All parameters of the chosen set."""
        return None if self.key is None else self.tried[self.key].parameters


@dataclass(frozen=True)
class Optimization:
    """The result of a study.

    Attributes:
        search: what was searched.
        windows: each window with its choice, oldest first.
        returns: net returns of one account that traded, in each test window, what its training
            window chose, switching included; shape (T,), NaN before the first.
        in_sample: mean of the chosen sets' metric over the training windows.
        out_of_sample: the metric of `returns` over all test windows: the objective.
    """

    search: Search
    windows: tuple[WindowChoice, ...]
    returns: FloatArray
    in_sample: float
    out_of_sample: float

    @property
    def rows(self) -> slice:
        """The sessions from the first to the last test window."""
        return slice(self.windows[0].window.test.start, self.windows[-1].window.test.stop)

    @property
    def sets(self) -> int:
        """Different sets that were tried in all."""
        return len({key for each in self.windows for key in each.tried})

    def table(self) -> pa.Table:
        """Rows of table `optimization`: the windows that could choose."""
        decided = [each for each in self.windows if each.key is not None]
        dates = self.search.evaluation.dates

        def sessions(places: list[int]) -> pa.Array:
            return date_column(dates[np.array(places, np.int64)])

        return pa.table(
            {
                "strategy": _texts([self.search.evaluation.strategy.name] * len(decided)),
                "window": pa.array([each.place for each in decided], pa.int32()),
                "train_start": sessions([each.window.train.start for each in decided]),
                "train_end": sessions([each.window.train.stop - 1 for each in decided]),
                "test_start": sessions([each.window.test.start for each in decided]),
                "test_end": sessions([each.window.test.stop - 1 for each in decided]),
                "metric": _texts([self.search.metric] * len(decided)),
                "parameters": _texts([_json(each.parameters or {}) for each in decided]),
                "trial": _texts([each.key or "" for each in decided]),
                "in_sample": _floats([each.in_sample for each in decided]),
                "out_of_sample": _floats([each.out_of_sample for each in decided]),
                "median_out_of_sample": _floats([e.median_out_of_sample for e in decided]),
                "trials": pa.array([len(each.tried) for each in decided], pa.int32()),
                "study": _texts([self.search.name] * len(decided)),
            }
        )

    def trials_table(self) -> pa.Table:
        """Rows of table `optimization_trials`."""
        rows = [
            (each, key, measures) for each in self.windows for key, measures in each.tried.items()
        ]
        return pa.table(
            {
                "strategy": _texts([self.search.evaluation.strategy.name] * len(rows)),
                "window": pa.array([each.place for each, _, _ in rows], pa.int32()),
                "parameters": _texts([_json(m.parameters) for _, _, m in rows]),
                "trial": _texts([key for _, key, _ in rows]),
                "in_sample": _floats([m.train[each.place] for each, _, m in rows]),
                "out_of_sample": _floats([m.test[each.place] for each, _, m in rows]),
                "repeated": pa.array(
                    [each.repeats.get(key, 0) for each, key, _ in rows], pa.int32()
                ),
            }
        )


def optimize(
    evaluation: Evaluation,
    space: Space,
    fixed: Mapping[str, Any],
    settings: OptimizationSettings,
    place: StudyPlace,
    market: str,
    run: str = "",
    on_window: Callable[[Sequence[Trial]], object] | None = None,
) -> tuple[Optimization, Work]:
    """Work a study through, together with whoever else does, and give its result.

    Args:
        evaluation: the strategy on its market.
        space: the searched parameters; its sets tell the longest look-back.
        fixed: the other parameters, where they differ from the strategy's defaults.
        settings: windows, metric, trials, workers.
        place: where the study lies.
        market: its name.
        run: the Dagster run.
        on_window: as for `search.work`; called by every worker.

    Raises:
        StrategyError: a metric that is none, or sessions too few for a window.
    """
    strategy = evaluation.strategy
    search = Search(
        evaluation,
        space.axes,
        fixed,
        walk_forward(
            max(strategy.lookback(each.parameters) for each in space.sets),
            len(evaluation.dates),
            settings.training_sessions,
            settings.embargo,
            settings.test_sessions,
        ),
        check_metric(settings.metric, "optimization.metric"),
        settings.trials,
        settings.seed,
        market,
        run,
    )
    with ThreadPoolExecutor(settings.workers) as pool:
        parts = list(pool.map(lambda _: work(search, place, on_window), range(settings.workers)))
    done = Work(
        [trial for part in parts for trial in part.trials],
        sum(part.repeated for part in parts),
        sum(part.recovered for part in parts),
    )
    return optimization(search, place), done


def optimization(search: Search, place: StudyPlace) -> Optimization:
    """The result of a study whose windows have been worked through."""
    found = []
    for k, window in enumerate(search.windows):
        study = open_study(place, search.name, k)
        tried = measures_of(study)
        found.append(WindowChoice(k, window, tried, repeats_of(study), chosen(tried, k)))
    returns = search.evaluation.simulate(followed(search, found))
    rows = slice(found[0].window.test.start, found[-1].window.test.stop)
    table = in_cash(returns)[:, None]
    values = [each.in_sample for each in found if np.isfinite(each.in_sample)]
    return Optimization(
        search,
        tuple(found),
        returns,
        float(np.mean(values)) if values else np.nan,
        float(measured(search.evaluation, table, rows)[search.metric][0]),
    )


def followed(search: Search, windows: Sequence[WindowChoice]) -> FloatArray:
    """Target weights of whoever does what each window chose, from the eve of its test window on.

    What is decided on the eve, after the training window and the embargo, is traded on the first
    test session. Until the new set decides, what the old one held stays held. A window that cannot
    choose goes on with the choice before it.
    """
    evaluation = search.evaluation
    sets = {
        each.key: evaluation.strategy.parse(each.parameters)
        for each in windows
        if each.parameters is not None
    }
    key, tested = None, []
    for each in windows:
        key = each.key or key
        tested.append((key, slice(each.window.test.start - 1, each.window.test.stop - 1)))
    weights = np.full(evaluation.data.shape, np.nan)
    every = evaluation.strategy.target_weights_of_each(evaluation.data, list(sets.values()))
    for of_key, of_set in zip(sets, every, strict=True):
        for followed, rows in tested:
            if followed == of_key:
                weights[rows] = of_set[rows]
    return weights


def _json(values: Mapping[str, object]) -> str:
    return json.dumps(dict(values), sort_keys=True)


def _texts(values: list[str]) -> pa.Array:
    return pa.array(values, pa.string())


def _floats(values: list[float]) -> pa.Array:
    return pa.array(values, pa.float64(), from_pandas=True)
