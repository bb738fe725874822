"""Compiled measures across the securities of a day: arrays in, arrays out, nothing checked.

Here stand ranks, the scores of a factor against returns and rank correlations between factors. Sums
run over the securities that have values, in the order of their symbols, so that one more symbol
without values changes no bit; rank sums are exact. Windows along time stand in kernels.py.

Arrays are sessions x symbols. An order array holds the places of a row's values ascending, the
missing ones last.
"""

import math

import numpy as np

from quant_assets.compiled import helper, helper_of_numbers, kernel

# The small helpers stand here again although kernels.py has them: numba's cache of a kernel does
# not notice when a function of another file changes, and would go on with the old one.
ROUNDING = 1e-12

# Columns of `score`'s result; the means of the quantiles follow.
OBSERVATIONS, COVERAGE, IC, RANK_IC, BETA, T_STATISTIC, R_SQUARED = range(7)
SPREAD, TURNOVER, AUTOCORRELATION, QUANTILES = range(7, 11)


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


@helper_of_numbers
def _spreads(values: np.ndarray, squares: float) -> bool:
    """Whether values with this sum of squared deviations differ by more than rounding."""
    largest = 0.0
    for i in range(values.size):
        largest = max(largest, abs(values[i]))
    return squares > values.size * (ROUNDING * largest) ** 2


@helper
def _rank(
    values: np.ndarray,
    order: np.ndarray,
    others: np.ndarray,
    kept: np.ndarray,
    ranks: np.ndarray,
    lowest: np.ndarray,
) -> int:
    """Rank the values whose `others` is there too; returns their number.

    ranks: 1 for the smallest, ties get their average. lowest: how many values are smaller.
    `kept` is room to work in.
    """
    n = 0
    for k in range(order.size):
        i = order[k]
        if math.isnan(values[i]):
            break
        if not math.isnan(others[i]):
            kept[n] = i
            n += 1
    begin = 0
    while begin < n:
        end = begin + 1
        while end < n and values[kept[end]] == values[kept[begin]]:
            end += 1
        for k in range(begin, end):
            ranks[kept[k]] = 0.5 * (begin + 1 + end)
            lowest[kept[k]] = begin
        begin = end
    return n


