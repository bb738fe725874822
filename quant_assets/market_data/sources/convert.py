"""Columns of vendor files as numbers, days and texts, with errors that name row and value.

Here lives the conversion of one column, whatever type the file stores it in. Which columns there
are, and which rows are wanted, is the business of tabular.py and files.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.sources.base import SourceError

# What vendors write into text files where they have no value.
_NO_VALUE = pa.array(["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "-", "."])


@dataclass(frozen=True)
class Place:
    """Where a column comes from, for messages.

    Attributes:
        file: path of the file.
        column: the vendor's name of the column.
        setting: the setting that names it.
        rows: 1-based numbers of the data rows the column's values stand in, shape (rows,); by
            default they are all the rows of the file.
    """

    file: str
    column: str
    setting: str
    rows: np.ndarray | None = None

    def fail(self, expected: str, position: int, value: object) -> NoReturn:
        """Raise the SourceError for one value."""
        row = position + 1 if self.rows is None else int(self.rows[position])
        raise SourceError(
            f"{self.file}: column {self.column!r} must hold {expected}. Got {value!r} in data row "
            f"{row} instead; correct the file, or map another column in {self.setting}"
        )


def numbers(column: pa.ChunkedArray, place: Place) -> np.ndarray:
    """The column as float64, NaN where missing, shape (rows,)."""
    column = _decoded(column)
    kind = column.type
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if _is_text(kind):
        return _numbers_from_texts(column, place)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        place.fail(f"numbers; the file stores {kind}", 0, _first(column))
    values: np.ndarray = column.cast(pa.float64(), safe=False).to_numpy()
    return values


def days(
    column: pa.ChunkedArray, place: Place, date_format: str | None, timezone: str
) -> np.ndarray:
    """The column as `datetime64[D]`, NaT where missing, shape (rows,).

    Args:
        column: dates, timestamps (with a zone they are taken in the market's), texts, or integers
            such as 20240131 with a format.
        place: for messages.
        date_format: strptime format of texts and integers; ISO 8601 if None.
        timezone: the market's.
    """
    column = _decoded(column)
    kind = column.type
    missing = np.datetime64("NaT", "D")
    if pa.types.is_null(kind):
        return np.full(len(column), missing)
    if pa.types.is_integer(kind) and date_format is not None:
        column, kind = column.cast(pa.string()), pa.string()
    if _is_text(kind):
        return _days_from_texts(column, place, date_format, timezone)
    if pa.types.is_timestamp(kind):
        if kind.tz is not None:
            column = pc.local_timestamp(column.cast(pa.timestamp(kind.unit, timezone)))
        column = column.cast(pa.date32(), safe=False)  # the time of day is left out
    elif not pa.types.is_date(kind):
        hint = "; set date_format" if pa.types.is_integer(kind) else ""
        place.fail(f"dates; the file stores {kind}{hint}", 0, _first(column))
    numbers_of_days = column.cast(pa.date32()).cast(pa.int32())
    found: np.ndarray = pc.fill_null(numbers_of_days, 0).to_numpy().astype("datetime64[D]")
    if numbers_of_days.null_count:
        found[pc.is_null(numbers_of_days).to_numpy()] = missing
    return found


def texts(column: pa.ChunkedArray, place: Place) -> pa.ChunkedArray:
    """The column as strings without blanks around, null where missing or empty."""
    column = _decoded(column)
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_null(kind) or pa.types.is_large_string(kind):
        column = column.cast(pa.string())
    elif not _is_text(kind):
        place.fail(f"texts; the file stores {kind}", 0, _first(column))
    encoded = column.cast(pa.string()).dictionary_encode()
    chunks = []
    for chunk in encoded.chunks:
        trimmed = pc.utf8_trim_whitespace(chunk.dictionary)
        known = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
        chunks.append(known.take(chunk.indices))
    return pa.chunked_array(chunks, pa.string())


def _numbers_from_texts(column: pa.ChunkedArray, place: Place) -> np.ndarray:
    trimmed = pc.utf8_trim_whitespace(column.cast(pa.string()))
    known = pc.if_else(
        pc.is_in(trimmed, value_set=_NO_VALUE), pa.scalar(None, pa.string()), trimmed
    )
    try:
        values: np.ndarray = known.cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        values = np.empty(len(known))
        for position, text in enumerate(known.to_pylist()):
            values[position] = np.nan if text is None else _number(text, position, place)
    return values


def _number(text: str, position: int, place: Place) -> float:
    try:
        return float(text)
    except ValueError:
        place.fail("numbers", position, text)


def _days_from_texts(
    column: pa.ChunkedArray, place: Place, date_format: str | None, timezone: str
) -> np.ndarray:
    """Each different text is read once: the dates of a file repeat."""
    encoded = column.cast(pa.string()).combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    read = _day_reader(date_format, timezone)
    different = pc.utf8_trim_whitespace(encoded.dictionary)
    empty = pc.is_in(different, value_set=_NO_VALUE).to_numpy(zero_copy_only=False)
    values = np.full(len(different) + 1, np.datetime64("NaT", "D"))
    for code, text in enumerate(different.to_pylist()):
        if empty[code]:
            continue
        try:
            values[code] = read(text)
        except ValueError:
            position = int(pc.index(encoded.indices, code).as_py())
            expected = f"dates written {date_format or 'like 2024-01-31 (or set date_format)'}"
            place.fail(expected, position, text)
    codes = pc.fill_null(encoded.indices, len(different)).to_numpy()
    found: np.ndarray = values[codes]
    return found


def _day_reader(date_format: str | None, timezone: str) -> Callable[[str], np.datetime64]:
    zone = ZoneInfo(timezone)

    def read(text: str) -> np.datetime64:
        # Python's own parser: Arrow's makes 1 March of 30 February
        if date_format is None:
            moment = datetime.fromisoformat(text)
        else:
            moment = datetime.strptime(text, date_format)
        if moment.tzinfo is not None:
            moment = moment.astimezone(zone)
        return np.datetime64(moment.date(), "D")

    return read


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    return column


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _first(column: pa.ChunkedArray) -> object:
    return column[0].as_py() if len(column) else None
