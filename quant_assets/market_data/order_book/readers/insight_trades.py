"""Trades as the Insight feed writes them, the same columns for Shanghai and Shenzhen.

`TradeType` 0 is a trade, 1 the cancel of the one order that has a number (Shenzhen's).
`TradeBSFlag` 1 and 2 name a buying and a selling aggressor, 0 none: Shanghai's auctions, and all of
Shenzhen, where the order numbers tell.
"""

from typing import ClassVar

import numpy as np

from quant_assets.market_data.order_book.csv_blocks import CODE, NUMBER, TIME, WHOLE
from quant_assets.market_data.order_book.events import BUY, CANCEL, NO_SIDE, SELL, TRADE
from quant_assets.market_data.order_book.readers.chinese import (
    cancelled_order,
    is_shenzhen,
    later_order_side,
    listed_symbols,
)
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.readers.table_reader import Symbols, TableReader, Values

_KINDS = {"0": TRADE, "1": CANCEL}
_SIDES = {"0": NO_SIDE, "1": BUY, "2": SELL}


class InsightTrades(TableReader):
    """Trades, and Shenzhen's cancels."""

    content = "events"
    columns: ClassVar = {
        "MDDate": CODE,
        "MDTime": TIME,
        "SecurityID": CODE,
        "TradeBuyNo": WHOLE,
        "TradeSellNo": WHOLE,
        "TradeType": CODE,
        "TradeBSFlag": CODE,
        "TradePrice": NUMBER,
        "TradeQty": WHOLE,
        "ApplSeqNum": WHOLE,
    }

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        return listed_symbols(fields, "SecurityID")

    def values(self, fields: Fields) -> Values:
        """See TableReader."""
        fields.check_day("MDDate", "%Y.%m.%d")
        time = fields.time("MDTime")
        kind = fields.code("TradeType", _KINDS)
        cancel = kind == CANCEL
        buy, sell = fields.count("TradeBuyNo"), fields.count("TradeSellNo")
        order, cancelled_side = cancelled_order(fields, buy, sell, cancel, "TradeBuyNo")
        told = fields.code("TradeBSFlag", _SIDES)
        by_number = is_shenzhen(fields, "SecurityID") & (told == NO_SIDE)
        side = np.where(by_number, later_order_side(buy, sell, time), told)
        return {
            "timestamp": fields.instants(time),
            "sequence": fields.whole("ApplSeqNum", least=1),
            "kind": kind,
            "side": np.where(cancel, cancelled_side, side).astype(np.int8),
            "price": fields.required_price("TradePrice", ~cancel),
            "quantity": fields.whole("TradeQty", least=1),
            "order": order,
            "buy_order": np.where(cancel, 0, buy),
            "sell_order": np.where(cancel, 0, sell),
        }
