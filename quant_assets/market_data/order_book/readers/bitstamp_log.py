"""A recorded log of Bitstamp's live feed: one message a line, `<milliseconds> <name> <JSON>`.

`order_created`, `order_changed` and `order_deleted` tell of single orders, `trade` of trades
without their orders, `order_book` of the twenty best levels a side. As the trades stand for
themselves, what an order loses by an execution is a CANCEL here: the books and the traded volume
both come out right. Milliseconds are the recording machine's.
"""

import json
from abc import abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from quant_assets.market_data.order_book.clocks import stamps
from quant_assets.market_data.order_book.events import (
    BUY,
    CANCEL,
    CONTINUOUS,
    LEVELS,
    NO_SIDE,
    SELL,
    TRADE,
    level_columns,
)
from quant_assets.market_data.order_book.files import DayFile
from quant_assets.market_data.order_book.readers.base import SCHEMAS, Piece, Reader, Request
from quant_assets.market_data.order_book.readers.bitstamp import (
    CHANGED,
    CREATED,
    DELETED,
    NANOSECONDS_A_MILLISECOND,
    UNIT,
    KnownOrders,
    OrderChanges,
    events,
)
from quant_assets.market_data.order_book.readers.single_symbol import (
    RunningTrades,
    on_other_day,
    symbol_of_settings,
)
from quant_assets.market_data.order_book.readers.table_reader import Values
from quant_assets.market_data.order_book.rejections import (
    NOT_AN_EVENT,
    OTHER_DAY,
    UNREADABLE,
    Judgement,
)

_LINES = 100_000
_ACTIONS = {"order_created": CREATED, "order_changed": CHANGED, "order_deleted": DELETED}
_SIDES = (BUY, SELL)
_ORDER, _TRADE, _BOOK, _OTHER, _BROKEN = range(5)


class _Message(NamedTuple):
    """A line: what it is, when, and the values that its kind has."""

    what: int
    milliseconds: int = 0
    values: tuple[Any, ...] = ()


class _Lines(NamedTuple):
    """Some lines of a log in their order, with the verdict on each."""

    messages: list[_Message]
    rows: np.ndarray
    judgement: Judgement

    def positions(self, *what: int) -> np.ndarray:
        """Positions of the messages of some kinds."""
        return np.flatnonzero(np.isin([message.what for message in self.messages], what))

    def instants(self) -> np.ndarray:
        """Int64 nanoseconds UTC of each message."""
        milliseconds = np.array([message.milliseconds for message in self.messages], np.int64)
        return milliseconds * NANOSECONDS_A_MILLISECOND

    def columns(self, positions: np.ndarray) -> list[np.ndarray]:
        """The values of the messages at some positions, one array a value."""
        values = [self.messages[position].values for position in positions.tolist()]
        return [np.array(column) for column in zip(*values, strict=True)]


class LogReader(Reader):
    """Reads the lines of a log; what becomes of the messages is for the subclasses to say."""

    def read(self, file: DayFile, request: Request) -> Iterator[Piece]:
        """See Reader."""
        symbol = symbol_of_settings(file, request)
        self.begin()
        with file.open() as stream:
            numbered = enumerate(stream, 1)
            while batch := list(islice(numbered, _LINES)):
                yield self._piece(batch, file.name, symbol, request)

    @abstractmethod
    def begin(self) -> None:
        """Forget the file before."""

    @abstractmethod
    def tables(self, lines: _Lines) -> list[tuple[np.ndarray, Values]]:
        """Positions of messages with the columns that they give, without symbol and timestamp."""

    def _piece(
        self, batch: list[tuple[int, bytes]], file: str, symbol: str, request: Request
    ) -> Piece:
        texts = [line.decode("utf-8", "replace").strip() for _, line in batch]
        rows = np.array([row for row, _ in batch], np.int64)
        lines = _Lines([_parsed(text) for text in texts], rows, Judgement(len(rows)))
        what = np.array([message.what for message in lines.messages])
        instants = lines.instants()
        lines.judgement.reject(what == _BROKEN, "message", UNREADABLE)
        lines.judgement.reject(what == _OTHER, "message", NOT_AN_EVENT)
        lines.judgement.reject(on_other_day(instants, request), "milliseconds", OTHER_DAY)
        schema = SCHEMAS[self.content]
        tables, told = [schema.empty_table()], [np.array([], np.int64)]
        for positions, values in self.tables(lines):
            values["symbol"] = pa.repeat(symbol, len(positions))
            values["timestamp"] = stamps(instants[positions])
            kept = np.flatnonzero(lines.judgement.kept[positions])
            table = pa.table({name: pa.array(values[name]) for name in schema.names})
            tables.append(table.take(pa.array(kept)).cast(schema))
            told.append(positions[kept])
        at = np.concatenate(told)
        order = np.argsort(at, kind="stable")
        rejected = lines.judgement.rejected(
            file, rows, texts.__getitem__, among=np.ones(len(rows), bool)
        )
        return Piece(
            pa.concat_tables(tables).take(pa.array(order)),
            rows[at[order]],
            rejected,
            empty=len(rows) - len(at) - rejected.num_rows,
        )


