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
from quant_assets.factors.evaluation.ranks import pack, rank_ties, squares_of_ranks
from quant_assets.factors.moments import moments_of


@helper
def _mark(values: np.ndarray, there: np.ndarray) -> int:
    """Mark the places that have a value; how many they are."""
    n = 0
    for i in range(values.size):
        there[i] = values[i] == values[i]
        n += there[i]
    return n


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
        rank_ties(values, order, ranks)
    return ties > 0


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
            pack(values[d], there, packed)
            found = packed[:n]
        moments[d, 0], moments[d, 1] = moments_of(found)
        moments[d, 2] = squares_of_ranks(ranks[d], n)
