"""Compiled layout of an evaluation: members packed side by side, factors gathered, made neutral.

Here stands what comes before ranks and scores: arrays in, arrays out, nothing checked. Sums run
over the securities that have values, in the order of their columns, so that one more symbol without
values changes no bit.

Packed arrays are sessions x members: row d holds the members of session d in the order of their
columns, the rest of the row is missing.
"""

import math

import numpy as np

from quant_assets.compiled import helper, kernel
from quant_assets.factors.moments import largest_of, mean_of, products_of
from quant_assets.factors.rounding import ROUNDING


@kernel("void(boolean[:,::1], int64[::1], uint32[:,::1], int64[:,::1])")
def pack_members(
    member: np.ndarray, members: np.ndarray, columns: np.ndarray, cells: np.ndarray
) -> None:
    """Column of each member, its place in a flat panel, which is -1 where there are no more."""
    T, N = member.shape
    for d in range(T):
        m = 0
        for i in range(N):
            if member[d, i]:
                columns[d, m] = i
                cells[d, m] = d * N + i
                m += 1
        members[d] = m
        columns[d, m:] = 0
        cells[d, m:] = -1


@kernel(
    "void(float64[::1], int64[:,::1], int64[::1], int64, int64, boolean, int64, int64,"
    " float64[:,::1])"
)
def pack_returns(
    panel: np.ndarray,
    cells: np.ndarray,
    members: np.ndarray,
    width: int,
    horizon: int,
    prices: bool,
    start: int,
    stop: int,
    out: np.ndarray,
) -> None:
    """The return of each member of sessions start .. stop - 1 that ends `horizon` sessions later.

    panel: flat, `width` columns a session: prices, or the returns themselves by their last session.
    """
    T = cells.shape[0]
    for d in range(start, stop):
        out[d, :] = np.nan
        if d + horizon >= T:
            continue
        for j in range(members[d]):
            value = panel[cells[d, j] + horizon * width]
            if prices:
                before = panel[cells[d, j]]
                value = value / before - 1.0 if math.isfinite(before) else np.nan
            out[d, j] = value if math.isfinite(value) else np.nan


@helper
def _gather(values: np.ndarray, rows: np.ndarray, out: np.ndarray) -> int:
    """The values at `rows`, missing where there is no row or no finite value; how many there are.

    `out` may be longer: its rest is missing.
    """
    n = 0
    for j in range(rows.size):
        value = values[max(rows[j], 0)]
        there = rows[j] >= 0 and value - value == 0.0
        out[j] = value if there else np.nan
        n += there
    out[rows.size :] = np.nan
    return n


@helper
def _within_sectors(
    values: np.ndarray,
    sectors: np.ndarray,
    rounding: float,
    totals: np.ndarray,
    counts: np.ndarray,
    out: np.ndarray,
) -> None:
    """Values less the mean of their sector; missing without a sector.

    The last place of `totals` and `counts` takes what does not count.
    """
    last = totals.size - 1
    totals[:], counts[:] = 0.0, 0.0
    for j in range(values.size):
        s = np.uint32(sectors[j] if sectors[j] >= 0 and values[j] == values[j] else last)
        totals[s] += values[j]
        counts[s] += 1.0
    for k in range(last):
        totals[k] /= max(counts[k], 1.0)
    totals[last] = np.nan
    for j in range(values.size):
        rest = values[j] - totals[np.uint32(sectors[j] if sectors[j] >= 0 else last)]
        out[j] = 0.0 if abs(rest) <= rounding else rest


@helper
def _beside_size(
    values: np.ndarray,
    size: np.ndarray,
    minimum: int,
    rounding: float,
    x: np.ndarray,
    y: np.ndarray,
    out: np.ndarray,
) -> None:
    """Residuals of the regression of values on size, over the members that have both."""
    n = 0
    for j in range(values.size):
        n += size[j] == size[j] and values[j] == values[j]
    if n < minimum:
        return
    xs, ys = size, values
    if n < values.size:
        k = 0
        for j in range(values.size):
            x[k], y[k] = size[j], values[j]
            k += size[j] == size[j] and values[j] == values[j]
        xs, ys = x[:n], y[:n]
    x_mean, y_mean = mean_of(xs), mean_of(ys)
    squares = products_of(xs, x_mean, xs, x_mean)
    if squares <= n * (ROUNDING * largest_of(xs)) ** 2:
        return
    slope = products_of(xs, x_mean, ys, y_mean) / squares
    for j in range(values.size):
        rest = values[j] - y_mean - slope * (size[j] - x_mean)
        out[j] = 0.0 if abs(rest) <= rounding else rest


@kernel(
    "void(float64[::1], int64[:,::1], int64[::1], boolean[::1], int64[::1], int32[:,::1],"
    " float64[:,::1], int64, int64, float64[:,:,::1])"
)
def gather(
    values: np.ndarray,
    rows: np.ndarray,
    days: np.ndarray,
    scored: np.ndarray,
    members: np.ndarray,
    sectors: np.ndarray,
    size: np.ndarray,
    sector_count: int,
    minimum: int,
    out: np.ndarray,
) -> None:
    """A factor of the sessions `days`, packed: as it is, neutral to sectors, neutral to size.

    rows: place of each member's value in `values`, -1 for none. out: (3, days, members), or
    (1, days, members) for the factor as it is alone. A residual that is rounding against the day's
    largest value is 0. Sessions that are not `scored` need no neutral values and get none.
    """
    M = rows.shape[1]
    x, y = np.empty(M + 1), np.empty(M + 1)
    totals, counts = np.empty(sector_count + 1), np.empty(sector_count + 1)
    for k in range(days.size):
        d, m = days[k], members[days[k]]
        n = _gather(values, rows[d, :m], out[0, k])
        if out.shape[0] == 1:
            continue
        out[1, k, :] = np.nan
        out[2, k, :] = np.nan
        if not scored[k] or n < minimum:
            continue
        found = out[0, k, :m]
        if n == m:
            rounding = ROUNDING * largest_of(found)
        else:
            c = 0
            for j in range(m):
                x[c] = found[j]
                c += 0 if math.isnan(found[j]) else 1
            rounding = ROUNDING * largest_of(x[:n])
        _within_sectors(found, sectors[d, :m], rounding, totals, counts, out[1, k, :m])
        _beside_size(found, size[d, :m], minimum, rounding, x, y, out[2, k, :m])
