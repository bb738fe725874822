"""Arrays in few bytes, for pages that hold hundreds of thousands of numbers.

Belongs here: rounding, layout, compression. static/factors.js reads what stands here; a browser
has the decompression built in.

    steps, unit = in_steps(curves)               # a byte a number, for what is drawn
    text = packed({"names": names}, {"curves": steps, "unit": unit, "table": numbers})
"""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

MISSING = -128
_STEPS = 120  # as many as a chart has pixels on either side of zero
_KEPT_BITS = 12  # of the mantissa's 23: more than four digits


def in_steps(values: np.ndarray, axes: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Numbers as whole steps from -120 to 120, MISSING for NaN, and the size of a step.

    Args:
        values: any shape; the last `axes` of it share a step.
        axes: 1 or more.

    Returns:
        (int8 like `values`, float64 of the leading shape); a step is 0 where all are 0 or missing.
    """
    last = tuple(range(values.ndim - axes, values.ndim))
    known = np.isfinite(values)
    unit = np.abs(np.where(known, values, 0.0)).max(axis=last, initial=0.0) / _STEPS
    wide = unit.reshape(unit.shape + (1,) * axes)
    steps = np.zeros(values.shape)
    np.divide(values, wide, out=steps, where=known & (wide > 0))
    return np.where(known, np.rint(steps), MISSING).astype(np.int8), unit


def packed(head: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """A head in JSON's own types and named arrays, compressed, in base64; the same bytes each time.

    Arrays of int8 are kept as they are; of float64 more than four digits are kept, NaN stays.
    The bytes of numbers stand by significance, all first ones, then all second ones and so on:
    they are alike among one another, and so compress well.

    Raises:
        ValueError: an array has the name of something in the head.
    """
    if both := {"arrays", *head} & {*arrays}:
        raise ValueError(f"names of packed arrays must not be in the head. Got {sorted(both)}.")
    parts, layout = [], []
    for name, values in arrays.items():
        kind = "int8" if values.dtype == np.int8 else "float32"
        layout.append({"name": name, "kind": kind, "shape": list(values.shape)})
        parts.append(values.tobytes() if kind == "int8" else _planes(values))
    text = json.dumps({**head, "arrays": layout}, separators=(",", ":"), allow_nan=False).encode()
    body = b"".join([len(text).to_bytes(4, "little"), text, *parts])
    return base64.b64encode(gzip.compress(body, 9, mtime=0)).decode("ascii")


def _planes(values: np.ndarray) -> bytes:
    bits = np.ascontiguousarray(values, "<f4").view("<u4").ravel()
    finite = np.isfinite(values).ravel()
    dropped = np.uint32(23 - _KEPT_BITS)
    rounded = (bits + (np.uint32(1) << (dropped - np.uint32(1)))) >> dropped << dropped
    exact = np.where(finite, rounded, bits).astype("<u4")
    return exact.view(np.uint8).reshape(-1, 4).T.tobytes()
