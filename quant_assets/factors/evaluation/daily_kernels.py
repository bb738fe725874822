"""Compiled scores of a factor against returns, day by day: arrays in, arrays out, nothing checked.

Here stand the measures between a factor and the returns that follow. What is known of each side
alone comes from ranking_kernels.py, where it is said what orders, doubled ranks and moments are,
the factor's quantiles from persistence_kernels.py; packed arrays are explained in panel_kernels.py.

Sums run over the pairs of factor and return in the order of their places, so that one more symbol
without values changes no bit; sums of ranks are whole numbers and exact in any order.
"""

import math

import numpy as np

from quant_assets.compiled import helper, kernel
from quant_assets.factors.evaluation.ranks import (
    cut,
    mark_pairs,
    pack,
    rank_ties,
    squares_of_ranks,
)
from quant_assets.factors.moments import moments_of, products_of, spread_out

# Columns of the result; the means of the quantiles follow, then their counts. persistence_kernels
# fills those between.
OBSERVATIONS, IC, RANK_IC = 0, 2, 3
NEUTRAL = 4  # IC and rank IC of one neutral version, then of the next
BETA, T_STATISTIC, R_SQUARED, MEAN_RETURN, FACTOR_RETURN, SPREAD, MONOTONICITY = range(8, 15)
QUANTILES = 18


@helper
def _rank_marked(
    values: np.ndarray,
    order: np.ndarray,
    both: np.ndarray,
    tied: bool,
    kept: np.ndarray,
    ranks: np.ndarray,
) -> None:
    """Doubled ranks of the marked places of an order, all others 0; `kept` gets the places.

    `tied`: whether any values may be equal.
    """
    n = np.uint64(0)
    for k in range(order.size):
        i = order[k]
        kept[n] = i
        n += both[i]
        ranks[i] = n
    for i in range(ranks.size):
        ranks[i] = 2.0 * ranks[i] if both[i] else 0.0
    if tied:
        rank_ties(values, kept[: np.int64(n)], ranks)


@helper
def _rank_correlation(
    x: np.ndarray, x_squares: float, y: np.ndarray, y_squares: float, n: int
) -> float:
    """Correlation of n doubled ranks at the same places; missing where either does not vary."""
    total = 0.0
    for i in range(x.size):
        total += x[i] * np.float64(y[i])
    if x_squares <= 0.0 or y_squares <= 0.0:
        return np.nan
    return (total - n * (n + 1.0) ** 2) / math.sqrt(x_squares * y_squares)


