"""The tables that an evaluation reads, as the arrays that it computes on.

Here stands the way from rows of adjusted_bars, universe and factor libraries to a Market and to the
places of a factor's values. What is computed from them belongs to daily.py and sectors.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.factors.evaluation.market import Market
from quant_assets.factors.evaluation.scoring import Scores, score
from quant_assets.factors.joining import KEY
from quant_assets.factors.layout import Layout, symbols_of
from quant_assets.warehouse.window import Window

_AT_ONCE = 8  # factors a thread: their columns are in memory as arrays, the market's data in reach


@dataclass(frozen=True)
class Inputs:
    """A window of a market with the sessions before it that its evaluation needs.

    dates: sessions; sector_names: of the market's codes.
    """

    dates: np.ndarray
    symbols: np.ndarray
    sector_names: list[str]
    market: Market

    @classmethod
    def of(
        cls,
        adjusted: pa.Table,
        universe: pa.Table,
        sessions: np.ndarray,
        window: Window,
        horizons: Sequence[int],
        lookback: int,
        by_sector: bool,
        thread_no: int,
    ) -> "Inputs":
        """Spread the tables over the sessions of the window and `lookback` before it.

        universe: sector and average_turnover may be absent; then nobody has a sector or a size.
        """
        days = np.asarray(sessions, "datetime64[D]")
        begin = int(np.searchsorted(days, np.datetime64(window.start, "D")))
        stop = int(np.searchsorted(days, np.datetime64(window.end, "D"), "right"))
        start = max(begin - lookback, 0)
        dates, symbols = days[start:stop], symbols_of(universe)
        layout = Layout.of(universe, dates, symbols)
        names, sectors = (
            _sectors(universe, layout) if "sector" in universe.column_names else ([], None)
        )
        size = None
        if "average_turnover" in universe.column_names:
            turnover = layout.spread(universe["average_turnover"])
            size = np.log(turnover, out=np.full(turnover.shape, np.nan), where=turnover > 0)
        market = Market.from_closes(
            Layout.of(adjusted, dates, symbols).spread(adjusted["close"]),
            horizons,
            layout.spread(universe["member"]) == 1.0,
            sectors,
            size,
            begin - start,
            by_sector,
            thread_no,
        )
        return cls(dates, symbols, names, market)

    def scores(
        self,
        factors: pa.Table,
        quantiles: int,
        daily: bool,
        by_sector: bool,
        thread_no: int,
    ) -> Iterator[tuple[str, Scores]]:
        """The name and the scores of each factor column, by name."""
        rows = self._rows(factors)
        names = factor_names(factors)
        together = _AT_ONCE * max(1, thread_no)
        for start in range(0, len(names), together):
            some = names[start : start + together]
            values = [factors[name].cast(pa.float64()).to_numpy() for name in some]
            scores = score(self.market, values, quantiles, rows, daily, by_sector, thread_no)
            yield from zip(some, scores, strict=True)

    def _rows(self, factors: pa.Table) -> np.ndarray:
        """The row of each member in the table of factors, packed; -1 for none."""
        layout = Layout.of(factors, self.dates, self.symbols)
        rows = np.full(layout.shape, -1, np.int64)
        rows[layout.sessions, layout.symbols] = np.flatnonzero(layout.inside)
        cells = self.market.cells
        if not cells.size:
            return cells
        return np.where(cells >= 0, rows.reshape(-1)[np.maximum(cells, 0)], -1)


def factor_names(factors: pa.Table) -> list[str]:
    """The factor columns of a table of libraries, sorted."""
    return sorted(set(factors.column_names) - set(KEY))


def _sectors(universe: pa.Table, layout: Layout) -> tuple[list[str], np.ndarray]:
    """Sectors in order of name, and the codes of a panel; -1 for none."""
    column = universe["sector"].cast(pa.string())
    names = sorted(name for name in column.unique().to_pylist() if name is not None)
    codes = layout.spread(pc.index_in(column, pa.array(names, pa.string())))
    return names, np.where(np.isnan(codes), -1, codes).astype(np.int32)
