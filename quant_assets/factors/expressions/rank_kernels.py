"""Compiled orders and ranks of the values of a session: arrays in, arrays out, nothing checked.

Here stands everything that needs the order of a row: places in ascending order, ranks, ranks and
medians within groups. How a row is put in order stands in row_order.py, sums of a row in
cross_section_kernels.py, sums of groups in group_kernels.py.

Ranks of a short row need no order: each value is compared with each, many at once.
"""

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.expressions.row_order import DIGIT, order_row

PERCENT, UNIFORM, DENSE = range(3)  # forms of a rank, see `rank_rows`
GROUP_RANK, GROUP_MEDIAN = range(2)

_SHORT = 96  # up to so many values comparing each with each is faster than sorting
_AT_ONCE = 8  # values that are compared with all others in one pass


@kernel("void(float64[:,::1], int32[:,::1])", regrouped=False)
def order_rows(values: np.ndarray, out: np.ndarray) -> None:
    """Places of each row's values, ascending, the missing last, equals in order of place."""
    T, N = values.shape
    keys, packed = np.empty(N, np.int32), np.empty(N, np.uint32)
    low_counts, high_counts = np.empty(1 << DIGIT, np.uint32), np.empty(1 << DIGIT, np.uint32)
    order, ordered = np.empty(N, np.uint32), np.empty(N)
    for t in range(T):
        order_row(values[t], keys, low_counts, high_counts, packed, order, ordered)
        for k in range(N):
            out[t, k] = order[k]


@helper_as_written
def _compare(values: np.ndarray, smaller: np.ndarray, equal: np.ndarray, ties: bool) -> None:
    """How many values are smaller than each, or equal to it, itself included; NaN is neither."""
    counts = equal if ties else smaller
    counts[:] = 0.0
    for j in range(0, values.size, _AT_ONCE):
        a, b, c, d = values[j], values[j + 1], values[j + 2], values[j + 3]
        e, f, g, h = values[j + 4], values[j + 5], values[j + 6], values[j + 7]
        if ties:
            for i in range(values.size):
                x = values[i]
                first = (1.0 if a == x else 0.0) + (1.0 if b == x else 0.0)
                second = (1.0 if c == x else 0.0) + (1.0 if d == x else 0.0)
                third = (1.0 if e == x else 0.0) + (1.0 if f == x else 0.0)
                fourth = (1.0 if g == x else 0.0) + (1.0 if h == x else 0.0)
                counts[i] += (first + second) + (third + fourth)
        else:
            for i in range(values.size):
                x = values[i]
                first = (1.0 if a < x else 0.0) + (1.0 if b < x else 0.0)
                second = (1.0 if c < x else 0.0) + (1.0 if d < x else 0.0)
                third = (1.0 if e < x else 0.0) + (1.0 if f < x else 0.0)
                fourth = (1.0 if g < x else 0.0) + (1.0 if h < x else 0.0)
                counts[i] += (first + second) + (third + fourth)


@helper_as_written
def _form(rank: float, n: int, form: int) -> float:
    if form == UNIFORM:
        return 1.0 / n + (rank - 1.0) / (n - 1.0) * (1.0 - 2.0 / n) if n > 1 else 0.5
    return rank / n


@helper_as_written
def _write_ranks(
    order: np.ndarray,
    ordered: np.ndarray,
    n: int,
    ties: int,
    form: int,
    ladder: np.ndarray,
    out: np.ndarray,
) -> None:
    """`ladder` holds the results of the ranks 1, 2, .. n."""
    if ties == 0 and form != DENSE:
        for k in range(n):
            out[order[k]] = ladder[k]
    else:
        begin, distinct = 0, 0
        while begin < n:
            end = begin + 1
            while end < n and ordered[end] == ordered[begin]:
                end += 1
            result = _form(0.5 * (begin + 1 + end), n, form) if form != DENSE else float(distinct)
            for k in range(begin, end):
                out[order[k]] = result
            begin = end
            distinct += 1
    for k in range(n, out.size):
        out[order[k]] = np.nan