@helper
def _side(
    values: np.ndarray,
    order: np.ndarray,
    tied: bool,
    both: np.ndarray,
    n: int,
    ranks: np.ndarray,
    moments: np.ndarray,
    kept: np.ndarray,
    some_ranks: np.ndarray,
    some_values: np.ndarray,
    some_moments: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One side of n pairs: values side by side, ranks in their places, moments.

    order, tied, ranks, moments: of all the side's values. Those of the pairs are the same if every
    value has a partner; else they are made in kept and the some_ arrays.
    """
    pairs = values
    if n < values.size:
        pack(values, both, some_values)
        pairs = some_values[:n]
    if n == order.size:
        return pairs, ranks, moments
    _rank_marked(values, order, both, tied, kept, some_ranks)
    some_moments[0], some_moments[1] = moments_of(pairs)
    some_moments[2] = squares_of_ranks(some_ranks, n)
    return pairs, some_ranks, some_moments


@helper
def _correlation(
    x: np.ndarray, x_moments: np.ndarray, y: np.ndarray, y_moments: np.ndarray
) -> float:
    """Pearson correlation; missing where either does not vary."""
    if x_moments[1] <= 0.0 or y_moments[1] <= 0.0:
        return np.nan
    both = products_of(x, x_moments[0], y, y_moments[0])
    return both / math.sqrt(x_moments[1] * y_moments[1])


@helper
def _regress(
    f: np.ndarray, f_moments: np.ndarray, r: np.ndarray, r_moments: np.ndarray, out: np.ndarray
) -> None:
    """IC, the regression of returns on the factor's z-score (ddof=1), the factor's portfolio."""
    n, f_mean, r_mean, ff, rr = f.size, f_moments[0], r_moments[0], f_moments[1], r_moments[1]
    out[MEAN_RETURN] = r_mean
    if ff <= 0.0:
        return
    fr = products_of(f, f_mean, r, r_mean)
    size = 0.0
    for k in range(n):
        size += abs(f[k] - f_mean)
    out[FACTOR_RETURN] = fr / size
    if rr <= 0.0:
        return
    slope = fr / ff
    rest = 0.0
    for k in range(n):
        rest += (r[k] - r_mean - slope * (f[k] - f_mean)) ** 2
    out[IC] = fr / math.sqrt(ff * rr)
    out[BETA] = slope * math.sqrt(ff / (n - 1))
    out[R_SQUARED] = min(max(1.0 - rest / rr, 0.0), 1.0)
    if spread_out(r, rest):
        out[T_STATISTIC] = slope * math.sqrt(ff) / math.sqrt(rest / (n - 2))


@helper
def _quantile_means(
    r: np.ndarray, codes: np.ndarray, counts: np.ndarray, quantiles: int, out: np.ndarray
) -> None:
    """Mean return of each quantile, counts, top less bottom, and whether the means rise."""
    for q in range(quantiles):
        total = 0.0
        for k in range(r.size):
            total += r[k] if codes[k] == q + 1 else 0.0
        out[QUANTILES + quantiles + q] = counts[q]
        if counts[q] > 0:
            out[QUANTILES + q] = total / counts[q]
    means = out[QUANTILES : QUANTILES + quantiles]
    out[SPREAD] = means[quantiles - 1] - means[0]
    out[MONOTONICITY] = _monotonicity(means)


@helper
def _monotonicity(means: np.ndarray) -> float:
    """Spearman correlation of the place and the value; missing where a value is, or all agree."""
    n, squares, products = means.size, 0.0, 0.0
    for a in range(n):
        rank = 0.0
        for b in range(n):
            if math.isnan(means[b]):
                return np.nan
            rank += (means[b] < means[a]) - 1.0 * (means[b] > means[a])
        squares += rank * rank
        products += rank * (2.0 * a - n + 1.0)
    if squares <= 0.0:
        return np.nan
    return products / math.sqrt(squares * n * (n * n - 1.0) / 3.0)


@kernel(
    "void(float64[:,:,::1], uint32[:,:,::1], float32[:,:,::1], float64[:,:,::1], int64[:,::1],"
    " boolean[:,::1], int8[:,::1], float64[:,::1], int64[::1], int64[::1],"
    " float64[:,:,::1], uint32[:,:,::1], float32[:,:,::1], float64[:,:,::1], int64[:,::1],"
    " boolean[:,::1], int64[::1], int64, int64, int64, int64, float64[:,:,::1])"
)
def score_days(
    values: np.ndarray,
    orders: np.ndarray,
    ranks: np.ndarray,
    moments: np.ndarray,
    valued: np.ndarray,
    tied: np.ndarray,
    codes: np.ndarray,
    counts: np.ndarray,
    days: np.ndarray,
    members: np.ndarray,
    returns: np.ndarray,
    return_orders: np.ndarray,
    return_ranks: np.ndarray,
    return_moments: np.ndarray,
    returned: np.ndarray,
    return_tied: np.ndarray,
    horizons: np.ndarray,
    first: int,
    stop: int,
    quantiles: int,
    minimum: int,
    out: np.ndarray,
) -> None:
    """Score the factor of each session d of `days` with the returns that end h sessions later.

    values and what belongs to them: (versions, days, members) of the factor: as it is, and neutral
    ones. codes, counts: quantiles of the former. returns and what belongs to them: (horizons,
    sessions, members). out: row d + h - first for first <= d + h < stop, a line a horizon; the
    caller filled it with NaN.
    """
    M = values.shape[2]
    both, kept = np.empty(M, np.uint8), np.empty(M, np.uint32)
    # Room for the pairs of one version and horizon; returns twice, as a neutral version may have
    # fewer pairs than the factor.
    x_values, x_ranks, x_moments = np.empty(M), np.empty(M, np.float32), np.empty(3)
    y_values, y_ranks, y_moments = np.empty((2, M)), np.empty((2, M), np.float32), np.empty((2, 3))
    some_codes, packed_codes, some_counts = (
        np.empty(M, np.int8),
        np.empty(M, np.int8),
        np.zeros(quantiles),
    )
    for row in range(days.size):
        d, m = days[row], members[days[row]]
        for p in range(horizons.size):
            t = d + horizons[p]
            if not first <= t < stop:
                continue
            line = out[t - first, p]
            y, y_order = returns[p, d, :m], return_orders[p, d, : returned[p, d]]
            pairs = 0
            raw_r, raw_ranks, raw_moments = y, return_ranks[p, d, :m], return_moments[p, d]
            for v in range(values.shape[0]):
                x, x_order = values[v, row, :m], orders[v, row, : valued[v, row]]
                n = mark_pairs(x, y, both)
                if v == 0:
                    line[OBSERVATIONS] = n
                if n < minimum:
                    continue
                f, f_ranks, f_moments = _side(
                    x,
                    x_order,
                    tied[v, row],
                    both,
                    n,
                    ranks[v, row, :m],
                    moments[v, row],
                    kept,
                    x_ranks[:m],
                    x_values,
                    x_moments,
                )
                f_codes, f_counts = codes[row, :m], counts[row]
                if v == 0 and n < x_order.size:
                    f_codes, f_counts = some_codes[:m], some_counts
                    cut(x, kept[:n], f_ranks, quantiles, f_codes, f_counts)
                r, r_ranks, r_moments = raw_r, raw_ranks, raw_moments
                if n != pairs:
                    k = min(v, 1)
                    r, r_ranks, r_moments = _side(
                        y,
                        y_order,
                        return_tied[p, d],
                        both,
                        n,
                        return_ranks[p, d, :m],
                        return_moments[p, d],
                        kept,
                        y_ranks[k, :m],
                        y_values[k],
                        y_moments[k],
                    )
                rank_ic = _rank_correlation(f_ranks, f_moments[2], r_ranks, r_moments[2], n)
                if v > 0:
                    line[NEUTRAL + 2 * (v - 1)] = _correlation(f, f_moments, r, r_moments)
                    line[NEUTRAL + 2 * (v - 1) + 1] = rank_ic
                    continue
                pairs, raw_r, raw_ranks, raw_moments = n, r, r_ranks, r_moments
                if n < m:
                    pack(f_codes, both, packed_codes)
                    f_codes = packed_codes[:n]
                line[RANK_IC] = rank_ic
                _regress(f, f_moments, r, r_moments, line)
                _quantile_means(r, f_codes, f_counts, quantiles, line)
