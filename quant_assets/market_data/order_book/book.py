"""Books rebuilt from orders, cancels and trades: the ten best levels of each side, and the totals.

Belongs here: tables in and out, the state of a book between blocks of events, and the account of
what did not fit. Not here: the replay of an event (book_kernels.py), what an auction shows
(auction_kernels.py), how exchanges differ (rules.py), the vendor's snapshots (verification.py).

The rules in words:
    An order rests on the level of its price until it is filled or cancelled; nothing is matched
    here, the exchange's trades say what was. In continuous trading, where aggressive orders are
    told of first, an order that crosses the other side waits beside the book until it no longer
    does: its trades come next. An order at the best price of its own side takes the price that is
    best when it comes. What is left of a market order after its trades rests at the price of the
    last of them, unless it is cancelled at once; without a trade it waits for its cancel outside
    the book. A cancel of quantity 0 takes all that is left.
    In an auction the sides may cross. The row then shows what exchanges show: the price at which
    the auction would trade as best bid and ask, the quantity it would trade as their size, and what
    would be left at that price as second size of its side, without a price.

Prices NaN and sizes 0 where there is no level; volume counts shares once; turnover is the sum of
price times quantity; all totals count from the first event. A row holds what was known after the
event that it is written for, or at its instant, events of that very instant included.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from quant_assets.market_data.order_book import event_arrays, places
from quant_assets.market_data.order_book.events import (
    ADD,
    ADD_BEST,
    ADD_MARKET,
    BREAK,
    CLOSING_AUCTION,
    CONTINUOUS,
    LEVELS,
    OPENING_AUCTION,
    SNAPSHOTS,
    level_columns,
)
from quant_assets.market_data.order_book.report import FAULTS, BookReport, Fault
from quant_assets.market_data.order_book.rules import BookRules
from quant_assets.market_data.order_book.sampling import (
    AfterEvents,
    At,
    BookError,
    Every,
    EveryChange,
    When,
    grid,
)

_ADDS = (ADD, ADD_MARKET, ADD_BEST)
_PHASES = (OPENING_AUCTION, CONTINUOUS, BREAK, CLOSING_AUCTION)  # by the kernel's codes
# Rows that a block of output holds: a few MB. Columns that begin a power of two apart would share
# the few places that a cache has for such addresses, and a row is written across all of them.
_ROWS = 32768 + 8
_WAITING = 1024  # orders that may wait beside the book
_INSTANT = SNAPSHOTS.field("timestamp").type


@dataclass(frozen=True)
class Rebuilt:
    """Books of all symbols.

    Attributes:
        snapshots: SNAPSHOTS, by symbol and time.
        reports: one a symbol.
    """

    snapshots: pa.Table
    reports: tuple[BookReport, ...]


def rebuild(events: pa.Table, rules: BookRules, when: When | None = None) -> Rebuilt:
    """The books of every symbol.

    Args:
        events: EVENTS of one day, of any number of symbols, in any order; within a symbol they are
            replayed by `sequence`.
        rules: how the exchange tells its orders and trades.
        when: when rows are written; after every change by default.

    Raises:
        BookError: a price lies between two ticks.
    """
    tables, reports = [SNAPSHOTS.empty_table()], []
    for symbol, block in by_symbol(events):
        builder = BookBuilder(symbol, rules, when)
        tables += [builder.update(block), builder.finish()]
        reports.append(builder.report())
    return Rebuilt(pa.concat_tables(tables), tuple(reports))


def by_symbol(events: pa.Table) -> list[tuple[str, pa.Table]]:
    """Each symbol's events by sequence, symbols ascending; no copy where they are so already."""
    codes = events.column("symbol").combine_chunks().dictionary_encode()
    if len(codes) == 0:
        return []
    code, sequence = codes.indices.to_numpy(), events.column("sequence").to_numpy()
    same = code[1:] == code[:-1]
    if np.count_nonzero(~same) >= len(codes.dictionary) or np.any(
        same & (sequence[1:] < sequence[:-1])
    ):
        order = np.lexsort((sequence, code))
        events, code = events.take(pa.array(order)), code[order]
        same = code[1:] == code[:-1]
    bounds = [0, *(np.flatnonzero(~same) + 1).tolist(), len(code)]
    names = codes.dictionary.to_pylist()
    blocks = [
        (names[code[start]], events.slice(start, stop - start)) for start, stop in pairwise(bounds)
    ]
    return sorted(blocks, key=lambda block: block[0])


