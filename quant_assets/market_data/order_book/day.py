"""One day of Level-2 data: from the files of the settings to the sorted rows of its tables.

Belongs here: which files a day has, and that no row of them is lost on the way. Not here: formats
(readers/), the order of rows (arranging.py, sorting.py), the warehouse.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from quant_assets.market_data.order_book.arranging import FILE, ROW, arrange
from quant_assets.market_data.order_book.day_report import Report
from quant_assets.market_data.order_book.files import DayFile, files_of
from quant_assets.market_data.order_book.readers.base import Content, Piece, Request
from quant_assets.market_data.order_book.readers.registry import content_of, open_reader
from quant_assets.market_data.order_book.rejections import rejected_rows
from quant_assets.market_data.order_book.sorting import SymbolSort
from quant_assets.market_data.sources.base import SourceError
from quant_assets.settings_sources import OrderBookFiles, OrderBookSource
from quant_assets.warehouse.schemas import schema_of

TABLES: dict[Content, str] = {
    "snapshots": "order_book",
    "events": "order_events",
    "queues": "order_queue",
}


def contents(source: OrderBookSource) -> list[Content]:
    """What the files of the settings tell of, in the order of TABLES."""
    offered = {content_of(files.format) for files in source.files}
    return [content for content in TABLES if content in offered]


def require_files(source: OrderBookSource, days: list[date]) -> None:
    """Make sure that there is a file of any of the days.

    A day without files among others has no rows, and the report says so.

    Raises:
        SourceError: no file of any day is there.
    """
    for day in days:
        if any(files_of(files.path, day, files.date_format) for files in source.files):
            return
    paths = ", ".join(files.path for files in source.files)
    raise SourceError(
        f"order_book.files: of {days[0]} to {days[-1]} no file is there under {paths}; deliver the "
        "files, or correct path and date_format"
    )


def read_day(
    source: OrderBookSource, timezone: str, day: date, content: Content, report: Report
) -> pa.RecordBatchReader:
    """The day's rows in the form of their table, ordered by its key; memory stays bounded.

    While they are read they lie in temporary files (TMPDIR), at most twice the size of the day.

    Args:
        source: the settings.
        timezone: the exchange's.
        day: the local date.
        content: which of the tables.
        report: takes the counts and the rejected rows, as the rows pass.

    Raises:
        SourceError: a file cannot be read as declared.
    """
    schema = schema_of(TABLES[content]).arrow
    batches = _Day(source, timezone, day, content, report).batches(schema)
    return pa.RecordBatchReader.from_batches(schema, batches)


@dataclass
class _Day:
    """The reading of one content of one day; `_files` are those read, with their formats."""

    source: OrderBookSource
    timezone: str
    day: date
    content: Content
    report: Report
    _files: list[tuple[str, str]] = field(default_factory=list)

    def batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The sorted rows."""
        with tempfile.TemporaryDirectory(prefix="order_book-") as folder:
            sort = SymbolSort(Path(folder), self._arranged)
            for files, file in self._present():
                self._spill(sort, files, file)
            for table in sort.tables():
                self.report.keep(table)
                day = pa.repeat(pa.scalar(self.day), table.num_rows)
                yield from (
                    table.append_column("date", day).select(schema.names).cast(schema).to_batches()
                )

    def _present(self) -> list[tuple[OrderBookFiles, DayFile]]:
        found = [
            (files, file)
            for files in self.source.files
            if content_of(files.format) == self.content
            for file in files_of(files.path, self.day, files.date_format)
        ]
        self.report.files += [file.name for _, file in found]
        if not found:
            self.report.days_without_files.append(self.day)
        return found

    def _spill(self, sort: SymbolSort, files: OrderBookFiles, file: DayFile) -> None:
        wanted = frozenset(self.source.symbols) if self.source.symbols else None
        request = Request(self.day, self.timezone, wanted, files.symbol)
        for piece in open_reader(files.format).read(file, request):
            self.report.others += piece.others
            self.report.empty += piece.empty
            self.report.reject(self.day, files.format, piece.rejected)
            if piece.table.num_rows:
                sort.add(_with_origin(piece, len(self._files)))
        self._files.append((files.format, file.name))

    def _arranged(self, table: pa.Table) -> pa.Table:
        found = arrange(self.content, table)
        numbers = found.left_out[FILE].to_numpy()
        for number in np.unique(numbers).tolist():
            at = np.flatnonzero(numbers == number)
            rows = found.left_out.take(pa.array(at))
            records = [str(row) for row in rows.drop_columns([FILE, ROW]).to_pylist()]
            format_name, name = self._files[number]
            rejected = rejected_rows(
                name,
                rows[ROW].to_numpy(),
                [""] * len(at),
                [found.reasons[position] for position in at],
                records,
            )
            self.report.reject(self.day, format_name, rejected)
        return found.table.drop_columns([FILE, ROW])


def _with_origin(piece: Piece, file: int) -> pa.Table:
    """The piece's rows with the number of their file and their row in it."""
    files = pa.repeat(pa.scalar(file, pa.int32()), piece.table.num_rows)
    return piece.table.append_column(FILE, files).append_column(ROW, pa.array(piece.rows))
