"""Compiled order of the values of a row: the helpers that kernels of ranks call.

How a row is sorted: a value x becomes the whole number of its place between the smallest and the
largest u / (1 + |u|), u = (x - centre) / spread. Centre and spread come from a sample of the row,
so that uniform, fat-tailed and skewed values alike fill the numbers evenly. Two passes of a radix
sort, least significant digit first, order the numbers; one pass puts right what shared a number.
Where that is too much, because the values crowd in some place, all bits of the values are sorted.
The result does not depend on which way was taken: it is exact, and equal values stand in order of
place.
"""

import numpy as np

from quant_assets.compiled import helper_as_written

_LANES = 32
DIGIT = 11  # bits: two tables of 2,048 counts stay in the first-level cache
_SAMPLE = 15
_PATIENCE = 2  # moves a value when putting right; sorting all bits costs about as much
_USUAL = 1e290  # within this, spreads can be inverted


@helper_as_written
def _extent(row: np.ndarray) -> tuple[float, float, int]:
    """Smallest and largest value and the number of values, in lanes that fill vector registers."""
    low, high = np.full(_LANES, np.inf), np.full(_LANES, -np.inf)
    there = np.zeros(_LANES)
    whole = row.size // _LANES * _LANES
    for i in range(0, whole, _LANES):
        for j in range(_LANES):
            x = row[i + j]
            low[j] = x if x < low[j] else low[j]
            high[j] = x if x > high[j] else high[j]
            there[j] += 1.0 if x == x else 0.0
    for i in range(whole, row.size):
        x = row[i]
        low[0] = x if x < low[0] else low[0]
        high[0] = x if x > high[0] else high[0]
        there[0] += 1.0 if x == x else 0.0
    for j in range(1, _LANES):
        low[0] = low[j] if low[j] < low[0] else low[0]
        high[0] = high[j] if high[j] > high[0] else high[0]
        there[0] += there[j]
    return low[0], high[0], int(there[0])


