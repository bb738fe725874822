"""A small made-up market in the form of China's daily files, with what such files are known for."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quant_assets.settings import Market

# Sessions of XSHG around the New Year's holiday (1 January) and a weekend.
DAYS = [date(2023, 12, d) for d in (27, 28, 29)] + [date(2024, 1, d) for d in (2, 3, 4, 5, 8, 9)]
HOLIDAY = date(2024, 1, 1)


def row(day: date, code: str = "sh.600000", **over: Any) -> dict[str, Any]:
    """A row that breaks no rule, but for what `over` says."""
    given = {
        "date": str(day),
        "code": code,
        "open": 10.0,
        "high": 10.5,
        "low": 9.8,
        "close": 10.2,
        "preclose": 10.2,
        "volume": 1000.0,
        "amount": 10_100.0,
        "adjustflag": 3,
        "turn": 0.5,
        "tradestatus": 1,
        "pctChg": 0.0,
        "isST": 0,
        "peTTM": 12.5,
        "pbMRQ": 1.5,
        "psTTM": 2.5,
        "pcfNcfTTM": -3.5,
    }
    return given | over


def halted(day: date, code: str = "sh.600000", close: float = 10.2, **over: Any) -> dict[str, Any]:
    """A row of a halted day: the close before, no volume, no turnover rate."""
    prices = dict.fromkeys(("open", "high", "low", "close", "preclose"), close)
    nothing = {"volume": None, "amount": None, "turn": None, "tradestatus": 0}
    return row(day, code, **{**prices, **nothing, **over})


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A CSV file of rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(list(rows)).to_csv(path, index=False)
    return path


def block(path: object, **over: Any) -> dict[str, Any]:
    """A block of markets.yaml without its name; keys of the source go into it."""
    known = {"columns", "symbols", "indices", "minute_bars", "no_price_limit"}
    source = {"kind": "cn_daily", "path": str(path)} | {k: over.pop(k) for k in known & over.keys()}
    return {
        "title": "Test China",
        "calendar": "XSHG",
        "timezone": "Asia/Shanghai",
        "currency": "CNY",
        "start": DAYS[0],
        "end": DAYS[-1],
        "models_from": date(2024, 1, 1),
        "annualization": 244,
        "source": source,
    } | over


def market(path: object, **over: Any) -> Market:
    """The same as a market."""
    return Market.model_validate({"name": "cn"} | block(path, **over))


def walk(
    days: Sequence[date], codes: Sequence[str], seed: int = 3, events: bool = True
) -> pd.DataFrame:
    """Random prices within their limits, in cents, with an ex-right event and a halt a symbol."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, code in enumerate(codes):
        close = 10.0 + number
        for place, day in enumerate(days):
            before = close
            if events and place == 5 + number % 3:
                before = round(close - 0.3, 2)
            if events and place == 10 + number % 5:
                close = before
                rows.append(halted(day, code, close))
                continue
            opened, close = (round(before * (1 + x), 2) for x in rng.normal(0, 0.012, 2))
            high, low = round(max(opened, close) + 0.02, 2), round(min(opened, close) - 0.02, 2)
            volume = float(rng.integers(1000, 9000) * 100)
            prices = {"open": opened, "high": high, "low": low, "close": close}
            amount = round(volume * (opened + close) / 2, 2)
            traded = {"preclose": before, "volume": volume, "amount": amount}
            rows.append(row(day, code, **prices, **traded))
    return pd.DataFrame(rows)
