"""Strategies, portfolios and a benchmark to put side by side."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa

from quant_assets.backtests.combined.correlations import Correlations, correlations
from quant_assets.backtests.combined.portfolio import Portfolios, combine, portfolio_table
from quant_assets.backtests.combined.returns import StrategyReturns, strategy_returns
from quant_assets.backtests.combined.weighting import METHODS
from quant_assets.market_data.panels import date_column
from quant_assets.performance.comparison.compared import (
    Compared,
    compare,
    portfolio_subjects,
    strategy_subjects,
)
from quant_assets.performance.market_days import MarketDays, market_days
from quant_assets.settings_combined import CombinedSettings
from quant_assets_tests.backtests.combined.samples import NAMES, backtest_table, dates, values

RULES = CombinedSettings(window=120, minimum_sessions=60, regime_window=240, resamples=200)
TITLES = {name: f"The <{name}> & its friends" for name in NAMES}


@dataclass(frozen=True)
class Ledger:
    """What a ledger of trials tells."""

    count: int = 40
    variance_of_sharpes: float = 0.001


def backtest() -> pa.Table:
    """Table `backtest` of NAMES, with turnover and costs."""
    table = backtest_table(values())
    count = table.num_rows
    table = table.append_column("turnover", pa.array(np.full(count, 0.02)))
    return table.append_column("cost", pa.array(np.full(count, 1e-5)))


def benchmark() -> pa.Table:
    """An index, fear and a rate on all days."""
    random = np.random.default_rng(9)
    days = dates()
    return pa.table(
        {
            "date": date_column(days),
            "index_close": 1000 * np.cumprod(1 + random.normal(0.0003, 0.01, len(days))),
            "volatility_index": random.uniform(10, 30, len(days)),
            "risk_free_rate": np.full(len(days), 0.01),
        }
    )


def found() -> StrategyReturns:
    """The returns, with one strategy that has none."""
    return strategy_returns(backtest(), [*NAMES, "absent"])


@cache
def market() -> MarketDays:
    """The market on their days."""
    return market_days(benchmark(), found().dates, 252)


@cache
def portfolios() -> Portfolios:
    """Their portfolios."""
    return combine(found(), market().daily_rate, market().regime_codes, RULES)


@cache
def alike() -> Correlations:
    """Their correlations."""
    return correlations(found())


@cache
def compared() -> Compared:
    """All of them side by side."""
    links = {name: f"../tear_sheet/{name}/tear_sheet.html" for name in NAMES}
    table = portfolio_table(portfolios())
    subjects = [
        *strategy_subjects(found(), backtest(), TITLES, links),
        *portfolio_subjects(table, found().dates, METHODS, {}),
    ]
    return compare(subjects, market(), "Index", Ledger(), found().notes)
