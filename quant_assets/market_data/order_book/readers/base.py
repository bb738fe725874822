"""The interface of every reader of Level-2 files: what it is asked for and what it hands over.

Not here: how tables are read (table_reader.py), and any vendor's columns or codes.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from quant_assets.market_data.order_book.events import EVENTS, QUEUES, SNAPSHOTS
from quant_assets.market_data.order_book.files import DayFile

Content = Literal["events", "snapshots", "queues"]
SCHEMAS: dict[Content, pa.Schema] = {"events": EVENTS, "snapshots": SNAPSHOTS, "queues": QUEUES}


@dataclass(frozen=True)
class Request:
    """What is asked of a reader.

    Attributes:
        day: the local date of the rows.
        timezone: of the exchange's clock.
        symbols: those that are wanted, None for all.
        symbol: the name of the security in files that do not tell it.
    """

    day: date
    timezone: str
    symbols: frozenset[str] | None = None
    symbol: str | None = None


@dataclass(frozen=True)
class Piece:
    """Some rows of a file in the common form.

    Attributes:
        table: EVENTS, SNAPSHOTS or QUEUES.
        rows: for each the data row of the file that it comes from, counted from 1, shape (rows,).
        rejected: rows that cannot be used (REJECTED).
        others: how many rows of the file tell of symbols that were not asked for.
        empty: how many rows of the file tell of nothing that is asked for, such as a queue without
            orders or, among the events of a log, a book.
    """

    table: pa.Table
    rows: np.ndarray
    rejected: pa.Table
    others: int = 0
    empty: int = 0


class Reader(ABC):
    """Reads the files of one format."""

    content: ClassVar[Content]

    @abstractmethod
    def read(self, file: DayFile, request: Request) -> Iterator[Piece]:
        """The rows of a file, piece by piece in the order of the file.

        Raises:
            SourceError: the file is not of the format, or is damaged.
        """
