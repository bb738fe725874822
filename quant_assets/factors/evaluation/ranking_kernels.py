"""Compiled ranks across the securities of a day: arrays in, arrays out, nothing checked.

Here stands what is known of a row of values alone, be they a factor or returns: doubled ranks,
moments, how many there are. What is measured between two rows stands in daily_kernels.py.

Sums run over the values that are there, in the order of their places, so that one more symbol
without values changes no bit; sums of ranks are whole numbers and exact in any order. An order
array holds the places of a row's values ascending, the missing ones last. Ranks are doubled, so
that the average ranks of ties are whole: 2 for the smallest of distinct values, 2n for the largest,
0 for a missing one.
"""

import numpy as np

from quant_assets.compiled import helper, kernel

# The small helpers stand in each file of kernels again: numba's cache of a kernel does not notice
# when a function of another file changes, and would go on with the old one.
ROUNDING = 1e-12


@helper
def _mean(values: np.ndarray) -> float:
    total = 0.0
    for i in range(values.size):
        total += values[i]
    return total / values.size


@helper
def _products(x: np.ndarray, x_mean: float, y: np.ndarray, y_mean: float) -> float:
    """Sum of (x - x_mean) (y - y_mean)."""
    total = 0.0
    for i in range(x.size):
        total += (x[i] - x_mean) * (y[i] - y_mean)
    return total


@helper
def _spreads(values: np.ndarray, squares: float) -> bool:
    """Whether values with this sum of squared deviations differ by more than rounding."""
    bits, largest = values.view(np.int64), np.int64(0)
    for i in range(bits.size):  # without the sign, numbers and their bits have one order
        largest = max(largest, bits[i] & 0x7FFFFFFFFFFFFFFF)
    return bool(squares > values.size * (ROUNDING * np.int64(largest).view(np.float64)) ** 2)


@helper
def _moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and sum of squared deviations, which is 0 where values differ by rounding only."""
    if values.size == 0:
        return np.nan, 0.0
    mean = _mean(values)
    squares = _products(values, mean, values, mean)
    return mean, squares if _spreads(values, squares) else 0.0


@helper
def _mark(values: np.ndarray, there: np.ndarray) -> int:
    """Mark the places that have a value; how many they are."""
    n = 0
    for i in range(values.size):
        there[i] = values[i] == values[i]
        n += there[i]
    return n


@helper
def _pack(values: np.ndarray, both: np.ndarray, out: np.ndarray) -> None:
    """The marked values side by side."""
    n = np.uint64(0)
    for i in range(values.size):
        out[n] = values[i]
        n += both[i]


@helper
def _rank(values: np.ndarray, order: np.ndarray, ranks: np.ndarray) -> bool:
    """Doubled ranks of the places of an order, all others 0; whether any values are equal."""
    ranks[:] = 0.0
    ties, before = 0, np.nan
    for k in range(order.size):
        i = order[k]
        ties += values[i] == before
        before = values[i]
        ranks[i] = 2.0 * k + 2.0
    if ties > 0:
        _rank_ties(values, order, ranks)
    return ties > 0


@helper
def _rank_ties(values: np.ndarray, order: np.ndarray, ranks: np.ndarray) -> None:
    """Doubled average ranks of the places of an order."""
    begin = 0
    while begin < order.size:
        end = begin + 1
        while end < order.size and values[order[end]] == values[order[begin]]:
            end += 1
        for k in range(begin, end):
            ranks[order[k]] = begin + 1.0 + end
        begin = end


@helper
def _squares_of_ranks(ranks: np.ndarray, n: int) -> float:
    """Sum of squared deviations of n doubled ranks from their mean, n + 1."""
    total = 0.0
    for i in range(ranks.size):
        total += ranks[i] * np.float64(ranks[i])
    return total - n * (n + 1.0) ** 2


@kernel(
    "void(float64[:,::1], uint32[:,::1], float32[:,::1], float64[:,::1], int64[::1], boolean[::1])"
)
def describe_rows(
    values: np.ndarray,
    order: np.ndarray,
    ranks: np.ndarray,
    moments: np.ndarray,
    counts: np.ndarray,
    tied: np.ndarray,
) -> None:
    """Doubled ranks of each row, moments, number of values, whether some are equal.

    moments: mean; sum of squared deviations, 0 where values differ by rounding only; the same sum
    of the doubled ranks.
    """
    M = values.shape[1]
    packed, there = np.empty(M), np.empty(M, np.uint8)
    for d in range(values.shape[0]):
        n = _mark(values[d], there)
        counts[d] = n
        tied[d] = _rank(values[d], order[d, :n], ranks[d])
        found = values[d]
        if n < M:
            _pack(values[d], there, packed)
            found = packed[:n]
        moments[d, 0], moments[d, 1] = _moments(found)
        moments[d, 2] = _squares_of_ranks(ranks[d], n)
