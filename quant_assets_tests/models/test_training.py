"""The training of a month from tables, its least rows, and the settings that are shipped."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from quant_assets.models.errors import TooFewRowsError
from quant_assets.models.trained import TrainedModel
from quant_assets.models.trees import _checked
from quant_assets.settings import load_settings
from quant_assets_tests.models.conftest import SETTINGS, train
from quant_assets_tests.models.synthetic import Tables


def test_the_month_is_trained_in_its_own_windows(trained: TrainedModel) -> None:
    assert trained.month == "2023-06"
    assert str(trained.split.train) == "2022-06-01..2023-02-14"
    assert str(trained.split.validation) == "2023-03-01..2023-05-17"
    assert trained.features == ("f00", "f01", "f02", "f03", "f04")


def test_data_of_the_month_itself_and_later_change_no_bit(
    planted: Tables, trained: TrainedModel
) -> None:
    def before(table: pa.Table) -> pa.Table:
        return table.filter(pc.less(pc.strftime(table["date"], "%Y-%m"), "2023-06"))

    cut = replace(
        planted,
        adjusted=before(planted.adjusted),
        factors=before(planted.factors),
        universe=before(planted.universe),
    )
    assert cut.factors.num_rows < planted.factors.num_rows
    again = train(cut, "2023-06")
    assert (again.text, again.data_hash) == (trained.text, trained.data_hash)


def test_too_few_rows_are_refused_with_the_window(planted: Tables) -> None:
    many = SETTINGS.model_copy(update={"minimum_rows": 10**6})
    wanted = r"2023-06 has \d+ training rows .* 2022-06-01..2023-02-14\), fewer than 1000000"
    with pytest.raises(TooFewRowsError, match=wanted):
        train(planted, "2023-06", many)


def test_the_shipped_settings_are_ones_that_lightgbm_knows() -> None:
    block = load_settings(environment={}).models["lightgbm"]
    assert _checked(block.parameters)["num_leaves"] == 15
    assert (block.horizon, block.embargo, block.training_months) == (5, 5, 36)
