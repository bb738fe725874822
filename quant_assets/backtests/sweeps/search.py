"""A walk-forward search: each training window chooses among sets that a sampler suggests.

A study is one Optuna study for each window, so that what is suggested for a window follows from
its own training sessions and from what earlier windows chose, never from later ones. The measures
of a set, one simulation, serve all windows. Here stands what a worker does; where studies lie and
how workers shut out one another stands in `studies.py`, what came of it in `optimization.py`.
"""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from quant_assets.backtests.fingerprint import fingerprint
from quant_assets.backtests.strategies.base import StrategyParameters
from quant_assets.backtests.sweeps.evaluation import Evaluation, in_cash
from quant_assets.backtests.sweeps.measures import measured
from quant_assets.backtests.sweeps.spaces import Axis, allowed, plain, trial_key
from quant_assets.backtests.sweeps.studies import StudyPlace
from quant_assets.backtests.sweeps.sweep import session_rate
from quant_assets.backtests.sweeps.trial import Trial, trials_of
from quant_assets.backtests.sweeps.windows import Window

if TYPE_CHECKING:
    import optuna

# So many suggestions in a row that were tried before or break a constraint: nothing is left to try.
_FRUITLESS = 25
_MEASURES, _KEY, _REPEATED, _TRIAL = "measures", "key", "repeated", "trial"
# The key of suggestions that break a constraint of the strategy.
_BROKEN = ""


@dataclass(frozen=True)
class Search:
    """What is searched, and how: equal for all workers of a study.

    Attributes:
        evaluation: the strategy on its market.
        axes: the searched parameters.
        fixed: the other parameters, where they differ from the strategy's defaults.
        windows: the walk-forward windows.
        metric: by which training windows choose.
        trials: different sets that a window tries.
        seed: of the sampler.
        market: its name.
        run: the Dagster run of this worker.
    """

    evaluation: Evaluation
    axes: tuple[Axis, ...]
    fixed: Mapping[str, Any]
    windows: tuple[Window, ...]
    metric: str
    trials: int
    seed: int
    market: str
    run: str = ""

    @cached_property
    def name(self) -> str:
        """The name of the study.

        Another search, other rules, other data, an index or rate that measures are taken against,
        or another version of the strategy's file is another study: a study holds results.
        """
        evaluation = self.evaluation
        strategy = evaluation.strategy
        digest = fingerprint(
            *(repr(part) for part in (self.axes, self.windows, self.metric, self.seed)),
            json.dumps(plain(strategy.parse(self.fixed)), sort_keys=True),
            evaluation.data_hash,
            evaluation.benchmark,
            evaluation.risk_free,
            repr(float(evaluation.annualization)),
            _source(type(strategy)),
        )
        return f"{self.market}/{strategy.name}/{digest}"


@dataclass(frozen=True)
class Measures:
    """One parameter set, measured once: the metric by window, and its row of the ledger."""

    parameters: Mapping[str, Any]
    train: tuple[float, ...]
    test: tuple[float, ...]


@dataclass
class Work:
    """What one worker did.

    Attributes:
        trials: those that it ran, for the ledger and for tracking, with their measures.
        repeated: suggestions whose set had been run before; they took the stored measures.
        recovered: sets of workers that had died, put up to be taken again.
    """

    trials: list[tuple[Trial, Measures]] = field(default_factory=list)
    repeated: int = 0
    recovered: int = 0


def work(
    search: Search,
    place: StudyPlace,
    on_window: Callable[[Sequence[Trial]], object] | None = None,
) -> Work:
    """Take trials of a study until every window has its number; any number may work at once.

    Args:
        search: what is searched.
        place: where the study lies.
        on_window: called when a window has its number, with the trials that were run for it by
            whichever worker, whether in this run or in one that was killed.
    """
    done = Work()
    name = search.name
    for k in range(len(search.windows)):
        study = open_study(place, name, k)
        fruitless = 0
        while True:
            with ExitStack() as held:
                with place.claims.hold(f"{name} ask"):
                    recovered = _recover(place, study)
                    done.recovered += recovered
                    asked = None
                    if recovered or fruitless < _FRUITLESS:
                        asked = _ask(search, place, k, study)
                    if asked is not None:
                        held.enter_context(place.claims.hold(_alive(study, asked.trial.number)))
                if asked is not None:
                    new = _settle(search, place, study, k, asked, done)
                    fruitless = 0 if new else fruitless + 1
                    continue
            if not _wait_for_another(place, study):
                break
        if on_window is not None:
            on_window(trials_of_study(study))
    return done


