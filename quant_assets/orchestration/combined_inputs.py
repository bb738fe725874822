"""What is made of all strategies, read from the warehouse, and how its pages are put and told.

Belongs here: which tables and columns, titles, links. What is made of them stands in the domain.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import pyarrow as pa

from quant_assets.artifacts import Artifacts
from quant_assets.backtests.combined.returns import StrategyReturns, strategy_returns
from quant_assets.backtests.strategies.base import Strategy
from quant_assets.orchestration.page_links import page_link
from quant_assets.performance.market_days import MarketDays, market_days
from quant_assets.settings import Market, Settings
from quant_assets.warehouse.store import Warehouse

_BACKTEST = ["strategy", "date", "net_return", "turnover", "cost"]
_BENCHMARK = ["date", "index_close", "volatility_index", "risk_free_rate"]


def titles_of(strategies: Mapping[str, Strategy]) -> dict[str, str]:
    """Title of each strategy by name; one that two strategies have is told apart by the name."""
    titles = [strategy.title for strategy in strategies.values()]
    return {
        name: each.title if titles.count(each.title) == 1 else f"{each.title} ({name})"
        for name, each in strategies.items()
    }


def returns_of(
    warehouse: Warehouse, market: Market, strategies: Mapping[str, Strategy]
) -> tuple[StrategyReturns, pa.Table]:
    """The returns of a market's strategies, and the rows of table `backtest` behind them."""
    backtest = warehouse.read(f"{market.name}/backtest", columns=_BACKTEST)
    return strategy_returns(backtest, list(strategies)), backtest


def days_of(warehouse: Warehouse, market: Market, found: StrategyReturns) -> MarketDays:
    """The market on the days of the strategies' returns."""
    benchmark = warehouse.read(f"{market.name}/benchmark", columns=_BENCHMARK)
    return market_days(benchmark, found.dates, market.annualization)


def publish(
    context: dg.AssetExecutionContext,
    artifacts: Artifacts,
    settings: Settings,
    page: str,
    notes: Sequence[str],
    **told: Any,
) -> None:
    """Put the page of an asset, log what a reader must know, and tell both with further facts."""
    name = f"{'/'.join(context.asset_key.path)}/{context.asset_key.path[-1]}.html"
    address = artifacts.put(name, page)
    for note in notes:
        context.log.warning(note)
    said = {"notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in notes))} if notes else {}
    context.add_output_metadata({"page": page_link(settings, name, address), **said, **told})
