from datetime import date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant_assets.warehouse.errors import SchemaError
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.validation import sort_by_key
from quant_assets_tests.warehouse.frames import bars, days, factors

BARS = schema_of("us/bars")
LABELS = schema_of("us/labels")


def validate(frame: pa.Table | pd.DataFrame) -> pa.Table:
    return BARS.validate(frame, table="us/bars")


def test_a_fitting_frame_passes_unchanged() -> None:
    frame = bars(days(3))
    assert validate(frame).equals(frame.cast(BARS.arrow))


def test_columns_come_out_in_declared_order() -> None:
    frame = bars(days(2))
    shuffled = frame.select(frame.column_names[::-1])
    assert validate(shuffled).equals(validate(frame))


def test_pandas_frames_are_taken() -> None:
    frame = bars(days(2))
    pandas = frame.to_pandas(date_as_object=False)
    assert pandas["date"].dtype.kind == "M"
    assert validate(pandas).equals(validate(frame))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("volume", pa.array([1, 2, 3], pa.int64())),
        ("volume", pa.array([1, 2, 3], pa.float32())),
        ("symbol", pa.array(["A", "B", "C"], pa.large_string())),
        ("symbol", pa.array(["A", "B", "C"]).dictionary_encode()),
        ("date", pa.array([datetime(2020, 1, 6)] * 3, pa.timestamp("ns"))),
        ("date", pa.array([date(2020, 1, 6)] * 3, pa.date64())),
    ],
)
def test_harmless_differences_are_cast(column: str, values: pa.Array) -> None:
    frame = bars(days(1))
    changed = frame.set_column(frame.schema.get_field_index(column), column, values)
    result = validate(changed)
    assert result.schema.equals(BARS.arrow)
    assert result.column(column).to_pylist() == values.cast(BARS.column(column).type).to_pylist()


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("close", pa.array(["1", "2", "3"]), "us/bars: column 'close' must be double, got string"),
        ("symbol", pa.array([1, 2, 3]), "us/bars: column 'symbol' must be string, got int64"),
        ("date", pa.array(["2020-01-06"] * 3), "column 'date' must be date32.*got string"),
        (
            "date",
            pa.array([datetime(2020, 1, 6, 15)] * 3, pa.timestamp("ns")),
            "column 'date' must be date32.*got timestamp.*other than midnight",
        ),
        (
            "date",
            pa.array([datetime(2020, 1, 6)] * 3, pa.timestamp("ns", "UTC")),
            "column 'date' must be date32.*got timestamp.*UTC",
        ),
    ],
)
def test_a_wrong_type_is_named(column: str, values: pa.Array, message: str) -> None:
    frame = bars(days(1))
    changed = frame.set_column(frame.schema.get_field_index(column), column, values)
    with pytest.raises(SchemaError, match=message) as caught:
        validate(changed)
    assert (caught.value.table, caught.value.column) == ("us/bars", column)


def test_a_cast_may_not_change_a_value() -> None:
    frame = pd.DataFrame(
        {"date": days(1), "symbol": ["A"], "decision_date": days(1), "horizon": [1.0], "value": [0]}
    )
    assert LABELS.validate(frame).column("horizon").to_pylist() == [1]
    with pytest.raises(SchemaError, match="column 'horizon' must be int32, got double"):
        LABELS.validate(frame.assign(horizon=1.5))


def test_a_column_of_mixed_types_is_named() -> None:
    frame = bars(days(1)).to_pandas().astype({"symbol": object})
    frame.loc[1, "symbol"] = 7
    with pytest.raises(SchemaError, match=r"us/bars: a column of the frame mixes types.*symbol"):
        validate(frame)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(SchemaError, match="us/bars: column 'low' is missing; the frame has date"):
        validate(bars(days(1)).drop_columns(["low"]))


def test_an_undeclared_column_is_named() -> None:
    frame = bars(days(1)).append_column("vwap", pa.array([1.0, 2.0, 3.0]))
    with pytest.raises(SchemaError, match="us/bars: column 'vwap' is not declared"):
        validate(frame)


def test_a_column_may_not_stand_twice() -> None:
    frame = bars(days(1))
    with pytest.raises(SchemaError, match="column 'close' stands twice"):
        validate(frame.append_column("close", frame.column("close")))