@helper_as_written
def _centre_and_spread(row: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Median and interquartile range of some values of the row."""
    sample = np.empty(_SAMPLE)
    m = 0
    for k in range(_SAMPLE):
        x = row[(2 * k + 1) * row.size // (2 * _SAMPLE)]
        if x == x:
            j = m
            while j > 0 and sample[j - 1] > x:
                sample[j] = sample[j - 1]
                j -= 1
            sample[j] = x
            m += 1
    extent = high - low
    if m < 4:
        return low + 0.5 * extent, extent
    quartiles = sample[m - 1 - m // 4] - sample[m // 4]
    # Half the sample being equal says nothing of the others.
    return sample[m // 2], quartiles if quartiles > extent * 2.0**-40 else extent * 2.0**-8


@helper_as_written
def _number(row: np.ndarray, low: float, high: float, missing: int, keys: np.ndarray) -> None:
    """Numbers 0 .. missing - 1 that grow with the values, and `missing`."""
    if low == high:
        for i in range(row.size):
            keys[i] = 0 if row[i] == row[i] else missing
        return
    centre, spread = _centre_and_spread(row, low, high)
    share = 1.0 / spread
    u = (low - centre) * share
    first = u / (1.0 + abs(u))
    u = (high - centre) * share
    scale = (missing - 1) / (u / (1.0 + abs(u)) - first)
    largest = float(missing)
    for i in range(row.size):
        x = row[i]
        u = (x - centre) * share
        number = (u / (1.0 + abs(u)) - first) * scale
        keys[i] = np.int32(number if x == x else largest) & missing


@helper_as_written
def _starts(counts: np.ndarray, digits: int) -> None:
    """Counts to the places where each digit's entries begin."""
    total = np.uint32(0)
    for k in range(digits):
        count = counts[k]
        counts[k] = total
        total += count


@helper_as_written
def _sort_numbers(
    keys: np.ndarray,
    digit: int,
    place_bits: int,
    low_counts: np.ndarray,
    high_counts: np.ndarray,
    packed: np.ndarray,
    order: np.ndarray,
) -> None:
    """The places of numbers of two digits, ascending; equal numbers in order of place."""
    digits = 1 << digit
    low_counts[:digits] = 0
    high_counts[:digits] = 0
    bits, shift = np.uint32(digit), np.uint32(place_bits)
    mask, places = np.uint32(digits - 1), np.uint32((1 << place_bits) - 1)
    one = np.uint32(1)
    for i in range(keys.size):
        key = np.uint32(keys[i])
        low_counts[key & mask] += one
        high_counts[key >> bits] += one
    _starts(low_counts, digits)
    _starts(high_counts, digits)
    for i in range(keys.size):
        key = np.uint32(keys[i])
        to = low_counts[key & mask]
        low_counts[key & mask] = to + one
        packed[to] = ((key >> bits) << shift) | np.uint32(i)
    for k in range(keys.size):
        entry = packed[k]
        to = high_counts[entry >> shift]
        high_counts[entry >> shift] = to + one
        order[to] = entry & places


@helper_as_written
def _put_right(row: np.ndarray, n: int, order: np.ndarray, ordered: np.ndarray) -> int:
    """Finish an order that is nearly right; how many values tie, or -1 if it takes too long.

    `ordered` gets the values in order.
    """
    patience = _PATIENCE * n
    ties = 0
    before = -np.inf
    for k in range(n):
        i = order[k]
        x = row[i]
        ordered[k] = x
        if x > before:
            before = x
        elif x == before:
            ties += 1
        else:
            j = k
            while j > 0 and ordered[j - 1] > x:
                ordered[j] = ordered[j - 1]
                order[j] = order[j - 1]
                j -= 1
            ordered[j] = x
            order[j] = i
            ties += 1 if j > 0 and ordered[j - 1] == x else 0
            patience -= k - j
            if patience < 0:
                return -1
    return ties


@helper_as_written
def _sort_bits(row: np.ndarray, n: int, order: np.ndarray, ordered: np.ndarray) -> int:
    """The order by all bits of the values; how many values tie."""
    N = row.size
    sign = np.uint64(1) << np.uint64(63)
    keys, other_keys = np.empty(N, np.uint64), np.empty(N, np.uint64)
    places, other_places = np.empty(N, np.uint32), np.empty(N, np.uint32)
    bits = row.view(np.uint64)
    for i in range(N):
        key = bits[i] if row[i] != 0.0 else np.uint64(0)  # minus zero is zero
        keys[i] = ~key if key & sign else key | sign
        if row[i] != row[i]:
            keys[i] = ~np.uint64(0)
        places[i] = i
    digits = 1 << DIGIT
    counts = np.empty(digits, np.uint32)
    for shift in range(0, 64, DIGIT):
        counts[:] = 0
        for i in range(N):
            counts[(keys[i] >> np.uint64(shift)) & np.uint64(digits - 1)] += np.uint32(1)
        _starts(counts, digits)
        for i in range(N):
            digit = (keys[i] >> np.uint64(shift)) & np.uint64(digits - 1)
            to = counts[digit]
            counts[digit] = to + np.uint32(1)
            other_keys[to] = keys[i]
            other_places[to] = places[i]
        keys, other_keys = other_keys, keys
        places, other_places = other_places, places
    ties = 0
    for k in range(N):
        order[k] = places[k]
    for k in range(n):
        ordered[k] = row[order[k]]
        ties += 1 if k > 0 and ordered[k] == ordered[k - 1] else 0
    return ties


@helper_as_written
def _bits_of(count: int) -> int:
    """The bits that the numbers below count need."""
    bits = 1
    while (1 << bits) < count:
        bits += 1
    return bits


@helper_as_written
def order_row(
    row: np.ndarray,
    keys: np.ndarray,
    low_counts: np.ndarray,
    high_counts: np.ndarray,
    packed: np.ndarray,
    order: np.ndarray,
    ordered: np.ndarray,
) -> tuple[int, int]:
    """Order a row: how many values there are and how many of them equal the one before.

    order: places of the values, ascending, then of the missing. ordered: the values. The others are
    room to work in.
    """
    low, high, n = _extent(row)
    if n == 0:
        for i in range(row.size):
            order[i] = i
        return 0, 0
    extent = high - low
    if extent == 0.0 or 1.0 / _USUAL < extent < _USUAL:
        place_bits = _bits_of(row.size)
        digit = min(max(place_bits, 6), DIGIT, 32 - place_bits)
        _number(row, low, high, (1 << (2 * digit)) - 1, keys)
        _sort_numbers(keys, digit, place_bits, low_counts, high_counts, packed, order)
        ties = _put_right(row, n, order, ordered)
        if ties >= 0:
            return n, ties
    return n, _sort_bits(row, n, order, ordered)
