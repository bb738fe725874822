"""The embedded store: a table is a folder of Parquet files, one a partition, replaced atomically.

`<root>/<market>/<asset>/date=YYYY-MM-DD/part-0.parquet`; `month=…`, `strategy=…` and `batch=…`
likewise; a table without partitions is `<root>/<market>/<asset>/part-0.parquet`. Any number of
processes may read and write: each partition is whole at every moment, and the last writer of it
wins.

Belongs here: reading and replacing windows of tables. Not here: where files lie (storage.py),
their encoding (parquet_files.py), SQL (sql.py).
"""

from collections.abc import Collection, Iterable
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.warehouse import partitioning
from quant_assets.warehouse.arguments import (
    Keys,
    check_columns,
    check_symbols,
    declared,
    stored_names,
)
from quant_assets.warehouse.errors import PartialWriteError
from quant_assets.warehouse.parquet_files import ChangedFilesError, scan_files, stored_columns
from quant_assets.warehouse.schemas import is_declared
from quant_assets.warehouse.storage import PART, InterruptedWriteError, Part, open_storage
from quant_assets.warehouse.streaming import StreamedRows, key_of_day
from quant_assets.warehouse.table_schema import TableSchema

if TYPE_CHECKING:
    import pandas as pd


class ParquetWarehouse:
    """Tables under `root`: a local folder, or `s3://…` by the environment's credentials.

    `markets` names markets whose tables exist for `sql` even before anything is written to them.
    """

    def __init__(self, root: str, markets: Iterable[str] = ()) -> None:
        self.root = str(root)
        self._markets = tuple(markets)
        self.storage = open_storage(self.root)

    def read(
        self,
        table: str,
        window: Keys = None,
        columns: Collection[str] | None = None,
        symbols: Collection[str] | None = None,
    ) -> pa.Table:
        """See store.Warehouse; CorruptPartitionError for a file that cannot be read."""
        schema = declared(table)
        wanted = partitioning.selector(schema, table, window)
        row_filter = partitioning.row_filter(schema, table, window)
        if symbols is not None:
            of_symbols = _symbol_filter(schema, table, symbols)
            row_filter = of_symbols if row_filter is None else row_filter & of_symbols
        parts = self.storage.list_parts(table, wanted)
        try:
            return self._scan(schema, table, parts, columns, row_filter)
        except (FileNotFoundError, ChangedFilesError):
            # Another process replaced or removed a partition between the listing and the reading.
            # It may go on doing so: what each file is like is now asked when it is opened.
            parts = self.storage.list_parts(table, wanted)
            return self._scan(schema, table, parts, columns, row_filter, trusted=False)

    def replace(
        self,
        table: str,
        window: Keys,
        frame: "pa.Table | pd.DataFrame | pa.RecordBatchReader",
        dates: Iterable[date] | None = None,
    ) -> dict[str, int]:
        """See store.Warehouse. A day without rows is an empty file.

        Raises PartialWriteError when the storage gives out on the way.
        """
        schema = declared(table)
        if isinstance(frame, pa.RecordBatchReader):
            return self._replace_streamed(schema, table, window, frame, dates)
        rows = partitioning.slices(schema, schema.validate(frame, table=table))
        parts = self.storage.list_parts(table, partitioning.selector(schema, table, window))
        present = [partitioning.key_of(schema, name) for name in parts]
        keys = partitioning.keys_to_write(schema, table, window, dates, rows, present)
        empty = schema.arrow_with(stored_names(schema, frame)).empty_table()
        contents = {key: rows.get(key, empty) for key in keys}
        paths = {key: partitioning.relative_path(schema, table, key) for key in keys}
        try:
            self.storage.replace_files({paths[key]: contents[key] for key in keys}, schema)
        except InterruptedWriteError as error:
            raise _partial(self.root, table, paths, error) from error.cause
        stale = set(present) - set(keys)
        self.storage.remove_files(partitioning.relative_path(schema, table, k) for k in stale)
        return {key: contents[key].num_rows for key in keys}

    def _replace_streamed(
        self,
        schema: TableSchema,
        table: str,
        window: Keys,
        reader: pa.RecordBatchReader,
        dates: Iterable[date] | None,
    ) -> dict[str, int]:
        key = key_of_day(schema, table, window, dates)
        parts = self.storage.list_parts(table, partitioning.selector(schema, table, window))
        present = [partitioning.key_of(schema, name) for name in parts]
        path = partitioning.relative_path(schema, table, key)
        rows = StreamedRows(schema, table, key, reader)
        try:
            self.storage.replace_files({path: rows}, schema)
        except InterruptedWriteError as error:
            raise _partial(self.root, table, {key: path}, error) from error.cause
        stale = set(present) - {key}
        self.storage.remove_files(partitioning.relative_path(schema, table, k) for k in stale)
        return {key: rows.count}

    def partitions(self, table: str) -> list[str]:
        """Keys of the partitions that are materialized, empty ones included, sorted."""
        schema = declared(table)
        parts = self.storage.list_parts(table, partitioning.selector(schema, table, None))
        return sorted(partitioning.key_of(schema, name) for name in parts)

    def columns(self, table: str) -> list[str]:
        """Columns of the table: those declared, then for a wide table those of its newest file."""
        schema = declared(table)
        parts = self.storage.list_parts(table, partitioning.selector(schema, table, None))
        return self._columns(schema, table, parts)

    def tables(self) -> list[str]:
        """Full names of the tables for which at least one partition has been written, sorted."""
        markets = [name for name in self.storage.folders("") if name.isidentifier()]
        return [f"{m}/{a}" for m in markets for a in self.storage.folders(m) if is_declared(a)]

    def sizes(self, tables: Collection[str]) -> dict[str, int]:
        """Bytes of each of some tables, by full name."""
        return {table: self.storage.size(table) for table in tables}

    def sql(self, query: str) -> "pd.DataFrame":
        """The result of a ClickHouse query over the tables, named `market.table` (`us.bars`)."""
        from quant_assets.warehouse.sql import query_files

        return query_files(self, query)

    @property
    def markets(self) -> list[str]:
        """Markets given to the warehouse and those that tables were written for, sorted."""
        return sorted({*self._markets, *(table.split("/")[0] for table in self.tables())})

    def _scan(
        self,
        schema: TableSchema,
        table: str,
        parts: dict[str, Part],
        columns: Collection[str] | None,
        row_filter: pc.Expression | None,
        trusted: bool = True,
    ) -> pa.Table:
        available = self._columns(schema, table, parts)
        if columns is not None and not set(columns) <= set(available):
            available = self._all_columns(schema, table, parts)
        names = available if columns is None else list(columns)
        check_columns(table, names, available)
        arrow = schema.arrow_with(available)
        if not parts:
            return arrow.empty_table().select(names)
        sizes = {self._part_path(table, n): p.size if trusted else None for n, p in parts.items()}
        return scan_files(self.storage.filesystem, sizes, arrow, names, row_filter)

    def _columns(self, schema: TableSchema, table: str, parts: dict[str, Part]) -> list[str]:
        if not (schema.wide and parts):
            return list(schema.names)
        newest = max(parts, key=lambda name: parts[name].mtime_ns)
        stored = stored_columns(self.storage.filesystem, self._part_path(table, newest))
        return [*schema.names, *(name for name in stored if name not in schema.names)]

    def _all_columns(self, schema: TableSchema, table: str, parts: dict[str, Part]) -> list[str]:
        """Columns of any file: slow, for the one case that a column is missing in the newest."""
        if not schema.wide:
            return list(schema.names)
        names = dict.fromkeys(schema.names)
        for part in parts:
            path = self._part_path(table, part)
            names.update(dict.fromkeys(stored_columns(self.storage.filesystem, path)))
        return list(names)

    def _part_path(self, table: str, name: str) -> str:
        return self.storage.path(f"{table}/{name}/{PART}" if name else f"{table}/{PART}")


def _symbol_filter(schema: TableSchema, table: str, symbols: Collection[str]) -> pc.Expression:
    check_symbols(schema, table, symbols)
    return pc.field("symbol").isin(pa.array(list(symbols), pa.string()))


def _partial(
    root: str, table: str, paths: dict[str, str], error: InterruptedWriteError
) -> PartialWriteError:
    done = set(error.written)
    written = [key for key, path in paths.items() if path in done]
    missing = [key for key, path in paths.items() if path not in done]
    span = missing[0] if len(missing) == 1 else f"{missing[0]}..{missing[-1]}"
    message = (
        f"{table}: {len(written)} of {len(paths)} partitions were written whole; the other "
        f"{len(missing)} ({span}) hold what they held before: {error.cause}. "
        f"Make room or repair the access under {root}, then materialize {span} again."
    )
    return PartialWriteError(message, errno=error.cause.errno, written=written, missing=missing)
