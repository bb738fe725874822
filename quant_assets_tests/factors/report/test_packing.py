"""Packed arrays: what comes back, how exact it is, how large it is."""

import base64
import gzip
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from quant_assets.factors.report.packing import MISSING, in_steps, packed


def unpacked(text: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What a browser does, from the description: the head and the arrays."""
    body = gzip.decompress(base64.b64decode(text))
    size = int.from_bytes(body[:4], "little")
    head = json.loads(body[4 : 4 + size])
    at, found = 4 + size, {}
    for each in head.pop("arrays"):
        count = int(np.prod(each["shape"]))
        if each["kind"] == "int8":
            values = np.array([b - 256 if b > 127 else b for b in body[at : at + count]], np.int8)
            at += count
        else:
            planes = [body[at + b * count : at + (b + 1) * count] for b in range(4)]
            whole = b"".join(bytes(plane[k] for plane in planes) for k in range(count))
            values = np.frombuffer(whole, "<f4")
            at += 4 * count
        found[each["name"]] = values.reshape(each["shape"])
    assert at == len(body)
    return head, found


numbers = st.floats(allow_nan=True, allow_infinity=False, width=32).filter(
    lambda x: np.isnan(x) or x == 0 or 1e-30 < abs(x) < 1e30
)
shapes = arrays.array_shapes(max_dims=3, max_side=5)


@given(arrays.arrays(np.float64, shapes, elements=numbers), arrays.arrays(np.int8, shapes))
def test_arrays_come_back(values: np.ndarray, steps: np.ndarray) -> None:
    head, found = unpacked(packed({"names": ["<a>", "ü"]}, {"v": values, "s": steps}))
    assert head == {"names": ["<a>", "ü"]}
    assert (found["s"] == steps).all()
    assert found["s"].shape == steps.shape
    assert found["v"] == pytest.approx(values, rel=2.0**-13, nan_ok=True)


drawn = st.floats(-5, 5).map(lambda x: round(x, 9)) | st.just(np.nan)


@given(
    arrays.arrays(np.float64, st.just((3, 2, 7)), elements=drawn),
    st.sampled_from([1, 2]),
)
def test_steps_are_as_close_as_a_pixel(values: np.ndarray, axes: int) -> None:
    steps, unit = in_steps(values, axes)
    assert unit.shape == values.shape[:-axes]
    wide = unit.reshape(unit.shape + (1,) * axes) + np.zeros(values.shape)
    known = np.isfinite(values)
    assert ((steps == MISSING) == ~known).all()
    back = steps * wide
    assert (np.abs(back - values)[known] <= wide[known] / 2 * (1 + 1e-9)).all()


def test_the_same_data_are_the_same_text() -> None:
    values = {"v": np.arange(30.0)}
    assert packed({"a": 1}, values) == packed({"a": 1}, values)


def test_numbers_take_little_more_than_two_bytes() -> None:
    values = np.random.default_rng(0).normal(size=20_000)
    assert len(packed({}, {"v": values})) < 20_000 * 2.9
    assert len(packed({}, {"v": np.zeros(20_000)})) < 400


def test_an_array_does_not_take_the_heads_place() -> None:
    with pytest.raises(ValueError, match=r"must not be in the head. Got \['a'\]"):
        packed({"a": 1}, {"a": np.zeros(1)})
