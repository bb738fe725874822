"""What callers hand to a store: the checks of names, columns and symbols that every store makes.

Belongs here: checks of arguments before anything is read or written, and their messages. Not here:
windows and keys (partitioning.py), the rows of a frame (validation.py).
"""

from collections.abc import Collection
from difflib import get_close_matches
from typing import TYPE_CHECKING

import pyarrow as pa

from quant_assets.warehouse.errors import UnknownColumnError
from quant_assets.warehouse.schemas import schema_of, split_table
from quant_assets.warehouse.table_schema import TableSchema
from quant_assets.warehouse.window import Window

if TYPE_CHECKING:
    import pandas as pd

Keys = Window | Collection[str] | None


def declared(table: str) -> TableSchema:
    """The schema of a full name such as `us/bars`; UnknownTableError for any other."""
    split_table(table)
    return schema_of(table)


def stored_names(schema: TableSchema, frame: "pa.Table | pd.DataFrame") -> list[str]:
    """Column names of the frame as they are stored: those declared, then a wide table's further."""
    names = frame.column_names if isinstance(frame, pa.Table) else [str(n) for n in frame.columns]
    return [*schema.names, *(name for name in names if name not in schema.names)]


def check_symbols(schema: TableSchema, table: str, symbols: Collection[str]) -> None:
    """Raises UnknownColumnError or TypeError where the table's rows cannot be chosen by them."""
    if "symbol" not in schema.names:
        raise UnknownColumnError(f"{table} has no column 'symbol' to filter by")
    if isinstance(symbols, str):
        raise TypeError(f"symbols must be a collection of tickers, got the string {symbols!r}")


def check_columns(table: str, names: Collection[str], available: Collection[str]) -> None:
    """Raises UnknownColumnError with near names for a column that the table does not have."""
    for name in names:
        if name not in available:
            near = get_close_matches(name, available, n=3)
            hint = f"did you mean {', '.join(near)}?" if near else f"it has {', '.join(available)}"
            raise UnknownColumnError(f"{table} has no column {name!r}; {hint}")
