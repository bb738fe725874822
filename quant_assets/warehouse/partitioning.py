"""From windows to partition keys and folders, and from frames to the rows of each partition.

Belongs here: the names of partitions and the rules of what a replaced window covers; pure values,
no files. Not here: calendars; the sessions of a window are told by the caller.
"""

import re
from collections.abc import Callable, Collection, Iterable
from datetime import date
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.warehouse.errors import SchemaError
from quant_assets.warehouse.storage import PART
from quant_assets.warehouse.table_schema import TableSchema
from quant_assets.warehouse.validation import one_array, sort_by_key
from quant_assets.warehouse.window import Window

# What a key may look like; keys are folder names, on S3 as well.
_KEYS = {
    "date": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "month": re.compile(r"\d{4}-(0[1-9]|1[0-2])"),
    "strategy": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*"),
    "batch": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*"),
}


def relative_path(schema: TableSchema, folder: str, key: str) -> str:
    """The part file of a partition, relative to the root; `folder` is `market/asset`."""
    return f"{folder}/{schema.partition_by}={key}/{PART}" if key else f"{folder}/{PART}"


def key_of(schema: TableSchema, name: str) -> str:
    """The partition key of a folder name: `2020-01-02` of `date=2020-01-02`, "" of ""."""
    return name.removeprefix(f"{schema.partition_by}=") if schema.partition_by else ""


def selector(schema: TableSchema, table: str, window: object) -> Callable[[str], bool]:
    """A predicate of folder names: whether a partition belongs to the window (None: to all)."""
    wanted = key_selector(schema, table, window)
    if schema.partition_by is None:
        return wanted
    prefix, pattern = f"{schema.partition_by}=", _KEYS[schema.partition_by]

    def select(name: str) -> bool:
        key = name.removeprefix(prefix)
        return name.startswith(prefix) and bool(pattern.fullmatch(key)) and wanted(key)

    return select


def key_selector(schema: TableSchema, table: str, window: object) -> Callable[[str], bool]:
    """A predicate of partition keys: whether a partition belongs to the window (None: to all)."""
    if schema.partition_by is None:
        if window is not None and not isinstance(window, Window):
            raise TypeError(f"{table} is not partitioned: it has no keys such as {window!r}")
        return lambda key: key == ""
    return _key_predicate(schema, table, window)


def row_filter(schema: TableSchema, table: str, window: object) -> pc.Expression | None:
    """The filter of rows for a Window on a table that is not partitioned by time, else None."""
    if not isinstance(window, Window) or schema.partition_by in ("date", "month"):
        return None
    if "date" not in schema.names:
        raise TypeError(f"{table} has no column 'date' for the window {window} to select by")
    return (pc.field("date") >= window.start) & (pc.field("date") <= window.end)


def slices(schema: TableSchema, frame: pa.Table) -> dict[str, pa.Table]:
    """The frame's rows by partition key, in key order within each; sorted input is not copied."""
    frame = sort_by_key(schema, frame)
    if schema.partition_by is None:
        return {"": frame}
    runs = pc.run_end_encode(one_array(frame.column(schema.partition_by)))
    keys = [str(value) for value in runs.values.to_pylist()]
    bounds = pairwise([0, *runs.run_ends.to_pylist()])
    return {key: frame.slice(a, b - a) for key, (a, b) in zip(keys, bounds, strict=True)}


def keys_to_write(
    schema: TableSchema,
    table: str,
    window: object,
    dates: Iterable[date] | None,
    rows: dict[str, pa.Table],
    present: Collection[str],
) -> list[str]:
    """Keys of the partitions that a replace of the window writes, sorted.

    `present` are the keys of the window's partitions that are there already.
    Raises SchemaError when a row lies outside the window or on a day that is none of `dates`.
    """
    allowed = _allowed_keys(schema, table, window, dates, rows, present)
    stray = sorted(key for key in rows if key not in allowed and rows[key].num_rows)
    if stray:
        of = schema.partition_by
        or_so = "" if dates is None else " or on no session of it"
        count = sum(rows[key].num_rows for key in stray)
        where = f"outside the window {_in_words(window)}{or_so}"
        message = f"{table}: {count} rows {where}; first is {of} {stray[0]}"
        raise SchemaError(message, table=table, column=of, key={str(of): stray[0]}, rows=count)
    return sorted(allowed)


def _allowed_keys(
    schema: TableSchema,
    table: str,
    window: object,
    dates: Iterable[date] | None,
    rows: dict[str, pa.Table],
    present: Collection[str],
) -> set[str]:
    if dates is not None and schema.partition_by != "date":
        raise TypeError(f"{table} is not partitioned by date: it takes no dates")
    if schema.partition_by is None:
        if window is not None:
            raise TypeError(f"{table} is not partitioned: replace it whole, with window None")
        return {""}
    if schema.partition_by == "date":
        if not isinstance(window, Window):
            raise TypeError(
                f"{table} is partitioned by date: window must be a Window, not {window!r}"
            )
        if dates is not None:
            return _session_keys(table, window, dates)
        within = _key_predicate(schema, table, window)
        return {*present, *(key for key in rows if within(key))}
    if window is None or isinstance(window, Window):
        by = schema.partition_by
        raise TypeError(f"{table} is partitioned by {by}: window must be its keys, not {window!r}")
    return set(_given_keys(schema, table, window))


def _session_keys(table: str, window: Window, dates: Iterable[date]) -> set[str]:
    keys = set()
    for day in dates:
        if type(day) is not date:
            raise TypeError(f"{table}: dates must be plain datetime.date values, got {day!r}")
        if not window.contains(day):
            raise ValueError(f"{table}: session {day} is outside the window {window}")
        keys.add(day.isoformat())
    return keys


def _key_predicate(schema: TableSchema, table: str, window: object) -> Callable[[str], bool]:
    by = schema.partition_by
    if window is None or (isinstance(window, Window) and by not in ("date", "month")):
        return lambda key: True
    if isinstance(window, Window):
        # ISO dates and months order as text; a month belongs to the window that touches it.
        length = 10 if by == "date" else 7
        start, end = window.start.isoformat()[:length], window.end.isoformat()[:length]
        return lambda key: start <= key <= end
    return frozenset(_given_keys(schema, table, window)).__contains__


def _given_keys(schema: TableSchema, table: str, window: object) -> list[str]:
    by = str(schema.partition_by)
    if isinstance(window, str) or not isinstance(window, Collection):
        raise TypeError(f"{table}: window must be a Window or a collection of keys, not {window!r}")
    for key in window:
        if not isinstance(key, str) or not _KEYS[by].fullmatch(key):
            raise ValueError(f"{table}: {key!r} is no key of a partition by {by}")
    return list(window)


def _in_words(window: object) -> str:
    if isinstance(window, Collection) and not isinstance(window, str):
        return ", ".join(map(str, window))
    return str(window)
