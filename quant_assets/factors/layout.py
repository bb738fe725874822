"""Where the rows of a long table lie among sessions and symbols; columns are spread one by one.

Here stands what `Panel.from_table` does for a whole table at once, for tables so wide that all
columns spread together would not be modest: the places are found once and kept.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import session_dates


@dataclass(frozen=True)
class Layout:
    """The places of a table's rows (date, symbol) in a panel of sessions x symbols.

    Rows of other days and other symbols are left out.
    """

    shape: tuple[int, int]
    inside: np.ndarray
    sessions: np.ndarray
    symbols: np.ndarray

    @classmethod
    def of(cls, table: pa.Table, dates: np.ndarray, symbols: np.ndarray) -> "Layout":
        """Find the rows of `table` among `dates` (datetime64[D]) and `symbols`, both ascending."""
        sessions = places(session_dates(table["date"]), dates)
        encoded = table["symbol"].cast(pa.string()).combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        found = places(encoded.dictionary.to_numpy(zero_copy_only=False), symbols)
        columns = found[codes] if len(codes) else codes
        inside = (sessions >= 0) & (columns >= 0)
        return cls((len(dates), len(symbols)), inside, sessions[inside], columns[inside])

    def spread(self, column: pa.ChunkedArray) -> np.ndarray:
        """A column as float64 (sessions, symbols); NaN where there is no row or nothing finite."""
        values = column.cast(pa.float64()).to_numpy()[self.inside]
        panel = np.full(self.shape, np.nan)
        panel[self.sessions, self.symbols] = np.where(np.isfinite(values), values, np.nan)
        return panel


def symbols_of(table: pa.Table) -> np.ndarray:
    """The symbols of a table, ascending."""
    unique = table["symbol"].cast(pa.string()).unique().to_numpy(zero_copy_only=False)
    ordered: np.ndarray = np.sort(unique.astype(object))
    return ordered


def places(wanted: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """The place of each wanted value among the ordered ones, -1 where it is not there."""
    if not len(ordered):
        return np.full(len(wanted), -1, np.int64)
    found = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return np.where(ordered[found] == wanted, found, -1)
