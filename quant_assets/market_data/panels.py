"""Panels: the days x symbols arrays that every numeric part of the platform computes on.

Here live only the panel itself and the way between it and the long tables of the warehouse. What
is computed on a panel belongs to the package that computes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.warehouse.window import Window

FloatArray = np.ndarray[Any, np.dtype[np.float64]]


def session_dates(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """The dates of a `date32` column as `datetime64[D]`, shape (rows,)."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    days = column.cast(pa.date32()).cast(pa.int32()).to_numpy(zero_copy_only=False)
    dates: np.ndarray = days.astype("datetime64[D]")
    return dates


def date_column(dates: np.ndarray) -> pa.Array:
    """The `date32` column of `datetime64[D]` dates."""
    return pa.array(dates.astype("datetime64[D]").astype(np.int32), pa.int32()).cast(pa.date32())


@dataclass(frozen=True)
class Panel:
    """Fields of one market over sessions and symbols.

    Attributes:
        dates: `datetime64[D]`, ascending and unique, shape (T,).
        symbols: strings, ascending and unique, shape (N,).
        fields: name -> float64 array of shape (T, N), C order; NaN is missing, never 0.
    """

    dates: np.ndarray
    symbols: np.ndarray
    fields: Mapping[str, FloatArray]

    def __post_init__(self) -> None:
        shape = (len(self.dates), len(self.symbols))
        for name, values in self.fields.items():
            if values.shape != shape:
                raise ValueError(
                    f"field {name!r} of a panel must have the shape {shape} (sessions, symbols). "
                    f"Got {values.shape} instead."
                )

    def __getitem__(self, field: str) -> FloatArray:
        try:
            return self.fields[field]
        except KeyError:
            raise KeyError(
                f"this panel has no field {field!r}; it has {', '.join(sorted(self.fields))}"
            ) from None

    @property
    def shape(self) -> tuple[int, int]:
        """(sessions, symbols)."""
        return len(self.dates), len(self.symbols)

    @classmethod
    def from_table(
        cls,
        table: pa.Table,
        fields: Sequence[str],
        dates: np.ndarray | None = None,
        symbols: np.ndarray | None = None,
    ) -> "Panel":
        """Spread a long table (columns `date`, `symbol` and the fields) over sessions and symbols.

        Args:
            table: one row a (date, symbol); booleans and integers become float64, nulls NaN.
            fields: the columns to spread.
            dates: the sessions of the panel, ascending; by default those of the table. Rows of
                other days are left out.
            symbols: the symbols of the panel, ascending; by default those of the table. Rows of
                other symbols are left out.
        """
        row_dates = session_dates(table["date"])
        encoded = table["symbol"].cast(pa.string()).combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        names = encoded.dictionary.to_numpy(zero_copy_only=False)
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        if dates is None:
            dates = np.unique(row_dates)
        if symbols is None:
            symbols = np.sort(names)
        place = _positions(symbols, names)
        columns = place[codes] if len(codes) else codes
        rows = _positions(dates, row_dates)
        inside = (rows >= 0) & (columns >= 0)
        everything = bool(inside.all())
        if not everything:
            rows, columns = rows[inside], columns[inside]
        spread = {}
        for field in fields:
            values = table[field].cast(pa.float64()).to_numpy()
            panel = np.full((len(dates), len(symbols)), np.nan)
            panel[rows, columns] = values if everything else values[inside]
            spread[field] = panel
        return cls(dates, symbols, spread)

    def within(self, window: Window) -> "Panel":
        """The sessions of the window only; the arrays are views."""
        first, last = np.datetime64(window.start, "D"), np.datetime64(window.end, "D")
        start = int(np.searchsorted(self.dates, first, "left"))
        stop = int(np.searchsorted(self.dates, last, "right"))
        return Panel(
            self.dates[start:stop],
            self.symbols,
            {name: values[start:stop] for name, values in self.fields.items()},
        )

    def to_table(self, present: np.ndarray | None = None) -> pa.Table:
        """The long table of the panel, sorted by date and symbol; NaN becomes null.

        Args:
            present: boolean (T, N), the pairs that get a row; by default those with any value.
        """
        if present is None:
            present = np.zeros(self.shape, bool)
            for values in self.fields.values():
                present |= ~np.isnan(values)
        rows, columns = np.nonzero(present)
        symbols = pa.array(self.symbols.astype(object), pa.string())
        data = {
            "date": date_column(self.dates[rows]),
            "symbol": pc.take(symbols, pa.array(columns)),
        }
        for name, values in self.fields.items():
            data[name] = pa.array(values[rows, columns], pa.float64(), from_pandas=True)
        return pa.table(data)


def _positions(ordered: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The place of each wanted value in the ordered ones, -1 where absent; shape of `wanted`."""
    if not len(ordered):
        return np.full(len(wanted), -1, np.int64)
    found = np.searchsorted(ordered, wanted)
    found[found == len(ordered)] = 0
    return np.where(ordered[found] == wanted, found, -1)