class BookBuilder:
    """The book of one symbol over one day, block of events by block.

    Blocks of any length give the rows that all events at once give.

    Args:
        symbol: whose book it is.
        rules: how the exchange tells its orders and trades.
        when: when rows are written; after every change by default.
        previous_close: written into each row; NaN where it is not known.
        seed: one row of SNAPSHOTS to begin with where the events do not begin with the day. Its
            levels hold orders without numbers: cancels and trades of orders that are not known take
            from the level of their price.
    """

    def __init__(
        self,
        symbol: str,
        rules: BookRules,
        when: When | None = None,
        previous_close: float = np.nan,
        seed: pa.Table | None = None,
    ) -> None:
        from quant_assets.compiled import warm_up
        from quant_assets.market_data.order_book import book_kernels as kernels

        warm_up()
        self.symbol, self.rules, self.previous_close = symbol, rules, previous_close
        self._when = when or EveryChange()
        self._kernels = kernels
        self._orders = np.zeros((1024, 4), np.int64)
        self._levels = np.zeros((2, 2, 0), np.int64)  # keys and sizes
        self._aside = np.zeros(_WAITING, np.int64)
        self._memory = np.zeros(places.MEMORY, np.int64)
        self._memory[places.SHOWN] = places.NO_PRICE
        self._money = np.zeros(1)
        self._marks = np.zeros(0, np.int64)
        if isinstance(self._when, At):
            self._marks = np.array(self._when.instants, np.int64)
        elif isinstance(self._when, AfterEvents):
            self._marks = np.array(self._when.positions, np.int64)
        self._reached: int | None = None  # the last instant of a grid that was asked for
        self._sessions: tuple[np.ndarray, np.ndarray] | None = None
        self._last: tuple[int, int] | None = None  # sequence and timestamp of the last event
        self._first_faults: dict[int, tuple[int, int]] = {}
        if seed is not None:
            self._plant(seed)

    def update(self, events: pa.Table) -> pa.Table:
        """Replay the next events of the symbol; the rows that they give, in SNAPSHOTS.

        Raises:
            BookError: the events do not ascend by sequence, or a price lies between two ticks.
        """
        if len(events) == 0:
            return SNAPSHOTS.empty_table()
        kernels = self._kernels
        columns = event_arrays.arrays(events)
        self._check_order(columns)
        ticks = event_arrays.ticks(columns, self.rules.ticks_per_unit, self.symbol)
        times = columns["timestamp"]
        if self._sessions is None:
            self._sessions = event_arrays.sessions(self.rules, int(times[0]))
        self._make_room(int(np.count_nonzero(np.isin(columns["kind"], _ADDS))))
        mode, marks = self._marks_for(times)
        earlier = int(self._memory[places.EVENTS]) if mode == places.AT_POSITIONS else 0
        marks = marks - earlier
        keys, sizes = self._levels
        rows = min(_ROWS, len(times) if mode == places.EVERY_CHANGE else len(marks) + 1)
        tables, start = [], 0
        while start < len(times):
            numbers = np.empty((places.NUMBERS, rows))
            counts = np.empty((places.COUNTS, rows), np.int64)
            start = kernels.replay(
                times,
                columns["kind"],
                columns["side"],
                ticks,
                columns["quantity"],
                columns["order"],
                columns["buy_order"],
                columns["sell_order"],
                start,
                *self._sessions,
                self.rules.aggressor_added_first,
                float(self.rules.ticks_per_unit),
                mode,
                marks,
                self._orders,
                keys,
                sizes,
                self._aside,
                self._memory,
                self._money,
                numbers,
                counts,
            )
            tables.append(self._table(numbers, counts, int(self._memory[places.ROWS])))
        self._marks = marks[self._memory[places.NEXT_MARK] :] + earlier
        self._memory[places.NEXT_MARK] = 0
        self._remember_faults(columns)
        return pa.concat_tables(tables)

    def finish(self) -> pa.Table:
        """The rows of the instants that no event came after, in SNAPSHOTS."""
        kernels = self._kernels
        if isinstance(self._when, Every) and self._last is not None:
            step = self._when.nanoseconds
            end = -(-self._last[1] // step) * step
            if self._reached is None or end > self._reached:
                self._marks = np.append(self._marks, end)
                self._reached = end
        elif not isinstance(self._when, At):
            return SNAPSHOTS.empty_table()
        marks, self._marks = self._marks, np.zeros(0, np.int64)
        opens, closes = self._sessions or event_arrays.sessions(
            self.rules, int(marks[0]) if len(marks) else 0
        )
        numbers = np.empty((places.NUMBERS, len(marks)))
        counts = np.empty((places.COUNTS, len(marks)), np.int64)
        keys, sizes = self._levels
        kernels.write_at(
            marks,
            opens,
            closes,
            float(self.rules.ticks_per_unit),
            self._orders,
            keys,
            sizes,
            self._aside,
            self._memory,
            self._money,
            numbers,
            counts,
        )
        return self._table(numbers, counts, len(marks))

    def report(self) -> BookReport:
        """What has been replayed so far."""
        memory = self._memory
        faults = [
            Fault(what, int(memory[places.COUNTERS + 2 * place]), *self._first_faults[place])
            for place, what in enumerate(FAULTS)
            if place in self._first_faults
        ]
        return BookReport(
            symbol=self.symbol,
            events=int(memory[places.EVENTS]),
            orders=int(memory[places.ORDERS]),
            volume=int(memory[places.VOLUME]),
            turnover=float(self._money[0]) / self.rules.ticks_per_unit,
            faults=tuple(faults),
        )

    def _plant(self, seed: pa.Table) -> None:
        """Begin with the levels of a row of snapshots."""
        if len(seed) != 1:
            raise BookError(f"The 'seed' must be one row of SNAPSHOTS. Got {len(seed)} instead.")
        row = seed.to_pylist()[0]
        self._make_room(0)
        for side, name in enumerate(("bid", "ask")):
            prices = [row[column] for column in level_columns(name, "price")]
            held = [row[column] for column in level_columns(name, "size")]
            ticks = [
                (round(price * self.rules.ticks_per_unit) * (1 - 2 * side), size)
                for price, size in zip(prices, held, strict=True)
                if size > 0 and price == price
            ]
            for place, (key, size) in enumerate(sorted(ticks)):
                self._levels[:, side, place] = key, size
            self._memory[places.DEPTH + side] = len(ticks)
        self._memory[places.SEEDED] = 1

    def _check_order(self, columns: dict[str, np.ndarray]) -> None:
        sequence = columns["sequence"]
        before = self._last[0] if self._last is not None else int(sequence[0])
        back = np.flatnonzero(np.diff(sequence, prepend=before) < 0)
        if len(back):
            raise BookError(
                f"events of {self.symbol} must ascend by sequence. Got {sequence[back[0]]} in row "
                f"{back[0]} after a higher one; sort them, or let rebuild do so"
            )
        self._last = int(sequence[-1]), int(columns["timestamp"].max())

    def _make_room(self, adds: int) -> None:
        """Room for as many orders and levels as a block with `adds` new orders can need."""
        kernels = self._kernels
        needed = 2 * (int(self._memory[places.ORDERS]) + adds)
        if needed > len(self._orders):
            larger = np.zeros((1 << (needed - 1).bit_length(), 4), np.int64)
            kernels.move_orders(self._orders, larger)
            self._orders = larger
        depth = int(self._memory[places.DEPTH : places.DEPTH + 2].max())
        needed = depth + adds + _WAITING + LEVELS + 1  # each order comes to a level at most once
        if needed > self._levels.shape[2]:
            wider = np.zeros((2, 2, needed), np.int64)
            wider[:, :, :depth] = self._levels[:, :, :depth]
            self._levels = wider

    def _marks_for(self, times: np.ndarray) -> tuple[int, np.ndarray]:
        """(when rows are written, in the kernel's code; the marks of this block)."""
        if isinstance(self._when, EveryChange):
            return places.EVERY_CHANGE, self._marks
        if isinstance(self._when, AfterEvents):
            return places.AT_POSITIONS, self._marks
        if isinstance(self._when, Every):
            more = grid(self._when, self._reached, times)
            if len(more):
                self._reached = int(more[-1])
                self._marks = np.concatenate([self._marks, more])
        return places.AT_INSTANTS, self._marks

    def _remember_faults(self, columns: dict[str, np.ndarray]) -> None:
        """Where the faults began that are new in this block."""
        memory = self._memory
        start = int(memory[places.EVENTS]) - len(columns["sequence"])
        for place in range(len(FAULTS)):
            count, first = memory[places.COUNTERS + 2 * place :][:2].tolist()
            if count and place not in self._first_faults:
                row = first - start
                where = int(columns["sequence"][row]), int(columns["timestamp"][row])
                self._first_faults[place] = where

    def _table(self, numbers: np.ndarray, counts: np.ndarray, rows: int) -> pa.Table:
        """Rows of the kernel in SNAPSHOTS; the arrays are not copied."""
        codes = pa.array(counts[places.PHASE, :rows].astype(np.int8))
        phases = pa.DictionaryArray.from_arrays(codes, pa.array(_PHASES))
        named: dict[str, pa.Array] = {
            "symbol": pa.repeat(pa.scalar(self.symbol), rows),
            "timestamp": pa.array(counts[places.TIME, :rows]).view(_INSTANT),
            "last": pa.array(numbers[places.LAST_PRICE, :rows]),
            "volume": pa.array(counts[places.TRADED, :rows]),
            "turnover": pa.array(numbers[places.TURNOVER, :rows]),
            "open": pa.array(numbers[places.OPEN_PRICE, :rows]),
            "high": pa.array(numbers[places.HIGH_PRICE, :rows]),
            "low": pa.array(numbers[places.LOW_PRICE, :rows]),
            "previous_close": pa.repeat(pa.scalar(float(self.previous_close)), rows),
            "trades": pa.array(counts[places.TRADE_COUNT, :rows]),
            "phase": phases.cast(pa.string()),
        }
        for side, name in enumerate(("bid", "ask")):
            for level, column in enumerate(level_columns(name, "price")):
                named[column] = pa.array(numbers[LEVELS * side + level, :rows])
            for level, column in enumerate(level_columns(name, "size")):
                named[column] = pa.array(counts[LEVELS * side + level, :rows])
        return pa.Table.from_arrays([named[name] for name in SNAPSHOTS.names], schema=SNAPSHOTS)
