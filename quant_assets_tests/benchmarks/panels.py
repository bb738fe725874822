"""Synthetic markets for benchmarks: every field that expressions read, from a seed.

Belongs here: how the numbers are made. Not here: what is computed from them, and real data.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Fields = dict[str, Array]

GROUPS = ("sector", "industry", "subindustry", "exchange", "market")


def market(days: int, symbols: int, missing: float = 0.0, seed: int = 7) -> Fields:
    """Fields of `days` sessions and `symbols` securities: name -> float64 (days, symbols).

    Closes are geometric random walks of 16 to 63 % volatility a year; a session opens off the close
    before and ranges beyond both ends; vwap lies inside the range; volumes are lognormal whole
    numbers. There are 30 industries in 10 sectors, fewer where they would have less than 8 members.
    `missing` is the share of sessions without a bar; as many securities start late.
    """
    rng = np.random.default_rng(seed)
    shape = (days, symbols)
    risk = rng.uniform(0.01, 0.04, symbols)
    steps = risk * rng.standard_normal(shape)
    close = rng.uniform(5.0, 200.0, symbols) * np.exp(np.cumsum(steps, axis=0))
    before = np.vstack([close[:1], close[:-1]])
    open_ = before * np.exp(0.4 * risk * rng.standard_normal(shape))
    high = np.maximum(open_, close) * np.exp(0.5 * risk * np.abs(rng.standard_normal(shape)))
    low = np.minimum(open_, close) * np.exp(-0.5 * risk * np.abs(rng.standard_normal(shape)))
    vwap = low + (high - low) * rng.uniform(0.2, 0.8, shape)
    usual = rng.uniform(11.0, 16.0, symbols)
    volume = np.round(np.exp(usual + 0.5 * rng.standard_normal(shape)))
    index = 100.0 * np.exp(np.cumsum(0.01 * rng.standard_normal(days)))
    bars = {
        "open": open_,
        "high": high,
        "low": low,
        "close": close,
        "volume": volume,
        "turnover": volume * vwap,
        "vwap": vwap,
        "cap": close * np.exp(rng.uniform(16.0, 21.0, symbols)),
    }
    if missing:
        gone = rng.random(shape) < missing
        starts = np.where(rng.random(symbols) < missing, rng.integers(0, days, symbols), 0)
        gone |= np.arange(days)[:, None] < starts
        bars = {name: np.where(gone, np.nan, values) for name, values in bars.items()}
    index_rows = np.repeat(index[:, None], symbols, axis=1)
    return {
        **bars,
        "benchmark_open": index_rows * np.exp(0.003 * rng.standard_normal((days, 1))),
        "benchmark_close": index_rows,
        **_groups(days, symbols, rng),
    }


def _groups(days: int, symbols: int, rng: np.random.Generator) -> Fields:
    industries = max(1, min(30, symbols // 8))
    industry = rng.permutation(np.arange(symbols) % industries)
    codes = {
        "sector": industry // 3,
        "industry": industry,
        "subindustry": 2 * industry + rng.integers(0, 2, symbols),
        "exchange": rng.integers(0, 2, symbols),
        "market": np.zeros(symbols, np.int64),
    }
    return {name: np.tile(code.astype(np.float64), (days, 1)) for name, code in codes.items()}
