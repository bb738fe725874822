"""Order events in CSV: id, timestamp (milliseconds), price, volume left (1e-8), action, direction.

The file tells no trades. Each of the two orders of a trade tells its own execution, at its own
limit: sum the events that name a buying order, or those that name a selling one, never both.
"""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from quant_assets.market_data.order_book.csv_blocks import CODE, NUMBER, WHOLE
from quant_assets.market_data.order_book.events import BUY, SELL, TRADE
from quant_assets.market_data.order_book.files import DayFile
from quant_assets.market_data.order_book.readers.base import Piece, Request
from quant_assets.market_data.order_book.readers.bitstamp import (
    CHANGED,
    CREATED,
    DELETED,
    NANOSECONDS_A_MILLISECOND,
    KnownOrders,
    OrderChanges,
    events,
)
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.readers.single_symbol import (
    on_other_day,
    one_symbol,
    symbol_of_settings,
)
from quant_assets.market_data.order_book.readers.table_reader import Symbols, TableReader, Values
from quant_assets.market_data.order_book.rejections import OTHER_DAY

_ACTIONS = {"created": CREATED, "changed": CHANGED, "deleted": DELETED}
_SIDES = {"bid": BUY, "ask": SELL}


class BitstampOrders(TableReader):
    """The order events of one file, which is read from its beginning."""

    content = "events"
    columns: ClassVar = {
        "id": WHOLE,
        "timestamp": WHOLE,
        "price": NUMBER,
        "volume": WHOLE,
        "action": CODE,
        "direction": CODE,
    }

    def read(self, file: DayFile, request: Request) -> Iterator[Piece]:
        """See Reader."""
        symbol_of_settings(file, request)
        self._known = KnownOrders()
        return super().read(file, request)

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        return one_symbol(fields)

    def values(self, fields: Fields) -> Values:
        """See TableReader."""
        instants = fields.whole("timestamp") * NANOSECONDS_A_MILLISECOND
        fields.reject(on_other_day(instants, fields.request), "timestamp", OTHER_DAY)
        changes = OrderChanges(
            rows=fields.rows,
            instants=instants,
            action=fields.code("action", _ACTIONS),
            side=fields.code("direction", _SIDES),
            price=fields.required_price("price", np.ones(len(fields), bool)),
            left=fields.whole("volume"),
            order=fields.whole("id", least=1),
        )
        return events(changes, self._known, TRADE, fields.reject)
