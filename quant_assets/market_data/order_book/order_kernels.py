"""The orders of a book, compiled by numba: what an order, a cancel and a trade do to it.

The rules in words stand in book.py. Not here: price levels (level_kernels.py), the loop over events
(book_kernels.py).

Orders lie in a table with open addressing; one that is filled or cancelled stays in it, so that
what comes later for it is told from an order never seen.
"""

import numpy as np

from quant_assets.compiled import helper_uncounted
from quant_assets.market_data.order_book.events import ADD, ADD_BEST, ADD_MARKET, LEVELS
from quant_assets.market_data.order_book.level_kernels import (
    Book,
    best,
    enlarge,
    margin,
    note,
    reduce,
    size_at,
)
from quant_assets.market_data.order_book.places import (
    ASIDE,
    ASIDE_COUNT,
    ASK,
    BID,
    CROSSED,
    DEPTH,
    DUPLICATE,
    HIGH,
    LAST,
    LEFT,
    LOCKED,
    LOW,
    MALFORMED,
    MARKET_ORDER,
    MARKET_TICK,
    NO_PRICE,
    NUMBER,
    ON_LEVEL,
    OPEN,
    ORDERS,
    OVERDRAWN,
    SEEDED,
    STATE,
    TICK,
    TRADES,
    UNKNOWN,
    UNPRICED,
    VOLUME,
)


@helper_uncounted
def slot_of(orders: np.ndarray, number: int) -> int:
    """Where the order is, or the empty slot where it would be."""
    mask = len(orders) - 1
    slot = (number ^ (number >> 16)) & mask  # numbers of one time are neighbours
    while orders[slot, NUMBER] != 0 and orders[slot, NUMBER] != number:
        slot = (slot + 1) & mask
    return slot


@helper_uncounted
def enter(book: Book, slot: int, hold: bool) -> int:
    """Put a priced order on its level, or aside if it must wait; how many levels are better."""
    orders, memory = book.orders, book.memory
    side, tick = orders[slot, STATE] & 1, orders[slot, TICK]
    if hold and margin(book, side, tick) >= 0 and memory[ASIDE_COUNT] < len(book.aside):
        book.aside[memory[ASIDE_COUNT]] = orders[slot, NUMBER]
        memory[ASIDE_COUNT] += 1
        orders[slot, STATE] = 2 * ASIDE + side
        return LEVELS
    orders[slot, STATE] = 2 * ON_LEVEL + side
    return enlarge(book, side, tick, orders[slot, LEFT])


@helper_uncounted
def add_order(
    book: Book, kind: int, side: int, tick: int, quantity: int, number: int, hold: bool
) -> int:
    """A new order; how many levels are better than the one that changed."""
    orders, memory = book.orders, book.memory
    if number <= 0 or quantity <= 0 or side == 0 or (kind == ADD and tick == NO_PRICE):
        note(book, MALFORMED)
        return LEVELS
    slot = slot_of(orders, number)
    if orders[slot, NUMBER] == number:
        note(book, DUPLICATE)
        return LEVELS
    memory[ORDERS] += 1
    row = BID if side > 0 else ASK
    if kind == ADD_MARKET:
        tick = NO_PRICE
        memory[MARKET_ORDER] = number
        memory[MARKET_TICK] = NO_PRICE
    elif kind == ADD_BEST:
        tick = best(book, row)
    orders[slot, NUMBER] = number
    orders[slot, TICK] = tick
    orders[slot, LEFT] = quantity
    orders[slot, STATE] = 2 * UNPRICED + row
    return LEVELS if tick == NO_PRICE else enter(book, slot, hold)


