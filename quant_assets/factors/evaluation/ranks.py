"""Compiled ranks of a row's values: the helpers that kernels of the evaluation share.

What orders and doubled ranks are is said in ranking_kernels.py. Sums are of whole numbers, exact in
any order.
"""

import numpy as np

from quant_assets.compiled import helper


@helper
def mark_pairs(x: np.ndarray, y: np.ndarray, both: np.ndarray) -> int:
    """Mark the places that have both values; how many they are."""
    n = 0
    for i in range(x.size):
        there = x[i] == x[i] and y[i] == y[i]
        both[i] = there
        n += there
    return n


@helper
def pack(values: np.ndarray, marked: np.ndarray, out: np.ndarray) -> None:
    """The marked values side by side; `out` may get one value more behind them."""
    n = np.uint64(0)
    for i in range(values.size):
        out[n] = values[i]
        n += marked[i]


@helper
def rank_ties(values: np.ndarray, order: np.ndarray, ranks: np.ndarray) -> None:
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
def squares_of_ranks(ranks: np.ndarray, n: int) -> float:
    """Sum of squared deviations of n doubled ranks from their mean, n + 1."""
    total = 0.0
    for i in range(ranks.size):
        total += ranks[i] * np.float64(ranks[i])
    return total - n * (n + 1.0) ** 2


@helper
def cut(
    values: np.ndarray,
    order: np.ndarray,
    ranks: np.ndarray,
    quantiles: int,
    codes: np.ndarray,
    counts: np.ndarray,
) -> None:
    """The quantile of each ranked place, 1 the lowest, 0 for others; how many each has.

    A value with m smaller ones among n falls into the smallest q with (n - 1) q / quantiles >= m,
    as pandas.qcut cuts; equal values fall together, by the lowest of their ranks.
    """
    n, begin = order.size, 0
    for i in range(ranks.size):
        codes[i] = ranks[i] > 0.0
    for q in range(1, quantiles + 1):
        end = max(begin, (n - 1) * q // quantiles + 1)
        while 0 < end < n and values[order[end]] == values[order[end - 1]]:
            end += 1
        counts[q - 1] = end - begin
        begin = end
        if q < quantiles and end > 0:
            edge = ranks[order[end - 1]]
            for i in range(ranks.size):
                codes[i] += ranks[i] > edge
