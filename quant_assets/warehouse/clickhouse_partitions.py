"""The list of materialized partitions on a ClickHouse server, those without rows included.

Belongs here: the table `partitions` of the bookkeeping database. Not here: the rows themselves.

A line says of one partition whether it is there, how many rows it has and, of a wide table, which
columns it was written with. Lines are only ever added; the one of the highest version counts, and
versions are the numbers of claims (clickhouse_locks.py). They are written after the rows: a
partition is listed when its rows are there, and a writer that dies between the two leaves a
partition to be materialized again, never one that is listed and wrong.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pyarrow as pa

from quant_assets.warehouse.clickhouse_ddl import among, full_name, literal, name
from quant_assets.warehouse.clickhouse_server import Server
from quant_assets.warehouse.errors import ServerError
from quant_assets.warehouse.table_schema import BOOL, INT64, STRING

_UNKNOWN_TABLE, _UNKNOWN_DATABASE = 60, 81
# Many writers add a few lines each: the server gathers them, and answers when they are stored.
_GATHERED = {"async_insert": 1, "wait_for_async_insert": 1}


class PartitionList:
    """The partitions of every table of a warehouse."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._target = full_name(server.address.database, "partitions")

    def keys(self, table: str) -> list[str]:
        """The keys of a table's partitions, sorted."""
        found = self._rows(
            f"SELECT key FROM {self._target} FINAL WHERE table_name = {literal(table)} AND present "
            "ORDER BY key"
        )
        return [str(row["key"]) for row in found]

    def tables(self) -> list[str]:
        """The tables of which some partition has ever been written, sorted."""
        found = self._rows(f"SELECT DISTINCT table_name FROM {self._target} ORDER BY table_name")
        return [str(row["table_name"]) for row in found]

    def newest_columns(self, table: str, wanted: Callable[[str], bool] | None) -> list[str]:
        """A wide table's further columns as of the partition that was written last."""
        found = self._rows(
            f"SELECT columns FROM {self._target} FINAL WHERE {self._chosen(table, wanted)} "
            "ORDER BY version DESC LIMIT 1"
        )
        return [str(column) for column in found[0]["columns"]] if found else []

    def all_columns(self, table: str, wanted: Callable[[str], bool] | None) -> list[str]:
        """A wide table's further columns in any partition."""
        found = self._rows(
            f"SELECT DISTINCT arrayJoin(columns) AS column FROM {self._target} FINAL "
            f"WHERE {self._chosen(table, wanted)}"
        )
        return [str(row["column"]) for row in found]

    def write(
        self,
        table: str,
        version: int,
        rows: Mapping[str, int],
        removed: Collection[str],
        columns: list[str],
    ) -> None:
        """Lists partitions with their rows, and takes those removed from the list."""
        keys = [*rows, *sorted(removed)]
        lines = pa.table(
            {
                "table_name": pa.array([table] * len(keys), STRING),
                "key": pa.array(keys, STRING),
                "version": pa.array([version] * len(keys), pa.uint64()),
                "present": pa.array([key in rows for key in keys], BOOL),
                "rows": pa.array([rows.get(key, 0) for key in keys], INT64),
                "columns": pa.array([columns] * len(keys), pa.list_(STRING)),
            }
        )
        self._server.run(f"CREATE DATABASE IF NOT EXISTS {name(self._server.address.database)}")
        self._server.run(
            f"CREATE TABLE IF NOT EXISTS {self._target} (table_name String, key String, "
            "version UInt64, present Bool, rows Int64, columns Array(LowCardinality(String))) "
            "ENGINE = ReplacingMergeTree(version) ORDER BY (table_name, key) "
            "COMMENT 'Materialized partitions of the warehouse, written after their rows.'"
        )
        # A line that arrives twice is one line.
        self._server.repeat(lambda: self._server.insert(self._target, lines, _GATHERED))

    def _chosen(self, table: str, wanted: Callable[[str], bool] | None) -> str:
        condition = f"table_name = {literal(table)} AND present"
        if wanted is None:
            return condition
        return f"{condition} AND {among('key', [k for k in self.keys(table) if wanted(k)])}"

    def _rows(self, query: str) -> list[dict[str, Any]]:
        try:
            return self._server.rows(query)
        except ServerError as error:
            if error.code in (_UNKNOWN_TABLE, _UNKNOWN_DATABASE):
                return []  # nothing has been written yet
            raise
