"""A small Brazilian market made up for tests: a few companies over the first weeks of 2024."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import exchange_calendars
import numpy as np

from quant_assets_tests.market_data.sources.b3.samples import record
from quant_assets_tests.markets import market_block

START, END = date(2023, 12, 20), date(2024, 1, 31)


def sessions(start: date = START, end: date = END) -> list[date]:
    """The sessions of BVMF between two days."""
    calendar = exchange_calendars.get_calendar("BVMF")
    days: list[date] = [day.date() for day in calendar.sessions_in_range(str(start), str(end))]
    return days


def quotes(days: list[date], tickers: tuple[str, ...] = ("ABCD3", "EFGH4", "IJKL3")) -> list[str]:
    """A record a day and ticker, by day: a walk in hundredths from a fixed seed."""
    rng = np.random.default_rng(5)
    lines = []
    for day in days:
        for ticker in tickers:
            low = 1000 + int(rng.integers(0, 50))
            spread = int(rng.integers(3, 30))
            prices = (low + 1, low + spread, low, low + spread // 2, low + 2)
            volume = int(rng.integers(10, 500)) * 100
            isin = f"BR{ticker[:4]}ACNOR1"
            lines.append(record(day, ticker, prices=prices, volume=volume, isin=isin))
    return lines


def b3_market(folder: Path, source: Mapping[str, Any] | None = None, **keys: Any) -> dict[str, Any]:
    """A block of markets.yaml over COTAHIST files in a folder."""
    block = {
        "title": "Test market of Brazil",
        "calendar": "BVMF",
        "timezone": "America/Sao_Paulo",
        "currency": "BRL",
        "start": START,
        "end": END,
        "models_from": date(2024, 1, 1),
    }
    return market_block(
        source={"kind": "b3", "path": str(folder), **(source or {})}, **{**block, **keys}
    )
