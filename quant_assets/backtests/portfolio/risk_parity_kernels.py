"""Compiled risk budgeting: cyclical coordinate descent. Arrays in, arrays out, nothing checked."""

import numpy as np

from quant_assets.compiled import helper, kernel


@helper
def _marginal(correlation: np.ndarray, y: np.ndarray, product: np.ndarray) -> None:
    for i in range(y.size):
        total = 0.0
        for j in range(y.size):
            total += correlation[i, j] * y[j]
        product[i] = total


@helper
def _error(y: np.ndarray, product: np.ndarray, budget: np.ndarray) -> float:
    """The largest relative distance of a share of risk from its budget."""
    total = 0.0
    for i in range(y.size):
        total += y[i] * product[i]
    worst = 0.0
    for i in range(y.size):
        worst = max(worst, abs(y[i] * product[i] / (total * budget[i]) - 1.0))
    return worst


@kernel("int64(float64[:,::1], float64[::1], float64, int64, float64[::1])")
def descend(
    correlation: np.ndarray, budget: np.ndarray, tolerance: float, cycles: int, y: np.ndarray
) -> int:
    """Bring y from its start to the minimum of y'Cy/2 - Σ b ln y; the cycles it took, or -1.

    `correlation` is (N, N), `budget` (N,) above 0 and of sum 1, `y` (N,) above 0. A coordinate's
    minimum is the positive root of y² + a y - b, a the sum of its row without itself.
    """
    product = np.empty(y.size)
    _marginal(correlation, y, product)
    for cycle in range(cycles):
        for i in range(y.size):
            others = product[i] - correlation[i, i] * y[i]
            root = np.sqrt(others * others + 4.0 * correlation[i, i] * budget[i])
            # The root without cancellation on either side of 0.
            if others > 0.0:
                best = 2.0 * budget[i] / (others + root)
            else:
                best = (root - others) / (2.0 * correlation[i, i])
            step = best - y[i]
            y[i] = best
            row = correlation[i]
            for j in range(y.size):
                product[j] += row[j] * step
        if _error(y, product, budget) <= tolerance:
            _marginal(correlation, y, product)  # free of what the steps have left
            if _error(y, product, budget) <= tolerance:
                return cycle + 1
    return -1
