"""Trades as the MDL feed writes them: Shanghai's own files, and files of both exchanges together.

Shanghai: `TradeBSFlag` is the aggressor's side, N in an auction; `BizIndex` orders orders and
trades of a channel together. Shenzhen: `ExecType` F is a trade, 4 the cancel of the one order that
has a number; `ApplSeqNum` orders orders and trades of a channel together.
"""

from typing import ClassVar

import numpy as np

from quant_assets.market_data.china.codes import SHANGHAI, SHENZHEN, listed_symbol
from quant_assets.market_data.order_book.csv_blocks import CODE, NUMBER, TEXT, TIME, WHOLE
from quant_assets.market_data.order_book.events import BUY, CANCEL, NO_SIDE, SELL, TRADE
from quant_assets.market_data.order_book.readers.chinese import (
    cancelled_order,
    later_order_side,
    listed_symbols,
)
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.readers.table_reader import Symbols, TableReader, Values
from quant_assets.market_data.order_book.rejections import MISSING, UNKNOWN_CODE

_SIDES = {"B": BUY, "S": SELL, "N": NO_SIDE}


class MdlShanghaiTrades(TableReader):
    """Trades of Shanghai. The date is not in the file."""

    content = "events"
    columns: ClassVar = {
        "SecurityID": CODE,
        "TradTime": TIME,
        "TradPrice": NUMBER,
        "TradVolume": WHOLE,
        "TradeBuyNo": WHOLE,
        "TradeSellNo": WHOLE,
        "TradeBSFlag": CODE,
        "BizIndex": WHOLE,
    }

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        return listed_symbols(fields, "SecurityID", SHANGHAI)

    def values(self, fields: Fields) -> Values:
        """See TableReader."""
        every = np.ones(len(fields), bool)
        return {
            "timestamp": fields.instants(fields.time("TradTime")),
            "sequence": fields.whole("BizIndex"),
            "kind": np.full(len(fields), TRADE, np.int8),
            "side": fields.code("TradeBSFlag", _SIDES),
            "price": fields.required_price("TradPrice", every),
            "quantity": fields.whole("TradVolume", least=1),
            "order": fields.zeros(),
            "buy_order": fields.whole("TradeBuyNo", least=1),
            "sell_order": fields.whole("TradeSellNo", least=1),
        }


class MdlTrades(TableReader):
    """Trades of both exchanges in one file, with Shenzhen's cancels."""

    content = "events"
    columns: ClassVar = {
        "Market": CODE,
        "SecurityID": CODE,
        "TradeTime": TEXT,
        "TradePrice": NUMBER,
        "TradeQty": WHOLE,
        "BidApplSeqNum": WHOLE,
        "OfferApplSeqNum": WHOLE,
        "ExecType": CODE,
        "TradeBSFlag": CODE,
        "ApplSeqNum": WHOLE,
        "BizIndex": WHOLE,
    }

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        markets, market = fields.words("Market")
        codes, code = fields.words("SecurityID")
        found, positions = np.unique(market * len(codes) + code, return_inverse=True)
        pairs = [divmod(int(number), len(codes)) for number in found]
        known = (SHANGHAI, SHENZHEN)
        return [
            listed_symbol(codes[c], markets[m]) if markets[m] in known else None for m, c in pairs
        ], positions

    def values(self, fields: Fields) -> Values:
        """See TableReader."""
        markets, market = fields.words("Market")
        shenzhen = np.array([name == SHENZHEN for name in markets], bool)[market]
        time = fields.dated_time("TradeTime", "%Y.%m.%d")
        kind = self._kinds(fields, shenzhen)
        buy, sell = fields.count("BidApplSeqNum"), fields.count("OfferApplSeqNum")
        cancel = kind == CANCEL
        order, side = cancelled_order(fields, buy, sell, cancel, "BidApplSeqNum")
        return {
            "timestamp": fields.instants(time),
            "sequence": self._sequence(fields, shenzhen),
            "kind": kind,
            "side": np.where(cancel, side, self._sides(fields, shenzhen, buy, sell, time)),
            "price": fields.required_price("TradePrice", ~cancel),
            "quantity": fields.whole("TradeQty", least=1),
            "order": order,
            "buy_order": np.where(cancel, 0, buy),
            "sell_order": np.where(cancel, 0, sell),
        }

    def _kinds(self, fields: Fields, shenzhen: np.ndarray) -> np.ndarray:
        words, positions = fields.words("ExecType")
        cancels = np.array([word == "4" for word in words], bool)[positions]
        known = np.array([word in ("F", "4") for word in words], bool)[positions]
        fields.reject(shenzhen & ~known, "ExecType", UNKNOWN_CODE)
        return np.where(shenzhen & cancels, CANCEL, TRADE).astype(np.int8)

    def _sequence(self, fields: Fields, shenzhen: np.ndarray) -> np.ndarray:
        fields.reject(~shenzhen & fields.absent("BizIndex"), "BizIndex", MISSING)
        own, business = fields.whole("ApplSeqNum"), fields.count("BizIndex")
        return np.where(shenzhen, own, business)

    def _sides(
        self,
        fields: Fields,
        shenzhen: np.ndarray,
        buy: np.ndarray,
        sell: np.ndarray,
        time: np.ndarray,
    ) -> np.ndarray:
        words, positions = fields.words("TradeBSFlag")
        told = np.array([_SIDES.get(word, NO_SIDE) for word in words], np.int8)[positions]
        known = np.array([word in _SIDES for word in words], bool)[positions]
        fields.reject(~shenzhen & ~known, "TradeBSFlag", UNKNOWN_CODE)
        return np.where(shenzhen, later_order_side(buy, sell, time), told).astype(np.int8)
