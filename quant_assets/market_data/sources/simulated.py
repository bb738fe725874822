"""The simulated market as a source: for the demo, for tests, and to find a planted signal again.

Here live names, dates and tables; the model behind them is in simulation.py. Everything is labelled
as simulated: symbols SIM0001 …, exchange SIMULATED, file and event source `simulated`.
"""

from datetime import date
from functools import lru_cache

import numpy as np
import pyarrow as pa

from quant_assets.market_data.actions.events import event_table
from quant_assets.market_data.calendars import exchange_days, sessions
from quant_assets.market_data.panels import date_column
from quant_assets.market_data.sources.base import (
    BENCHMARK_SCHEMA,
    RAW_SCHEMA,
    SYMBOLS_SCHEMA,
    Source,
)
from quant_assets.market_data.sources.companies import FAULTS, Parameters, industries, sectors
from quant_assets.market_data.sources.simulated_rows import LABEL, deliver, symbol_names
from quant_assets.market_data.sources.simulation import Simulation, simulate
from quant_assets.settings import Market
from quant_assets.settings_sources import SimulatedSource
from quant_assets.warehouse.window import Window

_SECTOR_NAMES = (
    "Energy",
    "Materials",
    "Industrials",
    "Consumer Goods",
    "Consumer Services",
    "Health Care",
    "Financials",
    "Technology",
    "Telecommunications",
    "Utilities",
)
# Simulations are made this many days at a time, so that asking for one more day reuses the last.
_BLOCK = 252


@lru_cache(maxsize=4)
def _simulation(parameters: Parameters, days: int) -> Simulation:
    return simulate(parameters, days)


class Simulated(Source):
    """A made-up market, the same on every machine and for every end of the range."""

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        assert isinstance(market.source, SimulatedSource)
        settings = market.source
        self._parameters = Parameters(settings.symbols, settings.seed, settings.signal_ic)

    @property
    def name(self) -> str:
        """`simulated`."""
        return LABEL

    def read(self, window: Window) -> pa.Table:
        """All raw rows of the sessions of the window, faulty ones among them; see Source."""
        days, span = self._window(window)
        if not len(days):
            return RAW_SCHEMA.empty_table()
        return deliver(self._made(span.stop), span, days, self._after_closed_day(days))

    def count_rows(self, window: Window) -> dict[date, int]:
        """Rows of each session of the window, counted on the arrays."""
        days, span = self._window(window)
        if not len(days):
            return {}
        made = self._made(span.stop)
        counts = made.published[span].sum(axis=1)
        for name in ("conflict", "copy"):
            counts += (made.fault[span] == FAULTS.index(name)).sum(axis=1)
        counts += made.stray[span]
        counts += made.early[span] & self._after_closed_day(days)
        return dict(zip(days.tolist(), counts.tolist(), strict=True))

    def symbols(self) -> pa.Table:
        """Every company listed up to the market's last session; see Source."""
        days = sessions(self.market)
        made = self._made(len(days))
        company = made.company[: len(days)]
        numbers, firsts = np.unique(company, return_index=True)
        first, slot = np.divmod(firsts[numbers >= 0], company.shape[1])
        sector, industry = sectors(self._parameters)[slot], industries(self._parameters)[slot]
        names = [_SECTOR_NAMES[s] for s in sector]
        data = {
            "symbol": symbol_names(numbers[numbers >= 0]),
            "sector": pa.array(names),
            "industry": pa.array(
                [f"{name} {'ABC'[i]}" for name, i in zip(names, industry, strict=True)]
            ),
            "exchange": pa.array([LABEL.upper()] * len(names)),
            "first": date_column(days[first]),
        }
        return pa.table(data, schema=SYMBOLS_SCHEMA).sort_by("symbol")

    def corporate_actions(self) -> pa.Table:
        """Every split and dividend up to the market's last session; see Source."""
        days = sessions(self.market)
        made = self._made(len(days))
        pieces = []
        merged = made.ratio < 1
        for kind, values in (
            ("split", np.where(merged, np.nan, made.ratio)),
            ("reverse_split", np.where(merged, made.ratio, np.nan)),
            ("dividend", made.cash),
        ):
            day, slot = np.nonzero(~np.isnan(values[: len(days)]))
            found, none = pa.array(values[day, slot]), pa.nulls(len(day), pa.float64())
            data = {
                "ex_date": date_column(days[day]),
                "symbol": symbol_names(made.company[day, slot]),
                "kind": pa.array([kind] * len(day), pa.string()),
                "ratio": found if kind != "dividend" else none,
                "cash": found if kind == "dividend" else none,
                "source": pa.array([LABEL] * len(day), pa.string()),
            }
            pieces.append(pa.table(data))
        return event_table(pa.concat_tables(pieces))

    def benchmark(self, window: Window) -> pa.Table:
        """Index, volatility index and rate of the simulated market; see Source."""
        days, span = self._window(window)
        made = self._made(span.stop)
        names = ("index_open", "index_close", "volatility_index", "risk_free_rate")
        columns = {name: pa.array(getattr(made, name)[span]) for name in names}
        return pa.table({"date": date_column(days), **columns}, schema=BENCHMARK_SCHEMA)

    def planted_signal(self, window: Window) -> pa.Table:
        """`date`, `symbol`, `signal`: the score of each listed company, known at the close.

        Its correlation with the total return of the next session has the expectation `signal_ic`.
        """
        days, span = self._window(window)
        made = self._made(span.stop)
        row, slot = np.nonzero(made.company[span] >= 0)
        data = {
            "date": date_column(days[row]),
            "symbol": symbol_names(made.company[span][row, slot]),
            "signal": pa.array(made.signal[span][row, slot]),
        }
        order = [("date", "ascending"), ("symbol", "ascending")]
        return pa.table(data).sort_by(order).combine_chunks()

    def _window(self, window: Window) -> tuple[np.ndarray, slice]:
        """The sessions of a window, and their positions from the market's start."""
        days = sessions(self.market, window.end)
        begin = int(np.searchsorted(days, np.datetime64(window.start, "D")))
        return days[begin:], slice(begin, len(days))

    def _after_closed_day(self, days: np.ndarray) -> np.ndarray:
        """Whether the day before each session is none."""
        return ~np.isin(days - np.timedelta64(1, "D"), exchange_days(self.market))

    def _made(self, days: int) -> Simulation:
        """A simulation of at least so many days."""
        return _simulation(self._parameters, max(-(-days // _BLOCK), 1) * _BLOCK)
