"""Compiled ICs within sectors, day by day: arrays in, arrays out, nothing checked.

Here stand ranks within sectors and the correlations of a sector's securities. What is said of
orders and doubled ranks in ranking_kernels.py holds here.

Arrays here are sessions x places: members with a sector lie side by side, sector after sector, each
in the order of its columns; `bounds` (sessions x sectors + 1) says from where to where. The factor
comes packed as in panel_kernels.py; `places` says where each member goes, -1 for those without a
sector.
"""

import math

import numpy as np

from quant_assets.compiled import helper, kernel
from quant_assets.factors.evaluation.ranks import mark_pairs, pack
from quant_assets.factors.rounding import ROUNDING

# Columns of the result.
OBSERVATIONS, IC, RANK_IC = range(3)


@helper
def _spreads(
    bits: np.ndarray, start: np.uint64, stop: np.uint64, mean: float, squares: float
) -> bool:
    """Whether values with these bits and moments differ by more than rounding."""
    n = stop - start
    if squares > 2.0 * n * ROUNDING**2 * (mean * mean + squares):
        return True  # no value is further from 0 than the mean and the root of the squares together
    largest = np.int64(0)
    for i in range(start, stop):  # without the sign, numbers and their bits have one order
        largest = max(largest, bits[i] & 0x7FFFFFFFFFFFFFFF)
    return bool(squares > n * (ROUNDING * np.int64(largest).view(np.float64)) ** 2)


@helper
def _correlations(
    x: np.ndarray,
    x_bits: np.ndarray,
    x_ranks: np.ndarray,
    y: np.ndarray,
    y_bits: np.ndarray,
    y_ranks: np.ndarray,
    begin: int,
    end: int,
    out: np.ndarray,
) -> None:
    """IC and rank IC of the pairs begin .. end - 1; missing where either does not vary.

    Sectors are small: all sums of a pass share one loop, and places instead of slices spare the
    counting of references, which would cost as much.
    """
    start, stop, n = np.uint64(begin), np.uint64(end), end - begin
    x_mean, y_mean = 0.0, 0.0
    for i in range(start, stop):
        x_mean += x[i]
        y_mean += y[i]
    x_mean, y_mean = x_mean / n, y_mean / n
    xx, yy, xy, ranks_xx, ranks_yy, ranks_xy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(start, stop):
        a, b = x[i] - x_mean, y[i] - y_mean
        xx += a * a
        yy += b * b
        xy += a * b
        a, b = np.float64(x_ranks[i]), np.float64(y_ranks[i])
        ranks_xx += a * a
        ranks_yy += b * b
        ranks_xy += a * b
    varies = _spreads(x_bits, start, stop, x_mean, xx)
    if varies and _spreads(y_bits, start, stop, y_mean, yy):
        out[IC] = xy / math.sqrt(xx * yy)
    means = n * (n + 1.0) ** 2
    if ranks_xx > means and ranks_yy > means:
        out[RANK_IC] = (ranks_xy - means) / math.sqrt((ranks_xx - means) * (ranks_yy - means))


@helper
def _rank(
    values: np.ndarray,
    order: np.ndarray,
    sectors: np.ndarray,
    marked: np.ndarray,
    counts: np.ndarray,
    begins: np.ndarray,
    ranks: np.ndarray,
) -> None:
    """Doubled ranks of the marked places of an order among those of their sector.

    counts and begins: room for a number a sector and one for what is not marked.
    """
    last = np.uint32(counts.size - 1)
    counts[:] = 0
    ties, before = 0, np.nan
    for k in range(order.size):
        i = order[k]
        s = sectors[i] if marked[i] else last
        counts[s] += 2
        ranks[i] = counts[s]
        ties += values[i] == before
        before = values[i]
    if ties > 0:
        _rank_ties(values, order, sectors, marked, counts, begins, ranks)


@helper
def _rank_ties(
    values: np.ndarray,
    order: np.ndarray,
    sectors: np.ndarray,
    marked: np.ndarray,
    counts: np.ndarray,
    begins: np.ndarray,
    ranks: np.ndarray,
) -> None:
    """As `_rank`, where values may be equal: the first and the last place of equals are added."""
    last = np.uint32(counts.size - 1)
    latest = np.full(counts.size, np.nan)
    counts[:] = 0
    for k in range(order.size):
        i = order[k]
        s = sectors[i] if marked[i] else last
        counts[s] += 1
        if values[i] != latest[s]:
            latest[s], begins[s] = values[i], counts[s]
        ranks[i] = begins[s]
    latest[:] = np.nan
    for k in range(order.size - 1, -1, -1):
        i = order[k]
        s = sectors[i] if marked[i] else last
        if values[i] != latest[s]:
            latest[s], begins[s] = values[i], counts[s]
        counts[s] -= 1
        ranks[i] += begins[s]


@helper
def _cut(marked: np.ndarray, bounds: np.ndarray, out: np.ndarray) -> None:
    """Where sectors begin and end once their marked places lie side by side."""
    n = 0
    for s in range(bounds.size - 1):
        out[s] = n
        for i in range(bounds[s], bounds[s + 1]):
            n += marked[i]
    out[bounds.size - 1] = n


@helper
def _sectors(bounds: np.ndarray, out: np.ndarray) -> None:
    """The sector of each place."""
    for s in range(bounds.size - 1):
        out[bounds[s] : bounds[s + 1]] = s


@helper
def _arrange(
    values: np.ndarray, order: np.ndarray, places: np.ndarray, out: np.ndarray, orders: np.ndarray
) -> np.int64:
    """Packed values and their order by the places of sectors; how many values have a sector."""
    for i in range(values.size):
        if places[i] >= 0:
            out[np.uint32(places[i])] = values[i]
    n = np.uint64(0)
    for k in range(order.size):
        i = places[order[k]]
        orders[n] = i
        n += np.uint64(i >= 0)
    return np.int64(n)


