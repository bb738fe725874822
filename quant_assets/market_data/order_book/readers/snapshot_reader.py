"""Snapshots of books as vendors write them: one row a moment, ten levels a side in columns.

Belongs here: what all such formats share; a format names its columns. Not here: any vendor's.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import numpy as np
import pyarrow as pa

from quant_assets.market_data.order_book.csv_blocks import CODE, NUMBER, WHOLE
from quant_assets.market_data.order_book.events import LEVELS, level_columns
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.readers.table_reader import TableReader, Values


class SnapshotColumns(NamedTuple):
    """The vendor's names of a snapshot's columns.

    Those of levels have `{}` for the number of the level, which begins at `first_level`. A vendor
    without a count of trades has None.
    """

    symbol: str
    phase: str
    last: str
    open: str
    high: str
    low: str
    previous_close: str
    volume: str
    turnover: str
    trades: str | None
    bid_price: str
    bid_size: str
    ask_price: str
    ask_size: str
    first_level: int = 1

    def levels(self, pattern: str) -> list[str]:
        """The columns of the ten levels."""
        return [pattern.format(level + self.first_level) for level in range(LEVELS)]


class SnapshotReader(TableReader):
    """A reader of snapshots; a format names its columns and says what its times and phases mean."""

    content = "snapshots"
    names: ClassVar[SnapshotColumns]

    @abstractmethod
    def times(self, fields: Fields) -> np.ndarray:
        """Nanoseconds since midnight, int64, shape (rows,)."""

    @abstractmethod
    def phase(self, word: str) -> str:
        """The word of events.py for the vendor's word."""

    def values(self, fields: Fields) -> Values:
        """See TableReader."""
        names = self.names
        words, positions = fields.words(names.phase)
        phases = pa.array([self.phase(word) for word in words], pa.string())
        values: Values = {
            "timestamp": fields.instants(self.times(fields)),
            "phase": pa.DictionaryArray.from_arrays(positions, phases),
            "volume": fields.whole(names.volume),
            "turnover": fields.money(names.turnover),
            "trades": fields.count(names.trades) if names.trades else fields.zeros(),
        }
        for ours in ("last", "open", "high", "low", "previous_close"):
            values[ours] = fields.price(getattr(names, ours))
        for side in ("bid", "ask"):
            for what, read in (("price", fields.price), ("size", fields.count)):
                theirs = names.levels(getattr(names, f"{side}_{what}"))
                for ours, vendors in zip(level_columns(side, what), theirs, strict=True):
                    values[ours] = read(vendors)
        return values


def snapshot_types(
    names: SnapshotColumns, times: Mapping[str, pa.DataType]
) -> Mapping[str, pa.DataType]:
    """The types of a format's columns; `times` are those of its date and time."""
    prices = (names.last, names.open, names.high, names.low, names.previous_close, names.turnover)
    wholes = (names.volume, *([names.trades] if names.trades else []))
    return {
        **times,
        names.symbol: CODE,
        names.phase: CODE,
        **dict.fromkeys(prices, NUMBER),
        **dict.fromkeys(wholes, WHOLE),
        **dict.fromkeys(names.levels(names.bid_price) + names.levels(names.ask_price), NUMBER),
        **dict.fromkeys(names.levels(names.bid_size) + names.levels(names.ask_size), WHOLE),
    }
