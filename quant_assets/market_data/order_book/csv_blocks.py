"""Delimited text files in blocks of typed rows; what cannot be read is rejected row by row.

Belongs here: cutting a stream of bytes into blocks of whole lines, and typing their columns. Not
here: what columns mean (readers/), where files lie and how they are packed (files.py).

A block is typed in one pass; only one with a fault in it is read again as texts to find the rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from quant_assets.market_data.order_book.rejections import (
    UNREADABLE,
    WRONG_COLUMNS,
    Judgement,
    rejected_rows,
)
from quant_assets.market_data.sources.base import SourceError
from quant_assets.settings_files import near_name

BLOCK_BYTES = 16 << 20
_HEADER_BYTES = 1 << 16

TEXT = pa.string()
# A text of which few different ones stand in a file.
CODE = pa.dictionary(pa.int32(), pa.string())
WHOLE = pa.int64()
NUMBER = pa.float64()
TIME = pa.time64("ns")  # hours:minutes:seconds, with or without a fraction


@dataclass(frozen=True)
class Block:
    """Some rows of a file that could be read.

    Attributes:
        columns: the wanted columns in their types, null where the field is empty.
        rows: the number of each row among the data rows of the file, from 1, shape (rows,).
        text: the bytes of the block.
        first: the number of the block's first line.
        rejected: rows that could not be read (REJECTED).
        quarrel: unreadable fields, not yet in `rejected`: rows of other symbols are not judged.
    """

    columns: pa.Table
    rows: np.ndarray
    text: bytes
    first: int
    rejected: pa.Table
    quarrel: Sequence[tuple[str, np.ndarray]]

    def judgement(self) -> Judgement:
        """A fresh judgement, with the fields that could not be read held against their rows."""
        judgement = Judgement(len(self.rows))
        for field, wrong in self.quarrel:
            judgement.reject(wrong, field, UNREADABLE)
        return judgement

    def record(self, position: int) -> str:
        """The text of the row at a position of the block."""
        return self._lines[int(self.rows[position]) - self.first].decode("utf-8", "replace").strip()

    @cached_property
    def _lines(self) -> list[bytes]:
        return self.text.split(b"\n")


def read_blocks(
    stream: IO[bytes],
    file: str,
    columns: Mapping[str, pa.DataType],
    header: Sequence[str] | None = None,
) -> Iterator[Block]:
    """The rows of a comma-separated file, block by block.

    Args:
        stream: the file's bytes, unpacked.
        file: its name, for messages.
        columns: the wanted columns and their types.
        header: the names of all columns of a file without a header line.

    Raises:
        SourceError: the file lacks a column, or is empty although it should begin with a header.
    """
    rest = b""
    if header is None:
        line, rest = _first_line(stream)
        header = [name.strip('"') for name in line.decode("utf-8-sig", "replace").split(",")]
        _require(file, header, columns)
    first = 1
    for text in _whole_lines(stream, rest):
        block = _parse(text, file, first, header, columns)
        first += text.count(b"\n") + (not text.endswith(b"\n"))
        yield block


def _first_line(stream: IO[bytes]) -> tuple[bytes, bytes]:
    start = stream.read(_HEADER_BYTES)
    line, _, rest = start.partition(b"\n")
    return line.rstrip(b"\r"), rest


def _require(file: str, header: Sequence[str], columns: Mapping[str, pa.DataType]) -> None:
    for name in columns:
        if name not in header:
            raise SourceError(
                f"{file}: there is no column {name!r}{near_name(name, header)}; the file has "
                f"{', '.join(header)[:500]}. Set the format that it is written in"
            )


def _whole_lines(stream: IO[bytes], rest: bytes) -> Iterator[bytes]:
    """The stream in pieces that end with a line; the last may lack its end."""
    while more := stream.read(BLOCK_BYTES):
        text = rest + more
        end = text.rfind(b"\n") + 1
        rest = text[end:]
        if end:
            yield text[:end]
    if rest:
        yield rest


def _parse(
    text: bytes,
    file: str,
    first: int,
    header: Sequence[str],
    columns: Mapping[str, pa.DataType],
) -> Block:
    broken: list[tuple[int, str]] = []

    def keep_apart(row: pacsv.InvalidRow) -> str:
        broken.append((row.number, row.text))
        return "skip"

    def read(types: Mapping[str, pa.DataType]) -> pa.Table:
        broken.clear()
        return pacsv.read_csv(
            pa.py_buffer(text),
            # One thread: only then does Arrow tell which row it is that has too many fields.
            read_options=pacsv.ReadOptions(
                column_names=list(header), use_threads=False, block_size=max(len(text), 1)
            ),
            parse_options=pacsv.ParseOptions(
                invalid_row_handler=keep_apart, ignore_empty_lines=False
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict(types),
                include_columns=list(columns),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )

    quarrel: list[tuple[str, np.ndarray]] = []
    try:
        table = read(columns)
    except pa.ArrowInvalid:
        try:
            texts = read(dict.fromkeys(columns, TEXT))
        except pa.ArrowInvalid as error:
            raise SourceError(
                f"{file}: from row {first} on it is no text in UTF-8; deliver it in UTF-8. The "
                f"reader says: {error}"
            ) from error
        table, quarrel = _typed(texts, columns)
    # Arrow counts the rows of a block from 1 when there is no header in it.
    skipped = np.array([number for number, _ in broken], np.int64) - 1
    rows = np.delete(np.arange(table.num_rows + len(skipped)), skipped) + first
    rejected = rejected_rows(
        file,
        skipped + first,
        [""] * len(skipped),
        [WRONG_COLUMNS] * len(skipped),
        [line for _, line in broken],
    )
    return Block(table, rows, text, first, rejected, quarrel)


def _typed(
    texts: pa.Table, columns: Mapping[str, pa.DataType]
) -> tuple[pa.Table, list[tuple[str, np.ndarray]]]:
    """The columns in their types, and for each with unreadable fields, which rows have them."""
    arrays, quarrel = [], []
    for name, kind in columns.items():
        values = texts.column(name).combine_chunks()
        values = pc.if_else(pc.equal(values, ""), pa.scalar(None, TEXT), values)
        array, wrong = _cast(values, kind)
        arrays.append(array)
        if wrong.any():
            quarrel.append((name, wrong))
    return pa.table(arrays, names=list(columns)), quarrel


def _cast(texts: pa.Array, kind: pa.DataType) -> tuple[pa.Array, np.ndarray]:
    """The texts in a type, null where that cannot be, and where that is."""
    wrong = np.zeros(len(texts), bool)
    try:
        return _cast_all(texts, kind), wrong
    except pa.ArrowInvalid:
        if len(texts) == 1:
            return pa.nulls(1, kind), ~wrong
    half = len(texts) // 2
    parts = [_cast(texts[:half], kind), _cast(texts[half:], kind)]
    return pa.concat_arrays([array for array, _ in parts]), np.concatenate([w for _, w in parts])


def _cast_all(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    if kind != TIME:
        return texts.dictionary_encode() if kind == CODE else texts.cast(kind)
    # Arrow casts texts to timestamps and not to times of day.
    stamped = pc.binary_join_element_wise("1970-01-01T", texts, "")
    return stamped.cast(pa.timestamp("ns")).cast(pa.int64()).cast(TIME)
