"""The team's store: tables on a ClickHouse server, whose windows are replaced in one step.

`clickhouse://user@host:port/database?secure=1`: a market's tables stand in the database of its
name, `us.bars`, as plain MergeTree tables that any other tool may read; the warehouse's own
bookkeeping stands in `database`. Any number of processes and machines may read and write; a table
has one writer at a time, the last one wins, and a window is old or new as a whole.

Belongs here: reading and replacing windows, SQL. Not here: layout (clickhouse_ddl.py), connections
(clickhouse_server.py), writing (clickhouse_writing.py), who may write (clickhouse_locks.py).
"""

import re
from collections.abc import Collection, Iterable
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from quant_assets.warehouse import clickhouse_ddl as ddl
from quant_assets.warehouse import partitioning
from quant_assets.warehouse.arguments import (
    Keys,
    check_columns,
    check_symbols,
    declared,
    stored_names,
)
from quant_assets.warehouse.clickhouse_locks import Claim, TableLocks
from quant_assets.warehouse.clickhouse_migration import (
    bring_up_to_date,
    check_dates,
    stored_columns,
)
from quant_assets.warehouse.clickhouse_partitions import PartitionList
from quant_assets.warehouse.clickhouse_server import Server
from quant_assets.warehouse.clickhouse_writing import ClaimLostError, WindowWriter
from quant_assets.warehouse.errors import LostConnectionError, ServerError
from quant_assets.warehouse.schemas import SCHEMAS, is_declared, schema_of
from quant_assets.warehouse.sql_errors import explained
from quant_assets.warehouse.streaming import StreamedRows, key_of_day, spooled
from quant_assets.warehouse.table_schema import TableSchema
from quant_assets.warehouse.validation import sort_by_key

if TYPE_CHECKING:
    import pandas as pd

_UNKNOWN_COLUMN, _UNKNOWN_TABLE, _UNKNOWN_DATABASE = 47, 60, 81
_NOT_THERE = (_UNKNOWN_COLUMN, _UNKNOWN_TABLE, _UNKNOWN_DATABASE)
# Thousands of symbols or days may stand in a condition.
_READING = {"max_query_size": 64 * 2**20}
_CLAIMS = 5
_NAMED = re.compile(r"`?(\w+)`?\s*\.\s*`?(\w+)`?")


