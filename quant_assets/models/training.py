"""The training of one month, from tables to a trained model: what the asset of a model calls.

Belongs here: the order of the steps and the least that a model may be trained on. Not here: the
steps themselves (walk_forward, datasets, trees).
"""

from collections.abc import Sequence

import pyarrow as pa

from quant_assets.models.datasets import TrainingSet, training_set
from quant_assets.models.errors import TooFewRowsError
from quant_assets.models.trained import TrainedModel
from quant_assets.models.trees import train_lightgbm
from quant_assets.models.walk_forward import Split
from quant_assets.settings_research import ModelSettings


def train_month(
    split: Split,
    factors: pa.Table | Sequence[pa.Table],
    labels: pa.Table,
    universe: pa.Table,
    settings: ModelSettings,
    thread_no: int = 1,
) -> TrainedModel:
    """Train the model of the split's month.

    Args:
        split: of `walk_forward.training_window`.
        factors: wide tables, one for each library, of `split.decision_days(…)`.
        labels: of the row dates `split.labels`.
        universe: of the same days.
        settings: the model's block of models.yaml.
        thread_no: threads; they do not change the result.

    Raises:
        TooFewRowsError: fewer than `minimum_rows` to train on, or none to validate on.
        DataSetError, ParameterError: as in `training_set` and `train_lightgbm`.
    """
    data = training_set(factors, labels, universe, split)
    _require_rows(data, settings.minimum_rows)
    return train_lightgbm(data, settings.parameters, settings.rounds, settings.seed, thread_no)


def _require_rows(data: TrainingSet, minimum: int) -> None:
    wanted = (("training", data.train, data.split.train, minimum),)
    for name, part, window, least in (
        *wanted,
        ("validation", data.validation, data.split.validation, 1),
    ):
        if len(part) < least:
            raise TooFewRowsError(
                f"the model of {data.split.month} has {len(part)} {name} rows (members with "
                f"factors and a label, decided on {window}), fewer than {least}: materialize "
                "factors, labels and universe of these days, or lower minimum_rows in models.yaml"
            )
