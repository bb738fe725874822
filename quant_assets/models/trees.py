"""Gradient-boosted trees: one LightGBM model trained on one training set, the same bits each time.

Belongs here: LightGBM's parameters and its training loop. Not here: which rows it gets (datasets,
walk_forward), where the result goes (store, tracking).
"""

import difflib
import hashlib
import platform
import re
import time
from importlib.metadata import version
from typing import Any

import numpy as np

from quant_assets.models.datasets import Dataset, TrainingSet
from quant_assets.models.errors import ParameterError
from quant_assets.models.ranks import centred_ranks, correlation_by_day, rank_ic
from quant_assets.models.trained import TrainedModel, import_lightgbm

# What makes two trainings on the same data give the same bits, whatever the number of threads.
DETERMINISTIC = {"deterministic": True, "force_row_wise": True, "verbosity": -1}
# Set by this module or by settings of their own: not to be set among the parameters.
RESERVED = frozenset(
    {"deterministic", "force_col_wise", "force_row_wise", "metric", "num_iterations"}
    | {"num_threads", "seed", "verbosity"}
)
EARLY_STOPPING = "early_stopping_round"
METRIC = "rank_ic"
# No model is cut shorter: a tree or two give so few distinct scores that hundreds of symbols share
# one, and the best of the first rounds is luck. Of 24 monthly models of real US stocks 12 would
# have kept fewer than 9 trees.
MINIMUM_ROUNDS = 20


def train_lightgbm(
    data: TrainingSet,
    parameters: dict[str, Any],
    rounds: int,
    seed: int = 7,
    thread_no: int = 1,
) -> TrainedModel:
    """Train on the training window; keep the round with the best rank IC of the validation window.

    The target is the label's rank of the day, so the default objective (squared error) fits the
    rank that a row is expected to get.

    Args:
        data: training and validation rows; neither may be empty.
        parameters: LightGBM's own names or aliases. `early_stopping_round` ends the training after
            so many rounds without a better rank IC (absent: all rounds are run). The best round
            from `MINIMUM_ROUNDS` on is kept.
        rounds: at most so many trees.
        seed: of the sampling of features and rows.
        thread_no: threads; they do not change the result.

    Raises:
        ParameterError: a parameter that LightGBM does not know, or that is set elsewhere.
        ValueError: no training or no validation rows.
    """
    lightgbm = import_lightgbm()
    for name, part in (("training", data.train), ("validation", data.validation)):
        if not len(part):
            raise ValueError(f"there are no {name} rows for the model of {data.split.month}")
    begun = time.perf_counter()
    names = list(data.train.features)
    given: dict[str, Any] = {
        **_checked(parameters),
        **DETERMINISTIC,
        "seed": seed,
        "num_threads": thread_no,
    }
    patience = int(given.pop(EARLY_STOPPING, 0)) or rounds
    watch = _Watch(patience)
    given["metric"] = "None"  # none but ours
    train = lightgbm.Dataset(data.train.X, data.train.y, feature_name=names, params=given)
    validation = lightgbm.Dataset(
        data.validation.X, data.validation.y, feature_name=names, params=given, reference=train
    )
    booster = lightgbm.train(
        given,
        train,
        num_boost_round=rounds,
        valid_sets=[validation],
        valid_names=["validation"],
        feval=_rank_ic_of(data.validation),
        callbacks=[watch],
    )
    best = watch.best
    metrics, daily = _measured(booster, data, best, thread_no)
    gain = booster.feature_importance("gain", iteration=best).astype(np.float64)
    total = gain.sum()
    return TrainedModel(
        split=data.split,
        features=data.train.features,
        parameters={k: v for k, v in given.items() if k not in ("metric", "num_threads")}
        | {EARLY_STOPPING: patience, "rounds": rounds},
        metrics={
            **metrics,
            "best_iteration": float(best),
            "seconds": time.perf_counter() - begun,
        },
        importance=dict(zip(names, (gain / total if total > 0 else gain).tolist(), strict=True)),
        history=tuple(watch.history),
        validation_rank_ic=daily,
        data_hash=data_hash(data),
        versions={"python": platform.python_version()}
        | {name: version(name) for name in ("lightgbm", "numpy")},
        text=_text(booster, best),
    )


