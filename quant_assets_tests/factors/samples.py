"""Made-up markets for the tests of factors: small, awkward on purpose, everywhere the same."""

import numpy as np
import pyarrow as pa

from quant_assets.factors.inputs import FactorInputs
from quant_assets.market_data.panels import Panel, date_column
from quant_assets_tests.prefix import PanelInputs

FIELDS = ("open", "high", "low", "close", "volume", "turnover")


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
    return PanelInputs(
        sessions(T),
        np.array([f"S{k:02d}" for k in range(N)], object),
        fields,
        {"benchmark": 2000.0 * np.exp(np.cumsum(index))},
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


def factor_inputs(
    data: PanelInputs, names: tuple[str, ...] = (*FIELDS, "benchmark")
) -> FactorInputs:
    """The inputs of a factor that reads `names`, and nothing else."""
    fields = {name: data.fields[name] for name in names if name != "benchmark"}
    known = data.series["benchmark"] if "benchmark" in names else None
    return FactorInputs(Panel(data.dates, data.symbols, fields), known)


def bars(data: PanelInputs) -> pa.Table:
    """The rows of adjusted_bars: those with a close."""
    panel = Panel(data.dates, data.symbols, data.fields)
    return panel.to_table(present=np.isfinite(data.fields["close"]))


def benchmark(data: PanelInputs) -> pa.Table:
    """The rows of benchmark."""
    closes = pa.array(data.series["benchmark"], from_pandas=True)
    return pa.table({"date": date_column(data.dates), "index_close": closes})


def long(dates: np.ndarray, symbols: np.ndarray, **fields: np.ndarray) -> pa.Table:
    """A long table with a row for every date and symbol; NaN is null, booleans stay."""
    data = {
        "date": date_column(np.repeat(dates, len(symbols))),
        "symbol": pa.array(np.tile(symbols, len(dates)).tolist(), pa.string()),
    }
    for name, values in fields.items():
        data[name] = pa.array(values.ravel(), from_pandas=values.dtype.kind == "f")
    return pa.table(data)
