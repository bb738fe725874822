"""A small made-up market for the tests of models: tables as the warehouse would hold them.

`signal` is the share of the next session's return that factor f00 explains; f01.. are noise.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import date_column


@dataclass(frozen=True)
class Tables:
    """Tables of one market, and the arrays they were made of."""

    sessions: np.ndarray
    symbols: np.ndarray
    adjusted: pa.Table
    factors: pa.Table
    universe: pa.Table


def weekdays(first: str, count: int) -> np.ndarray:
    """Monday to Friday from a day on."""
    days = np.arange(np.datetime64(first, "D"), np.datetime64(first, "D") + 2 * count)
    picked: np.ndarray = days[np.is_busday(days)][:count]
    return picked


def market(
    sessions: int = 560,
    symbols: int = 40,
    features: int = 5,
    signal: float = 0.0,
    missing: float = 0.05,
    seed: int = 1,
) -> Tables:
    """Tables over weekdays from 2022-01-03; one value in twenty of everything is missing."""
    random = np.random.default_rng(seed)
    days = weekdays("2022-01-03", sessions)
    names = np.array([f"S{i:03d}" for i in range(symbols)], object)
    # Slow factors, so that the signal of a day lasts through a label of several sessions.
    factors = np.repeat(random.standard_normal((sessions // 5 + 1, symbols, features)), 5, axis=0)
    factors = factors[:sessions] + 0.1 * random.standard_normal((sessions, symbols, features))
    returns = random.standard_normal((sessions, symbols))
    returns[1:] = np.sqrt(1 - signal**2) * returns[1:] + signal * factors[:-1, :, 0]
    opens = 100 * np.exp(np.cumsum(0.01 * returns, axis=0))
    closes = opens * np.exp(0.002 * random.standard_normal(opens.shape))
    for values in (opens, closes, factors):
        values[random.random(values.shape) < missing] = np.nan
    rows, columns = np.divmod(np.arange(sessions * symbols), symbols)
    keys = {"date": date_column(days[rows]), "symbol": pa.array(names[columns], pa.string())}

    def floats(values: np.ndarray) -> pa.Array:
        return pa.array(np.ascontiguousarray(values).ravel(), pa.float64(), from_pandas=True)

    return Tables(
        days,
        names,
        pa.table({**keys, "open": floats(opens), "close": floats(closes)}),
        pa.table({**keys, **{f"f{k:02d}": floats(factors[:, :, k]) for k in range(features)}}),
        pa.table({**keys, "member": pa.array(random.random(sessions * symbols) > missing)}),
    )
