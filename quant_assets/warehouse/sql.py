"""SQL over the Parquet store: chDB, ClickHouse's engine in the process, with views on the files.

Belongs here: the engine and the views. Not here: the files themselves (parquet.py, storage.py), the
words for its errors (sql_errors.py), ClickHouse as a store of its own (clickhouse.py).

A process has one engine, which runs one query at a time, so a lock guards it. Tables are
views `market.table`; a view names its files by a pattern, so new partitions show at once, and only
a wide table's view is ever made anew, when its newest file has other columns. With
use_hive_partitioning a filter on date skips the other dates' files by their names alone; types come
from the declared structure, never from the path.
"""

import os
import re
import threading
from typing import TYPE_CHECKING, Any

from quant_assets.warehouse.clickhouse_ddl import DERIVED_TYPE
from quant_assets.warehouse.errors import QueryError
from quant_assets.warehouse.s3 import s3_endpoint
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.sql_errors import explained, table_names
from quant_assets.warehouse.storage import PART
from quant_assets.warehouse.table_schema import TableSchema

if TYPE_CHECKING:
    import pandas as pd

    from quant_assets.warehouse.parquet import ParquetWarehouse


# What changes something, after comments. The engine's own setting for it would stay with the
# session, which then could make no views.
_WRITING = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*"
    r"(alter|attach|create|delete|detach|drop|exchange|insert|optimize|rename|replace|set|system"
    r"|truncate|undrop|update|use)\b",
    re.IGNORECASE | re.DOTALL,
)


def query_files(warehouse: "ParquetWarehouse", query: str) -> "pd.DataFrame":
    """The result of a ClickHouse query over the warehouse's tables.

    Dates come as datetime64 at midnight, strings as Python strings, nulls as NaN, NaT or None. A
    result without rows has its columns all the same. The query can read only. Raises
    UnknownTableError with near names, and QueryError with the engine's own words for anything else
    that is wrong with the query.
    """
    from clickhouse_connect.driver.exceptions import DatabaseError

    if writing := _WRITING.match(query):
        raise QueryError(f"a query can only read (READONLY). Got {writing[1].upper()} … instead")
    with _ENGINE.lock:
        _ENGINE.show(warehouse, query)
        try:
            result = _ENGINE.client.query_arrow(query, use_strings=True)
        except DatabaseError as error:
            raise explained(str(error), query, warehouse) from None
    frame: pd.DataFrame = result.to_pandas(date_as_object=False)
    return frame


class _Engine:
    """The process's chDB client, and what its views show at present."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.client: Any = None
        self._root: str | None = None
        self._views: dict[str, str] = {}

    def show(self, warehouse: "ParquetWarehouse", query: str) -> None:
        """Makes every table of the warehouse visible, wide ones that the query names afresh."""
        if self.client is None:
            import clickhouse_connect

            self.client = clickhouse_connect.get_client(interface="chdb")
        if self._root != warehouse.root:
            self._forget()
            self._root = warehouse.root
        for table in table_names(warehouse):
            asset = table.split("/")[1]
            if table not in self._views or (schema_of(table).wide and asset in query):
                self._create(warehouse, table)

    def _create(self, warehouse: "ParquetWarehouse", table: str) -> None:
        select = view_query(warehouse, table)
        if self._views.get(table) != select:
            schema = schema_of(table)
            market, asset = table.split("/")
            view_database = _files_of(market) if schema.derived else market
            for database in dict.fromkeys((market, view_database)):
                self.client.command(f"CREATE DATABASE IF NOT EXISTS `{database}`")
            self.client.command(f"CREATE OR REPLACE VIEW `{view_database}`.`{asset}` AS {select}")
            if schema.derived:
                self._derive(schema, market, asset)
            self._views[table] = select

    def _derive(self, schema: TableSchema, market: str, asset: str) -> None:
        """A table over the view that knows derivations by name and leaves them out of `*`.

        A view cannot do that. Filters pass through to the files as they do through a view.
        """
        derived = [
            f"`{each.name}` {DERIVED_TYPE} ALIAS {each.expression}" for each in schema.derived
        ]
        columns = ", ".join([schema.clickhouse_structure(), *derived])
        self.client.command(
            f"CREATE OR REPLACE TABLE `{market}`.`{asset}` ({columns}) "
            f"ENGINE = Merge({_quoted(_files_of(market))}, {_quoted(f'^{asset}$')})"
        )

    def _forget(self) -> None:
        for market in {table.split("/")[0] for table in self._views}:
            for database in (market, _files_of(market)):
                self.client.command(f"DROP DATABASE IF EXISTS `{database}`")
        self._views.clear()


_ENGINE = _Engine()


def _files_of(market: str) -> str:
    """The database of the views behind tables with derivations; no market has such a name."""
    return f"{market}.files"


def view_query(warehouse: "ParquetWarehouse", table: str) -> str:
    """The SELECT behind a table's view: its files by pattern, in the declared structure.

    It holds no credentials: the s3 function takes them from the environment.
    """
    schema = schema_of(table)
    structure = _quoted(schema.clickhouse_structure(warehouse.columns(table)))
    # a pattern that matches nothing is an empty table, a plain name that is missing is an error
    pattern = f"{schema.partition_by}=*/{PART}" if schema.partition_by else f"{PART[:-1]}?"
    files = f"{table}/{pattern}"
    if warehouse.root.startswith("s3://"):
        url = f"{s3_endpoint()}/{_plain(warehouse.storage.path(''))}{files}"
        source = f"s3({_quoted(url)}, 'Parquet', {structure})"
    else:
        path = f"{_plain(warehouse.storage.path(''))}{files}"
        source = f"file({_quoted(path)}, 'Parquet', {structure})"
    return f"SELECT * FROM {source} SETTINGS use_hive_partitioning = 1"


def _plain(base: str) -> str:
    """The root with a trailing slash; ValueError where ClickHouse would read it as a pattern."""
    if re.search(r"[*?{}]", base):
        raise ValueError(f"the warehouse root {base!r} must not contain any of * ? {{ }} for SQL")
    return base.rstrip(os.sep) + "/"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
