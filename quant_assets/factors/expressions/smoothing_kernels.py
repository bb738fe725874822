"""Compiled weighted means of windows along time: arrays in, arrays out, nothing checked.

Here stands the mean whose weights fall by one factor a session. The operators stand in
operators/smoothing.py; other windows in the modules beside this one.

The sum S(L) over L sessions is not taken term by term: S(2k) of a session is S(k) plus w^k times
the S(k) of k sessions before, S(2k + 1) is the newest value plus w times the S(2k) of the session
before. That is one pass for each binary digit of L, over blocks of symbols side by side, and how
terms are grouped depends on L alone: a result has the same bits wherever the range starts. The
weights of the valid sessions are summed in the same way, beside the values.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.rounding import LARGEST

_VALUES = 1 << 15  # of a block: its sums stay in the second-level cache


@helper_as_written
def _complete(values: np.ndarray, first: int, width: int) -> bool:
    """Whether no value of these columns is missing."""
    missing = 0
    for row in range(values.shape[0]):
        line = values[row, first : first + width]
        for s in range(width):
            missing += line[s] != line[s]
    return missing == 0


@helper_as_written
def _take(line: np.ndarray, complete: bool, terms: np.ndarray, sums: np.ndarray) -> None:
    """A session's values, 0 for what is missing, and beside them 1 where they are valid.

    When none of the block is missing, a single 1 beside the values says so.
    """
    width = line.size
    if complete:
        for s in range(width):
            terms[s] = line[s]
            sums[s] = line[s]
        terms[width] = 1.0
        sums[width] = 1.0
    else:
        for s in range(width):
            value = line[s] if line[s] == line[s] else 0.0
            valid = 1.0 if line[s] == line[s] else 0.0
            terms[s] = value
            sums[s] = value
            terms[width + s] = valid
            sums[width + s] = valid


@helper_as_written
def _lengths(sessions: int) -> np.ndarray:
    """1, ..., sessions // 2, sessions: each is twice the one before, or one more."""
    digits = 0
    while sessions >> (digits + 1):
        digits += 1
    lengths = np.empty(digits + 1, np.int64)
    for k in range(digits + 1):
        lengths[k] = sessions >> (digits - k)
    return lengths


@helper_as_written
def _offsets(lengths: np.ndarray, level: int) -> np.ndarray:
    """How many sessions before its own the sums of this level lie that a result is made of."""
    offsets = np.zeros(1, np.int64)
    for above in range(lengths.size - 1, level, -1):
        odd, half = lengths[above] & 1, lengths[above - 1]
        below = np.empty(2 * offsets.size, np.int64)
        for k in range(offsets.size):
            below[2 * k] = offsets[k] + odd
            below[2 * k + 1] = offsets[k] + odd + half
        offsets = below
    return offsets


@helper_as_written
def _double(
    row: int,
    half: int,
    odd: int,
    weight: float,
    columns: int,
    terms: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Sums of `half` sessions -> sums of twice as many, or one more, of one session.

    Sessions before the first add nothing.
    """
    far = weight**half
    to = sums[row, :columns]
    if odd and row > 0:
        term, near = terms[row, :columns], sums[row - 1, :columns]
        if row > half:
            old = sums[row - 1 - half, :columns]
            for s in range(to.size):
                to[s] = term[s] + weight * (near[s] + far * old[s])
        else:
            for s in range(to.size):
                to[s] = term[s] + weight * near[s]
    elif row >= half and not odd:
        old = sums[row - half, :columns]
        for s in range(to.size):
            to[s] = to[s] + far * old[s]


@helper_as_written
def _sum(
    lengths: np.ndarray,
    weight: float,
    rows: int,
    columns: int,
    terms: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Sums of the last `rows` sessions, in place: a session after all that are newer."""
    known = terms.shape[0]
    for level in range(1, lengths.size):
        length, half = lengths[level], lengths[level - 1]
        if rows <= length:  # few sessions are wanted: only what they are made of
            for offset in _offsets(lengths, level):
                for row in range(known - 1 - offset, known - 1 - offset - rows, -1):
                    if row >= 0:
                        _double(row, half, length & 1, weight, columns, terms, sums)
        else:
            oldest = max(known - rows - (lengths[-1] - length), 0)
            for row in range(known - 1, oldest - 1, -1):
                _double(row, half, length & 1, weight, columns, terms, sums)


@helper_as_written
def _whole(lengths: np.ndarray, weight: float) -> float:
    """The weight of a window in which nothing is missing."""
    total = 1.0
    for level in range(1, lengths.size):
        half = lengths[level - 1]
        total = total + weight**half * total
        if lengths[level] & 1:
            total = 1.0 + weight * total
    return total


@helper_as_written
def _count(line: np.ndarray, sign: float, counts: np.ndarray) -> None:
    """Count a session's valid values in (sign 1) or out (-1)."""
    for s in range(line.size):
        counts[s] += sign if line[s] == line[s] else 0.0


@kernel(
    "void(float64[:,::1], float64, int64, int64, int64, float64, float64[:,::1])", regrouped=False
)
def geometric_mean(
    values: np.ndarray,
    weight: float,
    sessions: int,
    past: int,
    needed: int,
    share: float,
    out: np.ndarray,
) -> None:
    """Mean with the weights weight^k of k sessions before, over a window of `sessions`.

    Missing with fewer than `needed` valid sessions, and where they have less than `share` of the
    window's weight.
    """
    lengths = _lengths(sessions)
    least = share * _whole(lengths, weight)
    start = max(past - sessions + 1, 0)
    rows = values.shape[0] - start
    block = min(max(_VALUES // rows, 64), 256) - 1
    terms = np.empty((rows, 2 * block))
    sums = np.empty((rows, 2 * block))
    counts = np.empty(block)
    for first in range(0, out.shape[1], block):
        stop = min(first + block, out.shape[1])
        width = stop - first
        complete = _complete(values[start:], first, width)
        columns = width + 1 if complete else 2 * width
        for row in range(rows):
            line = values[start + row, first:stop]
            _take(line, complete, terms[row, :columns], sums[row, :columns])
        _sum(lengths, weight, out.shape[0], columns, terms, sums)
        counts[:] = 0.0
        for last in range(start, values.shape[0]):
            _count(values[last, first:stop], 1.0, counts)
            if last - sessions >= start:
                _count(values[last - sessions, first:stop], -1.0, counts)
            if last < past:
                continue
            line = sums[last - start]
            to = out[last - past, first:stop]
            for s in range(width):
                total = line[width] if complete else line[width + s]
                known = (counts[s] >= needed) & (total >= least) & (total > 0.0)
                mean = line[s] / (total if known else math.nan)
                to[s] = mean if abs(mean) <= LARGEST else math.nan
