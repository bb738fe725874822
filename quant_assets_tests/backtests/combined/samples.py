"""Made-up returns of strategies: alike in groups, some that start late, some with gaps."""

from datetime import date

import numpy as np
import pyarrow as pa

from quant_assets.backtests.combined.returns import StrategyReturns, strategy_returns
from quant_assets.market_data.panels import date_column
from quant_assets_tests.markets import sessions

NAMES = ("alpha", "beta", "gamma", "delta", "late")
LATE = 400  # sessions before the last strategy starts


def values(days: int = 900, seed: int = 5) -> np.ndarray:
    """Returns of NAMES: two that follow one driver, two another, and one that starts late."""
    random = np.random.default_rng(seed)
    drivers = random.normal(0.0004, 0.008, (days, 2))
    own = random.normal(0.0001, 0.004, (days, len(NAMES)))
    made: np.ndarray = own + drivers[:, [0, 0, 1, 1, 1]] * np.array([1.0, 1.3, 0.7, 1.0, 0.4])
    made[:LATE, -1] = np.nan
    return made


def dates(days: int = 900) -> np.ndarray:
    """Sessions of XNYS from 2018 on."""
    return np.array(sessions(date(2018, 1, 2), date(2024, 12, 31))[:days], "datetime64[D]")


def backtest_table(panel: np.ndarray, names: tuple[str, ...] = NAMES) -> pa.Table:
    """The rows of table `backtest` that a panel stands for."""
    rows, columns = np.nonzero(np.isfinite(panel.T))
    return pa.table(
        {
            "strategy": pa.array(np.array(names, object)[rows], pa.string()),
            "date": date_column(dates(len(panel))[columns]),
            "net_return": panel.T[rows, columns],
        }
    )


def found(panel: np.ndarray | None = None, names: tuple[str, ...] = NAMES) -> StrategyReturns:
    """The returns as they are read from the table."""
    return strategy_returns(backtest_table(values() if panel is None else panel, names), names)
