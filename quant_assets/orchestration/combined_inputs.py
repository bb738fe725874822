"""What is made of all strategies, read from the warehouse, and how its pages are put and told.

Belongs here: which tables and columns, titles, links. What is made of them stands in the domain.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg
import pyarrow as pa
from dagster._core.storage.partition_status_cache import AssetPartitionStatus

from quant_assets.artifacts import Artifacts
from quant_assets.backtests.combined.returns import StrategyReturns, strategy_returns
from quant_assets.backtests.strategies.base import Strategy
from quant_assets.orchestration.page_links import put_page
from quant_assets.orchestration.strategy_config import parameters_of_last_run
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
    instance: dg.DagsterInstance,
    warehouse: Warehouse,
    settings: Settings,
    market: Market,
    strategies: Mapping[str, Strategy],
) -> tuple[StrategyReturns, pa.Table]:
    """The returns of a market's strategies, and the rows of table `backtest` behind them.

    What stands beside each other may stem from runs of different kinds: notes tell which.
    """
    backtest = warehouse.read(f"{market.name}/backtest", columns=_BACKTEST)
    found = strategy_returns(backtest, list(strategies))
    told = _odd_runs(instance, settings, market, strategies, found.names)
    return replace(found, notes=(*found.notes, *told)), backtest


def _odd_runs(
    instance: dg.DagsterInstance,
    settings: Settings,
    market: Market,
    strategies: Mapping[str, Strategy],
    shown: Sequence[str],
) -> Iterator[str]:
    """Backtests that a later run failed to make anew, or that ran not as the settings are now."""
    key = dg.AssetKey([market.name, "backtest"])
    partitions = dg.StaticPartitionsDefinition(list(strategies))
    states = instance.get_status_by_partition(key, list(strategies), partitions) or {}
    for name in shown:
        if states.get(name) == AssetPartitionStatus.FAILED:
            yield f"the last backtest of the strategy {name} failed: what is shown is an older one"
        ran_with = parameters_of_last_run(instance, key, name) or {}
        is_set = settings.strategies.parameters(name, market.name)
        now = strategies[name].parse(is_set).model_dump(mode="json")
        other = [each for each in ran_with if each in now and ran_with[each] != now[each]]
        if other:
            ran, would = (
                ", ".join(f"{each} = {values[each]}" for each in other)
                for values in (ran_with, now)
            )
            yield f"the strategy {name} ran with {ran}; the settings have {would} now"


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
    for note in notes:
        context.log.warning(note)
    said = {"notes": dg.MetadataValue.md("\n".join(f"- {note}" for note in notes))} if notes else {}
    context.add_output_metadata({"page": put_page(artifacts, settings, name, page), **said, **told})