def open_study(place: StudyPlace, name: str, window: int) -> "optuna.Study":
    """The Optuna study of a window, made if it is not there."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        study_name=f"{name}/{window}",
        storage=place.storage,
        direction="maximize",
        load_if_exists=True,
    )


def measures_of(study: "optuna.Study") -> dict[str, Measures]:
    """Every different set that a window has tried: key -> measures, in the order of the trials."""
    found: dict[str, Measures] = {}
    for trial in _finished(study):
        key = trial.user_attrs[_KEY]
        if key not in found:
            stored = trial.user_attrs[_MEASURES]
            found[key] = Measures(
                stored["parameters"], _numbers(stored["train"]), _numbers(stored["test"])
            )
    return found


def trials_of_study(study: "optuna.Study") -> list[Trial]:
    """The rows of the ledger of the sets that were run for a window."""
    records = (trial.user_attrs.get(_TRIAL) for trial in _finished(study))
    return [Trial.from_record(record) for record in records if record is not None]


def repeats_of(study: "optuna.Study") -> dict[str, int]:
    """How often each set of a window was suggested again."""
    counts: dict[str, int] = {}
    for trial in _finished(study):
        if trial.user_attrs.get(_REPEATED):
            counts[trial.user_attrs[_KEY]] = counts.get(trial.user_attrs[_KEY], 0) + 1
    return counts


def chosen(tried: Mapping[str, Measures], window: int) -> str | None:
    """The key of the set with the highest metric in the training window, the first of equals."""
    known = {k: m.train[window] for k, m in tried.items() if isfinite(m.train[window])}
    return max(known, key=lambda key: known[key]) if known else None


@dataclass
class _Asked:
    """A suggestion: its trial, its key, its parameters (None where they break a constraint)."""

    trial: "optuna.Trial"
    key: str
    parameters: StrategyParameters | None


def _ask(search: Search, place: StudyPlace, window: int, study: "optuna.Study") -> _Asked | None:
    """The next suggestion, None where the window has its number; under the study's ask lock."""
    import optuna
    from optuna.trial import TrialState

    if not study.get_trials(deepcopy=False):
        _start(search, place, window, study)
    begun = study.get_trials(
        deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
    )
    if len({trial.user_attrs[_KEY] for trial in begun} - {_BROKEN}) >= search.trials:
        return None
    # A seed for each trial: two workers must not suggest the same, and a study that is resumed must
    # suggest what it would have suggested without the break.
    study.sampler = optuna.samplers.TPESampler(seed=search.seed + len(begun))
    trial = study.ask()
    values = {axis.name: _suggest(trial, axis) for axis in search.axes}
    strategy = search.evaluation.strategy
    parameters = allowed(strategy, {**search.fixed, **values}, {})
    key = _BROKEN if parameters is None else trial_key(strategy.name, plain(parameters))
    trial.set_user_attr(_KEY, key)
    return _Asked(trial, key, parameters)


def _settle(
    search: Search,
    place: StudyPlace,
    study: "optuna.Study",
    window: int,
    asked: _Asked,
    done: Work,
) -> bool:
    """Run the set, or take its measures where it has been run; whether it is new to the window."""
    from optuna.trial import TrialState

    if asked.parameters is None:
        study.tell(asked.trial, state=TrialState.PRUNED)
        return False
    # Another worker may be running the same set: it is waited for, and its measures are taken.
    with place.claims.hold(f"{search.name} {asked.key}"):
        stored = _stored(search, place, asked.key)
        if stored is None:
            trial, stored = _run(search, asked.parameters)
            done.trials.append((trial, stored))
            asked.trial.set_user_attr(_TRIAL, trial.to_record())
        else:
            done.repeated += 1
        again = asked.key in measures_of(study)
        asked.trial.set_user_attr(_REPEATED, again)
        asked.trial.set_user_attr(
            _MEASURES,
            {
                "parameters": dict(stored.parameters),
                "train": _plain(stored.train),
                "test": _plain(stored.test),
            },
        )
        value = stored.train[window]
        # An undefined metric is the worst there is: the sampler shall look elsewhere.
        study.tell(asked.trial, value if isfinite(value) else _WORST)
    return not again


