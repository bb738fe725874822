"""Reference data of vendors: lists of symbols, and corporate actions.

Here lives what is read whole and has no sessions. Prices are in files.py, dated series of one
number in series.py.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.sources.base import ACTIONS_SCHEMA, SYMBOLS_SCHEMA, SourceError
from quant_assets.market_data.sources.convert import Place, days, numbers, texts
from quant_assets.market_data.sources.storage import Storage
from quant_assets.market_data.sources.tabular import TableFile, open_table
from quant_assets.settings import SymbolsFile

_EVENT_KEY = ["ex_date", "symbol", "kind"]


def read_symbols(settings: SymbolsFile, timezone: str) -> pa.Table:
    """The symbols of a file, folder or glob: SYMBOLS_SCHEMA, sorted by symbol.

    Columns that the settings do not map are null.

    Raises:
        SourceError: a column is missing, a row has no symbol, a symbol stands twice.
    """
    columns = {"symbol": "symbol"} | {str(k): v for k, v in settings.columns.items()}
    pieces = []
    for table in _tables(settings.path):
        table.require(columns, "source.symbols.columns")
        pieces.append(_read(table, columns, SYMBOLS_SCHEMA, "source.symbols.columns", timezone))
    symbols = pa.concat_tables(pieces).sort_by("symbol")
    counts = pc.value_counts(symbols["symbol"].combine_chunks())
    twice = counts.filter(pc.greater(counts.field("counts"), 1)).field("values").to_pylist()
    if twice:
        raise SourceError(
            f"{settings.path}: {len(twice)} symbols stand twice, the first is {twice[0]!r}; "
            f"keep one row a symbol"
        )
    return symbols


def read_actions(path: str | None, timezone: str) -> pa.Table:
    """The events of a file, folder or glob: ACTIONS_SCHEMA, sorted by ex-date, symbol and kind.

    The columns are named as in ACTIONS_SCHEMA; `ratio`, `cash` and `source` may be absent. An event
    that stands there twice counts once. Different events of one key become one: cash is added up,
    ratios are multiplied.

    Raises:
        SourceError: a column is missing, or a row has no ex-date, symbol or kind.
    """
    if path is None:
        return ACTIONS_SCHEMA.empty_table()
    pieces = []
    for table in _tables(path):
        columns = {name: name for name in ACTIONS_SCHEMA.names if name in table.names}
        table.require({name: name for name in _EVENT_KEY}, "the corporate_actions file")
        read = _read(table, columns, ACTIONS_SCHEMA, "the corporate_actions file", timezone)
        if "source" not in columns:
            name = pa.scalar(table.storage.relative(table.path), pa.string())
            place = ACTIONS_SCHEMA.get_field_index("source")
            read = read.set_column(place, "source", pa.repeat(name, len(read)))
        pieces.append(read)
    return merge_events(pa.concat_tables(pieces))


def merge_events(events: pa.Table) -> pa.Table:
    """Events with one row a key, sorted by it; see `read_actions`."""
    event = [*_EVENT_KEY, "ratio", "cash"]
    # two files may tell of one event: where it was read does not make it another
    different = events.group_by(event, use_threads=False).aggregate([("source", "min")])
    different = different.rename_columns([*event, "source"])
    different = different.sort_by([(name, "ascending") for name in event])
    merged = different.group_by(_EVENT_KEY, use_threads=False).aggregate(
        [
            ("ratio", "product", pc.ScalarAggregateOptions(min_count=1)),
            ("cash", "sum", pc.ScalarAggregateOptions(min_count=1)),
            ("source", "min"),
        ]
    )
    merged = merged.rename_columns([*_EVENT_KEY, "ratio", "cash", "source"])
    return merged.select(ACTIONS_SCHEMA.names).cast(ACTIONS_SCHEMA)


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