class ClickHouseWarehouse:
    """Tables on a server.

    `markets` names markets whose tables exist for `sql` even before anything is written to them.
    """

    def __init__(
        self, server: Server, markets: Iterable[str] = (), locks: TableLocks | None = None
    ) -> None:
        self.root = str(server.address)
        self.server = server
        self._markets = tuple(markets)
        self._partitions = PartitionList(server)
        self._locks = locks or TableLocks(server)

    def __repr__(self) -> str:
        return f"ClickHouseWarehouse({self.root!r})"

    def read(
        self,
        table: str,
        window: Keys = None,
        columns: Collection[str] | None = None,
        symbols: Collection[str] | None = None,
    ) -> pa.Table:
        """See store.Warehouse. A wide table's columns are those of its newest partition."""
        schema = declared(table)
        condition = ddl.rows_of_window(schema, table, window)
        if symbols is not None:
            check_symbols(schema, table, symbols)
            condition = f"{condition} AND {ddl.among('symbol', list(symbols))}"
        names = self._names(schema, table, window, columns)
        try:
            found = self._select(schema, table, names, condition)
        except ServerError as error:
            if error.code not in _NOT_THERE:
                raise
            stored = stored_columns(self.server, *table.split("/"))
            there = [name for name in names if name in stored]
            if not stored or not there:
                return schema.arrow_with(names).empty_table()
            found = self._select(schema, table, there, condition)
        return _as_declared(found, schema.arrow_with(names))

    def replace(
        self,
        table: str,
        window: Keys,
        frame: "pa.Table | pd.DataFrame | pa.RecordBatchReader",
        dates: Iterable[date] | None = None,
    ) -> dict[str, int]:
        """See store.Warehouse. The window changes as a whole or, where this raises, not at all."""
        schema = declared(table)
        sessions = None if dates is None else list(dates)
        partitioning.key_selector(schema, table, window)
        if isinstance(frame, pa.RecordBatchReader):
            key = key_of_day(schema, table, window, sessions)
            stream = StreamedRows(schema, table, key, frame)
            with spooled(stream, schema.arrow) as day:
                return self._claimed(schema, table, window, day, {key: day}, sessions, [])
        valid = sort_by_key(schema, schema.validate(frame, table=table))
        rows = partitioning.slices(schema, valid)
        partitioning.keys_to_write(schema, table, window, sessions, rows, ())
        further = stored_names(schema, frame)[len(schema.names) :]
        return self._claimed(schema, table, window, valid, rows, sessions, further)

    def _claimed(
        self,
        schema: TableSchema,
        table: str,
        window: Keys,
        frame: pa.Table,
        rows: dict[str, pa.Table],
        sessions: list[date] | None,
        further: list[str],
    ) -> dict[str, int]:
        """Writes checked rows, `rows` by partition, as soon as nobody else writes the table."""
        for last in (False,) * (_CLAIMS - 1) + (True,):
            with self._locks.claim(table.replace("/", ".")) as claim:
                try:
                    return self._replace(
                        schema, table, window, frame, rows, sessions, further, claim
                    )
                except ClaimLostError:
                    if last:
                        raise
        raise AssertionError("the last claim returns or raises")

    def partitions(self, table: str) -> list[str]:
        """See store.Warehouse."""
        declared(table)
        return self._partitions.keys(table)

    def columns(self, table: str) -> list[str]:
        """See store.Warehouse."""
        schema = declared(table)
        further = self._partitions.newest_columns(table, None) if schema.wide else []
        return [*schema.names, *further]

    def tables(self) -> list[str]:
        """See store.Warehouse."""
        found = self._partitions.tables()
        return [table for table in found if is_declared(table.split("/")[1])]

    def sizes(self, tables: Collection[str]) -> dict[str, int]:
        """See store.Warehouse."""
        found = self.server.rows(
            "SELECT concat(database, '/', table) AS stored, toInt64(sum(bytes_on_disk)) AS bytes "
            f"FROM system.parts WHERE active AND {ddl.among('stored', list(tables))} "
            "GROUP BY stored"
        )
        return dict.fromkeys(tables, 0) | {row["stored"]: row["bytes"] for row in found}

    def sql(self, query: str) -> "pd.DataFrame":
        """See store.Warehouse. The query can read only; the server answers it as it stands."""
        try:
            answer = self._ask(query)
        except LostConnectionError:
            raise
        except ServerError as error:
            if error.code not in _NOT_THERE or not self._prepare(query):
                raise explained(str(error), query, self) from None
            try:
                answer = self._ask(query)
            except ServerError as again:
                raise explained(str(again), query, self) from None
        frame: pd.DataFrame = answer.to_pandas(date_as_object=False)
        return frame

    @property
    def markets(self) -> list[str]:
        """See store.Warehouse."""
        return sorted({*self._markets, *(table.split("/")[0] for table in self.tables())})

    def _ask(self, query: str) -> pa.Table:
        return self.server.query(query, {"readonly": 2})

    def _prepare(self, query: str) -> bool:
        """Makes or migrates the declared tables that a query names; whether any was not there."""
        markets, changed = self.markets, False
        for market, asset in dict.fromkeys(_NAMED.findall(query)):
            if market in markets and asset in SCHEMAS and not SCHEMAS[asset].wide:
                made = bring_up_to_date(self.server, schema_of(asset), f"{market}/{asset}")
                changed = changed or made.changed
        return changed

    def _names(
        self,
        schema: TableSchema,
        table: str,
        window: Keys,
        columns: Collection[str] | None,
    ) -> list[str]:
        """The columns that a read gives; UnknownColumnError for one that is nowhere."""
        wanted = partitioning.key_selector(schema, table, window)
        chosen = None if window is None else wanted
        available = list(schema.names)
        if schema.wide and not (columns is not None and set(columns) <= set(available)):
            available += self._partitions.newest_columns(table, chosen)
            if columns is not None and not set(columns) <= set(available):
                older = self._partitions.all_columns(table, chosen)
                available += [name for name in older if name not in available]
        names = available if columns is None else list(columns)
        check_columns(table, names, available)
        return names

    def _select(
        self, schema: TableSchema, table: str, names: list[str], condition: str
    ) -> pa.Table:
        order = ", ".join(map(ddl.name, ddl.reading_order(schema)))
        listed = ", ".join(map(ddl.name, names))
        return self.server.query(
            f"SELECT {listed} FROM {ddl.full_name(*table.split('/'))} WHERE {condition} "
            f"ORDER BY {order}",
            _READING,
        )

    def _replace(
        self,
        schema: TableSchema,
        table: str,
        window: Keys,
        frame: pa.Table,
        rows: dict[str, pa.Table],
        sessions: list[date] | None,
        further: list[str],
        claim: Claim,
    ) -> dict[str, int]:
        stored = bring_up_to_date(self.server, schema, table, further)
        wanted = partitioning.key_selector(schema, table, window)
        present = [key for key in self._partitions.keys(table) if wanted(key)]
        keys = partitioning.keys_to_write(schema, table, window, sessions, rows, present)
        counts = {key: rows[key].num_rows if key in rows else 0 for key in keys}
        check_dates(self.server, table, frame)
        condition = ddl.rows_of_window(schema, table, window)
        writer = WindowWriter(self.server, claim, schema, table, stored.columns)
        buckets = writer.buckets(condition)
        buckets |= {ddl.bucket_of(schema, key) for key in keys if counts[key]}
        if buckets:
            writer.replace(condition, buckets, frame)
        removed = set(present) - set(keys)
        if counts or removed:
            self._partitions.write(table, claim.number, counts, removed, further)
        return counts


def _as_declared(found: pa.Table, wanted: pa.Schema) -> pa.Table:
    """The rows in the declared types; null in columns that the server does not have yet."""
    arrays = [
        found.column(field.name).cast(field.type)
        if field.name in found.column_names
        else pa.chunked_array([pa.nulls(len(found), field.type)])
        for field in wanted
    ]
    return pa.Table.from_arrays(arrays, schema=wanted)