@helper
def _bucket(lowest: int, n: int, quantiles: int) -> int:
    """The quantile, 0 the lowest, of a value with so many smaller ones among n.

    The smallest k with (n - 1) k / quantiles >= lowest, as pandas.qcut cuts; ties fall together.
    """
    return max((lowest * quantiles + n - 2) // (n - 1), 1) - 1


@helper
def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson correlation; missing where either does not vary."""
    x_mean, y_mean = _mean(x), _mean(y)
    xx, yy = _products(x, x_mean, x, x_mean), _products(y, y_mean, y, y_mean)
    if not (_spreads(x, xx) and _spreads(y, yy)):
        return np.nan
    return _products(x, x_mean, y, y_mean) / math.sqrt(xx * yy)


@helper
def _regress(f: np.ndarray, r: np.ndarray, out: np.ndarray) -> None:
    """Pearson IC and the regression of returns on the z-score (ddof=1) of the factor."""
    n = f.size
    f_mean, r_mean = _mean(f), _mean(r)
    ff, rr = _products(f, f_mean, f, f_mean), _products(r, r_mean, r, r_mean)
    if not (_spreads(f, ff) and _spreads(r, rr)):
        return
    deviation = math.sqrt(ff / (n - 1))
    slope = _products(f, f_mean, r, r_mean) / ff
    rest = 0.0
    for k in range(n):
        rest += (r[k] - r_mean - slope * (f[k] - f_mean)) ** 2
    out[IC] = slope * math.sqrt(ff / rr)
    out[BETA] = slope * deviation
    out[R_SQUARED] = min(max(1.0 - rest / rr, 0.0), 1.0)
    if _spreads(r, rest):
        out[T_STATISTIC] = slope * math.sqrt(ff) / math.sqrt(rest / (n - 2))


@helper
def _buckets(r: np.ndarray, lowest: np.ndarray, quantiles: int, out: np.ndarray) -> None:
    """Mean return of each quantile and the top less the bottom; missing where one is empty."""
    totals, counts = np.zeros(quantiles), np.zeros(quantiles)
    for k in range(r.size):
        q = _bucket(lowest[k], r.size, quantiles)
        totals[q] += r[k]
        counts[q] += 1
    for q in range(quantiles):
        if counts[q] > 0:
            out[QUANTILES + q] = totals[q] / counts[q]
    out[SPREAD] = out[QUANTILES + quantiles - 1] - out[QUANTILES]


@helper
def _persistence(
    now: np.ndarray,
    before: np.ndarray,
    top_now: np.ndarray,
    top_before: np.ndarray,
    minimum: int,
    out: np.ndarray,
) -> None:
    """Turnover of the top quantile and correlation of ranks against an earlier session."""
    x, y = np.empty(now.size), np.empty(now.size)
    n, members, members_before, new = 0, 0, 0, 0
    for i in range(now.size):
        members += top_now[i]
        members_before += top_before[i]
        new += top_now[i] and not top_before[i]
        if not (math.isnan(now[i]) or math.isnan(before[i])):
            x[n], y[n] = now[i], before[i]
            n += 1
    if members > 0 and members_before > 0:
        out[TURNOVER] = new / members
    if n >= minimum:
        out[AUTOCORRELATION] = _correlation(x[:n], y[:n])


@kernel(
    "void(float64[:,::1], int32[:,::1], int64, int64, int64, int64, float64[:,::1], boolean[:,::1])"
)
def rank_members(
    values: np.ndarray,
    order: np.ndarray,
    first: int,
    stop: int,
    quantiles: int,
    minimum: int,
    ranks: np.ndarray,
    top: np.ndarray,
) -> None:
    """Ranks and the top quantile of sessions first..stop-1 with at least `minimum` values."""
    N = values.shape[1]
    kept, lowest = np.empty(N, np.int64), np.empty(N, np.int64)
    for d in range(first, stop):
        n = _rank(values[d], order[d], values[d], kept, ranks[d], lowest)
        if n < minimum:
            ranks[d, :] = np.nan
            continue
        for k in range(n):
            i = kept[k]
            top[d, i] = _bucket(lowest[i], n, quantiles) == quantiles - 1


@kernel(
    "void(float64[:,::1], int32[:,::1], float64[:,::1], boolean[:,::1], int64[::1],"
    " float64[:,::1], int32[:,::1], int64, int64, int64, int64, float64[:,::1])"
)
def score(
    values: np.ndarray,
    order: np.ndarray,
    ranks: np.ndarray,
    top: np.ndarray,
    members: np.ndarray,
    returns: np.ndarray,
    return_order: np.ndarray,
    horizon: int,
    first: int,
    quantiles: int,
    minimum: int,
    out: np.ndarray,
) -> None:
    """Score the factor of each session t - horizon with the returns that ended on t, t >= first.

    values are those of members only; out[t - first] gets the columns named above, the caller filled
    it with NaN.
    """
    T, N = values.shape
    kept, lowest = np.empty(N, np.int64), np.empty(N, np.int64)
    unused, return_ranks, factor_ranks = np.empty(N, np.int64), np.empty(N), np.empty(N)
    f, r, low = np.empty(N), np.empty(N), np.empty(N, np.int64)
    f_rank, r_rank = np.empty(N), np.empty(N)
    for t in range(max(first, horizon), T):
        d, line = t - horizon, out[t - first]
        if members[d] > 0:
            valued = 0
            for i in range(N):
                valued += 0 if math.isnan(values[d, i]) else 1
            line[COVERAGE] = valued / members[d]
        if d >= horizon:
            _persistence(ranks[d], ranks[d - horizon], top[d], top[d - horizon], minimum, line)
        n = _rank(values[d], order[d], returns[t], kept, factor_ranks, lowest)
        line[OBSERVATIONS] = n
        if n < minimum:
            continue
        _rank(returns[t], return_order[t], values[d], kept, return_ranks, unused)
        k = 0
        for i in range(N):
            if not (math.isnan(values[d, i]) or math.isnan(returns[t, i])):
                f[k], r[k], low[k] = values[d, i], returns[t, i], lowest[i]
                f_rank[k], r_rank[k] = factor_ranks[i], return_ranks[i]
                k += 1
        _regress(f[:n], r[:n], line)
        line[RANK_IC] = _correlation(f_rank[:n], r_rank[:n])
        _buckets(r[:n], low[:n], quantiles, line)


@kernel("void(float64[:,:,::1], int32[:,:,::1], int64, float64[:,:,::1])")
def rank_correlations(values: np.ndarray, order: np.ndarray, minimum: int, out: np.ndarray) -> None:
    """Pairwise-complete Spearman correlations of each session, values (sessions, factors, symbols).

    Only out[d, i, j] with j > i is written.
    """
    D, F, N = values.shape
    kept, unused = np.empty(N, np.int64), np.empty(N, np.int64)
    x_ranks, y_ranks, x, y = np.empty(N), np.empty(N), np.empty(N), np.empty(N)
    for d in range(D):
        for i in range(F):
            for j in range(i + 1, F):
                n = _rank(values[d, i], order[d, i], values[d, j], kept, x_ranks, unused)
                if n < minimum:
                    continue
                _rank(values[d, j], order[d, j], values[d, i], kept, y_ranks, unused)
                for k in range(n):
                    x[k], y[k] = x_ranks[kept[k]], y_ranks[kept[k]]
                out[d, i, j] = _correlation(x[:n], y[:n])
