"""One trained model for all tests that only look at one."""

import pytest

from quant_assets.models.labels import labels
from quant_assets.models.trained import TrainedModel
from quant_assets.models.training import train_month
from quant_assets.models.walk_forward import training_window
from quant_assets.settings_research import ModelSettings
from quant_assets_tests.models.synthetic import Tables, market

SETTINGS = ModelSettings(
    training_months=12,
    minimum_months=6,
    validation_months=3,
    minimum_rows=1000,
    rounds=40,
    parameters={
        "num_leaves": 7,
        "learning_rate": 0.1,
        "min_data_in_leaf": 50,
        "feature_fraction": 0.8,
        "max_bin": 63,
        "early_stopping_round": 15,
    },
)


def train(tables: Tables, month: str, settings: ModelSettings = SETTINGS) -> TrainedModel:
    """The model of a month, trained the way the asset does it."""
    split = training_window(
        month,
        tables.sessions,
        settings.horizon,
        settings.embargo,
        settings.training_months,
        settings.validation_months,
        settings.minimum_months,
    )
    known = labels(tables.adjusted, tables.sessions, split.labels, settings.horizon)
    return train_month(split, tables.factors, known, tables.universe, settings)


@pytest.fixture(scope="session")
def planted() -> Tables:
    """A market in which f00 explains a part of the next session's return."""
    return market(signal=0.25)


@pytest.fixture(scope="session")
def trained(planted: Tables) -> TrainedModel:
    """The model of 2023-06 of the planted market."""
    return train(planted, "2023-06")
