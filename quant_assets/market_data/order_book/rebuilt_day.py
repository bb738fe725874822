"""One day of books rebuilt from its orders and trades: rows of `order_book` that no vendor made.

Belongs here: the day's events symbol by symbol, each symbol's book in the form of the table, and
the account of what was wrong with books. Not here: the replay (book.py), the files (day.py).

The day's files are read once more, besides the reading that stores `order_events`: nothing else
keeps both memory and disk bounded over any number of days. Of a day, the events of one symbol and
its rows are in memory at a time.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.order_book.book import rebuild
from quant_assets.market_data.order_book.day import TABLES, read_day
from quant_assets.market_data.order_book.day_report import Report
from quant_assets.market_data.order_book.events import EVENTS
from quant_assets.market_data.order_book.report import BookReport
from quant_assets.market_data.order_book.rules import RULES, BookRules
from quant_assets.market_data.order_book.sampling import BookError, Every
from quant_assets.settings_sources import OrderBookSource, RebuiltBooks
from quant_assets.warehouse.schemas import schema_of

_SHOWN = 20
_ROWS = 1 << 16  # rows that are handed over at once, if symbols have few
_SECOND = 10**9


@dataclass
class Soundness:
    """What was wrong with the books of some days.

    Attributes:
        books: books that were rebuilt, one a symbol and day.
        events: events that they were rebuilt from.
        unsound: books with a fault.
        missing: symbols and days of which no book could be rebuilt.
        faults: events of each kind of fault (report.FAULTS).
        examples: the first of all this, for people.
    """

    books: int = 0
    events: int = 0
    unsound: int = 0
    missing: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every book is there and without a fault."""
        return not self.unsound and not self.missing

    def add(self, day: date, book: BookReport) -> None:
        """Count a book that was rebuilt."""
        self.books += 1
        self.events += book.events
        self.unsound += not book.clean
        for fault in book.faults:
            self.faults[fault.what] += fault.count
            first = pa.scalar(fault.timestamp, pa.timestamp("ns")).cast(pa.string()).as_py()
            self._show(
                f"{book.symbol} on {day}: {fault.what}, {fault.count:,} of {book.events:,} events; "
                f"the first is sequence {fault.sequence} at {first} UTC"
            )

    def miss(self, day: date, error: BookError) -> None:
        """Count a symbol that has no book."""
        self.missing += 1
        self._show(f"no book on {day}: {error}")

    def facts(self) -> dict[str, Any]:
        """The counts by name, for the metadata of a run."""
        return {
            "books_rebuilt": self.books,
            "events_replayed": self.events,
            "books_with_faults": self.unsound,
            "symbols_without_book": self.missing,
            "book_faults": dict(self.faults),
        }

    def _show(self, example: str) -> None:
        if len(self.examples) < _SHOWN:
            self.examples.append(example)


def rebuild_day(
    source: OrderBookSource,
    books: RebuiltBooks,
    timezone: str,
    day: date,
    report: Report,
    soundness: Soundness,
) -> pa.RecordBatchReader:
    """The day's books in the form of the table `order_book`, ordered by its key.

    A symbol of which no book can be rebuilt has no rows, and is told of in `soundness`.

    Args:
        source: the settings.
        books: how books are rebuilt.
        timezone: the market's.
        day: the local date.
        report: takes the counts of rows and files.
        soundness: takes the faults of the books, as they pass.

    Raises:
        SourceError: a file cannot be read as declared.
    """
    schema = schema_of(TABLES["snapshots"]).arrow
    return pa.RecordBatchReader.from_batches(
        schema, _packed(_rows(source, books, timezone, day, report, soundness), schema)
    )


def _rows(
    source: OrderBookSource,
    books: RebuiltBooks,
    timezone: str,
    day: date,
    report: Report,
    soundness: Soundness,
) -> Iterator[pa.Table]:
    rules, when = _rules(books), Every(round(books.every_seconds * _SECOND))
    read = Report()  # its rejected rows are those that the events' own reading keeps
    for events in _by_symbol(read_day(source, timezone, day, "events", read)):
        try:
            found = rebuild(events.select(EVENTS.names).cast(EVENTS), rules, when)
        except BookError as error:
            soundness.miss(day, error)
            continue
        for book in found.reports:
            soundness.add(day, book)
        report.keep(found.snapshots)
        # an instant of the grid comes once a symbol
        numbers = pa.repeat(pa.scalar(0, pa.int64()), len(found.snapshots))
        days = pa.repeat(pa.scalar(day), len(found.snapshots))
        yield found.snapshots.append_column("sequence", numbers).append_column("date", days)
    report.files += read.files
    report.days_without_files += read.days_without_files


def _rules(books: RebuiltBooks) -> BookRules:
    rules = RULES[books.rules]
    if books.ticks_per_unit is None:
        return rules
    return replace(rules, ticks_per_unit=books.ticks_per_unit)


def _by_symbol(events: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The events of each symbol; they come ordered by symbol."""
    waiting: list[pa.RecordBatch] = []
    for batch in events:
        runs = pc.run_end_encode(batch["symbol"])
        for start, end in pairwise([0, *runs.run_ends.to_pylist()]):
            if waiting and waiting[0]["symbol"][0] != batch["symbol"][start]:
                yield pa.Table.from_batches(waiting)
                waiting = []
            waiting.append(batch.slice(start, end - start))
    if waiting:
        yield pa.Table.from_batches(waiting)


def _packed(tables: Iterator[pa.Table], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows in the declared form, those of many small tables together."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table.select(schema.names).cast(schema))
        if sum(map(len, waiting)) >= _ROWS:
            yield from pa.concat_tables(waiting).combine_chunks().to_batches(_ROWS)
            waiting = []
    if waiting:
        yield from pa.concat_tables(waiting).combine_chunks().to_batches(_ROWS)
