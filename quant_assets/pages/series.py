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
        raise ValueError(f"a series must be finite or NaN, of shape (T,). Got {array.shape}.")
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
