"""Series in few bytes: what comes out is what went in, to a 16-millionth of the range."""

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.pages.series import day_points, fixed_point, growth_points


def unpacked(packed: dict[str, str]) -> np.ndarray:
    data, width = base64.b64decode(packed["codes"]), int(packed.get("width", 3))
    codes = [int.from_bytes(data[k : k + width], "big") for k in range(0, len(data), width)]
    low, step = float(packed["low"]), float(packed["step"])
    missing = 256**width - 1
    values = np.array([np.nan if code == missing else low + step * code for code in codes])
    return np.exp(values) if "log" in packed else values


def days_of(packed: dict[str, str]) -> np.ndarray:
    gaps = np.rint(unpacked(packed)[:-2]).astype(int)
    return np.datetime64(packed["first"]) + np.concatenate([[0], np.cumsum(gaps)])


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9) | st.just(np.nan), max_size=40))
def test_what_comes_out_is_what_went_in(values: list[float]) -> None:
    array = np.array(values, np.float64)
    back = unpacked(fixed_point(array))
    known = array[~np.isnan(array)]
    reach = np.ptp(known) if len(known) else 0.0
    np.testing.assert_allclose(back, array, rtol=1e-12, atol=reach / 3e7 + 1e-12, equal_nan=True)


def test_four_letters_a_number() -> None:
    assert len(fixed_point(np.arange(100.0))["codes"]) == 400
    assert fixed_point(np.array([]))["codes"] == ""
    assert unpacked(fixed_point(np.array([7.0, np.nan, 7.0])))[0] == 7.0


@pytest.mark.parametrize(
    ("values", "got"),
    [(np.array([1.0, np.inf]), "1 infinite"), (np.zeros((2, 2)), r"shape \(2, 2\)")],
)
def test_bad_series(values: np.ndarray, got: str) -> None:
    with pytest.raises(ValueError, match=rf"a series must be finite or NaN.* Got {got} instead"):
        fixed_point(values)


def test_growth_is_as_exact_at_its_lowest_as_at_its_highest() -> None:
    grown = np.array([np.nan, 1.0, 1.01, 1e6, 1e9])
    np.testing.assert_allclose(unpacked(growth_points(grown)), grown, rtol=2e-4)
    lost = np.array([1.0, 0.5, 0.0, -0.3])  # no logarithm
    np.testing.assert_allclose(unpacked(growth_points(lost)), lost, atol=1e-6)


@pytest.mark.parametrize("gaps", [[1, 1, 3, 254, 7], [1, 255, 4000], []])
def test_days_come_back_to_the_day(gaps: list[int]) -> None:
    days = np.datetime64("1999-12-30") + np.cumsum([0, *gaps])
    assert days_of(day_points(days)).tolist() == days.tolist()
