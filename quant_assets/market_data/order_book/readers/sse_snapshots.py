"""Snapshots with the queues of the best levels in one row, in the columns of Shanghai's feed.

Levels and queues are numbered from 0. Prices were rounded to fourteen digits by whoever wrote the
file (85.40999999999998). The exchange is told by the code's first digit.
"""

from typing import ClassVar

import numpy as np

from quant_assets.market_data.order_book.csv_blocks import CODE, NUMBER, TEXT, WHOLE
from quant_assets.market_data.order_book.events import BUY, SELL
from quant_assets.market_data.order_book.readers.chinese import listed_symbols
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.readers.queue_reader import (
    Queue,
    QueueReader,
    quantities,
    queue_columns,
)
from quant_assets.market_data.order_book.readers.snapshot_reader import (
    SnapshotColumns,
    SnapshotReader,
    snapshot_types,
)
from quant_assets.market_data.order_book.readers.table_reader import Symbols

_TIME = "DateTime"
_DATE_FORMAT = "%Y.%m.%d"
_SIDES = {"Bid": BUY, "Offer": SELL}


class SseSnapshots(SnapshotReader):
    """The snapshots."""

    names = SnapshotColumns(
        symbol="SecurityID",
        phase="InstrumentStatus",
        last="LastPx",
        open="OpenPx",
        high="HighPx",
        low="LowPx",
        previous_close="PreClosePx",
        volume="TotalVolumeTrade",
        turnover="TotalValueTrade",
        trades="NumTrades",
        bid_price="BidPrice{}",
        bid_size="BidOrderQty{}",
        ask_price="OfferPrice{}",
        ask_size="OfferOrderQty{}",
        first_level=0,
    )
    columns = snapshot_types(names, {_TIME: TEXT})

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        return listed_symbols(fields, "SecurityID")

    def times(self, fields: Fields) -> np.ndarray:
        """See SnapshotReader."""
        return fields.dated_time(_TIME, _DATE_FORMAT)

    def phase(self, word: str) -> str:
        """See SnapshotReader."""
        return word


class SseQueues(QueueReader):
    """The queues of the same rows."""

    columns: ClassVar = {
        "SecurityID": CODE,
        _TIME: TEXT,
        **{f"{side}Price0": NUMBER for side in _SIDES},
        **{f"{side}OrderQty0": WHOLE for side in _SIDES},
        **{f"{side}NumOrders0": WHOLE for side in _SIDES},
        **dict.fromkeys(queue_columns("BidOrders{}", 0), WHOLE),
        **dict.fromkeys(queue_columns("OfferOrders{}", 0), WHOLE),
    }

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        return listed_symbols(fields, "SecurityID")

    def times(self, fields: Fields) -> np.ndarray:
        """See QueueReader."""
        return fields.dated_time(_TIME, _DATE_FORMAT)

    def queues(self, fields: Fields) -> list[Queue]:
        """See QueueReader."""
        return [
            Queue(
                side=np.full(len(fields), code, np.int8),
                price=fields.price(f"{side}Price0"),
                size=fields.count(f"{side}OrderQty0"),
                orders=fields.count(f"{side}NumOrders0"),
                quantity=quantities(fields, queue_columns(side + "Orders{}", 0)),
            )
            for side, code in _SIDES.items()
        ]
