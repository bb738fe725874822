"""Minute bars of vendor files as raw rows; which of them are fit for use decides minute_bars.py.

Here lives reading: the instant of a bar from what the vendor writes, and which files have rows of a
window. Only files whose rows fall into the window are read whole.
"""

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.calendars import exchange_days, sessions, sessions_between
from quant_assets.market_data.minute_bars import RAW_MINUTES, VALUES
from quant_assets.market_data.panels import date_column
from quant_assets.market_data.sources.convert import Place, numbers, texts
from quant_assets.market_data.sources.storage import SourceFile, Storage
from quant_assets.market_data.sources.tabular import TableFile, open_table
from quant_assets.settings import Market
from quant_assets.settings_sources import MinuteFiles
from quant_assets.warehouse.window import Window

_OPTIONAL = ("exchange", "turnover")
_SETTING = "source.minute_bars.columns"
_UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1000, "ns": 1}


class _Span(NamedTuple):
    """First and last position of a file's rows in the calendar."""

    first: int
    last: int


# A file that has not changed keeps its span: in a folder with a file a day, a day's read then
# opens the files of that day only.
_SPANS: dict[tuple[object, ...], _Span] = {}


def read_minutes(settings: MinuteFiles, market: Market, window: Window) -> pa.Table:
    """All rows that belong to the sessions of a window: RAW_MINUTES, files in order.

    A row dated off the calendar belongs to the next session on or after it.

    Raises:
        SourceError: the input cannot be read as declared, or a row has no time.
    """
    storage = Storage(settings.path)
    calendar = exchange_days(market)
    inside = sessions_between(sessions(market, window.end), window)
    if not len(inside):
        return RAW_MINUTES.empty_table()
    first, last = np.searchsorted(calendar, inside[[0, -1]]).tolist()
    pieces = []
    for file in storage.files(any_suffix=settings.format is not None):
        key = (market.calendar, market.start, settings.model_dump_json(), file)
        span = _SPANS.get(key)
        if span is None or (span.last >= first and span.first <= last):
            piece, _SPANS[key] = _read(storage, file, settings, market, first, last)
            pieces.append(piece)
    return pa.concat_tables(pieces or [RAW_MINUTES.empty_table()]).unify_dictionaries()


def _read(
    storage: Storage,
    file: SourceFile,
    settings: MinuteFiles,
    market: Market,
    first: int,
    last: int,
) -> tuple[pa.Table, _Span]:
    """(rows of the sessions from position `first` to `last`, the file's span)."""
    table = open_table(storage, file.path, settings.format)
    columns = {name: name for name in ("symbol", "timestamp", *VALUES)}
    columns |= {str(ours): theirs for ours, theirs in settings.columns.items()}
    for name in _OPTIONAL:
        if name not in settings.columns and columns.get(name) not in table.names:
            columns.pop(name, None)
    table.require(columns, _SETTING)
    ends = _ends(table, columns["timestamp"], settings, market.timezone)
    local = _local_days(ends, market.timezone)
    positions = np.searchsorted(exchange_days(market), local, "left")
    span = _Span(int(positions.min()), int(positions.max())) if len(positions) else _Span(-1, -1)
    rows = np.flatnonzero((positions >= first) & (positions <= last))
    taken = table.take(list(columns.values()), rows)

    def column(name: str) -> tuple[pa.ChunkedArray, Place]:
        place = Place(table.path, columns[name], f"{_SETTING}.{name}", rows + 1)
        return taken.column(columns[name]), place

    given = {
        name: pa.array(numbers(*column(name)), from_pandas=True)
        if name in columns
        else pa.nulls(len(rows), pa.float64())
        for name in VALUES
    }
    exchange = texts(*column("exchange")) if "exchange" in columns else pa.nulls(len(rows))
    data = {
        "session": date_column(exchange_days(market)[positions[rows]]),
        "date": date_column(local[rows]),
        "symbol": texts(*column("symbol")),
        "exchange": exchange.cast(pa.string()),
        "timestamp": pa.array(ends[rows], pa.timestamp("ns")).cast(pa.timestamp("ns", "UTC")),
        **given,
        "file": pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(len(rows), np.int32)),
            pa.array([storage.relative(table.path)], pa.string()),
        ),
        "row": pa.array(rows + 1, pa.int64()),
    }
    return pa.table(data, schema=RAW_MINUTES), span


def _ends(table: TableFile, name: str, settings: MinuteFiles, timezone: str) -> np.ndarray:
    """The end of every bar of a file, UTC, `datetime64[ns]`."""
    place = Place(table.path, name, f"{_SETTING}.timestamp")
    column = table.column(name)
    if pa.types.is_timestamp(column.type):
        zoned = column if column.type.tz else pc.assume_timezone(column, timezone)
        counted = zoned.cast(pa.timestamp("ns", "UTC")).cast(pa.int64())
        if counted.null_count:
            place.fail("a time in every row", int(np.argmax(pc.is_null(counted).to_numpy())), None)
        instants: np.ndarray = counted.to_numpy()
    elif settings.timestamp_unit is not None:
        values = numbers(column, place)
        if np.isnan(values).any():
            place.fail("a time in every row", int(np.argmax(np.isnan(values))), None)
        instants = values.astype(np.int64) * _UNITS[settings.timestamp_unit]
    else:
        instants = _from_texts(texts(column, place), place, settings.timestamp_format, timezone)
    begins_late = timedelta(minutes=settings.minutes if settings.stamp == "start" else 0)
    ends: np.ndarray = instants.astype("datetime64[ns]") + np.timedelta64(begins_late)
    return ends


def _from_texts(
    column: pa.ChunkedArray, place: Place, written: str | None, timezone: str
) -> np.ndarray:
    """Local times as nanoseconds since 1970 in UTC; each different text is read once."""
    zone = ZoneInfo(timezone)
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    if encoded.null_count:
        place.fail("a time in every row", int(np.argmax(pc.is_null(column).to_numpy())), None)
    moments = np.empty(len(encoded.dictionary), np.int64)
    for code, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            moment = datetime.strptime(text, written) if written else datetime.fromisoformat(text)
        except ValueError:
            expected = f"times written {written or 'like 2024-01-31 09:31:00'}"
            place.fail(expected, int(pc.index(encoded.indices, code).as_py()), text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        moments[code] = round(moment.timestamp() * 1_000_000) * 1000
    found: np.ndarray = moments[encoded.indices.to_numpy()]
    return found


def _local_days(instants: np.ndarray, timezone: str) -> np.ndarray:
    """The local dates of instants, `datetime64[D]`."""
    column = pa.array(instants, pa.timestamp("ns")).cast(pa.timestamp("ns", "UTC"))
    local = pc.local_timestamp(column.cast(pa.timestamp("ns", timezone)))
    days: np.ndarray = local.to_numpy(zero_copy_only=False).astype("datetime64[D]")
    return days