class BitstampLog(LogReader):
    """The order messages and the trades as events."""

    content = "events"

    def begin(self) -> None:
        """See LogReader."""
        self._known = KnownOrders()

    def tables(self, lines: _Lines) -> list[tuple[np.ndarray, Values]]:
        """See LogReader."""
        return [*self._orders(lines), *self._trades(lines)]

    def _orders(self, lines: _Lines) -> list[tuple[np.ndarray, Values]]:
        positions = lines.positions(_ORDER)
        if not len(positions):
            return []
        action, side, price, left, number = lines.columns(positions)
        changes = OrderChanges(
            lines.rows[positions], lines.instants()[positions], action, side, price, left, number
        )

        def reject(wrong: np.ndarray, field: str, reason: str) -> None:
            of_all = np.zeros(len(lines.rows), bool)
            of_all[positions[wrong]] = True
            lines.judgement.reject(of_all, field, reason)

        return [(positions, events(changes, self._known, CANCEL, reject))]

    def _trades(self, lines: _Lines) -> list[tuple[np.ndarray, Values]]:
        positions = lines.positions(_TRADE)
        if not len(positions):
            return []
        price, quantity = lines.columns(positions)
        none = np.zeros(len(positions), np.int64)
        values: Values = {
            "sequence": lines.rows[positions],
            "kind": np.full(len(positions), TRADE, np.int8),
            "side": np.full(len(positions), NO_SIDE, np.int8),
            "price": price,
            "quantity": quantity,
            **dict.fromkeys(("order", "buy_order", "sell_order"), none),
        }
        return [(positions, values)]


class BitstampLogBooks(LogReader):
    """The books as snapshots; what was traded is counted from the log's beginning."""

    content = "snapshots"

    def begin(self) -> None:
        """See LogReader."""
        self._running = RunningTrades()

    def tables(self, lines: _Lines) -> list[tuple[np.ndarray, Values]]:
        """See LogReader."""
        positions, trades = lines.positions(_BOOK), lines.positions(_TRADE)
        price, quantity = np.full(len(lines.rows), np.nan), np.zeros(len(lines.rows), np.int64)
        if len(trades):
            price[trades], quantity[trades] = lines.columns(trades)
        turnover = np.where(np.isnan(price), 0.0, price * quantity) / UNIT
        traded = self._running.columns(price, quantity, turnover)
        if not len(positions):
            return []
        values: Values = {name: column[positions] for name, column in traded.items()}
        prices, sizes = lines.columns(positions)  # (rows, sides, levels)
        for number, side in enumerate(("bid", "ask")):
            values |= dict(zip(level_columns(side, "price"), prices[:, number].T, strict=True))
            values |= dict(zip(level_columns(side, "size"), sizes[:, number].T, strict=True))
        values["phase"] = pa.repeat(CONTINUOUS, len(positions))
        return [(positions, values)]


def _parsed(text: str) -> _Message:
    """The message of a line; _BROKEN if it is not written as one should be."""
    try:
        milliseconds, name, body = text.split(" ", 2)
        what, values = _values(name, json.loads(body))
        return _Message(what, int(milliseconds), values)
    except (ValueError, KeyError, TypeError, IndexError):
        return _Message(_BROKEN)


def _values(name: str, body: dict[str, Any]) -> tuple[int, tuple[Any, ...]]:
    if name in _ACTIONS:
        side = _SIDES[body["order_type"]]
        return _ORDER, (
            _ACTIONS[name],
            side,
            float(body["price"]),
            _units(body["amount"]),
            int(body["id"]),
        )
    if name == "trade":
        return _TRADE, (float(body["price"]), _units(body["amount"]))
    if name == "order_book":
        sides = [body[side][:LEVELS] for side in ("bids", "asks")]
        missing = [[None, 0]]
        full = [side + missing * (LEVELS - len(side)) for side in sides]
        prices = [[np.nan if p is None else float(p) for p, _ in side] for side in full]
        return _BOOK, (prices, [[_units(size) for _, size in side] for side in full])
    return _OTHER, ()


def _units(amount: str | float) -> int:
    return round(float(amount) * UNIT)
