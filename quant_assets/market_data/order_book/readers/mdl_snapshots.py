"""Snapshots as the MDL feed writes them, one layout for Shanghai and one for Shenzhen.

The date is in neither. Shanghai sends two rows of one second where a full image and a change meet;
both are kept. A price of 0 and an empty field both mean that there is none.
"""

import numpy as np

from quant_assets.market_data.china.codes import SHANGHAI, SHENZHEN
from quant_assets.market_data.order_book.csv_blocks import TIME
from quant_assets.market_data.order_book.readers.chinese import listed_symbols, shenzhen_phase
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.readers.snapshot_reader import (
    SnapshotColumns,
    SnapshotReader,
    snapshot_types,
)
from quant_assets.market_data.order_book.readers.table_reader import Symbols

_TIME = "UpdateTime"
_SHANGHAI = SnapshotColumns(
    symbol="SecurityID",
    phase="InstruStatus",
    last="LastPrice",
    open="OpenPrice",
    high="HighPrice",
    low="LowPrice",
    previous_close="PreCloPrice",
    volume="TradVolume",
    turnover="Turnover",
    trades="TradNumber",
    bid_price="BidPrice{}",
    bid_size="BidVolume{}",
    ask_price="AskPrice{}",
    ask_size="AskVolume{}",
)


class MdlShanghaiSnapshots(SnapshotReader):
    """Snapshots of Shanghai."""

    names = _SHANGHAI
    columns = snapshot_types(names, {_TIME: TIME})

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        return listed_symbols(fields, "SecurityID", SHANGHAI)

    def times(self, fields: Fields) -> np.ndarray:
        """See SnapshotReader."""
        return fields.time(_TIME)

    def phase(self, word: str) -> str:
        """See SnapshotReader."""
        return word


class MdlShenzhenSnapshots(SnapshotReader):
    """Snapshots of Shenzhen."""

    names = _SHANGHAI._replace(phase="TradingPhaseCode", volume="Volume", trades="TurnNum")
    columns = snapshot_types(names, {_TIME: TIME})

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        return listed_symbols(fields, "SecurityID", SHENZHEN)

    def times(self, fields: Fields) -> np.ndarray:
        """See SnapshotReader."""
        return fields.time(_TIME)

    def phase(self, word: str) -> str:
        """See SnapshotReader."""
        return shenzhen_phase(word)
