"""Orders as the Insight feed writes them, the same columns for Shanghai and Shenzhen.

`OrderType` 1 is a market order, 2 a limit order, 3 an order at its own side's best price (the
three of Shenzhen), 10 a cancel (Shanghai's; Shenzhen's stand among the trades), 11 no order.
`OrderNO` numbers Shanghai's orders; trades in Shenzhen name orders by `ApplSeqNum`. `ApplSeqNum`
orders orders and trades of a channel together (in Shanghai it is the BizIndex).
"""

from typing import ClassVar

import numpy as np

from quant_assets.market_data.order_book.csv_blocks import CODE, NUMBER, TIME, WHOLE
from quant_assets.market_data.order_book.events import (
    ADD,
    ADD_BEST,
    ADD_MARKET,
    BUY,
    CANCEL,
    SELL,
)
from quant_assets.market_data.order_book.readers.chinese import is_shenzhen, listed_symbols
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.readers.table_reader import Symbols, TableReader, Values
from quant_assets.market_data.order_book.rejections import NOT_AN_EVENT

_STATUS = -1
_KINDS = {"1": ADD_MARKET, "2": ADD, "3": ADD_BEST, "10": CANCEL, "11": _STATUS}
_SIDES = {"1": BUY, "2": SELL}


class InsightOrders(TableReader):
    """Orders, and Shanghai's cancels."""

    content = "events"
    columns: ClassVar = {
        "MDDate": CODE,
        "MDTime": TIME,
        "SecurityID": CODE,
        "OrderType": CODE,
        "OrderPrice": NUMBER,
        "OrderQty": WHOLE,
        "OrderBSFlag": CODE,
        "ApplSeqNum": WHOLE,
        "OrderNO": WHOLE,
    }

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        return listed_symbols(fields, "SecurityID")

    def values(self, fields: Fields) -> Values:
        """See TableReader."""
        fields.check_day("MDDate", "%Y.%m.%d")
        kind = fields.code("OrderType", _KINDS)
        fields.reject(kind == _STATUS, "OrderType", NOT_AN_EVENT)
        sequence = fields.whole("ApplSeqNum", least=1)
        price = fields.required_price("OrderPrice", kind == ADD)
        return {
            "timestamp": fields.instants(fields.time("MDTime")),
            "sequence": sequence,
            "kind": kind,
            "side": fields.code("OrderBSFlag", _SIDES),
            # A market order's price is a filler or a bound that vendors tell differently.
            "price": np.where(kind == ADD_MARKET, np.nan, price),
            "quantity": fields.whole("OrderQty", least=1),
            "order": np.where(is_shenzhen(fields, "SecurityID"), sequence, fields.whole("OrderNO")),
            "buy_order": fields.zeros(),
            "sell_order": fields.zeros(),
        }
