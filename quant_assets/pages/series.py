"""Series of numbers in few bytes, for pages that draw years of days.

Belongs here: rounding to fixed point and back into text. pages/static/timeline.js reads it. Many
small arrays at few digits are packed by factors/report/packing.py instead, which compresses.
"""

import base64

import numpy as np


def fixed_point(values: np.ndarray, width: int = 3) -> dict[str, str]:
    """Numbers as text, each in four letters, exact to a 16-millionth of their range; NaN stays.

    Args:
        values: floats of shape (T,), finite or NaN.
        width: bytes a number; with 2 a number takes 2.7 letters and is exact to a 65-thousandth.

    Returns:
        `low` and `step` as texts of full precision, and `codes`: base64 of T whole numbers of
        `width` bytes, highest byte first, value = low + step x code, the highest code being a
        missing value; `width` where it is not 3.

    Raises:
        ValueError: an infinite value, another shape.
    """
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or np.isinf(array).any():
        got = f"shape {array.shape}" if array.ndim != 1 else f"{np.isinf(array).sum()} infinite"
        raise ValueError(f"a series must be finite or NaN, of shape (T,). Got {got} instead.")
    known = ~np.isnan(array)
    low = float(array[known].min()) if known.any() else 0.0
    high = float(array[known].max()) if known.any() else 0.0
    step = (high - low) / (2 ** (8 * width) - 2)
    codes = np.full(len(array), 2 ** (8 * width) - 1, np.int64)
    codes[known] = np.rint((array[known] - low) / step) if step > 0 else 0
    letters = codes.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 4 - width :]
    text = base64.b64encode(letters.tobytes()).decode("ascii")
    packed = {"low": repr(low), "step": repr(step), "codes": text}
    return packed if width == 3 else {**packed, "width": str(width)}


def growth_points(values: np.ndarray) -> dict[str, str]:
    """A curve of growth: its logarithm in two bytes, exact to a 130-thousandth of its range, so
    that the smallest value is as exact as the largest.

    A curve that touches 0 has no logarithm and is kept as it is; `log` tells the script.
    """
    if np.nanmin(values, initial=np.inf) > 0:
        return {**fixed_point(np.log(values), 2), "log": "1"}
    return fixed_point(values)


def day_points(dates: np.ndarray) -> dict[str, str]:
    """Days as the first one and the calendar days from each to the next, a byte each.

    Args:
        dates: `datetime64[D]`, ascending, shape (T,), T at least 1.
    """
    gaps = np.diff(dates.astype("datetime64[D]")).astype(np.float64)
    width = 1 if gaps.max(initial=0.0) <= 254 else 3
    # The lowest and the highest gap are sent as they are, so that every step is a whole day.
    ends = np.array([0.0, 254.0 if width == 1 else 2.0**24 - 2.0])
    return {**fixed_point(np.concatenate([gaps, ends]), width), "first": str(dates[0])[:10]}