# Below every metric of a training window.
_WORST = -1e9


def _run(search: Search, parameters: StrategyParameters) -> tuple[Trial, Measures]:
    evaluation = search.evaluation
    raw = evaluation.returns([parameters])
    returns = in_cash(raw)

    def metric(rows: slice) -> float:
        return float(measured(evaluation, returns, rows)[search.metric][0])

    values = plain(parameters)
    trial = trials_of(
        evaluation.strategy.name,
        "optimization",
        [values],
        raw,
        evaluation.dates,
        session_rate(evaluation),
        evaluation.data_hash,
        search.run,
    )[0]
    train = tuple(metric(window.train) for window in search.windows)
    test = tuple(metric(window.test) for window in search.windows)
    return trial, Measures(values, train, test)


def _start(search: Search, place: StudyPlace, window: int, study: "optuna.Study") -> None:
    """Put up the first sets of a window: the settings' own, then what the window before chose."""
    first: list[Mapping[str, Any]] = [plain(search.evaluation.strategy.parse(search.fixed))]
    if window:
        tried = measures_of(open_study(place, search.name, window - 1))
        key = chosen(tried, window - 1)
        if key is not None:
            first.append(tried[key].parameters)
    for parameters in first:
        values = {axis.name: parameters[axis.name] for axis in search.axes}
        if all(_can_be_suggested(axis, values[axis.name]) for axis in search.axes):
            study.enqueue_trial(values)


def _recover(place: StudyPlace, study: "optuna.Study") -> int:
    """Put up again what workers that have died were running; how many sets. Under the ask lock.

    Whoever runs a trial holds its lock. Suggestions are made under the ask lock, so a running trial
    without a key was left half made and names no set.
    """
    from optuna.trial import TrialState

    count = 0
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        with place.claims.take(_alive(study, trial.number)) as free:
            # It may have been finished since it was listed.
            if free and not study.get_trials(deepcopy=False)[trial.number].state.is_finished():
                study.tell(trial.number, state=TrialState.FAIL)
                if trial.user_attrs.get(_KEY, _BROKEN) != _BROKEN:
                    study.enqueue_trial(trial.params)
                    count += 1
    return count


def _wait_for_another(place: StudyPlace, study: "optuna.Study") -> bool:
    """Wait for a trial that another worker runs; False where none is running."""
    from optuna.trial import TrialState

    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    if not running:
        return False
    with place.claims.hold(_alive(study, running[0].number)):
        return True


def _alive(study: "optuna.Study", number: int) -> str:
    """The name of the lock that the worker of a trial holds."""
    return f"{study.study_name} trial {number}"


def _stored(search: Search, place: StudyPlace, key: str) -> Measures | None:
    """The measures of a set, whichever window it was run for."""
    for k in range(len(search.windows)):
        found = measures_of(open_study(place, search.name, k)).get(key)
        if found is not None:
            return found
    return None


def _finished(study: "optuna.Study") -> Sequence["optuna.trial.FrozenTrial"]:
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _suggest(trial: "optuna.Trial", axis: Axis) -> Any:
    if axis.span is None:
        return trial.suggest_categorical(axis.name, axis.values)
    low, high, step, log = axis.span
    if axis.whole:
        return trial.suggest_int(axis.name, int(low), int(high), step=int(step or 1), log=log)
    return trial.suggest_float(axis.name, low, high, step=step, log=log)


def _can_be_suggested(axis: Axis, value: Any) -> bool:
    if axis.span is None:
        return value in axis.values
    if value is None:
        return False
    low, high, step, _ = axis.span
    steps = (value - low) / step if step else 0.0
    return bool(low <= value <= high and abs(steps - round(steps)) < 1e-9)


def _source(plugin: type) -> str:
    """The text of the file that a class stands in; empty where there is none, as in a shell."""
    try:
        return inspect.getsource(inspect.getmodule(plugin) or plugin)
    except (OSError, TypeError):
        return ""


def _plain(values: Sequence[float]) -> list[float | None]:
    return [value if isfinite(value) else None for value in values]


def _numbers(values: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(np.nan if value is None else float(value) for value in values)
