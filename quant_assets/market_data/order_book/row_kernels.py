"""The rows of a replay, compiled by numba: what a book shows at an instant.

Not here: what an auction would trade (auction_kernels.py), when rows are written (book_kernels.py).
"""

import numpy as np

from quant_assets.compiled import helper_uncounted
from quant_assets.market_data.order_book.auction_kernels import indicative
from quant_assets.market_data.order_book.events import LEVELS
from quant_assets.market_data.order_book.level_kernels import (
    Book,
    best,
)
from quant_assets.market_data.order_book.places import (
    AFTER,
    ASK,
    BEFORE,
    BETWEEN,
    BID,
    CONTINUOUS,
    DEPTH,
    EVENT,
    EVENTS,
    HIGH,
    HIGH_PRICE,
    LAST,
    LAST_PRICE,
    LOW,
    LOW_PRICE,
    OPEN,
    OPEN_PRICE,
    PHASE,
    ROWS,
    SHOWN,
    TIME,
    TRADE_COUNT,
    TRADED,
    TRADES,
    TURNOVER,
    VOLUME,
)


@helper_uncounted
def phase_of(time: int, opens: np.ndarray, closes: np.ndarray) -> int:
    """The phase of an instant."""
    for session in range(len(opens)):
        if time < opens[session]:
            return BEFORE if session == 0 else BETWEEN
        if time < closes[session]:
            return CONTINUOUS
    return AFTER


@helper_uncounted
def sides_cross(book: Book, phase: int) -> bool:
    """Whether the sides cross while nothing is matched at once."""
    if phase == CONTINUOUS or book.memory[DEPTH] == 0 or book.memory[DEPTH + 1] == 0:
        return False
    return best(book, BID) >= best(book, ASK)


@helper_uncounted
def auction_changed(book: Book) -> bool:
    """Whether the auction shows something else than when this was asked last."""
    memory = book.memory
    tick, matched, surplus = indicative(book.keys, book.sizes, memory[DEPTH], memory[DEPTH + 1])
    if tick == memory[SHOWN] and matched == memory[SHOWN + 1] and surplus == memory[SHOWN + 2]:
        return False
    memory[SHOWN], memory[SHOWN + 1], memory[SHOWN + 2] = tick, matched, surplus
    return True


@helper_uncounted
def write_row(
    book: Book,
    money: np.ndarray,
    ticks_per_unit: float,
    time: int,
    phase: int,
    numbers: np.ndarray,
    counts: np.ndarray,
) -> None:
    """One row: the ten best levels, or what an auction shows, and the totals."""
    memory = book.memory
    row = memory[ROWS]
    memory[ROWS] = row + 1
    crossed = sides_cross(book, phase)
    for side in range(2):
        depth = 0 if crossed else memory[DEPTH + side]
        sign = 1 if side == BID else -1
        for level in range(LEVELS):
            place = depth - 1 - level
            column = LEVELS * side + level
            if place >= 0:
                numbers[column, row] = sign * book.keys[side, place] / ticks_per_unit
                counts[column, row] = book.sizes[side, place]
            else:
                numbers[column, row] = np.nan
                counts[column, row] = 0
    if crossed:
        tick, matched, surplus = indicative(book.keys, book.sizes, memory[DEPTH], memory[DEPTH + 1])
        for side in range(2):
            numbers[LEVELS * side, row] = tick / ticks_per_unit
            counts[LEVELS * side, row] = matched
        counts[1, row] = max(surplus, 0)
        counts[LEVELS + 1, row] = max(-surplus, 0)
    traded = memory[TRADES] > 0
    numbers[LAST_PRICE, row] = memory[LAST] / ticks_per_unit if traded else np.nan
    numbers[OPEN_PRICE, row] = memory[OPEN] / ticks_per_unit if traded else np.nan
    numbers[HIGH_PRICE, row] = memory[HIGH] / ticks_per_unit if traded else np.nan
    numbers[LOW_PRICE, row] = memory[LOW] / ticks_per_unit if traded else np.nan
    numbers[TURNOVER, row] = money[0] / ticks_per_unit
    counts[TRADED, row] = memory[VOLUME]
    counts[TRADE_COUNT, row] = memory[TRADES]
    counts[TIME, row] = time
    counts[EVENT, row] = memory[EVENTS] - 1
    counts[PHASE, row] = phase
