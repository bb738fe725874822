"""Alignment of long tables: the rows of the universe's members, and other tables brought onto them.

Belongs here: keys of (day, symbol) and the search for them. Not here: what the columns mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.panels import session_dates
from quant_assets.models.errors import DataSetError
from quant_assets.warehouse.window import Window


@dataclass(frozen=True)
class Members:
    """Who is in the universe on which day: rows ordered by day and symbol, each pair once.

    Attributes:
        dates: `datetime64[D]`, shape (rows,).
        codes: int64, the place of each row's symbol in `names`, shape (rows,).
        names: all symbols of the universe, ascending.
    """

    dates: np.ndarray
    codes: np.ndarray
    names: np.ndarray

    @property
    def symbols(self) -> np.ndarray:
        """The symbol of each row, shape (rows,)."""
        picked: np.ndarray = self.names[self.codes]
        return picked

    def keep(self, rows: np.ndarray) -> "Members":
        """The rows of a boolean mask."""
        return Members(self.dates[rows], self.codes[rows], self.names)

    def find(self, table: pa.Table, what: str, date: str = "date") -> np.ndarray:
        """The row of `table` that belongs to each member row, -1 where there is none.

        Raises:
            DataSetError: two rows of the table have one key; `what` names the table.
        """
        codes = _codes(table["symbol"], self.names)
        keys = _keys(session_dates(table[date]), codes, len(self.names))
        known = np.flatnonzero(codes >= 0)
        keys = keys[known]
        if (keys[1:] <= keys[:-1]).any():
            order = np.argsort(keys, kind="stable")
            keys, known = keys[order], known[order]
            _refuse_duplicates(keys, self.names, what)
        wanted = _keys(self.dates, self.codes, len(self.names))
        if not len(keys):
            return np.full(len(wanted), -1, np.int64)
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[place] == wanted, known[place], -1)


def members(universe: pa.Table, window: Window) -> Members:
    """The members (`member` true) of the days of a window.

    Raises:
        DataSetError: a column is missing, or a (date, symbol) occurs twice.
    """
    require_columns(universe, ("date", "symbol", "member"), "the universe")
    rows = within(universe, window).select(["date", "symbol", "member"])
    rows = rows.filter(pc.fill_null(rows["member"], False))
    names = np.sort(pc.unique(rows["symbol"]).to_numpy(zero_copy_only=False).astype(object))
    dates, codes = session_dates(rows["date"]), _codes(rows["symbol"], names)
    keys = _keys(dates, codes, len(names))
    if (keys[1:] <= keys[:-1]).any():
        order = np.argsort(keys, kind="stable")
        _refuse_duplicates(keys[order], names, "the universe")
        dates, codes = dates[order], codes[order]
    return Members(dates, codes, names)


def within(table: pa.Table, window: Window, date: str = "date") -> pa.Table:
    """The rows of the days of a window."""
    days = session_dates(table[date])
    inside = (days >= np.datetime64(window.start, "D")) & (days <= np.datetime64(window.end, "D"))
    if inside.all():
        return table
    first, last = int(np.argmax(inside)), len(inside) - int(np.argmax(inside[::-1]))
    # Tables come ordered by date, so that the window is mostly one slice, which copies nothing.
    part = inside[first:last]
    return table.slice(first, len(part)) if part.all() else table.filter(pa.array(inside))


def column(table: pa.Table, name: str, rows: np.ndarray) -> np.ndarray:
    """A float column at rows of `Members.find`, float64; missing and row -1 give NaN."""
    values = table[name].cast(pa.float64()).to_numpy()
    if not len(values):
        return np.full(len(rows), np.nan)
    return np.where(rows >= 0, values[rows], np.nan)


def require_columns(table: pa.Table, names: Sequence[str], what: str) -> None:
    """Raise DataSetError unless the table has the columns."""
    absent = [name for name in names if name not in table.column_names]
    if absent:
        shown = ", ".join(table.column_names[:40])
        raise DataSetError(f"{what} must have the columns {absent}; there are {shown}")


def _codes(symbols: pa.ChunkedArray, names: np.ndarray) -> np.ndarray:
    """The place of each symbol in the ascending names, -1 where it is not among them."""
    encoded = symbols.cast(pa.string()).combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    if not len(encoded) or not len(names):
        return np.full(len(encoded), -1, np.int64)
    found = encoded.dictionary.to_numpy(zero_copy_only=False)
    place = np.minimum(np.searchsorted(names, found), len(names) - 1)
    place = np.where(names[place] == found, place, -1)
    codes: np.ndarray = place[encoded.indices.to_numpy(zero_copy_only=False)]
    return codes


def _keys(dates: np.ndarray, codes: np.ndarray, count: int) -> np.ndarray:
    keys: np.ndarray = dates.astype(np.int64) * max(count, 1) + codes
    return keys


def _refuse_duplicates(keys: np.ndarray, names: np.ndarray, what: str) -> None:
    """Raise DataSetError if two of the ascending keys are equal."""
    twice = np.flatnonzero(keys[1:] == keys[:-1])
    if len(twice):
        day, code = divmod(int(keys[twice[0]]), max(len(names), 1))
        raise DataSetError(
            f"{what} has {len(twice)} rows whose date and symbol occur before: "
            f"the first is {names[code]!r} on {np.datetime64(day, 'D')}"
        )
