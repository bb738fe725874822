"""Tables of Level-2 data: snapshots, orders and trades, queues, rejected rows; of markets with any.

Belongs here: declarations only. The common form of the rows stands in
`market_data.order_book.events`; a table adds the day, and `sequence` where a row needs it.

Encodings were chosen by the size of real days: what grows from row to row as differences, prices
and order numbers as they are, codes and sizes of orders by a dictionary.
"""

from quant_assets.warehouse.table_schema import (
    FLOAT,
    INT8,
    INT32,
    INT64,
    STRING,
    TIMESTAMP,
    Column,
    Derived,
    TableSchema,
)
from quant_assets.warehouse.tables.common import SESSION, SYMBOL, number

_LEVELS = range(1, 11)
_INSTANT = Column("timestamp", TIMESTAMP, "the exchange's time", "UTC", encoding="delta")
_NUMBER = Column(
    "sequence",
    INT64,
    "number of the row among those of its symbol and timestamp, from 0",
    minimum=0,
    encoding="delta",
)


def _price(name: str, description: str) -> Column:
    return Column(name, FLOAT, description, "currency", nullable=True, above=0)


def _size(name: str, description: str) -> Column:
    return Column(name, INT64, description, "shares", minimum=0, encoding="plain")


def _running(name: str, description: str, unit: str = "") -> Column:
    return Column(name, INT64, description, unit, minimum=0, encoding="delta")


def _order(name: str, description: str) -> Column:
    return Column(name, INT64, description, minimum=0, encoding="plain")


def _levels(side: str) -> tuple[Column, ...]:
    prices = (_price(f"{side}_price_{n}", f"price of {side} level {n}") for n in _LEVELS)
    sizes = (_size(f"{side}_size_{n}", f"size of {side} level {n}, 0 if empty") for n in _LEVELS)
    return (*prices, *sizes)


_DERIVED = (
    Derived(
        "mid", "(bid_price_1 + ask_price_1) / 2", "price between the best bid and ask", "currency"
    ),
    Derived("spread", "ask_price_1 - bid_price_1", "from the best bid to the best ask", "currency"),
)

TABLES = (
    TableSchema(
        "order_book",
        (
            SESSION,
            SYMBOL,
            _INSTANT,
            _NUMBER,
            _price("last", "last trade's price"),
            _running("volume", "traded since the day began", "shares"),
            number("turnover", "traded value since the day began", "currency", minimum=0),
            _price("open", "first trade's price"),
            _price("high", "highest trade's price so far"),
            _price("low", "lowest trade's price so far"),
            _price("previous_close", "close of the session before, as the exchange adjusts it"),
            _running("trades", "trades since the day began, 0 where they are not counted"),
            *_levels("bid"),
            *_levels("ask"),
            Column("phase", STRING, "phase of trading, in Shanghai's words"),
        ),
        ("date", "symbol", "timestamp", "sequence"),
        "date",
        "Snapshots of the book with ten levels, as the exchange or the vendor made them, or as "
        "rebuilt from order_events. In an auction level 1 is what would trade, and level 2 may "
        "tell the volume left over, without a price.",
        derived=_DERIVED,
        huge=True,
    ),
    TableSchema(
        "order_events",
        (
            SESSION,
            SYMBOL,
            _INSTANT,
            Column(
                "sequence",
                INT64,
                "the exchange's own order over orders and trades of a channel",
                encoding="delta",
            ),
            Column(
                "kind",
                INT8,
                "0 limit order, 1 market order, 2 order at its own side's best price, 3 cancel, "
                "4 trade",
                minimum=0,
                maximum=4,
            ),
            Column(
                "side",
                INT8,
                "1 buy, -1 sell; of a trade the aggressor's, 0 in an auction or not told",
                minimum=-1,
                maximum=1,
            ),
            Column(
                "price",
                FLOAT,
                "limit, or the trade's price; null for market orders",
                "currency",
                nullable=True,
                above=0,
            ),
            Column("quantity", INT64, "size of the order, or what was traded", "shares", minimum=0),
            _order("order", "number of the order that is added or cancelled, 0 for trades"),
            _order("buy_order", "number of a trade's buying order, 0 for none"),
            _order("sell_order", "number of a trade's selling order, 0 for none"),
        ),
        ("date", "symbol", "timestamp", "sequence"),
        "date",
        "Every order, cancel and trade.",
        huge=True,
    ),
    TableSchema(
        "order_queue",
        (
            SESSION,
            SYMBOL,
            _INSTANT,
            Column("side", INT8, "1 bid, -1 ask", minimum=-1, maximum=1),
            Column(
                "sequence",
                INT64,
                "number of the queue among those of its symbol, timestamp and side, from 0",
                minimum=0,
                encoding="delta",
            ),
            Column("position", INT32, "place in the queue, 1 is first", minimum=1),
            _price("price", "price of the level"),
            Column("quantity", INT64, "size of the order", "shares", minimum=1),
            _size("size", "size of the whole level"),
            Column("orders", INT32, "orders of the whole level; the first 50 are told", minimum=0),
        ),
        ("date", "symbol", "timestamp", "side", "sequence", "position"),
        "date",
        "The single orders at the best bid and ask, at the moments of the snapshots.",
        huge=True,
    ),
    TableSchema(
        "order_book_quarantine",
        (
            Column("date", SESSION.type, "session whose partition keeps the row"),
            Column("format", STRING, "format that the file was read in"),
            Column("file", STRING, "source file of the row"),
            Column("row", INT64, "data row in that file, counted from 1", minimum=1),
            Column("field", STRING, 'field that is wrong, "" for the row as a whole'),
            Column("reason", STRING, "why the row was rejected"),
            Column("record", STRING, "the row as delivered"),
        ),
        (),
        "date",
        "Every rejected row of Level-2 files, with the reason and where it came from.",
    ),
)
