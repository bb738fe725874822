"""What is made of all strategies of a market: correlations, portfolios, stability, comparison.

Bodies read, call the domain and report; the domain stands in `quant_assets.backtests.combined`,
`quant_assets.performance.stability` and `quant_assets.performance.comparison`.
"""

from collections.abc import Mapping

import dagster as dg
import pyarrow as pa

from quant_assets.artifacts import Artifacts
from quant_assets.backtests.combined import portfolio as portfolios
from quant_assets.backtests.combined.correlations import correlation_table, correlations
from quant_assets.backtests.combined.weighting import METHODS
from quant_assets.backtests.strategies.base import Strategy
from quant_assets.backtests.sweeps.ledger import trial_statistics
from quant_assets.orchestration.combined_inputs import days_of, publish, returns_of, titles_of
from quant_assets.orchestration.images import inline
from quant_assets.orchestration.partitions import MarketPartitions, all_days
from quant_assets.orchestration.policies import OWNERS
from quant_assets.settings import Settings
from quant_assets.warehouse.store import Warehouse

# Below the folder of the asset before it.
SHEET = "tear_sheet/{name}/tear_sheet.html"
PORTFOLIO_SHEET = "portfolio/{name}/tear_sheet.html"


def combined_assets(
    partitions: MarketPartitions, settings: Settings, strategies: Mapping[str, Strategy]
) -> list[dg.AssetsDefinition]:
    """The four assets; `strategies` are those of the market's partitions."""
    return [
        _correlations(partitions, settings, strategies),
        _portfolio(partitions, settings, strategies),
        _stability(partitions, settings, strategies),
        _comparison(partitions, settings, strategies),
    ]


def _all_of(partitions: MarketPartitions, *assets: str) -> list[dg.AssetDep]:
    """Dependencies on all partitions of assets of the market."""
    return [all_days(dg.AssetKey([partitions.market.name, asset])) for asset in assets]


def _correlations(
    partitions: MarketPartitions, settings: Settings, strategies: Mapping[str, Strategy]
) -> dg.AssetsDefinition:
    market, titles = partitions.market, titles_of(strategies)

    @dg.asset(
        key=[market.name, "strategy_correlations"],
        group_name=partitions.group("backtests"),
        deps=_all_of(partitions, "backtest"),
        owners=OWNERS,
        kinds={"python"},
    )
    def strategy_correlations(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[Artifacts],
    ) -> pa.Table:
        """How alike the daily returns of the strategies are, over common days."""
        from quant_assets.performance.comparison.correlation_page import correlation_page
        from quant_assets.performance.comparison.pictures import correlation_picture

        found, _ = returns_of(context.instance, warehouse, settings, market, strategies)
        alike = correlations(found)
        page = correlation_page(alike, found, market.label, market.simulated, titles)
        told = {}
        if found.names:
            picture = correlation_picture(alike, market.label, titles)
            told["correlations"] = inline(picture, "correlations of strategies")
        publish(
            context, artifacts, settings, page, found.notes, strategies=len(found.names), **told
        )
        return correlation_table(found, alike)

    return strategy_correlations


def _portfolio(
    partitions: MarketPartitions, settings: Settings, strategies: Mapping[str, Strategy]
) -> dg.AssetsDefinition:
    market, titles = partitions.market, titles_of(strategies)
    rules = settings.strategies.combined

    @dg.asset(
        key=[market.name, "portfolio"],
        group_name=partitions.group("backtests"),
        deps=_all_of(partitions, "backtest", "benchmark"),
        owners=OWNERS,
        kinds={"python"},
    )
    def portfolio(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[Artifacts],
    ) -> pa.Table:
        """Portfolios of the strategies, weighed anew each month by what was known then."""
        from quant_assets.performance.comparison import pictures
        from quant_assets.performance.comparison.compared import compare, portfolio_subjects
        from quant_assets.performance.comparison.comparison_page import metrics_markdown
        from quant_assets.performance.comparison.portfolio_page import portfolio_page
        from quant_assets.performance.portfolio_sheet import portfolio_sheets

        found, _ = returns_of(context.instance, warehouse, settings, market, strategies)
        days = days_of(warehouse, market, found)
        made = portfolios.combine(found, days.daily_rate, days.regime_codes, rules)
        table = portfolios.portfolio_table(made)
        for name, page in portfolio_sheets(made, days, market, rules, found.notes).items():
            artifacts.put(f"{market.name}/{PORTFOLIO_SHEET.format(name=name)}", page)
        links = {name: f"{name}/tear_sheet.html" for name in METHODS}
        subjects = portfolio_subjects(table, days.dates, METHODS, links)
        beside = compare(subjects, days, market.index_title, notes=found.notes)
        page = portfolio_page(made, beside, rules, market.label, market.simulated, titles)
        told = {}
        if subjects:
            picture = pictures.curves_picture(
                beside, f"Portfolios of strategies: {market.label}", ["portfolio"]
            )
            told["equity"] = inline(picture, "growth of the portfolios")
            told["metrics"] = dg.MetadataValue.md(metrics_markdown(beside))
        notes = [*found.notes, *made.notes]
        publish(context, artifacts, settings, page, notes, switches=len(made.switched), **told)
        warehouse.replace(f"{market.name}/portfolio_weights", None, portfolios.weights_table(made))
        return table

    return portfolio


