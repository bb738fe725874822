"""SQL over the Parquet store: chDB, ClickHouse's engine in the process, with views on the files.

Belongs here: the engine, the views and the translation of its errors. Not here: the files
themselves (parquet.py, storage.py) and ClickHouse as a store of its own.

A process has one engine, which runs one query at a time, so a lock guards it. Tables are
views `market.table`; a view names its files by a pattern, so new partitions show at once, and only
a wide table's view is ever made anew, when its newest file has other columns. With
use_hive_partitioning a filter on date skips the other dates' files by their names alone; types come
from the declared structure, never from the path.
"""

import os
import re
import threading
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from quant_assets.warehouse.errors import QueryError, UnknownTableError
from quant_assets.warehouse.schemas import SCHEMAS, schema_of
from quant_assets.warehouse.storage import PART, s3_endpoint

if TYPE_CHECKING:
    import pandas as pd

    from quant_assets.warehouse.parquet import ParquetWarehouse

_UNKNOWN_TABLE = re.compile(r"Code: 60\b.*?identifier '([^']*)'|Code: 60\b.*?Table (\S+)", re.S)
_UNKNOWN_DATABASE = re.compile(r"Code: 81\b.*?Database (\S+)", re.S)


def query_files(warehouse: "ParquetWarehouse", query: str) -> "pd.DataFrame":
    """The result of a ClickHouse query over the warehouse's tables.

    Dates come as datetime64 at midnight, strings as Python strings, nulls as NaN, NaT or None. A
    result without rows has its columns all the same. Raises UnknownTableError with near names, and
    QueryError with the engine's own words for anything else that is wrong with the query.
    """
    from clickhouse_connect.driver.exceptions import DatabaseError

    with _ENGINE.lock:
        _ENGINE.show(warehouse, query)
        try:
            result = _ENGINE.client.query_arrow(query, use_strings=True)
        except DatabaseError as error:
            raise _translated(str(error), warehouse) from None
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
            market, asset = table.split("/")
            self.client.command(f"CREATE DATABASE IF NOT EXISTS `{market}`")
            self.client.command(f"CREATE OR REPLACE VIEW `{market}`.`{asset}` AS {select}")
            self._views[table] = select

    def _forget(self) -> None:
        for market in {table.split("/")[0] for table in self._views}:
            self.client.command(f"DROP DATABASE IF EXISTS `{market}`")
        self._views.clear()


_ENGINE = _Engine()


def table_names(warehouse: "ParquetWarehouse") -> list[str]:
    """Full names of the tables that SQL can name: all declared ones, and wide ones that exist."""
    declared = [schema.name for schema in SCHEMAS.values() if not schema.wide]
    names = {f"{market}/{asset}" for market in warehouse.markets for asset in declared}
    return sorted(names | set(warehouse.tables()))


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


def _translated(message: str, warehouse: "ParquetWarehouse") -> Exception:
    """The engine's error as one of ours; for a table that is not there with near names."""
    found = _UNKNOWN_TABLE.search(message) or _UNKNOWN_DATABASE.search(message)
    if found is None:
        return QueryError(message)
    name = next(group for group in found.groups() if group).strip("`'.,")
    known = [table.replace("/", ".") for table in table_names(warehouse)]
    near = get_close_matches(name, known, n=3)
    if near:
        hint = f"did you mean {', '.join(near)}?"
    elif known:
        hint = f"markets are {', '.join(warehouse.markets)}, tables {', '.join(known)}"
    else:
        hint = f"nothing has been written under {warehouse.root} yet"
    return UnknownTableError(f"no table {name!r} (tables are named market.table); {hint}")
