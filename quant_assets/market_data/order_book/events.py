"""The common form of Level-2 data: what every reader hands over and every book is built from.

Belongs here: the Arrow schemas of events, snapshots and queues, the codes of kind, side and phase,
and the check of a table against them. Not here: vendors' formats (readers/), storage
(warehouse.tables), books.

Timestamps are the exchange's own, in nanoseconds UTC; prices in the currency, sizes in shares.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LEVELS = 10

ADD = 0  # a limit order
ADD_MARKET = 1  # a market order
ADD_BEST = 2  # a limit order at the best price of its own side
CANCEL = 3
TRADE = 4
KINDS = {
    ADD: "limit order",
    ADD_MARKET: "market order",
    ADD_BEST: "order at the best price of its own side",
    CANCEL: "cancel",
    TRADE: "trade",
}

BUY = 1
SELL = -1
NO_SIDE = 0

# The words of `phase`: Shanghai's own, which every reader translates its exchange's into.
BEFORE_OPEN = "START"
OPENING_AUCTION = "OCALL"
CONTINUOUS = "TRADE"  # in Shanghai also between auction and open, and over lunch
BREAK = "BREAK"
CLOSING_AUCTION = "CCALL"
CLOSED = "CLOSE"
ENDED = "ENDTR"
AFTER_HOURS = "AFTER"  # trading at the closing price
HALTED = "SUSP"

_INSTANT = pa.timestamp("ns", tz="UTC")


def _field(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


# `sequence` is the exchange's own order over orders and trades of a channel: BizIndex in Shanghai,
# ApplSeqNum in Shenzhen, the line of the file where there is none. `side` of a trade is the
# aggressor's, NO_SIDE in an auction and where it is not told. `price` is NaN for market orders.
# `order` is the number of the order that is added or cancelled, `buy_order` and `sell_order` are
# those that trade; 0 is none.
EVENTS = pa.schema(
    [
        _field("symbol", pa.string()),
        _field("timestamp", _INSTANT),
        _field("sequence", pa.int64()),
        _field("kind", pa.int8()),
        _field("side", pa.int8()),
        pa.field("price", pa.float64()),
        _field("quantity", pa.int64()),
        _field("order", pa.int64()),
        _field("buy_order", pa.int64()),
        _field("sell_order", pa.int64()),
    ]
)


def level_columns(side: str, what: str) -> list[str]:
    """`bid_price_1` … `bid_price_10`: the columns of one side (`bid`, `ask`), `price` or `size`."""
    return [f"{side}_{what}_{level}" for level in range(1, LEVELS + 1)]


# `volume`, `turnover` and `trades` count from the start of the day. Prices are NaN where there is
# none (an empty level, no trade yet); the size of an empty level is 0. In an auction level 1 is
# the price and volume that would trade, and level 2 may tell the volume left over, without a price.
SNAPSHOTS = pa.schema(
    [
        _field("symbol", pa.string()),
        _field("timestamp", _INSTANT),
        pa.field("last", pa.float64()),
        _field("volume", pa.int64()),
        pa.field("turnover", pa.float64()),
        *(pa.field(name, pa.float64()) for name in ("open", "high", "low", "previous_close")),
        _field("trades", pa.int64()),
        *(pa.field(name, pa.float64()) for name in level_columns("bid", "price")),
        *(_field(name, pa.int64()) for name in level_columns("bid", "size")),
        *(pa.field(name, pa.float64()) for name in level_columns("ask", "price")),
        *(_field(name, pa.int64()) for name in level_columns("ask", "size")),
        _field("phase", pa.string()),
    ]
)

# The single orders at the best price of one side, first in line first. `size` and `orders` are the
# whole level's: exchanges tell no more than the first 50 orders.
QUEUES = pa.schema(
    [
        _field("symbol", pa.string()),
        _field("timestamp", _INSTANT),
        _field("side", pa.int8()),
        _field("position", pa.int32()),
        _field("price", pa.float64()),
        _field("quantity", pa.int64()),
        _field("size", pa.int64()),
        _field("orders", pa.int32()),
    ]
)

_COUNTS = (
    *("quantity", "volume", "trades", "size"),
    *(name for side in ("bid", "ask") for name in level_columns(side, "size")),
)


def validate(table: pa.Table, schema: pa.Schema = EVENTS) -> pa.Table:
    """The table itself, once it is known to have the form that `schema` says.

    Args:
        table: events, snapshots or queues.
        schema: EVENTS, SNAPSHOTS or QUEUES.

    Raises:
        ValueError: a column is missing, of another type or null where it may not be, or holds a
            code that there is not; the message names column and row.
    """
    if not table.schema.equals(schema):
        for position, field in enumerate(schema):
            if position >= len(table.schema) or not table.schema.field(position).equals(field):
                got = table.schema.field(position) if position < len(table.schema) else "nothing"
                raise ValueError(f"column {position + 1} must be {field}. Got {got} instead")
        raise ValueError(f"{table.schema.names[len(schema)]!r} is no column of this form")
    for field in schema:
        column = table.column(field.name)
        if not field.nullable and column.null_count:
            row = pc.index(pc.is_null(column), True).as_py()
            raise ValueError(f"column {field.name!r} must not be null. Got null in row {row}")
    _check_codes(table, "kind", list(KINDS))
    _check_codes(table, "side", [BUY, SELL, NO_SIDE])
    for name in _COUNTS:
        _check_not_negative(table, name)
    return table


def _check_codes(table: pa.Table, name: str, codes: list[int]) -> None:
    if name in table.column_names:
        values = table.column(name).to_numpy()
        _refuse(name, f"one of {codes}", values, ~np.isin(values, codes))


def _check_not_negative(table: pa.Table, name: str) -> None:
    if name in table.column_names:
        values = table.column(name).to_numpy()
        _refuse(name, "at least 0", values, values < 0)


def _refuse(name: str, allowed: str, values: np.ndarray, wrong: np.ndarray) -> None:
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"column {name!r} must be {allowed}. Got {values[row]} in row {row}")
