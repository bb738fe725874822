"""The price levels of a book, compiled by numba: found, enlarged, reduced; and a book's memory.

Not here: orders (order_kernels.py), rows (row_kernels.py), the loop over events (book_kernels.py).

Each side is a sorted list of price levels with the best one last. What happens, happens near the
best price: a level is found by steps that double from that end, inserting moves only what is
better, and the ten best are neighbours. Prices need no bounds, so one structure serves markets
with and without daily limits.
"""

from typing import NamedTuple

import numpy as np

from quant_assets.compiled import helper_uncounted
from quant_assets.market_data.order_book.events import LEVELS
from quant_assets.market_data.order_book.places import (
    BID,
    COUNTERS,
    DEPTH,
    EVENTS,
    NO_PRICE,
    OVERDRAWN,
)


class Book(NamedTuple):
    """The state of a book.

    Attributes:
        orders: (slots, 4) int64, slots a power of two; number 0 is an empty slot.
        keys: (2, levels) int64, ticks of the bids and negated ticks of the asks, ascending.
        sizes: (2, levels) int64.
        aside: (n,) int64, numbers of orders that cross the other side and wait for their trades.
        memory: (MEMORY,) int64.
    """

    orders: np.ndarray
    keys: np.ndarray
    sizes: np.ndarray
    aside: np.ndarray
    memory: np.ndarray


@helper_uncounted
def note(book: Book, what: int) -> None:
    """Count a fault of the present event."""
    memory = book.memory
    if memory[COUNTERS + 2 * what] == 0:
        memory[COUNTERS + 2 * what + 1] = memory[EVENTS]
    memory[COUNTERS + 2 * what] += 1


@helper_uncounted
def position(keys: np.ndarray, side: int, depth: int, key: int) -> int:
    """The first level whose key is not below `key`; `depth` if there is none."""
    high, low, step = depth, depth - 1, 1
    while low >= 0 and keys[side, low] >= key:
        high = low
        low -= step
        step *= 2
    low = max(low, -1)
    while high - low > 1:
        middle = (low + high) >> 1
        if keys[side, middle] >= key:
            high = middle
        else:
            low = middle
    return high


@helper_uncounted
def enlarge(book: Book, side: int, tick: int, quantity: int) -> int:
    """Add to a level; how many levels are better than it."""
    keys, sizes = book.keys, book.sizes
    depth = book.memory[DEPTH + side]
    key = tick if side == BID else -tick
    place = position(keys, side, depth, key)
    if place < depth and keys[side, place] == key:
        sizes[side, place] += quantity
        return int(depth - 1 - place)
    for level in range(depth, place, -1):
        keys[side, level] = keys[side, level - 1]
        sizes[side, level] = sizes[side, level - 1]
    keys[side, place] = key
    sizes[side, place] = quantity
    book.memory[DEPTH + side] = depth + 1
    return int(depth - place)


@helper_uncounted
def reduce(book: Book, side: int, tick: int, quantity: int) -> int:
    """Take from a level, which goes when nothing is left; how many levels were better than it."""
    keys, sizes = book.keys, book.sizes
    depth = book.memory[DEPTH + side]
    key = tick if side == BID else -tick
    place = position(keys, side, depth, key)
    if place == depth or keys[side, place] != key:
        note(book, OVERDRAWN)
        return LEVELS
    left = sizes[side, place] - quantity
    if left < 0:
        note(book, OVERDRAWN)
    if left > 0:
        sizes[side, place] = left
        return int(depth - 1 - place)
    for level in range(place, depth - 1):
        keys[side, level] = keys[side, level + 1]
        sizes[side, level] = sizes[side, level + 1]
    book.memory[DEPTH + side] = depth - 1
    return int(depth - 1 - place)


@helper_uncounted
def size_at(book: Book, side: int, tick: int) -> int:
    """The size at a tick, 0 if there is no level."""
    depth = book.memory[DEPTH + side]
    key = tick if side == BID else -tick
    place = position(book.keys, side, depth, key)
    if place == depth or book.keys[side, place] != key:
        return 0
    return int(book.sizes[side, place])


@helper_uncounted
def best(book: Book, side: int) -> int:
    """The best tick of a side, NO_PRICE if it is empty."""
    depth = book.memory[DEPTH + side]
    if depth == 0:
        return NO_PRICE
    key = book.keys[side, depth - 1]
    return int(key if side == BID else -key)


@helper_uncounted
def margin(book: Book, side: int, tick: int) -> int:
    """How far an order at `tick` reaches into the other side, in ticks; below 0 if not at all."""
    other = best(book, 1 - side)
    if other == NO_PRICE:
        return -1
    return tick - other if side == BID else other - tick
