"""LOBSTER's pairs of files: messages of one security's day, and the book after each of them.

`AAPL_2012-06-21_34200000_57600000_message_10.csv` names symbol, date, first and last millisecond
and the number of levels. Times are seconds after midnight of New York, prices in 1/10,000 dollars.
Neither file has a header; line n of the book is the state after message n.

Messages: 1 a new limit order, 2 a part of one cancelled, 3 the rest of one deleted, 4 one executed,
5 a hidden one executed (it never stood in the book), 6 a cross, 7 a halt. The direction is the
resting order's, so that of a trade's aggressor is the opposite one. A trade names the resting order
alone.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import ClassVar

import numpy as np
import pyarrow as pa

from quant_assets.market_data.order_book.clocks import NANOSECONDS_A_SECOND
from quant_assets.market_data.order_book.csv_blocks import CODE, NUMBER, WHOLE, read_blocks
from quant_assets.market_data.order_book.events import (
    ADD,
    BUY,
    CANCEL,
    CONTINUOUS,
    HALTED,
    LEVELS,
    NO_SIDE,
    SELL,
    TRADE,
    level_columns,
)
from quant_assets.market_data.order_book.files import DayFile
from quant_assets.market_data.order_book.readers.base import Piece, Request
from quant_assets.market_data.order_book.readers.fields import Fields, rounded_prices
from quant_assets.market_data.order_book.readers.single_symbol import RunningTrades, one_symbol
from quant_assets.market_data.order_book.readers.table_reader import Symbols, TableReader, Values
from quant_assets.market_data.order_book.rejections import NOT_AN_EVENT, UNKNOWN_CODE
from quant_assets.market_data.sources.base import SourceError

_PRICE_SCALE = 10_000
_NEW, _LESS, _GONE, _EXECUTED, _HIDDEN, _CROSS, _HALT = range(1, 8)
# The kind of event of each type of message; type 0 is none, and a halt is no event.
_KINDS = np.array([TRADE, ADD, CANCEL, CANCEL, TRADE, TRADE, TRADE, TRADE], np.int8)
_RESUMED = 1  # the price of a halt's message that says that trading goes on
_NAME = re.compile(
    r"(?P<symbol>.+)_(?P<date>\d{4}-\d{2}-\d{2})_\d+_\d+_(?P<what>message|orderbook)_(?P<levels>\d+)"
    r"\.csv(\.\w+)?"
)
_MESSAGE = ("time", "type", "order", "size", "price", "direction")


def _named(file: DayFile, request: Request, what: str) -> tuple[Request, int]:
    """(the request with the symbol of the file's name, the number of levels)."""
    found = _NAME.fullmatch(file.base_name)
    if found is None or found["what"] != what:
        raise SourceError(
            f"{file.name}: is not named like a LOBSTER file, "
            f"SYMBOL_YYYY-MM-DD_from_until_{what}_levels.csv; name it so, or narrow the path"
        )
    if date.fromisoformat(found["date"]) != request.day:
        raise SourceError(
            f"{file.name}: is of {found['date']} and not of {request.day}; put {{date}} with "
            "date_format %Y-%m-%d into the path"
        )
    return replace(request, symbol=found["symbol"]), int(found["levels"])


class LobsterMessages(TableReader):
    """The messages as events."""

    content = "events"
    header = _MESSAGE
    columns: ClassVar = {"time": NUMBER, **dict.fromkeys(_MESSAGE[1:-1], WHOLE), "direction": CODE}

    def read(self, file: DayFile, request: Request) -> Iterator[Piece]:
        """See Reader."""
        return super().read(file, _named(file, request, "message")[0])

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        return one_symbol(fields)

    def values(self, fields: Fields) -> Values:
        """See TableReader."""
        message = fields.number("type")
        known = (message >= _NEW) & (message <= _HALT)
        fields.reject(~known, "type", UNKNOWN_CODE)
        fields.reject(message == _HALT, "type", NOT_AN_EVENT)
        kinds = _KINDS[np.where(known, message, 0)]
        direction = fields.code("direction", {"1": BUY, "-1": SELL})
        trade, executed = kinds == TRADE, message == _EXECUTED
        price = fields.whole("price", least=1) / _PRICE_SCALE
        number = fields.count("order")
        side = np.where(trade, -direction, direction)
        return {
            "timestamp": fields.instants(_nanoseconds(fields.number("time"))),
            "sequence": fields.rows,
            "kind": kinds,
            "side": np.where(message == _CROSS, NO_SIDE, side).astype(np.int8),
            "price": price,
            "quantity": fields.whole("size", least=1),
            "order": np.where(trade, 0, number),
            "buy_order": np.where(executed & (direction == BUY), number, 0),
            "sell_order": np.where(executed & (direction == SELL), number, 0),
        }


class LobsterBooks(TableReader):
    """The books as snapshots; what was traded is counted from the messages, from the file's start.

    The auction before the file's first message is in none of its numbers.
    """

    content = "snapshots"

    def read(self, file: DayFile, request: Request) -> Iterator[Piece]:
        """See Reader."""
        request, levels = _named(file, request, "orderbook")
        sides = ("ask_price", "ask_size", "bid_price", "bid_size")
        header = [f"{name}_{level}" for level in range(1, levels + 1) for name in sides]
        shown = min(levels, LEVELS)
        columns = dict.fromkeys(header[: shown * len(sides)], WHOLE)
        messages = _Messages(file.beside(file.base_name.replace("_orderbook_", "_message_")))
        read = 0
        with file.open() as stream:
            for block in read_blocks(stream, file.name, columns, header):
                self._shown, self._traded = shown, messages.of(block.rows, file)
                read += len(block.rows) + block.rejected.num_rows
                yield self._piece(block, file.name, request)
        if read != messages.count:
            raise SourceError(
                f"{file.name}: has {read} rows and its file of messages {messages.count}; one of "
                "them is cut short, deliver both again"
            )

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        return one_symbol(fields)

    def values(self, fields: Fields) -> Values:
        """See TableReader."""
        traded = dict(self._traded)
        values: Values = {"timestamp": fields.instants(traded.pop("time")), **traded}
        for side in ("bid", "ask"):
            names = zip(level_columns(side, "price"), level_columns(side, "size"), strict=True)
            for level, (price, size) in enumerate(names):
                if level < self._shown:
                    sizes = fields.count(size)
                    # an empty level has the price ±9999999999 and the size 0
                    prices = np.where(sizes > 0, fields.number(price), 0) / _PRICE_SCALE
                else:
                    sizes, prices = fields.zeros(), np.zeros(len(fields))
                values[price], values[size] = rounded_prices(prices), sizes
        return values


class _Messages:
    """The file of messages that belongs to a file of books, whole in memory: one stock's day."""

    def __init__(self, file: DayFile) -> None:
        columns = {"time": NUMBER, "type": WHOLE, "size": WHOLE, "price": WHOLE}
        blocks, lines = [], 0
        with file.open() as stream:
            for block in read_blocks(stream, file.name, columns, _MESSAGE):
                blocks.append(block.columns)
                lines += block.rejected.num_rows
        if lines:
            raise SourceError(f"{file.name}: {lines} rows are damaged; deliver the file again")
        table = pa.concat_tables(blocks) if blocks else pa.table({n: [] for n in columns})
        numbers = {name: table[name].fill_null(0).to_numpy() for name in columns}
        self.count = table.num_rows
        executed = np.isin(numbers["type"], [_EXECUTED, _HIDDEN, _CROSS])
        price = np.where(executed, numbers["price"] / _PRICE_SCALE, np.nan)
        size = np.where(executed, numbers["size"], 0)
        self._columns = {
            "time": _nanoseconds(numbers["time"]),
            "phase": _phases(numbers["type"], numbers["price"]),
            **RunningTrades().columns(price, size, np.where(executed, price * size, 0.0)),
        }

    def of(self, rows: np.ndarray, file: DayFile) -> dict[str, np.ndarray]:
        """The columns at some rows of the file of books."""
        if len(rows) and rows[-1] > self.count:
            raise SourceError(
                f"{file.name}: has more rows than its file of messages, {self.count}; one of them "
                "is cut short, deliver both again"
            )
        return {name: values[rows - 1] for name, values in self._columns.items()}


def _nanoseconds(seconds: np.ndarray) -> np.ndarray:
    """Exact for nine decimals of a day's seconds: a float64 has sixteen digits."""
    nanoseconds: np.ndarray = np.rint(seconds * NANOSECONDS_A_SECOND).astype(np.int64)
    return nanoseconds


def _phases(message: np.ndarray, price: np.ndarray) -> np.ndarray:
    halts = np.where(message == _HALT, np.arange(1, len(message) + 1), 0)
    latest = np.maximum.accumulate(halts) if len(halts) else halts
    halted = np.concatenate([[False], price != _RESUMED])[latest]
    return np.where(halted, HALTED, CONTINUOUS).astype(object)