@helper_uncounted
def take(book: Book, number: int, quantity: int, side: int, tick: int, required: bool) -> int:
    """Take from an order, all that is left for quantity 0; how many levels are better.

    `side` and `tick` are what the event says; they count where the order is older than the events.
    """
    orders = book.orders
    slot = slot_of(orders, number)
    if orders[slot, NUMBER] == 0:
        if not required:
            return LEVELS
        if book.memory[SEEDED] and quantity > 0 and size_at(book, side, tick) >= quantity:
            return reduce(book, side, tick, quantity)
        note(book, UNKNOWN)
        return LEVELS
    left = orders[slot, LEFT]
    if quantity > left:
        note(book, OVERDRAWN)
    taken = left if quantity == 0 else min(quantity, left)
    if taken == 0:
        return LEVELS
    orders[slot, LEFT] = left - taken
    state = orders[slot, STATE]
    if state >> 1 != ON_LEVEL:
        return LEVELS
    return reduce(book, state & 1, orders[slot, TICK], taken)


@helper_uncounted
def trade(
    book: Book,
    money: np.ndarray,
    side: int,
    tick: int,
    quantity: int,
    buy: int,
    sell: int,
    listed: bool,
) -> int:
    """A trade: totals, and both orders; how many levels are better than the best that changed."""
    memory = book.memory
    if quantity <= 0 or tick == NO_PRICE:
        note(book, MALFORMED)
        return LEVELS
    if side != 0 or sell == 0 or buy != 0:  # else the buyer's event tells of the same trade
        if memory[TRADES] == 0:
            memory[OPEN] = memory[HIGH] = memory[LOW] = tick
        memory[LAST] = tick
        memory[HIGH] = max(memory[HIGH], tick)
        memory[LOW] = min(memory[LOW], tick)
        memory[VOLUME] += quantity
        memory[TRADES] += 1
        money[0] += np.float64(tick) * np.float64(quantity)
    if memory[MARKET_ORDER] != 0:
        memory[MARKET_TICK] = tick
    rank = LEVELS
    if buy != 0:
        rank = min(rank, take(book, buy, quantity, BID, tick, listed or side <= 0))
    if sell != 0:
        rank = min(rank, take(book, sell, quantity, ASK, tick, listed or side >= 0))
    return rank


@helper_uncounted
def settle_market(book: Book, hold: bool) -> int:
    """What is left of a market order rests at the price of its last trade."""
    memory = book.memory
    slot = slot_of(book.orders, memory[MARKET_ORDER])
    memory[MARKET_ORDER] = 0
    if book.orders[slot, LEFT] == 0 or memory[MARKET_TICK] == NO_PRICE:
        return LEVELS
    book.orders[slot, TICK] = memory[MARKET_TICK]
    return enter(book, slot, hold)


@helper_uncounted
def release(book: Book, hold: bool) -> int:
    """Orders aside that cross no longer go to their levels; how many levels are better."""
    orders, memory = book.orders, book.memory
    kept, rank = 0, LEVELS
    for place in range(memory[ASIDE_COUNT]):
        number = book.aside[place]
        slot = slot_of(orders, number)
        side, tick, left = orders[slot, STATE] & 1, orders[slot, TICK], orders[slot, LEFT]
        if left == 0:
            continue
        if hold and margin(book, side, tick) >= 0:
            book.aside[kept] = number
            kept += 1
        else:
            orders[slot, STATE] = 2 * ON_LEVEL + side
            rank = min(rank, enlarge(book, side, tick, left))
    memory[ASIDE_COUNT] = kept
    return rank


@helper_uncounted
def check(book: Book, order: int, buy: int, sell: int) -> None:
    """Count the event if the book is crossed or locked after it, but for what is being matched."""
    orders, memory = book.orders, book.memory
    if memory[DEPTH] > 0 and memory[DEPTH + 1] > 0:
        gap = best(book, ASK) - best(book, BID)
        if gap <= 0:
            note(book, CROSSED if gap < 0 else LOCKED)
            return
    for place in range(memory[ASIDE_COUNT]):
        number = book.aside[place]
        if number not in (order, buy, sell):
            slot = slot_of(orders, number)
            reach = margin(book, orders[slot, STATE] & 1, orders[slot, TICK])
            note(book, CROSSED if reach > 0 else LOCKED)
            return
