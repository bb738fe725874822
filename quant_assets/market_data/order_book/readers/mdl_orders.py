"""Shanghai orders as the MDL feed writes them: `OrderType` A adds, D deletes, S is no order.

An order that trades at once is told with the balance that is left, after its trades; its trades
come first and name it. One that trades in full is not told at all. `BizIndex` orders orders and
trades of a channel together. The date is not in the file.
"""

from typing import ClassVar

from quant_assets.market_data.china.codes import SHANGHAI
from quant_assets.market_data.order_book.csv_blocks import CODE, NUMBER, TIME, WHOLE
from quant_assets.market_data.order_book.events import ADD, BUY, CANCEL, SELL
from quant_assets.market_data.order_book.readers.chinese import listed_symbols
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.readers.table_reader import Symbols, TableReader, Values
from quant_assets.market_data.order_book.rejections import NOT_AN_EVENT

_STATUS = -1
_KINDS = {"A": ADD, "D": CANCEL, "S": _STATUS}
_SIDES = {"B": BUY, "S": SELL}


class MdlShanghaiOrders(TableReader):
    """Orders and cancels."""

    content = "events"
    columns: ClassVar = {
        "SecurityID": CODE,
        "OrderTime": TIME,
        "OrderType": CODE,
        "OrderNO": WHOLE,
        "OrderPrice": NUMBER,
        "Balance": WHOLE,
        "OrderBSFlag": CODE,
        "BizIndex": WHOLE,
    }

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        return listed_symbols(fields, "SecurityID", SHANGHAI)

    def values(self, fields: Fields) -> Values:
        """See TableReader."""
        kind = fields.code("OrderType", _KINDS)
        fields.reject(kind == _STATUS, "OrderType", NOT_AN_EVENT)
        return {
            "timestamp": fields.instants(fields.time("OrderTime")),
            "sequence": fields.whole("BizIndex"),
            "kind": kind,
            "side": fields.code("OrderBSFlag", _SIDES),
            "price": fields.required_price("OrderPrice", kind == ADD),
            "quantity": fields.whole("Balance", least=1),
            "order": fields.whole("OrderNO", least=1),
            "buy_order": fields.zeros(),
            "sell_order": fields.zeros(),
        }
