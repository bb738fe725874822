"""A parameter sweep: every set of a grid simulated, measured, and judged with its neighbours.

Here stand the order of the steps and the table that comes of them. The sets come from `spaces.py`,
their returns from `evaluation.py`, the judgement from `plateau.py` and `performance/deflation.py`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.backtests.sweeps.evaluation import Evaluation, common_start, in_cash
from quant_assets.backtests.sweeps.measures import measured
from quant_assets.backtests.sweeps.plateau import Plateaus, best, plateaus
from quant_assets.backtests.sweeps.spaces import Space, plain, trial_key
from quant_assets.backtests.sweeps.trial import Trial, trials_of
from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.deflation import Overfitting, probability_of_overfitting
from quant_assets.performance.sample import carried, daily_rate

# The share of the sessions by which a set is chosen where choosing by peak and by plateau are held
# against each other; both are measured on the rest.
FIRST_PART = 0.6
# Blocks of the combinatorially symmetric cross-validation, as its authors use; each has as many
# sessions at least.
BLOCKS, _BLOCK_SESSIONS = 16, 10


@dataclass(frozen=True)
class Choice:
    """A set chosen on the first part of the sessions, and what came of it on the second.

    `place` is None where nothing could be chosen; values are NaN where undefined.
    """

    place: int | None
    first: float
    second: float


@dataclass(frozen=True)
class Sweep:
    """What a sweep came to.

    Attributes:
        strategy: its name.
        space: the parameter sets, and what was left out.
        metric: the name of the metric that the sets are judged by.
        metrics: all metrics of all sets, each of shape (S,).
        first_part, second_part: the metric over both parts of the sessions, shape (S,).
        judged: plateau scores over all sessions.
        peak, plateau: the sets with the highest metric and the highest plateau score, over all
            sessions; None where nothing is defined.
        by_peak, by_plateau: chosen on the first part, measured on the second.
        overfitting: cross-validation of the choice among all sets (CSCV); None with too few sets or
            sessions.
        start, split, end: first session that counts, first of the second part, last.
        trials: the rows for the ledger.
        data_hash: of what the returns were computed from.
    """

    strategy: str
    space: Space
    metric: str
    metrics: Mapping[str, FloatArray]
    first_part: FloatArray
    second_part: FloatArray
    judged: Plateaus
    peak: int | None
    plateau: int | None
    by_peak: Choice
    by_plateau: Choice
    overfitting: Overfitting | None
    start: np.datetime64
    split: np.datetime64
    end: np.datetime64
    trials: tuple[Trial, ...]
    data_hash: str

    @property
    def values(self) -> FloatArray:
        """The metric that the sets are judged by, shape (S,)."""
        return self.metrics[self.metric]

    def table(self) -> pa.Table:
        """Rows of table `parameter_sweep`."""
        sets = self.space.sets
        count = len(sets)
        parameters = [plain(each.parameters) for each in sets]
        chosen = {
            name: np.arange(count) == (-1 if place is None else place)
            for name, place in (("peak", self.peak), ("plateau", self.plateau))
        }
        columns = {
            "strategy": pa.array([self.strategy] * count, pa.string()),
            "parameter_set": pa.array(range(count), pa.int32()),
            "swept": pa.array([_json({n: p[n] for n in self._swept}) for p in parameters]),
            "parameters": pa.array([_json(each) for each in parameters]),
            "trial": pa.array([trial_key(self.strategy, each) for each in parameters]),
            "metric": pa.array([self.metric] * count, pa.string()),
            "value": _floats(self.values),
            "first_part": _floats(self.first_part),
            "second_part": _floats(self.second_part),
            "plateau_score": _floats(self.judged.scores),
            "neighbours": pa.array(self.judged.neighbours, pa.int32()),
            **{name: pa.array(flags, pa.bool_()) for name, flags in chosen.items()},
            **{name: _floats(values) for name, values in self.metrics.items()},
        }
        return pa.table(columns)

    @property
    def _swept(self) -> list[str]:
        return [axis.name for axis in self.space.axes]


def sweep(
    evaluation: Evaluation, space: Space, metric: str, thread_no: int = 1, run: str = ""
) -> Sweep:
    """Simulate and measure every set of a space.

    All sets are measured over the same sessions (`evaluation.common_start`); a set that begins
    later was in cash before.

    Args:
        evaluation: the strategy on its market.
        space: the parameter sets.
        metric: what they are judged by, one of `measures.CHOOSING`.
        thread_no: threads; they do not change the result.
        run: the Dagster run, for the ledger.

    Raises:
        ValueError: no set has a single return.
    """
    strategy = evaluation.strategy
    raw = evaluation.returns([each.parameters for each in space.sets], thread_no)
    start = common_start(raw)
    if start >= len(raw) - 1:
        raise ValueError(
            f"strategy {strategy.name!r}: none of {len(space.sets)} parameter sets decided "
            f"anything on {len(raw)} sessions up to {evaluation.dates[-1]}"
        )
    returns = in_cash(raw)
    middle = start + int((len(returns) - start) * FIRST_PART)
    metrics = measured(evaluation, returns, slice(start, None), thread_no)
    first = measured(evaluation, returns, slice(start, middle), thread_no)[metric]
    second = measured(evaluation, returns, slice(middle, None), thread_no)[metric]
    ordered = [axis.ordered for axis in space.axes]
    judged = plateaus(metrics[metric], space.places, ordered)
    counted = returns[start:]
    blocks = min(BLOCKS, len(counted) // _BLOCK_SESSIONS // 2 * 2)
    enough = counted.shape[1] > 1 and blocks >= 2
    data_hash = evaluation.data_hash
    return Sweep(
        strategy=strategy.name,
        space=space,
        metric=metric,
        metrics=metrics,
        first_part=first,
        second_part=second,
        judged=judged,
        peak=best(metrics[metric]),
        plateau=best(judged.scores),
        by_peak=_choice(best(first), first, second),
        by_plateau=_choice(best(plateaus(first, space.places, ordered).scores), first, second),
        overfitting=probability_of_overfitting(counted, blocks) if enough else None,
        start=evaluation.dates[start],
        split=evaluation.dates[min(middle, len(raw) - 1)],
        end=evaluation.dates[-1],
        trials=tuple(
            trials_of(
                strategy.name,
                "sweep",
                [plain(each.parameters) for each in space.sets],
                raw,
                evaluation.dates,
                session_rate(evaluation),
                data_hash,
                run,
            )
        ),
        data_hash=data_hash,
    )


def session_rate(evaluation: Evaluation) -> FloatArray:
    """The risk-free return of each session, shape (T,); a missing rate is the last known one."""
    rate: FloatArray = daily_rate(carried(evaluation.risk_free), evaluation.annualization)
    return rate


def _choice(place: int | None, first: FloatArray, second: FloatArray) -> Choice:
    if place is None:
        return Choice(None, np.nan, np.nan)
    return Choice(place, float(first[place]), float(second[place]))


def _json(values: Mapping[str, object]) -> str:
    return json.dumps(dict(values), sort_keys=True)


def _floats(values: FloatArray) -> pa.Array:
    return pa.array(values, pa.float64(), from_pandas=True)