def _stability(
    partitions: MarketPartitions, settings: Settings, strategies: Mapping[str, Strategy]
) -> dg.AssetsDefinition:
    market, titles = partitions.market, titles_of(strategies)
    rules = settings.strategies.combined

    @dg.asset(
        key=[market.name, "strategy_stability"],
        group_name=partitions.group("tear_sheets"),
        deps=_all_of(partitions, "backtest", "benchmark", "parameter_sweep"),
        owners=OWNERS,
        kinds={"python", "numba"},
    )
    def strategy_stability(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[Artifacts],
    ) -> pa.Table:
        """Whether what the strategies earned held in all parts of their history."""
        from quant_assets.performance.comparison.stability_page import stability_page
        from quant_assets.performance.stability.table import SWEPT, stability_table

        found, _ = returns_of(context.instance, warehouse, settings, market, strategies)
        days = days_of(warehouse, market, found)
        swept = f"{market.name}/parameter_sweep"
        sweeps = {
            name: warehouse.read(swept, [name], SWEPT) for name in warehouse.partitions(swept)
        }
        table = stability_table(found, days, rules, sweeps)
        page = stability_page(table, rules, market.label, market.simulated, titles, found.notes)
        publish(context, artifacts, settings, page, found.notes, swept_strategies=len(sweeps))
        return table

    return strategy_stability


def _comparison(
    partitions: MarketPartitions, settings: Settings, strategies: Mapping[str, Strategy]
) -> dg.AssetsDefinition:
    market, titles = partitions.market, titles_of(strategies)

    @dg.asset(
        key=[market.name, "strategy_comparison"],
        group_name=partitions.group("tear_sheets"),
        deps=[
            *_all_of(partitions, "backtest", "benchmark", "tear_sheet"),
            [market.name, "portfolio"],
        ],
        owners=OWNERS,
        kinds={"python"},
    )
    def strategy_comparison(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[Artifacts],
    ) -> pa.Table:
        """All strategies of the market, and the portfolios of them, side by side."""
        from quant_assets.performance.comparison import compared, pictures
        from quant_assets.performance.comparison.comparison_page import (
            comparison_page,
            metrics_markdown,
        )

        found, backtest = returns_of(context.instance, warehouse, settings, market, strategies)
        days = days_of(warehouse, market, found)
        trials = trial_statistics(warehouse, market.name)
        subjects = [
            *compared.strategy_subjects(
                found, backtest, titles, {n: f"../{SHEET.format(name=n)}" for n in titles}
            ),
            *compared.portfolio_subjects(
                warehouse.read(f"{market.name}/portfolio"),
                days.dates,
                METHODS,
                {n: f"../{PORTFOLIO_SHEET.format(name=n)}" for n in METHODS},
            ),
        ]
        beside = compared.compare(
            subjects, days, market.index_title, trials if trials.count else None, found.notes
        )
        alike = correlations(found)
        page = comparison_page(beside, alike, market.label, market.simulated, titles)
        told = {"metrics": dg.MetadataValue.md(metrics_markdown(beside))}
        if subjects:
            picture = pictures.curves_picture(
                beside, f"Strategies side by side: {market.label}", ["strategy"]
            )
            told["equity"] = inline(picture, "growth of the strategies")
        publish(context, artifacts, settings, page, found.notes, trials=trials.count, **told)
        return compared.comparison_table(beside)

    return strategy_comparison