class _Watch:
    """Callback that notes the metric of each round and ends the training when it stops rising."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.history: list[float] = []

    @property
    def best(self) -> int:
        """The round, counted from 1, with the best metric; not one of the first few."""
        skipped = min(MINIMUM_ROUNDS, len(self.history)) - 1
        return skipped + int(np.argmax(self.history[skipped:])) + 1

    def __call__(self, env: Any) -> None:
        self.history.append(float(env.evaluation_result_list[0][2]))
        if len(self.history) >= max(self.best, MINIMUM_ROUNDS) + self.patience:
            from lightgbm.callback import EarlyStopException

            raise EarlyStopException(self.best - 1, env.evaluation_result_list)


def data_hash(data: TrainingSet) -> str:
    """SHA-256 of the features' names, X, y, dates and symbols of both windows, in hex."""
    digest = hashlib.sha256()
    for part in (data.train, data.validation):
        digest.update(repr((part.features, part.X.shape)).encode())
        for values in (part.X, part.y, part.dates.astype(np.int64)):
            digest.update(np.ascontiguousarray(values).data)
        digest.update("\n".join(part.symbols).encode())
    return digest.hexdigest()


def _text(booster: Any, best: int) -> str:
    """The model up to its best round, without the machine's number of threads, which it notes."""
    text: str = booster.model_to_string(num_iteration=best)
    return re.sub(r"^\[num_threads: \d+\]$", "[num_threads: 0]", text, flags=re.MULTILINE)


def _rank_ic_of(validation: Dataset) -> Any:
    """LightGBM's custom metric: mean rank IC of the validation days; 0 on a day without one."""
    starts = validation.starts
    target = centred_ranks(validation.y, starts)

    def feval(scores: np.ndarray, _: Any) -> tuple[str, float, bool]:
        daily = correlation_by_day(centred_ranks(scores, starts), target, starts)
        return METRIC, float(np.nan_to_num(daily).mean()), True

    return feval


def _measured(
    booster: Any, data: TrainingSet, best: int, thread_no: int
) -> tuple[dict[str, float], dict[str, float]]:
    """The metrics of both windows, and the validation window's rank IC by day."""
    metrics: dict[str, float] = {}
    daily = np.zeros(0)
    for name, part in (("train", data.train), ("validation", data.validation)):
        scores = booster.predict(part.X, num_iteration=best, num_threads=thread_no)
        daily = rank_ic(scores, part.y, part.starts)
        known = daily[~np.isnan(daily)]
        mean = float(known.mean()) if len(known) else np.nan
        spread = float(known.std(ddof=1)) if len(known) > 1 else np.nan
        metrics[f"{name}_rank_ic"] = mean
        metrics[f"{name}_rank_icir"] = mean / spread if spread > 0 else np.nan
        metrics[f"{name}_rows"] = float(len(part))
        metrics[f"{name}_days"] = float(len(daily))
    days = data.validation.dates[data.validation.starts[:-1]]
    return metrics, dict(zip(days.astype(str).tolist(), daily.tolist(), strict=True))


def _checked(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters under LightGBM's main names; LightGBM itself ignores what it does not know."""
    from lightgbm.basic import _ConfigAliases

    aliases: dict[str, list[str]] = _ConfigAliases._get_all_param_aliases()
    main = {alias: name for name, others in aliases.items() for alias in (name, *others)}
    checked: dict[str, Any] = {}
    for name, value in parameters.items():
        if name not in main:
            near = difflib.get_close_matches(name, main, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ParameterError(f"LightGBM has no parameter {name!r}{hint}")
        if main[name] in RESERVED:
            raise ParameterError(
                f"the parameter {name!r} is not to be set: rounds, seed and threads are settings "
                "of their own, and the others keep training repeatable"
            )
        if main[name] in checked:
            raise ParameterError(f"the parameter {name!r} is given twice, under two names")
        checked[main[name]] = value
    return checked
