"""The fields of a market: tables in, the panels that expressions read out.

Here stands which table brings which field, and that a field which the market does not have is
missing everywhere. What is computed from the fields is the business of `expressions/`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import Panel, session_dates
from quant_assets.warehouse.window import Window

Array = np.ndarray[Any, np.dtype[np.float64]]

BARS = ("open", "high", "low", "close", "volume", "turnover")
GROUPS = ("sector", "industry")
# What makes the average price of a day comparable with the adjusted prices; see `_average_price`.
AVERAGE = ("turnover", "volume", "price_factor", "volume_factor")
INDEX = {"benchmark_open": "index_open", "benchmark_close": "index_close"}


@dataclass(frozen=True)
class MarketFields:
    """Panels of one market, and which of their places have a bar.

    Attributes:
        dates: `datetime64[D]`, ascending, shape (T,): days of the bars and of the index.
        symbols: strings, ascending, shape (N,).
        fields: name -> float64 (T, N); NaN is missing; groups are whole codes.
        present: whether the symbol has a bar on the day, (T, N).
        absent: fields that were asked for and that the market does not have; missing everywhere.
    """

    dates: np.ndarray
    symbols: np.ndarray
    fields: Mapping[str, Array]
    present: np.ndarray
    absent: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(sessions, symbols)."""
        return len(self.dates), len(self.symbols)

    def rows(self, window: Window) -> tuple[int, int]:
        """First row of a window and the row after its last."""
        start = np.searchsorted(self.dates, np.datetime64(window.start, "D"), "left")
        stop = np.searchsorted(self.dates, np.datetime64(window.end, "D"), "right")
        return int(start), int(stop)


def columns(names: Sequence[str]) -> dict[str, list[str]]:
    """The columns to read of adjusted_bars, universe and benchmark for these fields.

    adjusted_bars and benchmark are always read, for they say which days and symbols there are;
    universe has no columns if no group is asked for.
    """
    groups = [name for name in GROUPS if name in names]
    bars = [name for name in BARS if name in names]
    if "average_price" in names:
        bars += [name for name in AVERAGE if name not in bars]
    return {
        "adjusted_bars": ["date", "symbol", *bars],
        "universe": ["date", "symbol", *groups] if groups else [],
        "benchmark": ["date", *(INDEX[name] for name in INDEX if name in names)],
    }


def market_fields(
    names: Sequence[str],
    adjusted: pa.Table,
    benchmark: pa.Table,
    universe: pa.Table | None = None,
) -> MarketFields:
    """The fields of those names.

    Args:
        names: as expressions call them.
        adjusted: rows of adjusted_bars, with `columns(names)`.
        benchmark: rows of benchmark, of the same days.
        universe: rows of universe, of the same days; not needed without groups.

    Returns:
        Panels over the days of the bars and of the index, and the symbols of the bars.
    """
    dates = np.union1d(session_dates(adjusted["date"]), session_dates(benchmark["date"]))
    marked = adjusted.append_column("present", pa.array(np.ones(adjusted.num_rows)))
    bars = [name for name in BARS if name in names]
    averaged = "average_price" in names and set(AVERAGE) <= set(adjusted.column_names)
    read = dict.fromkeys([*bars, *(AVERAGE if averaged else ())])
    panel = Panel.from_table(marked, ["present", *read], dates=dates)
    present = panel["present"] == 1.0
    fields: dict[str, Array] = {name: panel[name] for name in bars}
    if averaged:
        fields["average_price"] = _average_price(panel)
    for name in (name for name in INDEX if name in names):
        fields[name] = _index(benchmark, INDEX[name], dates, len(panel.symbols))
    for name in (name for name in GROUPS if name in names):
        if universe is not None and universe[name].null_count < universe.num_rows:
            fields[name] = _codes(universe, name, dates, panel.symbols)
    if "market" in names:
        fields["market"] = np.zeros(present.shape)
    absent = tuple(name for name in names if name not in fields)
    fields.update((name, np.full(present.shape, np.nan)) for name in absent)
    return MarketFields(dates, panel.symbols, fields, present, absent)


def _average_price(panel: Panel) -> Array:
    """Turnover over the shares as traded, x the factor of prices; missing without volume.

    The table's volume is adjusted for splits only, its prices for dividends too: turnover over
    volume alone would drift away from the prices with every dividend.
    """
    turnover, volume, price_factor, volume_factor = (panel[name] for name in AVERAGE)
    average: Array = np.full(panel.shape, np.nan)
    np.divide(turnover * volume_factor, volume, out=average, where=volume > 0)
    return average * price_factor


def _index(benchmark: pa.Table, column: str, dates: np.ndarray, symbols: int) -> Array:
    series = np.full(len(dates), np.nan)
    places = np.searchsorted(dates, session_dates(benchmark["date"]))
    series[places] = benchmark[column].cast(pa.float64()).to_numpy()
    return np.repeat(series[:, None], symbols, axis=1)


def _codes(universe: pa.Table, name: str, dates: np.ndarray, symbols: np.ndarray) -> Array:
    """The classes of a day as whole numbers from 0 on, NaN for none."""
    encoded = universe[name].combine_chunks().dictionary_encode()
    table = pa.table(
        {
            "date": universe["date"],
            "symbol": universe["symbol"],
            name: encoded.indices.cast(pa.float64()),
        }
    )
    return Panel.from_table(table, [name], dates=dates, symbols=symbols)[name]
