"""Snapshots as the Insight feed writes them, the same columns for Shanghai and Shenzhen.

`TradingPhaseCode` is the vendor's number of the phase. There is no count of trades.
"""

import numpy as np

from quant_assets.market_data.order_book.csv_blocks import CODE, TIME
from quant_assets.market_data.order_book.events import (
    AFTER_HOURS,
    BEFORE_OPEN,
    BREAK,
    CLOSED,
    CLOSING_AUCTION,
    CONTINUOUS,
    HALTED,
    OPENING_AUCTION,
)
from quant_assets.market_data.order_book.readers.chinese import listed_symbols
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.readers.snapshot_reader import (
    SnapshotColumns,
    SnapshotReader,
    snapshot_types,
)
from quant_assets.market_data.order_book.readers.table_reader import Symbols

_PHASES = {
    "0": BEFORE_OPEN,
    "1": OPENING_AUCTION,
    "2": BREAK,
    "3": CONTINUOUS,
    "4": BREAK,
    "5": CLOSING_AUCTION,
    "6": CLOSED,
    "7": AFTER_HOURS,
    "8": HALTED,
    "9": HALTED,
}


class InsightSnapshots(SnapshotReader):
    """Snapshots of both exchanges."""

    names = SnapshotColumns(
        symbol="SecurityID",
        phase="TradingPhaseCode",
        last="LastPx",
        open="OpenPx",
        high="HighPx",
        low="LowPx",
        previous_close="PreClosePx",
        volume="TotalVolumeTrade",
        turnover="TotalValueTrade",
        trades=None,
        bid_price="BuyPrice{}",
        bid_size="BuyOrderQty{}",
        ask_price="SellPrice{}",
        ask_size="SellOrderQty{}",
    )
    columns = snapshot_types(names, {"MDDate": CODE, "MDTime": TIME})

    def symbols(self, fields: Fields) -> Symbols:
        """See TableReader."""
        return listed_symbols(fields, "SecurityID")

    def times(self, fields: Fields) -> np.ndarray:
        """See SnapshotReader."""
        fields.check_day("MDDate", "%Y.%m.%d")
        return fields.time("MDTime")

    def phase(self, word: str) -> str:
        """See SnapshotReader."""
        return _PHASES.get(word, word)
