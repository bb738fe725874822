"""The replay of one symbol's orders, cancels and trades into its book, compiled by numba.

Arrays in, arrays out: checks, tables and the rules in words stand in book.py. The state of a book
is five arrays, so that a replay goes on where the last block of events ended.
"""

import numpy as np

from quant_assets.compiled import kernel
from quant_assets.market_data.order_book.events import CANCEL, LEVELS, TRADE
from quant_assets.market_data.order_book.level_kernels import (
    Book,
)
from quant_assets.market_data.order_book.order_kernels import (
    add_order,
    check,
    release,
    settle_market,
    slot_of,
    take,
    trade,
)
from quant_assets.market_data.order_book.places import (
    ASIDE_COUNT,
    ASK,
    AT_INSTANTS,
    AT_POSITIONS,
    BID,
    CONTINUOUS,
    EVENTS,
    EVERY_CHANGE,
    MARKET_ORDER,
    NEXT_MARK,
    NO_PRICE,
    NUMBER,
    ROWS,
    SHOWN,
)
from quant_assets.market_data.order_book.row_kernels import (
    auction_changed,
    phase_of,
    sides_cross,
    write_row,
)

_INTS, _GRID = "int64[::1]", "int64[:, ::1]"
# Columns of Arrow tables cannot be written to, and numba takes that for another type.
_COLUMN, _CODES = "Array(int64, 1, 'C', True)", "Array(int8, 1, 'C', True)"
_REPLAY = (
    f"int64({_COLUMN}, {_CODES}, {_CODES}, {', '.join([_COLUMN] * 5)}, int64, "
    f"{_INTS}, {_INTS}, boolean, float64, int64, {_INTS}, {_GRID}, {_GRID}, {_GRID}, {_INTS}, "
    f"{_INTS}, float64[::1], float64[:, ::1], {_GRID})"
)


@kernel(_REPLAY, regrouped=False, counted=False)
def replay(
    time: np.ndarray,  # (n,) ns
    kind: np.ndarray,
    side: np.ndarray,
    tick: np.ndarray,  # (n,) NO_PRICE where there is none
    quantity: np.ndarray,
    order: np.ndarray,
    buy: np.ndarray,
    sell: np.ndarray,
    start: int,  # the first event to replay
    opens: np.ndarray,  # (sessions,) ns, begin of each continuous session
    closes: np.ndarray,  # (sessions,) ns, end of each, exclusive
    listed: bool,  # an aggressive order is added before its trades
    ticks_per_unit: float,
    mode: int,
    marks: np.ndarray,  # ascending instants, or positions of events
    orders: np.ndarray,
    keys: np.ndarray,
    sizes: np.ndarray,
    aside: np.ndarray,
    memory: np.ndarray,
    money: np.ndarray,  # (1,) turnover in ticks
    numbers: np.ndarray,  # out (NUMBERS, rows)
    counts: np.ndarray,  # out (COUNTS, rows)
) -> int:
    """Replay until the events or the rows end; returns the event to go on with."""
    book = Book(orders, keys, sizes, aside, memory)
    memory[ROWS] = 0
    capacity = numbers.shape[1]
    for event in range(start, len(time)):
        if mode == AT_INSTANTS:
            while memory[NEXT_MARK] < len(marks) and marks[memory[NEXT_MARK]] < time[event]:
                if memory[ROWS] == capacity:
                    return event
                at = marks[memory[NEXT_MARK]]
                memory[NEXT_MARK] += 1
                phase = phase_of(at, opens, closes)
                write_row(book, money, ticks_per_unit, at, phase, numbers, counts)
        elif memory[ROWS] == capacity:
            return event
        phase = phase_of(time[event], opens, closes)
        hold = listed and phase == CONTINUOUS
        rank = LEVELS
        market = memory[MARKET_ORDER]
        if market != 0 and market not in (order[event], buy[event], sell[event]):
            rank = settle_market(book, hold)
        if kind[event] == TRADE:
            changed = trade(
                book,
                money,
                side[event],
                tick[event],
                quantity[event],
                buy[event],
                sell[event],
                listed,
            )
        elif kind[event] == CANCEL:
            own = BID if side[event] > 0 else ASK
            changed = take(book, order[event], quantity[event], own, tick[event], True)
        else:
            changed = add_order(
                book,
                kind[event],
                side[event],
                tick[event],
                quantity[event],
                order[event],
                hold,
            )
        rank = min(rank, changed)
        if memory[ASIDE_COUNT] > 0:
            rank = min(rank, release(book, hold))
        if phase == CONTINUOUS:
            check(book, order[event], buy[event], sell[event])
        memory[EVENTS] += 1
        if mode == EVERY_CHANGE:
            if sides_cross(book, phase):
                wanted = kind[event] != TRADE and auction_changed(book)
            else:
                wanted = rank < LEVELS or memory[SHOWN] != NO_PRICE
                memory[SHOWN] = NO_PRICE
        else:
            wanted = (
                mode == AT_POSITIONS
                and memory[NEXT_MARK] < len(marks)
                and marks[memory[NEXT_MARK]] == event
            )
            memory[NEXT_MARK] += wanted
        if wanted:
            write_row(book, money, ticks_per_unit, time[event], phase, numbers, counts)
    return len(time)


@kernel(f"void({_GRID}, {_GRID})", regrouped=False, counted=False)
def move_orders(
    orders: np.ndarray,  # (slots, 4)
    larger: np.ndarray,  # out (slots, 4), zeros
) -> None:
    """Put every order into a larger table."""
    for slot in range(len(orders)):
        if orders[slot, NUMBER] != 0:
            place = slot_of(larger, orders[slot, NUMBER])
            for column in range(orders.shape[1]):
                larger[place, column] = orders[slot, column]


@kernel(
    f"void({_INTS}, {_INTS}, {_INTS}, float64, {_GRID}, {_GRID}, {_GRID}, {_INTS}, {_INTS}, "
    f"float64[::1], float64[:, ::1], {_GRID})",
    regrouped=False,
    counted=False,
)
def write_at(
    instants: np.ndarray,  # (rows,) ns
    opens: np.ndarray,
    closes: np.ndarray,
    ticks_per_unit: float,
    orders: np.ndarray,
    keys: np.ndarray,
    sizes: np.ndarray,
    aside: np.ndarray,
    memory: np.ndarray,
    money: np.ndarray,
    numbers: np.ndarray,  # out (NUMBERS, rows)
    counts: np.ndarray,  # out (COUNTS, rows)
) -> None:
    """Write the present state for each instant."""
    book = Book(orders, keys, sizes, aside, memory)
    memory[ROWS] = 0
    for at in instants:
        write_row(book, money, ticks_per_unit, at, phase_of(at, opens, closes), numbers, counts)
