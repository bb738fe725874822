"""Data sets: the rows of members only, ranks of the day only, and no label that knows too much."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from quant_assets.market_data.panels import date_column
from quant_assets.models.datasets import TrainingSet, feature_names, prediction_set, training_set
from quant_assets.models.errors import DataSetError
from quant_assets.models.labels import labels
from quant_assets.models.walk_forward import Split, training_window
from quant_assets.warehouse.window import Window
from quant_assets_tests.models.synthetic import Tables, market
from quant_assets_tests.prefix import PanelInputs, check_prefix

TABLES = market(sessions=140, symbols=12, features=3, missing=0.2)
SPLIT = training_window("2022-07", TABLES.sessions, 5, 2, 6, validation_months=2, minimum_months=4)


def known_labels(tables: Tables = TABLES, split: Split = SPLIT) -> pa.Table:
    return labels(tables.adjusted, tables.sessions, split.labels, [1, split.horizon])


def rank(value: float, others: list[float]) -> float:
    """The literal centred average rank of a value among all values, itself included."""
    below = sum(other < value for other in others)
    equal = sum(other == value for other in others)
    return 0.0 if len(others) == 1 else (below + (equal - 1) / 2) / (len(others) - 1) - 0.5


def literal(window: Window) -> list[tuple]:
    member = {(r["date"], r["symbol"]) for r in TABLES.universe.to_pylist() if r["member"]}
    factors = {(r["date"], r["symbol"]): r for r in TABLES.factors.to_pylist()}
    values = {
        (r["decision_date"], r["symbol"]): r["value"]
        for r in known_labels().to_pylist()
        if r["horizon"] == SPLIT.horizon
    }
    rows = []
    for day in (d for d in TABLES.sessions.tolist() if window.contains(d)):
        today = [s for s in TABLES.symbols if (day, s) in member]
        usable = [
            s
            for s in today
            if (day, s) in values and any(factors[day, s][f] is not None for f in ("f00", "f01"))
        ]
        for symbol in usable:
            features = []
            for f in ("f01", "f00"):
                others = [v for s in today if (v := factors[day, s][f]) is not None]
                value = factors[day, symbol][f]
                features.append(np.nan if value is None else rank(value, others))
            target = rank(values[day, symbol], [values[day, s] for s in usable])
            rows.append((day, symbol, *features, target))
    return rows


def test_both_windows_are_those_of_a_literal_loop() -> None:
    data = training_set(TABLES.factors, known_labels(), TABLES.universe, SPLIT, ["f01", "f00"])
    for part, window in ((data.train, SPLIT.train), (data.validation, SPLIT.validation)):
        expected = literal(window)
        assert len(part) == len(expected) > 100
        assert part.dates.tolist() == [row[0] for row in expected]
        assert part.symbols.tolist() == [row[1] for row in expected]
        numbers = np.array([row[2:] for row in expected]).astype(np.float32)
        np.testing.assert_array_equal(np.column_stack([part.X, part.y]), numbers)
        assert part.X.dtype == part.y.dtype == np.float32
        assert part.X.flags.c_contiguous
        assert np.isnan(part.X).any()


def test_the_order_of_rows_and_further_days_and_horizons_change_nothing() -> None:
    def arrays(data: TrainingSet) -> list[np.ndarray]:
        return [data.train.X, data.train.y, data.validation.X, data.validation.y]

    first = training_set(TABLES.factors, known_labels(), TABLES.universe, SPLIT)
    random = np.random.default_rng(3)

    def shuffled(table: pa.Table) -> pa.Table:
        return table.take(pa.array(random.permutation(table.num_rows)))

    second = training_set(
        shuffled(TABLES.factors), shuffled(known_labels()), shuffled(TABLES.universe), SPLIT
    )
    for one, other in zip(arrays(first), arrays(second), strict=True):
        np.testing.assert_array_equal(one, other)
    asked = prediction_set(TABLES.factors, TABLES.universe, SPLIT.validation)
    again = prediction_set(shuffled(TABLES.factors), shuffled(TABLES.universe), SPLIT.validation)
    assert SPLIT.validation.contains(asked.dates.min().item())
    assert SPLIT.validation.contains(asked.dates.max().item())
    np.testing.assert_array_equal(asked.X, again.X)
    np.testing.assert_array_equal(asked.symbols, again.symbols)


def test_libraries_are_joined_and_may_not_share_a_name() -> None:
    one = TABLES.factors.select(["date", "symbol", "f00"])
    other = TABLES.factors.select(["date", "symbol", "f02", "f01"]).slice(7)
    assert feature_names([one, other]) == ("f00", "f02", "f01")
    joined = prediction_set([one, other], TABLES.universe, SPLIT.decisions, ["f00", "f01"])
    alone = prediction_set(TABLES.factors, TABLES.universe, SPLIT.validation, ["f00", "f01"])
    np.testing.assert_array_equal(joined.X[-len(alone) :], alone.X)
    with pytest.raises(DataSetError, match=r"\['f00'\] occur in more than one library"):
        feature_names([one, one])


def test_training_and_prediction_see_the_same_features() -> None:
    data = training_set(TABLES.factors, known_labels(), TABLES.universe, SPLIT).validation
    asked = prediction_set(TABLES.factors, TABLES.universe, SPLIT.validation)
    where = {key: i for i, key in enumerate(zip(asked.dates, asked.symbols, strict=True))}
    rows = [where[key] for key in zip(data.dates, data.symbols, strict=True)]
    np.testing.assert_array_equal(data.X, asked.X[rows])


def test_a_label_that_became_known_too_late_is_refused() -> None:
    table = known_labels()
    later = pc.add(table["date"].cast(pa.int32()), pa.scalar(30, pa.int32())).cast(pa.date32())
    with pytest.raises(DataSetError, match="2022-07's model would know the future"):
        training_set(TABLES.factors, table.set_column(0, "date", later), TABLES.universe, SPLIT)


@pytest.mark.parametrize("name", ["factors", "labels", "universe"])
def test_a_key_that_occurs_twice_is_refused(name: str) -> None:
    tables = {"factors": TABLES.factors, "labels": known_labels(), "universe": TABLES.universe}
    table = tables[name]
    tables[name] = pa.concat_tables([table, table.slice(400, 30)])
    with pytest.raises(DataSetError, match=f"the {name} has .* rows whose date and symbol occur"):
        training_set(split=SPLIT, **tables)


def test_missing_columns_are_named() -> None:
    with pytest.raises(DataSetError, match=r"the factors \['f09'\] are missing; there are \['f00'"):
        prediction_set(TABLES.factors, TABLES.universe, SPLIT.train, ["f00", "f09"])
    with pytest.raises(DataSetError, match=r"the universe must have the columns \['member'\]"):
        prediction_set(TABLES.factors, TABLES.factors, SPLIT.train)
    with pytest.raises(DataSetError, match=r"the labels must have the columns \['value'\]"):
        training_set(TABLES.factors, known_labels().drop_columns(["value"]), TABLES.universe, SPLIT)


def test_nothing_there_gives_empty_sets() -> None:
    data = training_set(TABLES.factors, known_labels().slice(0, 0), TABLES.universe, SPLIT)
    assert (len(data.train), len(data.validation)) == (0, 0)
    assert data.train.X.shape == (0, 3)
    nobody = TABLES.universe.slice(0, 0)
    assert len(prediction_set(TABLES.factors, nobody, SPLIT.train)) == 0
    assert len(prediction_set(TABLES.factors.slice(0, 0), TABLES.universe, SPLIT.train)) == 0


def test_features_depend_on_their_own_day_alone() -> None:
    shape = (len(TABLES.sessions), len(TABLES.symbols))
    fields = {f: TABLES.factors[f].to_numpy().reshape(shape) for f in ("f00", "f01", "f02")}
    fields["member"] = TABLES.universe["member"].to_numpy().reshape(shape)

    def computed(data: PanelInputs) -> pa.Table:
        count = len(data.symbols)
        long = pa.table(
            {
                "date": date_column(np.repeat(data.dates, count)),
                "symbol": pa.array(np.tile(data.symbols.astype(object), len(data.dates))),
                **{name: pa.array(values.ravel()) for name, values in data.fields.items()},
            }
        )
        window = Window(data.dates[0].item(), data.dates[-1].item())
        found = prediction_set(long.drop_columns(["member"]), long, window)
        ranked = {name: found.X[:, i].astype(float) for i, name in enumerate(found.features)}
        return pa.table({"date": date_column(found.dates), "symbol": found.symbols, **ranked})

    check_prefix(computed, PanelInputs(TABLES.sessions, TABLES.symbols, fields), lookback=0)
