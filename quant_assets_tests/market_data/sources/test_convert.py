"""Columns of vendor files: every type that files store, and errors that name row and value."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant_assets.market_data.sources.base import SourceError
from quant_assets.market_data.sources.convert import Place, days, numbers, texts

PLACE = Place("a.csv", "px", "source.columns.close")


def column(values: list[Any], kind: pa.DataType | None = None) -> pa.ChunkedArray:
    """The values in two chunks, as files have them."""
    whole = pa.array(values, kind)
    half = len(values) // 2
    return pa.chunked_array([whole[:half], whole[half:]], whole.type)


def day_list(found: np.ndarray) -> list[Any]:
    return list(found.tolist())


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, None], pa.int64()),
        ([1.0, 2.0, None], pa.float32()),
        (["1", " 2.0 ", ""], pa.string()),
        (["1e0", "2", "NA"], pa.large_string()),
        (["1", "2", None], pa.dictionary(pa.int32(), pa.string())),
        ([Decimal("1.00"), Decimal("2.00"), None], pa.decimal128(9, 2)),
    ],
)
def test_numbers_of_every_type(values: list[Any], kind: pa.DataType) -> None:
    found = numbers(column(values, kind), PLACE)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [1.0, 2.0, np.nan])


def test_a_column_without_any_value_is_missing() -> None:
    assert np.isnan(numbers(column([None, None], pa.null()), PLACE)).all()
    assert np.isnat(days(column([None, None], pa.null()), PLACE, None, "UTC")).all()
    assert texts(column([None, None], pa.null()), PLACE).null_count == 2


def test_the_first_offending_value_is_named_with_its_row() -> None:
    with pytest.raises(
        SourceError,
        match=r"a\.csv: column 'px' must hold numbers\. Got '12,5' in data row 3 instead.*"
        r"source\.columns\.close",
    ):
        numbers(column(["1", "2", "12,5", "x"]), PLACE)


def test_rows_of_a_part_of_a_file_have_their_numbers_in_the_file() -> None:
    place = Place("a.csv", "px", "s", np.array([10, 20, 30]))
    with pytest.raises(SourceError, match="in data row 20"):
        numbers(column(["1", "x", "2"]), place)


@pytest.mark.parametrize("kind", [pa.bool_(), pa.list_(pa.int64()), pa.date32()])
def test_a_type_that_is_no_number_is_named(kind: pa.DataType) -> None:
    with pytest.raises(SourceError, match=re.escape(f"hold numbers; the file stores {kind}")):
        numbers(column([None], kind), PLACE)


@given(st.lists(st.floats(allow_nan=False) | st.none(), max_size=10))
def test_numbers_survive_being_written(values: list[float | None]) -> None:
    texts_of = [None if value is None else repr(value) for value in values]
    expected = [np.nan if value is None else value for value in values]
    np.testing.assert_array_equal(numbers(column(texts_of, pa.string()), PLACE), expected)


D = date(2024, 1, 31)


@pytest.mark.parametrize(
    ("value", "kind", "pattern"),
    [
        (D, pa.date32(), None),
        (D, pa.date64(), None),
        (datetime(2024, 1, 31, 16, 30), pa.timestamp("us"), None),
        ("2024-01-31", pa.string(), None),
        ("2024-01-31 16:30:00", pa.string(), None),
        ("20240131", pa.string(), None),
        ("1/31/2024", pa.string(), "%m/%d/%Y"),
        ("31.01.2024", pa.large_string(), "%d.%m.%Y"),
        (20240131, pa.int64(), "%Y%m%d"),
    ],
)
def test_days_of_every_type(value: Any, kind: pa.DataType, pattern: str | None) -> None:
    found = days(column([value, None, value], kind), PLACE, pattern, "America/New_York")
    assert found.dtype == np.dtype("datetime64[D]")
    assert day_list(found) == [D, None, D]


@pytest.mark.parametrize("kind", [pa.timestamp("ns", "UTC"), pa.string()])
def test_a_moment_with_a_zone_has_the_markets_date(kind: pa.DataType) -> None:
    moment: Any = datetime.fromisoformat("2024-02-01T03:00:00+00:00")
    value = moment.isoformat() if kind == pa.string() else moment
    assert day_list(days(column([value], kind), PLACE, None, "America/New_York")) == [D]
    assert day_list(days(column([value], kind), PLACE, None, "UTC")) == [date(2024, 2, 1)]


def test_a_moment_before_1970_keeps_its_day() -> None:
    moment = column([datetime(1969, 12, 30, 16)], pa.timestamp("s"))
    assert day_list(days(moment, PLACE, None, "UTC")) == [date(1969, 12, 30)]


@pytest.mark.parametrize(
    ("value", "pattern"),
    [("2024-02-30", None), ("30.02.2024", "%d.%m.%Y"), ("2024-01-31x", None), ("later", "%Y")],
)
def test_a_day_that_is_none_is_named_with_its_row(value: str, pattern: str | None) -> None:
    with pytest.raises(SourceError, match=f"must hold dates.*Got '{value}' in data row 2"):
        days(column([None, value]), PLACE, pattern, "UTC")


def test_numbers_are_no_days_without_a_format() -> None:
    with pytest.raises(SourceError, match="dates; the file stores int64; set date_format"):
        days(column([20240131]), PLACE, None, "UTC")


def test_texts_lose_blanks_and_empty_ones_are_missing() -> None:
    found = texts(column([" AAA", "BBB ", "", "  ", None, "NA"]), PLACE)
    assert found.to_pylist() == ["AAA", "BBB", None, None, None, "NA"]
    assert texts(column([600000, 1]), PLACE).to_pylist() == ["600000", "1"]
    with pytest.raises(SourceError, match="must hold texts; the file stores double"):
        texts(column([1.5]), PLACE)