def test_further_columns_of_a_wide_table_are_floats() -> None:
    schema = schema_of("us/factors_style")
    frame = factors(days(1), ["momentum"])
    assert schema.validate(frame).column_names == ["date", "symbol", "momentum"]
    texts = frame.append_column("note", pa.array(["x", "y"]))
    with pytest.raises(SchemaError, match="column 'note' must be double, got string"):
        schema.validate(texts)


def test_nan_is_missing_and_stored_as_null() -> None:
    schema = schema_of("us/factors_style")
    frame = factors(days(1), ["momentum"]).drop_columns(["momentum"])
    frame = frame.append_column("momentum", pa.array([np.nan, 1.0]))
    assert schema.validate(frame).column("momentum").to_pylist() == [None, 1.0]


def with_value(column: str, row: int, value: object) -> pa.Table:
    frame = bars(days(2))
    values = frame.column(column).to_pylist()
    values[row] = value
    index = frame.schema.get_field_index(column)
    return frame.set_column(index, column, pa.array(values, frame.schema.field(column).type))


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("close", None, "is null"),
        ("close", np.nan, "is null"),
        ("symbol", None, "is null"),
        ("close", 0.0, "is not above 0"),
        ("volume", -1.0, "is below 0"),
        ("high", np.inf, "is infinite"),
    ],
)
def test_the_first_offending_row_is_named(column: str, value: object, rule: str) -> None:
    with pytest.raises(SchemaError, match=f"us/bars: column '{column}' {rule} in 1 of 6") as caught:
        validate(with_value(column, 4, value))
    symbol = value if column == "symbol" else "B"
    assert caught.value.key == {"date": "2020-01-07", "symbol": symbol}
    assert caught.value.rows == 1


def test_an_upper_bound() -> None:
    frame = pd.DataFrame(
        {"date": days(1), "symbol": ["A"], "score": [3], "rank": [1.1], "model_month": ["2020-01"]}
    )
    with pytest.raises(SchemaError, match="us/predictions: column 'rank' is above 1"):
        schema_of("predictions").validate(frame, table="us/predictions")


def test_a_repeated_key_is_named() -> None:
    frame = bars(days(2), ["A", "B", "B"])
    with pytest.raises(SchemaError, match=r"2 rows repeat the key \(date, symbol\)") as caught:
        validate(frame)
    assert caught.value.key == {"date": "2020-01-06", "symbol": "B"}
    assert caught.value.rows == 2


def test_a_table_without_key_may_repeat_rows() -> None:
    schema = schema_of("us/quarantine")
    row = {"date": days(1)[0], "reason": "x", "detail": "y", "file": "f.csv", "row": 1}
    numbers = dict.fromkeys(("open", "high", "low", "close", "volume"))
    frame = pd.DataFrame([{**row, "row_date": None, "symbol": None, **numbers}] * 2)
    assert schema.validate(frame).num_rows == 2
    frame.loc[1, "row"] = 0
    with pytest.raises(SchemaError, match="column 'row' is below 1") as caught:
        schema.validate(frame)
    assert caught.value.key == {"row": 1}


def test_every_violation_is_listed() -> None:
    frame = bars(days(1), ["A", "B", "B"])
    broken = frame.set_column(5, "close", pa.array([0.0, -1.0, 1.0]))
    found = BARS.violations(broken, table="us/bars")
    assert [(v.column, v.rows) for v in found] == [("close", 2), (None, 1)]


def test_empty_frames_are_valid() -> None:
    assert validate(BARS.arrow.empty_table()).num_rows == 0
    assert validate(pd.DataFrame({name: [] for name in BARS.names})).schema.equals(BARS.arrow)


ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from("ABC"), st.integers(1, 3)), max_size=30
)


@given(ROWS)
def test_order_and_duplicates_agree_with_pandas(rows: list[tuple[int, str, int]]) -> None:
    frame = pd.DataFrame(rows, columns=["day", "symbol", "horizon"])
    calendar = days(5)
    frame["date"] = [calendar[day] for day in frame["day"]]
    frame["decision_date"] = frame["date"]
    frame["value"] = np.arange(len(frame), dtype=float)
    table = pa.Table.from_pandas(frame.drop(columns="day"), preserve_index=False)
    key = ["date", "symbol", "horizon"]
    repeated = int(frame.duplicated(key).sum())
    found = LABELS.violations(table.select([*LABELS.names]))
    assert [v.rows for v in found] == ([repeated] if repeated else [])
    ordered = sort_by_key(LABELS, table).column("value").to_pylist()
    assert ordered == frame.sort_values(key, kind="stable")["value"].tolist()