@kernel("void(int32[:,::1], int64[::1], int32[:,::1], int32[:,::1])")
def place_sectors(
    sectors: np.ndarray, members: np.ndarray, places: np.ndarray, bounds: np.ndarray
) -> None:
    """Where each member goes when sectors lie side by side, and where sectors begin and end."""
    S = bounds.shape[1] - 1
    nexts = np.empty(S, np.int64)
    for d in range(sectors.shape[0]):
        bounds[d, :] = 0
        places[d, :] = -1
        for i in range(members[d]):
            if sectors[d, i] >= 0:
                bounds[d, sectors[d, i] + 1] += 1
        for s in range(S):
            nexts[s] = bounds[d, s]
            bounds[d, s + 1] += bounds[d, s]
        for i in range(members[d]):
            if sectors[d, i] >= 0:
                places[d, i] = nexts[sectors[d, i]]
                nexts[sectors[d, i]] += 1


@kernel(
    "void(float64[:,::1], uint32[:,::1], int64[::1], int32[:,::1], int32[:,::1], float64[:,::1],"
    " uint32[:,::1], float32[:,::1], int64[::1])"
)
def arrange_sectors(
    values: np.ndarray,
    order: np.ndarray,
    members: np.ndarray,
    places: np.ndarray,
    bounds: np.ndarray,
    out: np.ndarray,
    orders: np.ndarray,
    ranks: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Packed values of each session by places, their order, doubled ranks in sectors, number."""
    M, S = values.shape[1], bounds.shape[1] - 1
    marked, sectors = np.ones(M, np.uint8), np.empty(M, np.uint32)
    numbers, begins = np.empty((2, S + 1), np.int64)
    for d in range(values.shape[0]):
        m, valued = members[d], 0
        for i in range(m):
            valued += values[d, i] == values[d, i]
        n = _arrange(values[d, :m], order[d, :valued], places[d], out[d], orders[d])
        counts[d] = n
        _sectors(bounds[d], sectors)
        _rank(out[d], orders[d, :n], sectors, marked, numbers, begins, ranks[d])


@kernel(
    "void(float64[:,::1], uint32[:,::1], int64[::1], int64[::1], int32[:,::1], int32[:,::1],"
    " float64[:,:,::1], uint32[:,:,::1], float32[:,:,::1], int64[:,::1], int64[::1], int64, int64,"
    " int64, float64[:,:,:,::1])"
)
def score_sectors(
    values: np.ndarray,
    orders: np.ndarray,
    days: np.ndarray,
    members: np.ndarray,
    places: np.ndarray,
    bounds: np.ndarray,
    returns: np.ndarray,
    return_orders: np.ndarray,
    return_ranks: np.ndarray,
    return_counts: np.ndarray,
    horizons: np.ndarray,
    first: int,
    stop: int,
    minimum: int,
    out: np.ndarray,
) -> None:
    """Score the factor of each session d of `days` within sectors, against returns that end later.

    values, orders: (days, members). returns and what belongs to them: (horizons, sessions, places),
    as `arrange_sectors` makes them. out: row d + h - first for first <= d + h < stop, a line a
    horizon, a place a sector; the caller filled it with NaN.
    """
    M, S = values.shape[1], bounds.shape[1] - 1
    marked, sectors = np.empty(M, np.uint8), np.empty(M, np.uint32)
    f, order = np.empty(M), np.empty(M + 1, np.uint32)
    ranks, some_ranks, some_return_ranks = np.empty((3, M), np.float32)
    x, y = np.empty((2, M + 1))
    x_ranks, y_ranks = np.empty((2, M + 1), np.float32)
    numbers, begins = np.empty((2, S + 1), np.int64)
    some_edges = np.empty(S + 1, np.int32)
    for row in range(days.size):
        d, m = days[row], members[days[row]]
        valued = 0
        for i in range(m):
            valued += values[row, i] == values[row, i]
        K = bounds[d, S]
        f[:K] = np.nan
        f_order = order[: _arrange(values[row, :m], orders[row, :valued], places[d], f, order)]
        _sectors(bounds[d], sectors)
        marked[:] = 1
        _rank(f, f_order, sectors, marked, numbers, begins, ranks)
        for p in range(horizons.size):
            t = d + horizons[p]
            if not first <= t < stop:
                continue
            r, r_order = returns[p, d, :K], return_orders[p, d, : return_counts[p, d]]
            n = mark_pairs(f[:K], r, marked)
            f_ranks, r_ranks = ranks, return_ranks[p, d]
            if n < f_order.size:
                f_ranks = some_ranks
                _rank(f, f_order, sectors, marked, numbers, begins, f_ranks)
            if n < r_order.size:
                r_ranks = some_return_ranks
                _rank(r, r_order, sectors, marked, numbers, begins, r_ranks)
            xs, ys, edges = f, r, bounds[d]
            if n < K:
                _cut(marked[:K], bounds[d], some_edges)
                pack(f[:K], marked, x)
                pack(r, marked, y)
                pack(f_ranks[:K], marked, x_ranks)
                pack(r_ranks[:K], marked, y_ranks)
                xs, ys, f_ranks, r_ranks, edges = x, y, x_ranks, y_ranks, some_edges
            x_bits, y_bits, lines = xs.view(np.int64), ys.view(np.int64), out[t - first, p]
            for s in range(S):
                a, b = edges[s], edges[s + 1]
                lines[s, OBSERVATIONS] = b - a
                if b - a >= minimum:
                    _correlations(xs, x_bits, f_ranks, ys, y_bits, r_ranks, a, b, lines[s])
