"""Return series and a market for the tests of performance."""

from typing import Any

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import date_column
from quant_assets.settings import Market
from quant_assets_tests.backtests.samples import sessions


def fat_tailed(days: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns of a strategy and of its benchmark."""
    random = np.random.default_rng(seed)
    index = random.standard_t(4, days) * 0.008 + 0.0003
    return 0.7 * index + random.normal(0.0002, 0.006, days), index


def market(simulated: bool = True) -> Market:
    source: dict[str, Any] = (
        {"kind": "simulated"} if simulated else {"kind": "files", "path": "x.parquet"}
    )
    return Market.model_validate(
        {
            "name": "toy",
            "title": "Toy <market>",
            "calendar": "XNYS",
            "timezone": "America/New_York",
            "currency": "USD",
            "start": "2015-01-02",
            "models_from": "2017-01-01",
            "annualization": 250,
            "trading": {"commission_bps": 1.5, "slippage": {"bps": 4}},
            "source": source,
        }
    )


def backtest(returns: np.ndarray, name: str = "low_volatility") -> pa.Table:
    """A table `backtest` with the given net returns; the day before them is a session, too."""
    days = len(returns)
    cost = np.full(days, 2e-4)
    return pa.table(
        {
            "strategy": pa.array([name] * days, pa.string()),
            "date": date_column(sessions(days + 1)[1:]),
            "gross_return": returns + cost,
            "cost": cost,
            "net_return": np.asarray(returns, float),
            "turnover": np.full(days, 0.05),
            "exposure": np.full(days, 0.9),
            "positions": pa.array([7] * days, pa.int32()),
            "equity": np.cumprod(1 + returns),
        }
    )


def benchmark(index: np.ndarray) -> pa.Table:
    """A table `benchmark` whose index has the given returns after a first session at 100."""
    days = len(index) + 1
    return pa.table(
        {
            "date": date_column(sessions(days)),
            "index_close": 100 * np.concatenate([[1.0], np.cumprod(1 + index)]),
            "risk_free_rate": np.linspace(0.01, 0.03, days),
        }
    )
