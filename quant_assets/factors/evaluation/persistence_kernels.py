"""Compiled comparison of a factor with itself some sessions before: arrays in, nothing checked.

Here stand the cut into quantiles and what changes from one day to another: turnover and rank
autocorrelation. What is said of packed arrays in panel_kernels.py, of orders and doubled ranks in
ranking_kernels.py holds here. All sums are of whole numbers, exact in any order.
"""

import math

import numpy as np

from quant_assets.compiled import helper, kernel
from quant_assets.factors.evaluation.ranks import cut

# Columns of the result, which daily_kernels.py fills, too.
COVERAGE, TURNOVER, BOTTOM_TURNOVER, AUTOCORRELATION = 1, 15, 16, 17


@helper
def _persistence(
    now: np.ndarray,
    before: np.ndarray,
    codes: np.ndarray,
    codes_before: np.ndarray,
    quantiles: int,
    minimum: int,
    out: np.ndarray,
) -> None:
    """Turnover of both ends and correlation of ranks against an earlier session."""
    n, x, y, xx, yy, xy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(now.size):
        a, b = np.float64(now[i]), np.float64(before[i])
        both = a > 0.0 and b > 0.0
        n += 1.0 if both else 0.0
        x += a if both else 0.0
        y += b if both else 0.0
        xx += a * a if both else 0.0
        yy += b * b if both else 0.0
        xy += a * b
    top, top_before, top_stays, bottom, bottom_before, bottom_stays = 0, 0, 0, 0, 0, 0
    for i in range(codes.size):
        top += codes[i] == quantiles
        top_before += codes_before[i] == quantiles
        top_stays += codes[i] == quantiles and codes_before[i] == quantiles
        bottom += codes[i] == 1
        bottom_before += codes_before[i] == 1
        bottom_stays += codes[i] == 1 and codes_before[i] == 1
    if top > 0 and top_before > 0:
        out[TURNOVER] = (top - top_stays) / top
    if bottom > 0 and bottom_before > 0:
        out[BOTTOM_TURNOVER] = (bottom - bottom_stays) / bottom
    if n >= minimum:
        xx, yy = n * xx - x * x, n * yy - y * y
        if xx > 0.0 and yy > 0.0:
            out[AUTOCORRELATION] = (n * xy - x * y) / math.sqrt(xx) / math.sqrt(yy)


@helper
def _remember(
    values: np.ndarray,
    order: np.ndarray,
    ranks: np.ndarray,
    columns: np.ndarray,
    quantiles: int,
    minimum: int,
    codes: np.ndarray,
    counts: np.ndarray,
    past_ranks: np.ndarray,
    past_codes: np.ndarray,
) -> None:
    """Cut a day's members into quantiles; keep these and the ranks by column for later days."""
    past_ranks[:] = 0.0
    past_codes[:] = 0
    if order.size < minimum:
        return
    cut(values, order, ranks, quantiles, codes, counts)
    if columns.size == past_ranks.size:
        past_ranks[:] = ranks
        past_codes[:] = codes
        return
    for j in range(columns.size):
        past_ranks[columns[j]] = ranks[j]
        past_codes[columns[j]] = codes[j]


@kernel(
    "void(float64[:,::1], uint32[:,::1], float32[:,::1], int64[::1], int64[::1], uint32[:,::1],"
    " int64[::1], int64[::1], int64, int64, int64, int64, int8[:,::1], float64[:,::1],"
    " float32[:,::1], int8[:,::1], float64[:,:,::1])"
)
def compare_days(
    values: np.ndarray,
    orders: np.ndarray,
    ranks: np.ndarray,
    valued: np.ndarray,
    days: np.ndarray,
    columns: np.ndarray,
    members: np.ndarray,
    horizons: np.ndarray,
    first: int,
    stop: int,
    quantiles: int,
    minimum: int,
    codes: np.ndarray,
    counts: np.ndarray,
    past_ranks: np.ndarray,
    past_codes: np.ndarray,
    out: np.ndarray,
) -> None:
    """Cut the factor of each session of `days` into quantiles and compare it with earlier ones.

    values, orders, ranks, codes: (days, members); valued, counts: how many values a day and each of
    its quantiles have. past_ranks, past_codes: (rows, columns) of the last sessions, d in row
    d % rows; they carry over to the next call. out: row d + h - first for first <= d + h < stop, a
    line a horizon; the caller filled it with NaN.
    """
    for row in range(days.size):
        d, m = days[row], members[days[row]]
        here = d % past_ranks.shape[0]
        _remember(
            values[row, :m],
            orders[row, : valued[row]],
            ranks[row, :m],
            columns[d, :m],
            quantiles,
            minimum,
            codes[row, :m],
            counts[row],
            past_ranks[here],
            past_codes[here],
        )
        for p in range(horizons.size):
            t, before = d + horizons[p], (d - horizons[p]) % past_ranks.shape[0]
            if not first <= t < stop:
                continue
            if m > 0:
                out[t - first, p, COVERAGE] = valued[row] / m
            if d >= horizons[p]:
                _persistence(
                    past_ranks[here],
                    past_ranks[before],
                    past_codes[here],
                    past_codes[before],
                    quantiles,
                    minimum,
                    out[t - first, p],
                )
