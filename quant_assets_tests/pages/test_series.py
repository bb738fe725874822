"""Series in few bytes: what comes out is what went in, to a 16-millionth of the range."""

import base64

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.pages.series import fixed_point


def unpacked(packed: dict[str, str]) -> np.ndarray:
    data = base64.b64decode(packed["codes"])
    codes = [int.from_bytes(data[k : k + 3], "big") for k in range(0, len(data), 3)]
    low, step = float(packed["low"]), float(packed["step"])
    return np.array([np.nan if code == 2**24 - 1 else low + step * code for code in codes])


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


@pytest.mark.parametrize("values", [np.array([np.inf]), np.zeros((2, 2))])
def test_bad_series(values: np.ndarray) -> None:
    with pytest.raises(ValueError, match="a series must be finite or NaN"):
        fixed_point(values)
