"""What the book of a call auction shows: the price at which it would trade, and how much.

Called by row_kernels.py alone. Orders are not matched here; the trades of the auction come as
events.

The price is one at which most can trade and all bids above it and all asks below it are filled
(Shanghai Stock Exchange, trading rules, call auction), so that a surplus stands at the price; of
several such order prices those at which the least is left unfilled; of several of those the middle
of the lowest and the highest, rounded up to the tick.
"""

import numpy as np

from quant_assets.compiled import helper_uncounted
from quant_assets.market_data.order_book.places import ASK, BID


@helper_uncounted
def indicative(keys: np.ndarray, sizes: np.ndarray, bids: int, asks: int) -> tuple[int, int, int]:
    """(tick, matched quantity, surplus of the bids) of a crossed book of `bids` and `asks` levels.

    `keys` and `sizes` are as `level_kernels.Book` has them: the best level last, asks negated.
    """
    lowest, highest = -keys[ASK, asks - 1], keys[BID, bids - 1]
    bid, bought = bids, 0
    while bid > 0 and keys[BID, bid - 1] >= lowest:
        bid -= 1
        bought += sizes[BID, bid]
    ask, sold = asks - 1, 0
    most, least, low, high = -1, 0, 0, 0
    while True:  # over the order prices between, ascending
        next_bid = keys[BID, bid] if bid < bids else highest + 1
        next_ask = -keys[ASK, ask] if ask >= 0 else highest + 1
        tick = min(next_bid, next_ask)
        if tick > highest:
            break
        below = sold
        if next_ask == tick:
            sold += sizes[ASK, ask]
            ask -= 1
        above = bought
        if next_bid == tick:
            above -= sizes[BID, bid]
            bid += 1
        matched, unfilled = min(bought, sold), abs(bought - sold)
        bought = above
        if max(above, below) > matched:
            continue
        if matched > most or (matched == most and unfilled < least):
            most, least, low, high = matched, unfilled, tick, tick
        elif matched == most and unfilled == least:
            high = tick
    tick = (low + high + 1) // 2
    bought = _up_to(keys, sizes, BID, bids, tick)
    sold = _up_to(keys, sizes, ASK, asks, -tick)
    return tick, min(bought, sold), bought - sold


@helper_uncounted
def _up_to(keys: np.ndarray, sizes: np.ndarray, side: int, depth: int, key: int) -> int:
    """The size of the levels from the best to `key`, inclusive."""
    total, level = 0, depth - 1
    while level >= 0 and keys[side, level] >= key:
        total += sizes[side, level]
        level -= 1
    return total
