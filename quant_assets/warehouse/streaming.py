"""The rows of one day that come batch by batch, checked as they pass.

Belongs here: what `replace` asks of a frame, asked of a stream: one day, the declared form, the
order of the key, no key twice, no row of another day. Not here: where the rows go (storage.py,
clickhouse_writing.py).
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.warehouse import partitioning
from quant_assets.warehouse.errors import SchemaError
from quant_assets.warehouse.table_schema import TableSchema
from quant_assets.warehouse.validation import sort_by_key


def key_of_day(
    schema: TableSchema, table: str, window: object, dates: Iterable[date] | None
) -> str:
    """The key of the one partition that a stream is for.

    Raises:
        TypeError: `dates` are not one day.
    """
    keys = partitioning.keys_to_write(schema, table, window, list(dates or []), {}, ())
    if len(keys) != 1:
        raise TypeError(f"{table}: rows are streamed into one day, `dates` has {len(keys)}")
    return keys[0]


@contextmanager
def spooled(rows: "StreamedRows", schema: pa.Schema) -> Iterator[pa.Table]:
    """All rows of a stream as a table that lies in a temporary file (TMPDIR), not in memory.

    So every row is checked before the first is sent anywhere, and can be sent again.
    """
    with tempfile.TemporaryDirectory(prefix="streamed-rows-") as folder:
        path = str(Path(folder) / "rows.arrow")
        with pa.ipc.new_file(path, schema) as writer:
            for table in rows:
                writer.write_table(table)
        with pa.memory_map(path) as source:
            yield pa.ipc.open_file(source).read_all()


class StreamedRows:
    """The batches of a reader as checked tables; iterated once.

    `count` is the number of rows that have passed.
    """

    def __init__(
        self, schema: TableSchema, table: str, day: str, reader: pa.RecordBatchReader
    ) -> None:
        self.count = 0
        self._schema = schema
        self._table = table
        self._day = day
        self._reader = reader
        self._last: tuple[Any, ...] | None = None

    def __iter__(self) -> Iterator[pa.Table]:
        for batch in self._reader:
            if batch.num_rows:
                rows = self._schema.validate(pa.Table.from_batches([batch]), table=self._table)
                rows = sort_by_key(self._schema, rows)
                self._check_day(rows)
                self._check_order(rows)
                self.count += rows.num_rows
                yield rows

    def _check_day(self, rows: pa.Table) -> None:
        extremes = pc.min_max(rows["date"]).as_py()
        if {str(day) for day in extremes.values()} != {self._day}:
            message = f"{self._table}: rows from {extremes['min']} to {extremes['max']}"
            raise SchemaError(
                f"{message} are streamed into {self._day}; stream a day into its own partition",
                table=self._table,
                column="date",
            )

    def _check_order(self, rows: pa.Table) -> None:
        if not self._schema.key:
            return
        keys = rows.select(list(self._schema.key))
        first, last = (keys.slice(row, 1).to_pylist()[0] for row in (0, rows.num_rows - 1))
        if self._last is not None and tuple(first.values()) <= self._last:
            key = {name: str(value) for name, value in first.items()}
            raise SchemaError(
                f"{self._table}: streamed rows must ascend by ({', '.join(self._schema.key)}), "
                f"each key once; a batch begins with {key} after {tuple(map(str, self._last))}",
                table=self._table,
                key=dict(key),
            )
        self._last = tuple(last.values())
