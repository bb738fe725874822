"""Order queues of Shanghai as the MDL feed writes them: one row a side and moment.

The best level only; `NumOrders` counts its orders, of which the first fifty follow. In auctions the
level is told and no order. The date is not in the file.
"""

from typing import ClassVar

import numpy as np

from quant_assets.market_data.china.codes import SHANGHAI
from quant_assets.market_data.order_book.csv_blocks import CODE, NUMBER, TIME, WHOLE
from quant_assets.market_data.order_book.events import BUY, SELL
from quant_assets.market_data.order_book.readers.chinese import listed_symbols
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.readers.queue_reader import (
    Queue,
    QueueReader,
    quantities,
    queue_columns,
)
from quant_assets.market_data.order_book.readers.table_reader import Symbols

_SIDES = {"B": BUY, "S": SELL}
_ORDERS = queue_columns("OrderQty{}", 1)


class MdlShanghaiQueues(QueueReader):
    """The orders at the best bid and ask."""

    columns: ClassVar = {
        "SecurityID": CODE,
        "UpdateTime": TIME,
        "Side": CODE,
        "Price": NUMBER,
        "Volume": WHOLE,
        "NumOrders": WHOLE,
        **dict.fromkeys(_ORDERS, WHOLE),
    }

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        return listed_symbols(fields, "SecurityID", SHANGHAI)

    def times(self, fields: Fields) -> np.ndarray:
        """See QueueReader."""
        return fields.time("UpdateTime")

    def queues(self, fields: Fields) -> list[Queue]:
        """See QueueReader."""
        queue = Queue(
            side=fields.code("Side", _SIDES),
            price=fields.price("Price"),
            size=fields.count("Volume"),
            orders=fields.count("NumOrders"),
            quantity=quantities(fields, _ORDERS),
        )
        return [queue]
