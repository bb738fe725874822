"""What a warehouse is to the rest of the platform, and which of the two stores a setting means.

Belongs here: the interface that both stores fulfil with the same results, and the choice between
them. Not here: how either does it (parquet.py, clickhouse.py).
"""

import os
from collections.abc import Collection, Iterable
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from quant_assets.warehouse.arguments import Keys
from quant_assets.warehouse.clickhouse_address import SCHEME, Address

if TYPE_CHECKING:
    import pandas as pd

    from quant_assets.settings import Settings
    from quant_assets.warehouse.clickhouse_server import Server


class Warehouse(Protocol):
    """Declared tables by market, in partitions that are read and replaced by windows."""

    root: str

    def read(
        self,
        table: str,
        window: Keys = None,
        columns: Collection[str] | None = None,
        symbols: Collection[str] | None = None,
    ) -> pa.Table:
        """Rows of `table` in the window, ordered by partition, then key.

        `window` is a Window for tables by date or month (and for others with a date column, whose
        rows it filters), a collection of partition keys for any partitioned table, None for all.
        `columns` are given back exactly as asked for, None is all; `symbols` filters rows. What is
        not there reads as no rows, in the right schema. A wide table's columns are those of the
        partition of the window that was written last; rows without them read as null. Raises
        UnknownTableError, UnknownColumnError.
        """

    def replace(
        self,
        table: str,
        window: Keys,
        frame: "pa.Table | pd.DataFrame | pa.RecordBatchReader",
        dates: Iterable[date] | None = None,
    ) -> dict[str, int]:
        """Makes the window hold exactly the rows of `frame`; gives rows by partition key.

        For a table by date, `window` is a Window and `dates` its sessions: each becomes a
        partition, one without rows where the frame has none, and a partition of the window that is
        no session is removed. Without `dates`, they are the dates of the frame and of the
        partitions that are already there. For tables by month, strategy or batch `window` is
        the collection of keys, for an unpartitioned one None (its key is "").

        A day that is too large to be held at once comes as a RecordBatchReader whose batches are
        in the order of the table's key; it is the one day of `dates`. Memory stays bounded; on the
        way the rows may lie in a temporary file (TMPDIR).

        Raises SchemaError when the frame does not fit the table or has rows outside the window;
        nothing is written then.
        """

    def partitions(self, table: str) -> list[str]:
        """Keys of the partitions that are materialized, empty ones included, sorted."""

    def columns(self, table: str) -> list[str]:
        """Columns of the table: those declared, then for a wide table those written last."""

    def tables(self) -> list[str]:
        """Full names of the tables for which at least one partition has been written, sorted."""

    def sizes(self, tables: Collection[str]) -> dict[str, int]:
        """Bytes that each of the tables takes where it lies."""

    def sql(self, query: str) -> "pd.DataFrame":
        """The answer to a query in ClickHouse's SQL; tables are `market.table` (`us.bars`).

        Dates come as datetime64 at midnight, strings as Python strings, nulls as NaN, NaT or None.
        A result without rows has its columns all the same. Raises UnknownTableError with near
        names, and QueryError with the engine's own words for anything else that is wrong.
        """

    @property
    def markets(self) -> list[str]:
        """Markets given to the warehouse and those that tables were written for, sorted."""


def open_warehouse(settings: "Settings") -> Warehouse:
    """The warehouse of the settings; nothing is contacted before it is used."""
    return open_store(settings.warehouse_root, settings.markets)


def open_store(root: str, markets: Iterable[str] = ()) -> Warehouse:
    """The store at `root`: a folder or `s3://…` of Parquet files, or `clickhouse://…`."""
    if root.startswith(SCHEME):
        from quant_assets.warehouse.clickhouse import ClickHouseWarehouse

        return ClickHouseWarehouse(_server(root, os.getpid()), markets)
    from quant_assets.warehouse.parquet import ParquetWarehouse

    return ParquetWarehouse(root, markets)


@lru_cache
def _server(root: str, process: int) -> "Server":
    """One pool of connections an address and process: a fork cannot share its parent's sockets."""
    from quant_assets.warehouse.clickhouse_server import Server

    return Server(Address.parse(root))
