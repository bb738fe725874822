"""The interface of every source of market data, and the shape of what it hands over.

Here live the abstract `Source`, the schemas of its tables and `SourceError`. What a source reads is
raw: which rows are fit for use is decided by quality.py, and nothing is dropped before. A new
source is one class here-beside, registered in registry.py under the `kind` of its settings.
"""

from abc import ABC, abstractmethod
from datetime import date
from typing import ClassVar

import numpy as np
import pyarrow as pa

from quant_assets.market_data.actions.events import ACTIONS_SCHEMA as ACTIONS_SCHEMA
from quant_assets.market_data.calendars import exchange_days
from quant_assets.settings import Market
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window

PRICES = ("open", "high", "low", "close")
VALUES = (*PRICES, "volume", "turnover")

# `session` is the partition that answers for the row; `date` is what the row itself says, null for
# a row without one. Missing values are nulls. `turnover` is null where the vendor has none. `row`
# counts the data rows of `file` from 1. A source whose files can hold records that cannot be read
# adds a text column `fault`: what is wrong with such a row, null for every other.
RAW_SCHEMA = pa.schema(
    [
        pa.field("session", pa.date32(), nullable=False),
        pa.field("date", pa.date32()),
        pa.field("symbol", pa.string()),
        *(pa.field(name, pa.float64()) for name in VALUES),
        pa.field("file", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
    ]
)
SYMBOLS_SCHEMA = pa.schema(
    [
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("sector", pa.string()),
        pa.field("industry", pa.string()),
        pa.field("exchange", pa.string()),
        pa.field("first", pa.date32()),
    ]
)
REJECTED_ACTIONS_SCHEMA = schema_of("rejected_actions").arrow
BENCHMARK_SCHEMA = schema_of("benchmark").arrow


class SourceError(ValueError):
    """Input that cannot be read as declared; the message names file, place, and what to do."""


class NoFilesError(SourceError):
    """No file lies where the settings say that files lie."""


class Source(ABC):
    """Where the data of one market come from.

    `rejects_actions` says that the source's records of corporate actions may be rejected one by
    one, and so that its markets have a table of those.
    """

    rejects_actions: ClassVar[bool] = False

    def __init__(self, market: Market) -> None:
        self.market = market

    @property
    @abstractmethod
    def name(self) -> str:
        """What people call it: the path of the files, or `simulated`."""

    @abstractmethod
    def read(self, window: Window) -> pa.Table:
        """All raw rows that belong to the sessions of the window: RAW_SCHEMA, files in order.

        A row dated off the calendar belongs to the next session on or after it; a row without a
        date belongs to the last dated session of its file.

        Raises:
            SourceError: the input cannot be read as declared.
        """

    @abstractmethod
    def count_rows(self, window: Window) -> dict[date, int]:
        """Rows of each session of the window, 0 where there are none.

        Counted without `read`, so that the two can be held against each other.
        """

    @abstractmethod
    def symbols(self) -> pa.Table | None:
        """The market's symbols (SYMBOLS_SCHEMA, sorted), None if the source has no such list.

        `first` is the first day of trading, null if not known.
        """

    @abstractmethod
    def corporate_actions(self) -> pa.Table:
        """Events (ACTIONS_SCHEMA, see actions.events.event_table), sorted by its key."""

    def rejected_actions(self) -> pa.Table:
        """Records of events that could not be used (REJECTED_ACTIONS_SCHEMA), with the reason."""
        return REJECTED_ACTIONS_SCHEMA.empty_table()

    @abstractmethod
    def benchmark(self, window: Window) -> pa.Table:
        """Index, volatility index and risk-free rate (BENCHMARK_SCHEMA), one row a session."""

    def forget(self) -> None:  # noqa: B027 - most sources keep nothing
        """Throw away what is kept of the input, if anything: it is read anew."""

    @classmethod
    def further_tables(cls, market: Market) -> tuple[str, ...]:
        """The daily tables that a source offers beside bars and benchmark; by default none.

        Each is an asset of the market. The names are those of declared tables; only the settings
        are looked at.
        """
        return ()

    def read_further_table(self, table: str, window: Window) -> pa.Table:
        """The rows of one of `further_tables` on the sessions of the window, as declared.

        Raises:
            SourceError: the input cannot be read as declared.
        """
        raise SourceError(f"{self.name}: offers no table {table!r}")

    def session_positions(self, days: np.ndarray) -> np.ndarray:
        """For each day the position, in `exchange_days`, of the session that answers for it.

        Days after the last known session get the length of the calendar, which is no position.
        """
        positions: np.ndarray = np.searchsorted(exchange_days(self.market), days, "left")
        return positions
