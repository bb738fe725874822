"""Queues as vendors write them: the orders at a best price in up to fifty columns of one row.

Belongs here: the turn from columns to rows, one an order. Not here: any vendor's columns.
"""

from abc import abstractmethod
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from quant_assets.market_data.order_book.events import QUEUES
from quant_assets.market_data.order_book.readers.fields import Fields
from quant_assets.market_data.order_book.readers.table_reader import TableReader, Values
from quant_assets.market_data.order_book.rejections import MISSING

QUEUE_LENGTH = 50


class Queue(NamedTuple):
    """One queue in each row of a block.

    Attributes:
        side: int8, shape (rows,).
        price: float64, NaN where there is no queue, shape (rows,).
        size: shares of the whole level, shape (rows,).
        orders: orders of the whole level, shape (rows,).
        quantity: shares of each order, first in line first, 0 behind the last; shape (rows, 50).
    """

    side: np.ndarray
    price: np.ndarray
    size: np.ndarray
    orders: np.ndarray
    quantity: np.ndarray


class QueueReader(TableReader):
    """A reader of queues. A queue of which no order is told (in auctions none is) has no rows."""

    content = "queues"

    @abstractmethod
    def times(self, fields: Fields) -> np.ndarray:
        """Nanoseconds since midnight, int64, shape (rows,)."""

    @abstractmethod
    def queues(self, fields: Fields) -> list[Queue]:
        """The queues that stand in each row of the block."""

    def values(self, fields: Fields) -> Values:
        """See TableReader; of the queues' columns the second axis is the queue."""
        queues = self.queues(fields)
        values: Values = {"timestamp": fields.instants(self.times(fields))}
        for name in Queue._fields:
            values[name] = np.stack([getattr(queue, name) for queue in queues], axis=1)
        told = np.stack([queue.quantity.any(axis=1) for queue in queues])
        priced = np.stack([~np.isnan(queue.price) for queue in queues])
        fields.reject((told & ~priced).any(axis=0), "price", MISSING)
        return values

    def table(self, values: Values, kept: np.ndarray) -> tuple[pa.Table, np.ndarray]:
        """See TableReader: one row an order."""
        quantity = values["quantity"][kept]
        row, queue, position = np.nonzero(quantity)
        line = kept[row]
        told = {
            "position": (position + 1).astype(np.int32),
            "quantity": quantity[row, queue, position],
            "orders": values["orders"][line, queue].astype(np.int32),
            **{name: values[name][line, queue] for name in ("side", "price", "size")},
        }
        told |= {name: pa.array(values[name]).take(line) for name in ("symbol", "timestamp")}
        return pa.table({name: told[name] for name in QUEUES.names}).cast(QUEUES), line


def queue_columns(pattern: str, first: int) -> list[str]:
    """The columns of a queue's orders, numbered from `first`."""
    return [pattern.format(first + number) for number in range(QUEUE_LENGTH)]


def quantities(fields: Fields, columns: list[str]) -> np.ndarray:
    """Columns of whole numbers side by side, shape (rows, columns)."""
    return np.stack([fields.count(name) for name in columns], axis=1)
