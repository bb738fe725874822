"""Predictions against a literal loop over days; days without a model are told, not dropped."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from quant_assets.models.datasets import prediction_set
from quant_assets.models.errors import DataSetError, MissingModelError
from quant_assets.models.predict import SCHEMA, predict
from quant_assets.models.trained import TrainedModel
from quant_assets.warehouse.window import Window
from quant_assets_tests.models.conftest import train
from quant_assets_tests.models.synthetic import Tables

WINDOW = Window(date(2023, 5, 25), date(2023, 7, 20))


@pytest.fixture(scope="module")
def models(planted: Tables, trained: TrainedModel) -> dict[str, TrainedModel]:
    return {"2023-06": trained, "2023-07": train(planted, "2023-07")}


def literal(tables: Tables, models: dict[str, TrainedModel], window: Window) -> list[tuple]:
    rows = []
    for day in tables.sessions.tolist():
        month = f"{day:%Y-%m}"
        if not window.contains(day) or month not in models:
            continue
        today = prediction_set(tables.factors, tables.universe, Window(day, day))
        scores = [float(models[month].predict(x[None, :])[0]) for x in today.X]
        for symbol, score in zip(today.symbols, scores, strict=True):
            below = sum(s < score for s in scores)
            equal = sum(s == score for s in scores)
            rank = (below + (equal - 1) / 2) / (len(scores) - 1)
            rows.append((day, symbol, score, rank, month))
    return rows


def test_predictions_are_those_of_a_literal_loop(
    planted: Tables, models: dict[str, TrainedModel]
) -> None:
    found = predict(planted.factors, planted.universe, models, WINDOW)
    expected = literal(planted, models, WINDOW)
    table = found.table.combine_chunks()
    assert table.schema == SCHEMA
    got = list(zip(*table.to_pydict().values(), strict=True))
    assert [row[:3] + row[4:] for row in got] == [row[:3] + row[4:] for row in expected]
    np.testing.assert_allclose([row[3] for row in got], [row[3] for row in expected], atol=1e-15)
    assert {row[4] for row in got} == {"2023-06", "2023-07"}
    days = (date(2023, 5, day) for day in (25, 26, 29, 30, 31))
    assert found.days_without_model == tuple(days)
    assert found.days_without_factors == ()


def test_a_day_alone_gives_the_bits_of_the_range(
    planted: Tables, models: dict[str, TrainedModel]
) -> None:
    whole = predict(planted.factors, planted.universe, models, WINDOW).table
    for day in (date(2023, 6, 1), date(2023, 6, 30), date(2023, 7, 20)):
        one = predict(planted.factors, planted.universe, models, Window(day, day), thread_no=2)
        assert one.table.equals(whole.filter(pc.equal(whole["date"], day)))


def test_a_month_without_its_model_is_an_error_not_a_gap(
    planted: Tables, models: dict[str, TrainedModel]
) -> None:
    later = Window(WINDOW.start, date(2023, 8, 2))
    with pytest.raises(MissingModelError, match="no model for 2023-08") as raised:
        predict(planted.factors, planted.universe, models, later)
    assert raised.value.months == ("2023-08",)
    with pytest.raises(MissingModelError, match="no model for 2023-05:"):
        predict(planted.factors, planted.universe, models, WINDOW, models_from="2023-05")


def test_before_all_models_there_are_no_rows(planted: Tables) -> None:
    window = Window(date(2022, 3, 1), date(2022, 3, 4))
    found = predict(planted.factors, planted.universe, {}, window)
    assert (found.table.num_rows, found.table.schema) == (0, SCHEMA)
    assert len(found.days_without_model) == 4
    nobody = predict(planted.factors, planted.universe.slice(0, 0), {}, window)
    assert nobody.days_without_model == ()


def test_members_and_days_without_factors_are_counted(
    planted: Tables, models: dict[str, TrainedModel]
) -> None:
    day = date(2023, 6, 14)
    names = [name for name in planted.factors.column_names if name.startswith("f")]
    gone = pc.or_(
        pc.equal(planted.factors["date"], day),
        pc.and_(
            pc.equal(planted.factors["date"], date(2023, 6, 15)),
            pc.equal(planted.factors["symbol"], "S000"),
        ),
    )
    factors = planted.factors
    for name in names:
        values = pc.if_else(gone, pa.scalar(None, pa.float64()), factors[name])
        factors = factors.set_column(factors.column_names.index(name), name, values)
    window = Window(date(2023, 6, 13), date(2023, 6, 15))
    before = predict(planted.factors, planted.universe, models, window)
    after = predict(factors, planted.universe, models, window)
    assert before.members_without_factors == 0
    assert after.days_without_factors == (day,)
    lost = before.table.num_rows - after.table.num_rows
    assert after.members_without_factors == lost > 30


def test_a_factor_that_the_model_needs_must_be_there(
    planted: Tables, models: dict[str, TrainedModel]
) -> None:
    with pytest.raises(DataSetError, match=r"\['f03'\] are missing"):
        predict(planted.factors.drop_columns(["f03"]), planted.universe, models, WINDOW)
    # Further factors, and another order, change nothing.
    columns = ["symbol", "date", "f04", "f03", "f02", "f01", "f00"]
    other = planted.factors.select(columns).append_column("f99", planted.factors["f00"])
    first = predict(planted.factors, planted.universe, models, WINDOW).table
    assert predict(other, planted.universe, models, WINDOW).table.equals(first)


def test_a_model_is_asked_through_its_stored_form(
    planted: Tables, models: dict[str, TrainedModel]
) -> None:
    again = {
        month: replace(TrainedModel.from_record(model.to_record(), model.text))
        for month, model in models.items()
    }
    first = predict(planted.factors, planted.universe, models, WINDOW).table
    assert predict(planted.factors, planted.universe, again, WINDOW).table.equals(first)
