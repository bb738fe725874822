"""Bars of random walks into which splits, crashes and faults are planted."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from quant_assets.market_data.actions.bar_rows import COLUMNS

DAYS = np.array(
    [
        day
        for day in np.arange("2023-01-02", "2023-07-01", dtype="datetime64[D]")
        if np.is_busday(day)
    ],
    "datetime64[D]",
)
AT = 80  # where things happen
EX: date = DAYS[AT].item()


def walks(symbols: int = 1, seed: int = 1, daily: float = 0.015) -> pd.DataFrame:
    """One row a symbol and day, by symbol and day; opens lie near the close before."""
    random = np.random.default_rng(seed)
    pieces = []
    for n in range(symbols):
        close = 50 * np.exp(np.cumsum(random.normal(0, daily, len(DAYS))))
        open_ = np.append(close[0], close[:-1]) * np.exp(random.normal(0, daily / 3, len(DAYS)))
        high = np.maximum(open_, close) * np.exp(np.abs(random.normal(0, daily / 3, len(DAYS))))
        low = np.minimum(open_, close) * np.exp(-np.abs(random.normal(0, daily / 3, len(DAYS))))
        volume = 1e6 * np.exp(random.normal(0, 0.3, len(DAYS)))
        columns = [open_, high, low, close, volume]
        named = dict(zip(COLUMNS[2:], columns, strict=False))
        pieces.append(pd.DataFrame({"date": DAYS, "symbol": f"S{n:02}", **named}))
    return pd.concat(pieces, ignore_index=True)


def split(bars: pd.DataFrame, ratio: float, symbol: str = "S00", at: int = AT) -> pd.DataFrame:
    """The same bars, with one share being `ratio` shares from a day on."""
    later = (bars["symbol"] == symbol) & (bars["date"] >= DAYS[at])
    made = bars.copy()
    made.loc[later, ["open", "high", "low", "close"]] /= ratio
    made.loc[later, "volume"] *= ratio
    return made


def table(bars: pd.DataFrame) -> pa.Table:
    """Bars as a table, traded value included."""
    whole = bars.assign(turnover=bars["close"] * bars["volume"], date=bars["date"].dt.date)
    return pa.Table.from_pandas(whole[list(COLUMNS)], preserve_index=False)
