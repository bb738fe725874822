"""Compiled moments of values that lie side by side, none of them missing.

The helpers that kernels of factors share. Sums run over the values in their order, regrouped as
their number alone says.
"""

import numpy as np

from quant_assets.compiled import helper
from quant_assets.factors.rounding import ROUNDING


@helper
def mean_of(values: np.ndarray) -> float:
    """The mean; NaN of no value."""
    total = 0.0
    for i in range(values.size):
        total += values[i]
    return total / values.size


@helper
def products_of(x: np.ndarray, x_mean: float, y: np.ndarray, y_mean: float) -> float:
    """Sum of (x - x_mean) (y - y_mean)."""
    total = 0.0
    for i in range(x.size):
        total += (x[i] - x_mean) * (y[i] - y_mean)
    return total


@helper
def largest_of(values: np.ndarray) -> float:
    """The largest absolute value; 0 of no value."""
    bits, largest = values.view(np.int64), np.int64(0)
    for i in range(bits.size):  # without the sign, numbers and their bits have one order
        largest = max(largest, bits[i] & 0x7FFFFFFFFFFFFFFF)
    return float(np.int64(largest).view(np.float64))


@helper
def spread_out(values: np.ndarray, squares: float) -> bool:
    """Whether values with this sum of squared deviations differ by more than rounding."""
    # Written out: a call more in here, and the compiler regroups the sums of the callers otherwise.
    bits, largest = values.view(np.int64), np.int64(0)
    for i in range(bits.size):
        largest = max(largest, bits[i] & 0x7FFFFFFFFFFFFFFF)
    return bool(squares > values.size * (ROUNDING * np.int64(largest).view(np.float64)) ** 2)


@helper
def moments_of(values: np.ndarray) -> tuple[float, float]:
    """Mean and sum of squared deviations, which is 0 where values differ by rounding only."""
    if values.size == 0:
        return np.nan, 0.0
    mean = mean_of(values)
    squares = products_of(values, mean, values, mean)
    return mean, squares if spread_out(values, squares) else 0.0
