"""Compiled: what is rounding, and what is no number. The helpers that kernels of factors share."""

import math

import numpy as np

from quant_assets.compiled import helper_as_written

ROUNDING = 1e-12  # a spread this small against the values' size is rounding
LARGEST = np.finfo(np.float64).max


@helper_as_written
def varies(squares: float, n: float, newest: float) -> bool:
    """Whether n values with this sum of squared deviations differ by more than rounding."""
    return squares > n * (ROUNDING * abs(newest)) ** 2


@helper_as_written
def finite(value: float) -> float:
    """The value; missing where it is infinite."""
    return value if abs(value) <= LARGEST else math.nan