@helper_as_written
def _rank_short(row: np.ndarray, work: np.ndarray, form: int, out: np.ndarray) -> None:
    """Ranks by comparing each value with each."""
    values, smaller, equal = work[0], work[1], work[2]
    n = 0
    for i in range(row.size):
        values[i] = row[i]
        equal[i] = 1.0
        n += 1 if row[i] == row[i] else 0
    _compare(values, smaller, equal, False)
    pairs = 0
    for i in range(row.size):
        pairs += int(smaller[i])
    if 2 * pairs < n * (n - 1):
        _compare(values, smaller, equal, True)
    for i in range(row.size):
        result = _form(smaller[i] + 0.5 * (equal[i] + 1.0), n, form)
        out[i] = result if row[i] == row[i] else np.nan


@kernel("void(int64, float64[:,::1], float64[:,::1])", regrouped=False)
def rank_rows(form: int, values: np.ndarray, out: np.ndarray) -> None:
    """Average ranks r = 1 .. n of the n values of each row, missing for the missing.

    PERCENT: r / n. UNIFORM: 1 / n + (r - 1) / (n - 1) (1 - 2 / n), a half if n is 1. DENSE: the
    number of different smaller values.
    """
    T, N = values.shape
    if N <= _SHORT and form != DENSE:
        work = np.full((3, -(-N // _AT_ONCE) * _AT_ONCE), np.nan)
        for t in range(T):
            _rank_short(values[t], work, form, out[t])
        return
    keys, packed = np.empty(N, np.int32), np.empty(N, np.uint32)
    low_counts, high_counts = np.empty(1 << DIGIT, np.uint32), np.empty(1 << DIGIT, np.uint32)
    order, ordered, ladder = np.empty(N, np.uint32), np.empty(N), np.empty(N)
    laid = -1
    for t in range(T):
        n, ties = order_row(values[t], keys, low_counts, high_counts, packed, order, ordered)
        if n != laid:
            for k in range(n):
                ladder[k] = _form(k + 1.0, n, form)
            laid = n
        _write_ranks(order, ordered, n, ties, form, ladder, out[t])


@helper_as_written
def _rank_members(row: np.ndarray, members: np.ndarray, out: np.ndarray) -> None:
    """Average rank over number, for the places of one group's values in ascending order."""
    n = members.size
    begin = 0
    while begin < n:
        end = begin + 1
        while end < n and row[members[end]] == row[members[begin]]:
            end += 1
        rank = 0.5 * (begin + 1 + end) / n
        for k in range(begin, end):
            out[members[k]] = rank
        begin = end


@kernel(
    "void(int64, float64[:,::1], int32[:,::1], int32[::1], float64[:,::1])",
    regrouped=False,
)
def group_order_rows(
    code: int, values: np.ndarray, labels: np.ndarray, sizes: np.ndarray, out: np.ndarray
) -> None:
    """GROUP_RANK: ranks among the values of the group; GROUP_MEDIAN: the median of its values.

    Labels are 1, 2, .. sizes[t] - 1 in session t, 0 for none.
    """
    T, N = values.shape
    keys, packed = np.empty(N, np.int32), np.empty(N, np.uint32)
    low_counts, high_counts = np.empty(1 << DIGIT, np.uint32), np.empty(1 << DIGIT, np.uint32)
    order, ordered, grouped = np.empty(N, np.uint32), np.empty(N), np.empty(N, np.uint32)
    ends, medians = np.empty(N + 1, np.int64), np.empty(N + 1)
    for t in range(T):
        row, label, line, size = values[t], labels[t], out[t], sizes[t]
        n, _ = order_row(row, keys, low_counts, high_counts, packed, order, ordered)
        ends[:size] = 0
        for k in range(n):
            ends[label[order[k]]] += 1
        begin = 0
        for g in range(size):
            begin += ends[g]
            ends[g] = begin - ends[g]
        for k in range(n):
            g = label[order[k]]
            grouped[ends[g]] = order[k]
            ends[g] += 1
        line[:] = np.nan
        medians[0] = np.nan
        for g in range(1, size):
            members = grouped[ends[g - 1] : ends[g]]
            if code == GROUP_RANK:
                _rank_members(row, members, line)
            elif members.size == 0:
                medians[g] = np.nan
            else:
                lower, upper = members[(members.size - 1) // 2], members[members.size // 2]
                medians[g] = 0.5 * row[lower] + 0.5 * row[upper]
        if code == GROUP_MEDIAN:
            for i in range(N):
                line[i] = medians[label[i]]
