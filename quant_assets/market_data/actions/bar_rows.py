"""Bars as traded, symbol by symbol, with the gap that each opens with.

Here lives the layout that detection and reconciliation look at; what a gap means is their business.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import session_dates

COLUMNS = ("date", "symbol", "open", "high", "low", "close", "volume", "turnover")
LEAST_SYMBOLS = 20  # fewer do not make a market


@dataclass(frozen=True)
class BarRows:
    """Bars by symbol, then date; arrays of shape (rows,) unless it is said.

    Attributes:
        names: symbols, ascending, shape (symbols,).
        symbol: positions in `names`.
        day: `datetime64[D]`.
        first: the first row of each row's symbol.
        stop: the row after the last one of each row's symbol.
        values: the numeric columns.
        gap: log of open / close before; NaN in a symbol's first row.
        market: the median gap of the session; 0 where fewer than LEAST_SYMBOLS have one.
    """

    names: np.ndarray
    symbol: np.ndarray
    day: np.ndarray
    first: np.ndarray
    stop: np.ndarray
    values: dict[str, np.ndarray]
    gap: np.ndarray
    market: np.ndarray

    @classmethod
    def of(cls, bars: pa.Table) -> "BarRows":
        """The columns COLUMNS of bars in any order, one a symbol and day, prices above zero."""
        encoded = bars["symbol"].cast(pa.string()).combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        different = np.array(encoded.dictionary.to_pylist(), dtype=object)
        names = np.sort(different)
        symbol = np.searchsorted(names, different)[encoded.indices.to_numpy()]
        day = session_dates(bars["date"])
        order = np.lexsort((day, symbol))
        symbol, day = symbol[order], day[order]
        values = {name: bars[name].to_numpy()[order] for name in COLUMNS[2:]}
        begins = np.diff(symbol, prepend=-1) != 0
        firsts = np.flatnonzero(begins)
        own = np.cumsum(begins) - 1
        gap = np.full(len(day), np.nan)
        gap[1:] = np.log(values["open"][1:] / values["close"][:-1])
        gap[firsts] = np.nan
        stops = np.append(firsts[1:], len(day))
        return cls(names, symbol, day, firsts[own], stops[own], values, gap, _market_gaps(day, gap))

    def rows_of(self, symbol: str) -> slice:
        """The rows of a symbol, none if it has no bars."""
        place = int(np.searchsorted(self.names, symbol))
        if place == len(self.names) or self.names[place] != symbol:
            return slice(0, 0)
        start, stop = np.searchsorted(self.symbol, [place, place + 1])
        return slice(int(start), int(stop))


def _market_gaps(day: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """For each row the median gap of its session."""
    market = np.zeros(len(day))
    order = np.argsort(day, kind="stable")
    order = order[~np.isnan(gap[order])]
    days, starts, counts = np.unique(day[order], return_index=True, return_counts=True)
    enough = counts >= LEAST_SYMBOLS
    days, starts, counts = days[enough], starts[enough], counts[enough]
    if not len(days):
        return market
    medians = [np.median(gap[order[s : s + n]]) for s, n in zip(starts, counts, strict=True)]
    place = np.minimum(np.searchsorted(days, day), len(days) - 1)
    return np.where(days[place] == day, np.array(medians)[place], 0.0)
