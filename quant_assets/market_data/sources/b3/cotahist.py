"""COTAHIST files read whole or in blocks: quotes typed, header and trailer checked.

Here lives what makes a file: one header, records, one trailer whose count must agree. Lines are cut
in lines.py, records parsed in records.py, positions declared in layout.py. What a market makes of
the records is the business of source.py.
"""

from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.sources.b3.layout import (
    HEADER,
    RECORDS_SCHEMA,
    REJECTED_SCHEMA,
    TRAILER,
    TRAILER_COUNT,
)
from quant_assets.market_data.sources.b3.lines import BLOCK_BYTES, Lines, read_lines
from quant_assets.market_data.sources.b3.records import Block, parse_block
from quant_assets.market_data.sources.base import SourceError
from quant_assets.warehouse.window import Window

_NAME = b"COTAHIST."


class CutFileError(SourceError):
    """A file that does not hold what its trailer says; `counted` and `declared` tell both."""

    def __init__(self, path: Path, counted: int, declared: int | None) -> None:
        self.counted, self.declared = counted, declared
        says = "it has no trailer" if declared is None else f"its trailer says {declared:,}"
        super().__init__(
            f"{path}: the file is not whole: {counted:,} records were read (header and trailer "
            f"included), but {says}. Deliver or download it again"
        )


@dataclass
class Tally:
    """What has been read of a file.

    Attributes:
        records: quotes that could be read.
        rejected: lines that could not.
        counted: all lines, header and trailer included.
        declared: what the trailer says they are; None without a trailer.
    """

    records: int = 0
    rejected: int = 0
    counted: int = 0
    declared: int | None = None

    @property
    def whole(self) -> bool:
        """Whether the trailer's count is that of the lines read."""
        return self.declared == self.counted


@dataclass(frozen=True)
class Quotes:
    """A file read whole: quotes (RECORDS_SCHEMA), rejected lines (REJECTED_SCHEMA), the tally."""

    table: pa.Table
    rejected: pa.Table
    tally: Tally


class Cotahist:
    """One COTAHIST file of a year, month or day: a ZIP with one text, or the text itself.

    Args:
        path: the file.
        days: which days its records may have; a record of another day is rejected.
        thread_no: how many threads parse, beside the calling one that reads; 1 does all in it.
        block_bytes: how much is read at a time.
    """

    def __init__(
        self,
        path: Path | str,
        days: Window | None = None,
        thread_no: int = 1,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.path = Path(path)
        self.tally = Tally()
        self._days = days
        self._thread_no = thread_no
        self._block_bytes = block_bytes

    def blocks(self) -> Iterator[Block]:
        """The records in the order of the file, a block at a time; `tally` is whole after the last.

        Raises:
            SourceError: the file cannot be read, or is none of this kind.
        """
        self.tally = Tally()
        for block in self._parsed():
            self.tally.records += block.table.num_rows
            self.tally.rejected += block.rejected.num_rows
            yield block

    def require_whole(self) -> None:
        """CutFileError with both counts unless the trailer's count is that of the lines read."""
        if not self.tally.whole:
            raise CutFileError(self.path, self.tally.counted, self.tally.declared)

    def _parsed(self) -> Iterator[Block]:
        if self._thread_no < 2:
            for lines, row in self._quotes():
                yield parse_block(lines, row, self._days)
            return
        # This thread reads and inflates, the others parse; both leave the interpreter's lock free.
        # Few blocks wait, so that memory does not grow with the file.
        workers = self._thread_no
        waiting: deque[Future[Block]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            for lines, row in self._quotes():
                waiting.append(pool.submit(parse_block, lines, row, self._days))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _quotes(self) -> Iterator[tuple[Lines, int]]:
        """Lines between header and trailer, with the number of the first of them."""
        held: Lines | None = None
        for lines in read_lines(self.path, self._block_bytes):
            if held is None:
                self._take_header(lines)
            elif len(held):
                yield self._numbered(held)
            held = lines
        if held is None:
            raise SourceError(f"{self.path}: the file is empty; deliver or download it again")
        self.tally.declared = _trailer_count(held)
        if self.tally.declared is not None:
            held.keep(0, len(held) - 1)
        if len(held):
            yield self._numbered(held)
        self.tally.counted += self.tally.declared is not None

    def _numbered(self, lines: Lines) -> tuple[Lines, int]:
        row = self.tally.counted  # the header is counted, so that records begin with 1
        self.tally.counted += len(lines)
        return lines, row

    def _take_header(self, lines: Lines) -> None:
        text = lines.text(0)
        if not text.startswith(HEADER + _NAME):
            got = text[:31].decode("latin-1")
            raise SourceError(
                f"{self.path}: is no COTAHIST file: the first line must begin with '00COTAHIST.'. "
                f"Got {got!r} instead; deliver the file as the exchange publishes it"
            )
        lines.keep(1, len(lines))
        self.tally.counted = 1


def read_cotahist(
    path: Path | str,
    market_types: Collection[int] | None = None,
    classes: Collection[str] | None = None,
    days: Window | None = None,
    thread_no: int = 1,
) -> Quotes:
    """A file read whole; whether it is whole stands in the tally, and nothing is raised for it.

    Args:
        path: a ZIP or TXT of a year, month or day.
        market_types: only quotes of these (layout.MARKET_TYPES); all by default.
        classes: only quotes of these bulletin classes (layout.BULLETIN_CLASSES); all by default.
        days: which days the records may have; a record of another day is rejected.
        thread_no: how many threads parse; see Cotahist.

    Raises:
        SourceError: the file cannot be read, or is none of this kind.
    """
    file = Cotahist(path, days, thread_no)
    tables, rejected = [RECORDS_SCHEMA.empty_table()], [REJECTED_SCHEMA.empty_table()]
    for block in file.blocks():
        tables.append(select(block.table, market_types, classes))
        rejected.append(block.rejected)
    return Quotes(
        pa.concat_tables(tables).unify_dictionaries(), pa.concat_tables(rejected), file.tally
    )


def select(
    table: pa.Table, market_types: Collection[int] | None, classes: Collection[str] | None
) -> pa.Table:
    """The quotes of some market types and bulletin classes; None selects all."""
    if market_types is not None:
        wanted = pa.array(sorted(market_types), pa.int16())
        table = table.filter(pc.is_in(table["market_type"], value_set=wanted))
    if classes is not None:
        names = pa.array(sorted(classes), pa.string())
        table = table.filter(pc.is_in(table["bulletin_class"].cast(pa.string()), value_set=names))
    return table


def _trailer_count(lines: Lines) -> int | None:
    """The count of all records in the last line; None where that is no trailer with a count."""
    text = lines.text(len(lines) - 1) if len(lines) else b""
    count = text[TRAILER_COUNT]
    complete = text.startswith(TRAILER + _NAME) and len(count) == 11 and count.isdigit()
    return int(count) if complete else None
