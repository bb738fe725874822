"""Made-up markets for the tests of factors: small, awkward on purpose, everywhere the same."""

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import Panel, date_column
from quant_assets_tests.prefix import PanelInputs

FIELDS = ("open", "high", "low", "close", "volume", "turnover")
SECTORS = ("energy", "banks", "steel", None)


def sessions(count: int, start: str = "2015-01-01") -> np.ndarray:
    """So many weekdays."""
    return np.busday_offset(start, np.arange(count), roll="forward").astype("datetime64[D]")


def market(T: int, N: int = 10, seed: int = 0, awkward: bool = True) -> PanelInputs:
    """A market of T sessions and N symbols with an index.

    The awkward ones: 1 has gaps at random, 2 starts late, 3 stops early, 4 never moves, 5 is halted
    for a while, 6 misses half of its days, 7 often has no volume.
    """
    random = np.random.default_rng(seed)
    index = random.normal(0.0003, 0.01, T)
    betas = random.uniform(0.5, 1.5, N)
    drift = np.linspace(-0.004, 0.003, N)  # falling ones have their oldest price as the highest
    noise = random.standard_t(4, (T, N)) * 0.012
    close = 40.0 * np.exp(np.cumsum(drift + betas * index[:, None] + noise, axis=0))
    opening = close * np.exp(random.normal(0.0, 0.006, (T, N)))
    high = np.maximum(opening, close) * np.exp(np.abs(random.normal(0.0, 0.005, (T, N))))
    low = np.minimum(opening, close) * np.exp(-np.abs(random.normal(0.0, 0.005, (T, N))))
    volume = np.floor(np.exp(random.normal(11.0, 0.8, (T, N))))
    fields = dict(zip(FIELDS, (opening, high, low, close, volume, volume * close), strict=True))
    if awkward:
        _awkward(fields, random)
    closes = 2000.0 * np.exp(np.cumsum(index))
    return PanelInputs(
        sessions(T),
        np.array([f"S{k:02d}" for k in range(N)], object),
        fields,
        {
            "benchmark_close": closes,
            "benchmark_open": closes * np.exp(random.normal(0.0, 0.003, T)),
        },
    )


def _awkward(fields: dict[str, np.ndarray], random: np.random.Generator) -> None:
    T = len(fields["close"])
    for name, values in fields.items():
        values[:, 4] = 1000.0 if name in ("volume", "turnover") else 12.5
    idle = random.random(T) < 0.2
    fields["volume"][idle, 7] = fields["turnover"][idle, 7] = 0.0
    for day in np.flatnonzero(idle).tolist():
        for name in ("open", "high", "low", "close"):
            fields[name][day, 7] = fields["close"][max(day - 1, 0), 7]
    missing = np.zeros((T, fields["close"].shape[1]), bool)
    missing[random.random(T) < 0.15, 1] = True
    missing[: T // 3, 2] = True
    missing[4 * T // 5 :, 3] = True
    missing[T // 2 : T // 2 + 40, 5] = True
    missing[random.random(T) < 0.5, 6] = True
    for values in fields.values():
        values[missing] = np.nan


def fields_of(data: PanelInputs) -> dict[str, np.ndarray]:
    """What expressions read: the market's fields, and the index once for every symbol."""
    count = len(data.symbols)
    series = {name: np.repeat(each[:, None], count, axis=1) for name, each in data.series.items()}
    return {**data.fields, **series}


def bars(data: PanelInputs) -> pa.Table:
    """The rows of adjusted_bars: those with a close."""
    panel = Panel(data.dates, data.symbols, data.fields)
    return panel.to_table(present=np.isfinite(data.fields["close"]))


def benchmark(data: PanelInputs) -> pa.Table:
    """The rows of benchmark."""
    names = {"index_open": "benchmark_open", "index_close": "benchmark_close"}
    return pa.table(
        {
            "date": date_column(data.dates),
            **{new: pa.array(data.series[old], from_pandas=True) for new, old in names.items()},
        }
    )


def universe(data: PanelInputs) -> pa.Table:
    """The rows of universe: a symbol's number says its sector and industry."""
    numbers = [int("".join(filter(str.isdigit, symbol)) or 0) for symbol in data.symbols]
    T = len(data.dates)
    sector = [SECTORS[number % len(SECTORS)] for number in numbers]
    industry = [f"industry {number % 5}" for number in numbers]
    table = long(data.dates, data.symbols, member=np.isfinite(data.fields["close"]))
    table = table.append_column("sector", pa.array(sector * T, pa.string()))
    return table.append_column("industry", pa.array(industry * T, pa.string()))


def long(dates: np.ndarray, symbols: np.ndarray, **fields: np.ndarray) -> pa.Table:
    """A long table with a row for every date and symbol; NaN is null, booleans stay."""
    data = {
        "date": date_column(np.repeat(dates, len(symbols))),
        "symbol": pa.array(np.tile(symbols, len(dates)).tolist(), pa.string()),
    }
    for name, values in fields.items():
        data[name] = pa.array(values.ravel(), from_pandas=values.dtype.kind == "f")
    return pa.table(data)
