"""Several libraries' tables as one frame."""

from datetime import date

import pyarrow as pa
import pytest

from quant_assets.factors.joining import joined

FIRST, SECOND = date(2024, 1, 2), date(2024, 1, 3)
ROWS = [(FIRST, "A"), (FIRST, "B"), (SECOND, "A"), (SECOND, "B")]


def table(keys: list[tuple[date, str]], **columns: list[float | None]) -> pa.Table:
    return pa.table(
        {
            "date": pa.array([day for day, _ in keys], pa.date32()),
            "symbol": pa.array([symbol for _, symbol in keys], pa.string()),
            **{name: pa.array(values, pa.float64()) for name, values in columns.items()},
        }
    )


def test_one_table_stays_as_it_is() -> None:
    one = table(ROWS, momentum=[1.0, 2.0, 3.0, 4.0])
    assert joined([one]) is one


def test_equal_keys_stand_beside_each_other() -> None:
    one = table(ROWS, momentum=[1.0, 2.0, 3.0, 4.0])
    two = table(ROWS, beta=[5.0, None, 7.0, 8.0], size=[0.0, 0.0, 0.0, 1.0])
    expected = table(
        ROWS, momentum=[1.0, 2.0, 3.0, 4.0], beta=[5.0, None, 7.0, 8.0], size=[0.0, 0.0, 0.0, 1.0]
    )
    assert joined([one, two]).equals(expected)


def test_different_keys_are_joined_and_sorted() -> None:
    one = table([ROWS[0], ROWS[3]], momentum=[1.0, 4.0])
    two = table([ROWS[1], ROWS[2], ROWS[3]], beta=[6.0, 7.0, 8.0])
    three = table(ROWS, size=[1.0, 1.0, 1.0, None])
    expected = table(
        ROWS,
        momentum=[1.0, None, None, 4.0],
        beta=[None, 6.0, 7.0, 8.0],
        size=[1.0, 1.0, 1.0, None],
    )
    assert joined([one, two, three]).combine_chunks().equals(expected)


def test_same_length_with_other_keys_is_not_taken_for_the_same() -> None:
    one = table(ROWS[:2], momentum=[1.0, 2.0])
    two = table(ROWS[2:], beta=[7.0, 8.0])
    expected = table(ROWS, momentum=[1.0, 2.0, None, None], beta=[None, None, 7.0, 8.0])
    assert joined([one, two]).combine_chunks().equals(expected)


def test_libraries_without_rows() -> None:
    assert joined([table([], momentum=[]), table([], beta=[])]).num_rows == 0
    one = table([], momentum=[])
    two = table(ROWS[:1], beta=[5.0])
    assert joined([one, two]).to_pylist() == [
        {"date": FIRST, "symbol": "A", "momentum": None, "beta": 5.0}
    ]


def test_a_factor_in_two_libraries_is_an_error() -> None:
    with pytest.raises(ValueError, match="two libraries have a factor named beta"):
        joined([table(ROWS, beta=[1.0] * 4), table(ROWS, size=[1.0] * 4, beta=[1.0] * 4)])
