"""Small bars and factor frames for the tests of the warehouse."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from quant_assets.warehouse.window import Window

DAY = date(2020, 1, 6)


def days(count: int, start: date = DAY) -> list[date]:
    """`count` consecutive dates; the warehouse knows no calendar."""
    return [start + timedelta(days=i) for i in range(count)]


def window(dates: Sequence[date]) -> Window:
    """The window that the dates span."""
    return Window(min(dates), max(dates))


def bars(
    dates: Sequence[date], symbols: Sequence[str] = ("A", "B", "C"), seed: int = 0
) -> pa.Table:
    """Bars of every symbol on every date, prices drawn from `seed`."""
    rng = np.random.default_rng(seed)
    count = len(dates) * len(symbols)
    numbers = {
        name: np.round(rng.uniform(1, 100, count), 2)
        for name in ("open", "high", "low", "close", "volume", "turnover")
    }
    return pa.table(
        {
            "date": pa.array([day for day in dates for _ in symbols], pa.date32()),
            "symbol": pa.array([symbol for _ in dates for symbol in symbols], pa.string()),
            **numbers,
            "flags": pa.array([""] * count, pa.string()),
        }
    )


def factors(
    dates: Sequence[date], names: Sequence[str], symbols: Sequence[str] = ("A", "B")
) -> pa.Table:
    """A factor library's frame with the columns `names`, holding 0, 1, 2, …"""
    table = bars(dates, symbols).select(["date", "symbol"])
    for position, name in enumerate(names):
        values = np.arange(table.num_rows, dtype=float) + 100 * position
        table = table.append_column(name, pa.array(values))
    return table
