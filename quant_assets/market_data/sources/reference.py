"""Reference data of vendors: lists of symbols, and corporate actions.

Here lives what is read whole and has no sessions. Prices are in files.py, dated series of one
number in series.py.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.actions.events import (
    ACTIONS_SCHEMA,
    KEY,
    KINDS,
    event_table,
    unknown_kinds,
)
from quant_assets.market_data.sources.base import SYMBOLS_SCHEMA, SourceError
from quant_assets.market_data.sources.convert import Place, days, numbers, texts
from quant_assets.market_data.sources.storage import Storage
from quant_assets.market_data.sources.tabular import TableFile, open_table
from quant_assets.settings_files import near_name
from quant_assets.settings_sources import SymbolsFile

_EVENTS = "the corporate_actions file"
_EVENT_SCHEMA = ACTIONS_SCHEMA.remove(ACTIONS_SCHEMA.get_field_index("number"))
_EVENT_COLUMNS = _EVENT_SCHEMA.names


def read_symbols(settings: SymbolsFile, timezone: str) -> pa.Table:
    """The symbols of a file, folder or glob: SYMBOLS_SCHEMA, sorted by symbol.

    Columns that the settings do not map are null. A row that says the same as another counts once:
    lists of members of several indices name a symbol again.

    Raises:
        SourceError: a column is missing, a row has no symbol, rows of a symbol disagree.
    """
    columns = {"symbol": "symbol"} | {str(k): v for k, v in settings.columns.items()}
    pieces = []
    for table in _tables(settings.path):
        table.require(columns, "source.symbols.columns")
        pieces.append(_read(table, columns, SYMBOLS_SCHEMA, "source.symbols.columns", timezone))
    every = pa.concat_tables(pieces)
    different = every.group_by(every.column_names, use_threads=False).aggregate([])
    symbols = different.sort_by("symbol")
    counts = pc.value_counts(symbols["symbol"].combine_chunks())
    twice = counts.filter(pc.greater(counts.field("counts"), 1)).field("values").to_pylist()
    if twice:
        raise SourceError(
            f"{settings.path}: {len(twice)} symbols stand twice and their rows disagree, the first "
            f"is {twice[0]!r}; keep one row a symbol"
        )
    return symbols


def read_actions(path: str | None, timezone: str) -> pa.Table:
    """The events of a file, folder or glob: ACTIONS_SCHEMA, sorted by ex-date, symbol and kind.

    The columns are named as in the schema `corporate_actions`; ex_date, symbol and kind must be
    there. An event that stands there twice counts once; different ones of one day, symbol and kind
    are numbered.

    Raises:
        SourceError: a column is missing, a row has no ex-date, symbol or kind, or a kind that
            there is not.
    """
    if path is None:
        return ACTIONS_SCHEMA.empty_table()
    pieces = []
    for table in _tables(path):
        columns = {name: name for name in _EVENT_COLUMNS if name in table.names}
        table.require({name: name for name in KEY}, _EVENTS)
        read = _read(table, columns, _EVENT_SCHEMA, _EVENTS, timezone)
        if "source" not in columns:
            name = pa.scalar(table.storage.relative(table.path), pa.string())
            place = _EVENT_SCHEMA.get_field_index("source")
            read = read.set_column(place, "source", pa.repeat(name, len(read)))
        _known_kinds(table, read["kind"])
        pieces.append(read)
    return event_table(pa.concat_tables(pieces))


def _known_kinds(table: TableFile, kinds: pa.ChunkedArray) -> None:
    unknown = unknown_kinds(kinds).to_numpy()
    if unknown.any():
        row = int(np.argmax(unknown))
        got = kinds[row].as_py()
        place = Place(table.path, "kind", f"{_EVENTS}.kind")
        place.fail(f"one of {', '.join(KINDS)}{near_name(got, KINDS)}", row, got)


def _tables(path: str) -> Sequence[TableFile]:
    storage = Storage(path)
    return [open_table(storage, file.path) for file in storage.files(any_suffix=False)]


def _read(
    table: TableFile, columns: dict[str, str], schema: pa.Schema, setting: str, timezone: str
) -> pa.Table:
    """Some columns of a file in a schema; required ones may not be empty anywhere."""
    arrays: list[pa.Array | None] = []
    for field in schema:
        if field.name not in columns:
            arrays.append(None)
            continue
        place = Place(table.path, columns[field.name], f"{setting}.{field.name}")
        column = table.column(columns[field.name])
        if pa.types.is_date(field.type):
            read = pa.array(days(column, place, None, timezone), from_pandas=True)
        elif pa.types.is_floating(field.type):
            read = pa.array(numbers(column, place), from_pandas=True)
        else:
            read = texts(column, place)
        if not field.nullable and read.null_count:
            place.fail("a value in every row", _first_null(read), None)
        arrays.append(read)
    rows = max((len(array) for array in arrays if array is not None), default=0)
    whole = [
        pa.nulls(rows, field.type) if array is None else array
        for field, array in zip(schema, arrays, strict=True)
    ]
    nullable = pa.schema([field.with_nullable(True) for field in schema])
    return pa.table(whole, schema=nullable)


def _first_null(column: pa.Array | pa.ChunkedArray) -> int:
    return int(np.argmax(pc.is_null(column).to_numpy(zero_copy_only=False)))
