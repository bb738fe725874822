"""Compiled measures within the groups of a session: arrays in, arrays out, nothing checked.

Here stand labels of groups and the operators that need sums or extremes of a group. Ranks and
medians within groups stand in rank_kernels.py.

Sums run over the values of the group in their order: symbols without a value, or of other groups,
change no bit. Labels are 1, 2, .. in the order of first appearance in the session, 0 for none.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.rounding import LARGEST, ROUNDING

(
    NEUTRALIZE,
    ZSCORE,
    SCALE,
    SUM,
    COUNT,
    MEAN,  # weighted by the second panel
    MINIMUM,
    MAXIMUM,
    DEVIATION,
) = range(9)

CODES = 65536  # codes from 0 to below this are labelled without sorting


@helper_as_written
def _same(row: np.ndarray, other: np.ndarray) -> bool:
    """Whether two rows have the same bits."""
    bits, others = row.view(np.int64), other.view(np.int64)
    different = np.int64(0)
    for i in range(bits.size):
        different |= bits[i] ^ others[i]
    return bool(different == 0)


@kernel("boolean(float64[:,::1], int32[:,::1], int32[::1])", regrouped=False)
def label_rows(groups: np.ndarray, labels: np.ndarray, sizes: np.ndarray) -> bool:
    """Label the groups of each row; sizes gets how many labels there are, 0 counted.

    False, with the work undone, if a code is not a whole number from 0 to below CODES.
    """
    T, N = groups.shape
    table, used = np.zeros(CODES, np.int32), np.empty(N, np.int64)
    for t in range(T):
        if t > 0 and _same(groups[t], groups[t - 1]):
            labels[t] = labels[t - 1]
            sizes[t] = sizes[t - 1]
            continue
        size = 1
        for i in range(N):
            group = groups[t, i]
            if group != group:
                labels[t, i] = 0
                continue
            if not (0.0 <= group < CODES and group == np.floor(group)):
                return False
            code = int(group)
            if table[code] == 0:
                table[code] = size
                used[size - 1] = code
                size += 1
            labels[t, i] = table[code]
        for k in range(size - 1):
            table[used[k]] = 0
        sizes[t] = size
    return True


@helper_as_written
def _sums(
    row: np.ndarray, label: np.ndarray, size: int, totals: np.ndarray, counts: np.ndarray
) -> None:
    totals[:size] = 0.0
    counts[:size] = 0.0
    for i in range(row.size):
        there = row[i] == row[i]
        totals[label[i]] += row[i] if there else 0.0
        counts[label[i]] += 1.0 if there else 0.0


@helper_as_written
def _weighted(
    row: np.ndarray, weights: np.ndarray, label: np.ndarray, size: int, means: np.ndarray
) -> None:
    """Means weighted by `weights`, over the places where both are there."""
    totals, weighed = np.zeros(size), np.zeros(size)
    for i in range(row.size):
        there = (row[i] == row[i]) & (weights[i] == weights[i])
        totals[label[i]] += row[i] * weights[i] if there else 0.0
        weighed[label[i]] += weights[i] if there else 0.0
    for g in range(size):
        means[g] = totals[g] / weighed[g]


@helper_as_written
def _extremes(
    row: np.ndarray, label: np.ndarray, size: int, low: np.ndarray, high: np.ndarray
) -> None:
    low[:size] = np.inf
    high[:size] = -np.inf
    for i in range(row.size):
        g = label[i]
        low[g] = row[i] if row[i] < low[g] else low[g]
        high[g] = row[i] if row[i] > high[g] else high[g]


@helper_as_written
def _deviations(
    row: np.ndarray,
    label: np.ndarray,
    size: int,
    means: np.ndarray,
    rests: np.ndarray,
    deviations: np.ndarray,
) -> None:
    """Means, what rounding left over of them, and sample deviations: 0 where a group is constant.

    They are missing where there are fewer than two values.
    """
    counts, squares, largest = np.empty(size), np.zeros(size), np.zeros(size)
    _sums(row, label, size, means, counts)
    for g in range(size):
        means[g] /= counts[g]
        rests[g] = 0.0
    for i in range(row.size):
        g = label[i]
        difference = row[i] - means[g] if row[i] == row[i] else 0.0
        rests[g] += difference
        squares[g] += difference * difference
        largest[g] = abs(row[i]) if abs(row[i]) > largest[g] else largest[g]
    for g in range(size):
        n = counts[g]
        rests[g] /= n
        square = squares[g] - n * rests[g] * rests[g]
        varies = square > n * (ROUNDING * largest[g]) ** 2
        deviations[g] = (math.sqrt(square / (n - 1.0)) if varies else 0.0) if n > 1.0 else np.nan


@helper_as_written
def _spread(label: np.ndarray, results: np.ndarray, out: np.ndarray) -> None:
    """The result of its group for every symbol that has one."""
    results[0] = np.nan
    for i in range(out.size):
        v = results[label[i]]
        out[i] = v if abs(v) <= LARGEST else np.nan


@helper_as_written
def _place(
    row: np.ndarray,
    label: np.ndarray,
    means: np.ndarray,
    rests: np.ndarray,
    divisors: np.ndarray,
    out: np.ndarray,
) -> None:
    """(x - mean) / divisor, both of its group; missing where the divisor is 0."""
    means[0] = np.nan
    for i in range(out.size):
        g = label[i]
        v = ((row[i] - means[g]) - rests[g]) / divisors[g]
        out[i] = v if (abs(v) <= LARGEST) & (divisors[g] <= LARGEST) else np.nan


@kernel(
    "void(int64, float64[:,::1], float64[:,::1], int32[:,::1], int32[::1], float64[:,::1])",
    regrouped=False,
)
def measure_groups(
    code: int,
    values: np.ndarray,
    weights: np.ndarray,
    labels: np.ndarray,
    sizes: np.ndarray,
    out: np.ndarray,
) -> None:
    """One of the operations NEUTRALIZE .. DEVIATION; only MEAN reads the weights."""
    T, N = values.shape
    a, b, c = np.empty(N + 1), np.empty(N + 1), np.empty(N + 1)
    for t in range(T):
        row, label, line, size = values[t], labels[t], out[t], sizes[t]
        if code == NEUTRALIZE:
            _sums(row, label, size, a, b)
            for g in range(size):
                a[g] /= b[g]
            a[0] = np.nan
            for i in range(N):
                v = row[i] - a[label[i]]
                line[i] = v if abs(v) <= LARGEST else np.nan
        elif code == ZSCORE:
            _deviations(row, label, size, a, b, c)
            _place(row, label, a, b, c, line)
        elif code == SCALE:
            _extremes(row, label, size, a, c)
            for g in range(size):
                c[g] = c[g] - a[g]
                b[g] = 0.0
            _place(row, label, a, b, c, line)
        elif code in (MINIMUM, MAXIMUM):
            _extremes(row, label, size, a, b)
            _spread(label, a if code == MINIMUM else b, line)
        elif code == MEAN:
            _weighted(row, weights[t], label, size, a)
            _spread(label, a, line)
        elif code == DEVIATION:
            _deviations(row, label, size, a, b, c)
            _spread(label, c, line)
        else:
            _sums(row, label, size, a, b)
            for g in range(size):
                a[g] = a[g] if b[g] > 0.0 else np.nan
            _spread(label, b if code == COUNT else a, line)


@helper_as_written
def _clipped(x: float, mean: float, reach: float) -> float:
    return min(max(x, mean - reach), mean + reach)


@kernel(
    "void(float64[:,::1], int32[:,::1], int32[::1], int64, float64, int64, float64[:,::1])",
    regrouped=False,
)
def backfill_groups(
    values: np.ndarray,
    labels: np.ndarray,
    sizes: np.ndarray,
    window: int,
    reach: float,
    past: int,
    out: np.ndarray,
) -> None:
    """Fill a missing value by the winsorized mean of its group over the window.

    values has `past` rows of history before those of labels and out. The limits are `reach` sample
    deviations from the mean.
    """
    N = values.shape[1]
    totals, counts, squares = np.empty(N + 1), np.empty(N + 1), np.empty(N + 1)
    for r in range(out.shape[0]):
        today, label, size = values[past + r], labels[r], sizes[r]
        out[r] = today
        gaps = 0
        for i in range(N):
            gaps += 1 if (today[i] != today[i]) & (label[i] > 0) else 0
        if gaps == 0:
            continue
        begin = max(past + r + 1 - window, 0)
        totals[:size] = 0.0
        counts[:size] = 0.0
        squares[:size] = 0.0
        for t in range(begin, past + r + 1):
            for i in range(N):
                x = values[t, i]
                totals[label[i]] += x if x == x else 0.0
                counts[label[i]] += 1.0 if x == x else 0.0
        for g in range(size):
            totals[g] /= counts[g]  # now means
        for t in range(begin, past + r + 1):
            for i in range(N):
                x = values[t, i] - totals[label[i]]
                squares[label[i]] += x * x if x == x else 0.0
        for g in range(size):
            squares[g] = reach * math.sqrt(squares[g] / max(counts[g] - 1.0, 1.0))  # now reaches
        clipped = np.zeros(size)
        for t in range(begin, past + r + 1):
            for i in range(N):
                g, x = label[i], values[t, i]
                clipped[g] += _clipped(x, totals[g], squares[g]) if x == x else 0.0
        for i in range(N):
            if today[i] != today[i] and label[i] > 0:
                v = clipped[label[i]] / counts[label[i]]
                out[r, i] = v if abs(v) <= LARGEST else np.nan
