"""The trained model: LightGBM's own text and the record of how it came about, as one value.

Belongs here: what a trained model carries, and how it scores rows. Not here: training (trees),
files (store). Nothing of it is ever pickled: text and plain values only.
"""

import math
import os
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from quant_assets.models.walk_forward import Split

KIND = "lightgbm"


def import_lightgbm() -> Any:
    """The module `lightgbm`, with OpenMP told not to spin while it waits.

    Spinning threads that share their cores with other processes wait for each other: measured on a
    busy 2-core machine, one training took 2 to 24 s with two threads, 2.2 s when they sleep. OpenMP
    reads the variable once, as LightGBM's library is loaded; a value that is set already is kept.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import lightgbm

    return lightgbm


@dataclass(frozen=True)
class TrainedModel:
    """A model of one month.

    Attributes:
        split: the windows it was trained in.
        features: the columns of X, in order.
        parameters: LightGBM's, as given to it.
        metrics: `train_` and `validation_` rank_ic (mean of the days), rank_icir (mean / standard
            deviation of the days, ddof 1, not annualised), rows and days; best_iteration, seconds.
        importance: each feature's share of the gain of all splits; they add up to 1 (or are all 0).
        history: rank IC of the validation window after each boosting round.
        validation_rank_ic: ISO date -> rank IC of the day; NaN where it is not defined.
        data_hash: SHA-256 of everything it was trained and validated on.
        versions: of the libraries that made it.
        text: the model in LightGBM's native text format, cut at the best iteration.
    """

    split: Split
    features: tuple[str, ...]
    parameters: dict[str, Any]
    metrics: dict[str, float]
    importance: dict[str, float]
    history: tuple[float, ...]
    validation_rank_ic: dict[str, float]
    data_hash: str
    versions: dict[str, str]
    text: str

    @property
    def month(self) -> str:
        """The month whose days it scores."""
        return self.split.month

    @cached_property
    def booster(self) -> Any:
        """The `lightgbm.Booster` of the text."""
        return import_lightgbm().Booster(model_str=self.text)

    def predict(self, X: np.ndarray, thread_no: int = 1) -> np.ndarray:
        """Scores of ranked features (rows, features); float64 (rows,), higher is better."""
        if X.ndim != 2 or X.shape[1] != len(self.features):
            raise ValueError(
                f"X must have the shape (rows, {len(self.features)}) of the model of {self.month}. "
                f"Got {X.shape} instead"
            )
        if not len(X):
            return np.zeros(0)
        return np.asarray(self.booster.predict(X, num_threads=thread_no), np.float64)

    def to_record(self) -> dict[str, Any]:
        """Everything but the text, as plain values for JSON; NaN becomes None."""
        record: dict[str, Any] = asdict(self)
        del record["text"]
        record["split"] = self.split.to_record()
        plain = _without_nan({"kind": KIND, **record})
        assert isinstance(plain, dict)
        return plain

    @classmethod
    def from_record(cls, record: dict[str, Any], text: str) -> "TrainedModel":
        """The inverse of `to_record`."""
        known = _with_nan(record)
        return cls(
            split=Split.from_record(record["split"]),
            features=tuple(record["features"]),
            parameters=dict(record["parameters"]),
            metrics=known["metrics"],
            importance=known["importance"],
            history=tuple(known["history"]),
            validation_rank_ic=known["validation_rank_ic"],
            data_hash=record["data_hash"],
            versions=dict(record["versions"]),
            text=text,
        )


def _without_nan(value: Any) -> Any:
    """JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _with_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_nan(inner) for inner in value]
    return math.nan if value is None else value
