"""Lines of a COTAHIST file as typed records, and those that cannot be read with the reason.

Here lives the step from bytes to Arrow for one block of lines. Files, headers and trailers are the
business of cotahist.py; loops over bytes stand in record_kernels.py.
"""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.compiled import warm_up
from quant_assets.market_data.sources.b3 import record_kernels as kernels
from quant_assets.market_data.sources.b3.layout import (
    FIELDS,
    RECORDS_SCHEMA,
    REJECTED_SCHEMA,
    Field,
)
from quant_assets.market_data.sources.b3.lines import Lines
from quant_assets.warehouse.window import Window

_NUMERIC = tuple(field for field in FIELDS if field.kind != "text")
_DATES = tuple(field for field in _NUMERIC if field.kind == "date")
_NUMBERS = tuple(field for field in _NUMERIC if field.kind != "date")
_TEXTS = tuple(field for field in FIELDS if field.kind == "text")
_BY_NAME = {field.name: field for field in FIELDS}
_EVER = Window(date.min, date.max)


@dataclass(frozen=True)
class Block:
    """Some records of a file: the good ones (RECORDS_SCHEMA) and the others (REJECTED_SCHEMA)."""

    table: pa.Table
    rejected: pa.Table


def parse_block(lines: Lines, first_row: int, days: Window | None = None) -> Block:
    """Records from lines.

    Args:
        lines: one a record.
        first_row: number of the first of them in its file.
        days: which days the records may have; any by default.
    """
    warm_up()
    span = days or _EVER
    count = len(lines)
    starts, stops = lines.starts.astype(np.int64), lines.stops.astype(np.int64)
    dates = np.empty((len(_DATES), count), np.int32)
    numbers = np.empty((len(_NUMBERS), count), np.int64)
    fault = np.empty(count, np.int32)
    first, last = (int(np.datetime64(day, "D").astype(int)) for day in (span.start, span.end))
    numeric, texts = _tables()
    kernels.parse_records(
        lines.data, starts, stops, first, last, numeric, texts, dates, numbers, fault
    )
    good = fault == kernels.GOOD
    bad = np.flatnonzero(~good)
    if len(bad):
        starts, dates, numbers = starts[good], dates[:, good], numbers[:, good]
    rows = first_row + np.arange(count)
    columns = {
        **{field.name: _date(field, dates[i]) for i, field in enumerate(_DATES)},
        **_numbers(numbers),
        **{field.name: _text(field, lines.data, starts) for field in _TEXTS},
        "row": pa.array(rows[good]),
    }
    return Block(
        pa.table([columns[name] for name in RECORDS_SCHEMA.names], schema=RECORDS_SCHEMA),
        _rejected(lines, bad, rows, fault, span),
    )


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """The layout as the kernel takes it: of numeric fields, and of texts."""
    numeric = []
    for field in _NUMERIC:
        group, kind = (_DATES, kernels.DATE) if field in _DATES else (_NUMBERS, kernels.COUNT)
        kind = kernels.FACTOR if field.name == "quotation_factor" else kind
        optional = field.optional
        numeric.append((field.start, field.length, kind, int(optional), group.index(field)))
    texts = [(field.start, field.length, int(field.optional)) for field in _TEXTS]
    return np.array(numeric, np.int64), np.array(texts, np.int64)


def _date(field: Field, days: np.ndarray) -> pa.Array:
    absent = days == kernels.NO_DAY if field.optional else None
    return pa.Array.from_buffers(
        pa.date32(), len(days), [_validity(absent), pa.py_buffer(np.ascontiguousarray(days))]
    )


def _validity(absent: np.ndarray | None) -> pa.Buffer | None:
    if absent is None or not absent.any():
        return None
    return pa.py_buffer(np.packbits(~absent, bitorder="little"))


def _numbers(numbers: np.ndarray) -> dict[str, pa.Array]:
    """Counts as they are; prices and amounts with their decimals, prices for one share."""
    place = {field.name: i for i, field in enumerate(_NUMBERS)}
    factor = numbers[place["quotation_factor"]].astype(np.float64)
    columns = {}
    for field, values in zip(_NUMBERS, numbers, strict=True):
        absent = values == kernels.MISSING if field.optional else None
        mask = absent if absent is not None and absent.any() else None
        if field.kind == "count":
            columns[field.name] = pa.array(values.astype(field.type.to_pandas_dtype()), mask=mask)
            continue
        # one division, so that the result is the float64 nearest to the decimal number
        unit = 10.0**field.decimals * (factor if field.kind == "price" else 1.0)
        columns[field.name] = pa.array(values / unit, mask=mask)
    return columns


def _text(field: Field, data: np.ndarray, starts: np.ndarray) -> pa.Array:
    """A dictionary of the different texts without the blanks that fill them up."""
    codes = np.empty(len(starts), np.int32)
    firsts = np.empty(len(starts), np.int64)
    slots = np.full(1 << (2 * len(starts) + 1).bit_length(), -1, np.int32)
    count = kernels.encode_texts(data, starts, field.start, field.length, slots, firsts, codes)
    places = starts[firsts[:count]] + field.start
    different = _strings(data[places[:, None] + np.arange(field.length)])
    blank = pc.index(different, "").as_py()
    absent = None if blank < 0 else codes == blank
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=absent), different)


def _strings(characters: np.ndarray) -> pa.Array:
    """Rows of latin-1 characters as strings, blanks at their ends left out."""
    count, length = characters.shape
    if (characters >= 128).any():
        texts = [row.tobytes().decode("latin-1").rstrip(" ") for row in characters]
        return pa.array(texts, pa.string())
    offsets = np.arange(0, (count + 1) * length, length, dtype=np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(characters))]
    return pc.ascii_rtrim(pa.StringArray.from_buffers(count, *buffers[1:]), " ")


def _rejected(
    lines: Lines, bad: np.ndarray, rows: np.ndarray, fault: np.ndarray, span: Window
) -> pa.Table:
    found = []
    for line in bad.tolist():
        text = lines.text(line).decode("latin-1")
        field, reason = _reason(text, int(fault[line]), span)
        day = _readable_day(text)
        found.append(
            {
                "row": int(rows[line]),
                "date": day if day is not None and span.contains(day) else None,
                "ticker": _part(text, _BY_NAME["ticker"]).strip() or None,
                "field": field,
                "reason": reason,
                "text": text,
            }
        )
    return pa.Table.from_pylist(found, schema=REJECTED_SCHEMA)


def _reason(text: str, fault: int, span: Window) -> tuple[str, str]:
    """(field at fault, what is wrong with it in words)."""
    if fault == kernels.BAD_LENGTH:
        length = kernels.RECORD_LENGTH
        return "record", f"a record must have {length} characters. Got {len(text)} instead"
    if fault == kernels.NO_QUOTE:
        return "TIPREG", f"TIPREG (1-2) must be '01'. Got {text[:2]!r} instead"
    if fault == kernels.BAD_DAY:
        got = _part(text, _DATES[0])
        return "DATA", f"DATA (3-10) must lie in the file's period {span}. Got {got!r} instead"
    field = (_NUMERIC + _TEXTS)[fault]
    got = _part(text, field)
    return (
        field.code,
        f"{field.code} ({field.first}-{field.last}) must be {field.allowed}. Got {got!r} instead",
    )


def _part(text: str, field: Field) -> str:
    return text[field.start : field.start + field.length]


def _readable_day(text: str) -> date | None:
    try:
        return datetime.strptime(_part(text, _DATES[0]), "%Y%m%d").date()
    except ValueError:
        return None
