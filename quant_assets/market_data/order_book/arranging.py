"""The order of a symbol's rows within a day, what tells them apart, and which repeat another.

Belongs here: how each of the three contents is sorted and numbered. Not here: where the rows come
from (readers/) and go to (the warehouse).
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from quant_assets.market_data.order_book.readers.base import Content
from quant_assets.market_data.order_book.rejections import CONFLICT, DUPLICATE

# Columns that tell where a row comes from; they go with it until it is stored.
FILE = "_file"
ROW = "_row"


class Arranged(NamedTuple):
    """Rows in their order, and those that are left out.

    Attributes:
        table: the rows that stay.
        left_out: the others.
        reasons: why, one for each of `left_out`.
    """

    table: pa.Table
    left_out: pa.Table
    reasons: list[str]


def arrange(content: Content, table: pa.Table) -> Arranged:
    """Some symbols' rows, ordered by symbol and otherwise as they came, in their final order.

    Events are ordered by timestamp and sequence. Of several with the same the first stays: the
    others repeat it, or contradict it. Snapshots and queues are ordered by timestamp and get the
    column `sequence`, their number among those of one instant: exchanges do send two of a second.
    """
    if content == "events":
        return _without_repeated(_sorted(table, ["timestamp", "sequence"]))
    keys = ["timestamp"] if content == "snapshots" else ["timestamp", "side"]
    table = _sorted(table, keys)
    begins = _begins(table, ["symbol", *keys])
    each = table["position"].to_numpy() == 1 if content == "queues" else np.ones(len(begins), bool)
    numbers = pa.array(_numbered(begins, each), pa.int64())
    return Arranged(table.append_column("sequence", numbers), table.slice(0, 0), [])


def _without_repeated(table: pa.Table) -> Arranged:
    repeated = ~_begins(table, ["symbol", "timestamp", "sequence"])
    if not repeated.any():
        return Arranged(table, table.slice(0, 0), [])
    same = ~_begins(table, [name for name in table.column_names if name not in (FILE, ROW)])
    reasons = [DUPLICATE if same[row] else CONFLICT for row in np.flatnonzero(repeated)]
    stays, left_out = (table.filter(pa.array(rows)) for rows in (~repeated, repeated))
    return Arranged(stays, left_out, reasons)


def _sorted(table: pa.Table, keys: list[str]) -> pa.Table:
    """The table by symbol and keys, stable; symbols are in order already."""
    columns = [_numbers(table, name) for name in keys]
    groups = np.cumsum(_begins(table, ["symbol"]))
    order = np.lexsort([*reversed(columns), groups])
    if bool((order[1:] > order[:-1]).all()):
        return table
    return table.take(pa.array(order))


def _begins(table: pa.Table, columns: list[str]) -> np.ndarray:
    """Where a row differs from the one before it in some column, bool, shape (rows,)."""
    begins = np.zeros(table.num_rows, bool)
    begins[:1] = True
    for name in columns:
        values = _numbers(table, name)
        differs = values[1:] != values[:-1]
        if values.dtype.kind == "f":
            differs &= ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
        begins[1:] |= differs
    return begins


def _numbered(begins: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """How many rows are `counted` since the last of `begins`, from 0, int64."""
    total = np.cumsum(counted)
    at_begin = np.maximum.accumulate(np.where(begins, total, 0)) if len(total) else total
    numbered: np.ndarray = (total - at_begin).astype(np.int64)
    return numbered


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    """A column as numbers that are equal where the values are."""
    column = table[name].combine_chunks() if table[name].num_chunks != 1 else table[name].chunk(0)
    if pa.types.is_string(column.type):
        column = column.dictionary_encode().indices
    elif pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    numbers: np.ndarray = column.to_numpy(zero_copy_only=False)
    return numbers
