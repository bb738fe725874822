"""Small made-up markets for the tests of backtests: panels, tables and prefix inputs."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa

from quant_assets.backtests.strategies.base import SERIES_FIELDS, StrategyData, factor_of
from quant_assets.market_data.panels import Panel, date_column
from quant_assets_tests.prefix import PanelInputs


def sessions(count: int, start: str = "2020-01-02") -> np.ndarray:
    """Weekdays, shape (count,)."""
    days: np.ndarray = np.busday_offset(start, np.arange(count), roll="forward")
    return days


def names(count: int) -> np.ndarray:
    return np.array([f"S{i:03d}" for i in range(count)], object)


def prices(days: int, symbols: int, seed: int, missing: float = 0.03, idle: float = 0.03) -> Panel:
    """Random walks; some bars are missing, some have no volume, some symbols end for good."""
    random = np.random.default_rng(seed)
    close = 50.0 * np.exp(np.cumsum(random.normal(0, 0.03, (days, symbols)), axis=0))
    opened = close * np.exp(random.normal(0, 0.01, close.shape))
    volume = np.where(random.random(close.shape) < idle, 0.0, 1e5)
    absent = random.random(close.shape) < missing
    for i in range(0, symbols, 4):
        absent[random.integers(1, days + 5) :, i] = True
    for values in (close, opened, volume):
        values[absent] = np.nan
    return Panel(sessions(days), names(symbols), {"open": opened, "close": close, "volume": volume})


def table(panel: Panel, **columns: np.ndarray) -> pa.Table:
    """Rows of every session and symbol with columns of shape (T, N)."""
    days, symbols = panel.shape
    return pa.table(
        {
            "date": date_column(np.repeat(panel.dates, symbols)),
            "symbol": pa.array(list(np.tile(panel.symbols, days)), pa.string()),
            **{
                name: pa.array(values.ravel().tolist(), from_pandas=True)
                for name, values in columns.items()
            },
        }
    )


def all_fields(days: int, symbols: int, seed: int) -> PanelInputs:
    """Every field that a strategy may read, with plausible values and gaps."""
    panel = prices(days, symbols, seed)
    random = np.random.default_rng(seed + 1)
    close, shape = panel["close"], (days, symbols)
    fields = {
        "open": panel["open"],
        "high": np.fmax(panel["open"], close) * 1.01,
        "low": np.fmin(panel["open"], close) * 0.99,
        "close": close,
        "volume": panel["volume"],
        "turnover": panel["volume"] * close,
        "average_turnover": random.lognormal(15, 1, shape),
        "age": np.arange(days)[:, None] + random.integers(0, 500, (1, symbols)).astype(float),
        "member": np.isfinite(close) & (random.random(shape) < 0.95),
        "halted": random.random(shape) < 0.01,
        "limit_up": random.random(shape) < 0.01,
        "limit_down": random.random(shape) < 0.01,
        "sector": np.tile(random.integers(-1, 5, symbols), (days, 1)),
        "industry": np.tile(random.integers(-1, 12, symbols), (days, 1)),
        "score": np.where(random.random(shape) < 0.05, np.nan, random.normal(size=shape)),
    }
    for ratio in ("pe_ttm", "pb_mrq", "ps_ttm", "pcf_ncf_ttm"):
        fields[ratio] = np.where(random.random(shape) < 0.05, np.nan, random.normal(15, 12, shape))
    fields["turnover_rate"] = random.uniform(0.001, 0.05, shape)
    series = {
        "index_open": 100 * np.exp(np.cumsum(random.normal(0, 0.01, days))),
        "index_close": 100 * np.exp(np.cumsum(random.normal(0, 0.01, days))),
        "volatility_index": random.uniform(10, 40, days),
        "risk_free_rate": random.uniform(0, 0.05, days),
    }
    return PanelInputs(panel.dates, panel.symbols, fields, series)


def with_factors(inputs: PanelInputs, fields: Iterable[str], seed: int) -> PanelInputs:
    """The inputs with those of the fields that are factors: noise with gaps."""
    random = np.random.default_rng(seed)
    shape = inputs.fields["close"].shape
    factors = {
        field: np.where(random.random(shape) < 0.05, np.nan, random.normal(size=shape))
        for field in sorted(set(fields))
        if factor_of(field)
    }
    return replace(inputs, fields={**inputs.fields, **factors})


def data_of(inputs: PanelInputs, fields: tuple[str, ...]) -> StrategyData:
    """What a strategy that reads these fields is given of the inputs."""
    read = {
        name: inputs.series[name] if name in SERIES_FIELDS else inputs.fields[name]
        for name in fields
    }
    return StrategyData(inputs.dates, inputs.symbols, read)
