"""Factors, their evaluation day by day, and what a month says of them.

Bodies read, call the domain and report; formulas and statistics stand in `quant_assets.factors`.
"""

from collections.abc import Callable, Mapping

import dagster as dg
import pyarrow as pa

from quant_assets.factors import compute as factor_compute
from quant_assets.factors import evaluation, registry
from quant_assets.factors.joining import joined
from quant_assets.orchestration.images import inline
from quant_assets.orchestration.partitions import MarketPartitions, looking_back
from quant_assets.orchestration.policies import OWNERS, RANGE
from quant_assets.settings import Market, Settings
from quant_assets.warehouse.parquet import ParquetWarehouse

CLOSES = ["date", "symbol", "close"]
MEMBERS = ["date", "symbol", "member"]
# Of a range of months the last ones get their picture; a month that is run alone always does. A
# picture takes a third of a second and 60 kB of the event log: a decade's would outweigh its data.
PICTURED_MONTHS = 24


def factor_assets(partitions: MarketPartitions, settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset a library, the daily evaluation, and the monthly summary and correlations."""
    libraries = registry.libraries()
    return [
        *(_library(partitions, settings, library) for library in libraries),
        _evaluation(partitions, settings, libraries),
        _summary(partitions, settings),
        _correlations(partitions, libraries),
    ]


def _library(partitions: MarketPartitions, settings: Settings, library: str) -> dg.AssetsDefinition:
    market = partitions.market.name
    chosen = registry.select(library, disabled=settings.factors.disabled.get(library, ()))
    names = [factor.name for factor in chosen]
    past = factor_compute.lookback(library, names)

    @dg.asset(
        key=[market, f"factors_{library}"],
        group_name=partitions.group("factors"),
        partitions_def=partitions.daily,
        backfill_policy=RANGE,
        ins={
            "adjusted_bars": looking_back(
                dg.AssetKey([market, "adjusted_bars"]),
                past,
                ["date", "symbol", *factor_compute.BARS],
            ),
            "benchmark": looking_back(
                dg.AssetKey([market, "benchmark"]), past, ["date", "index_close"]
            ),
        },
        description=_description(library, chosen),
        owners=OWNERS,
        kinds={"python", "numba", "parquet"},
    )
    def factors(
        context: dg.AssetExecutionContext, adjusted_bars: pa.Table, benchmark: pa.Table
    ) -> pa.Table:
        window = partitions.window(context)
        context.add_output_metadata({"factors": len(names)})
        return factor_compute.compute(
            library, adjusted_bars, benchmark, window, names, settings.thread_no
        )

    return factors


def _description(library: str, factors: tuple[registry.Factor, ...]) -> str:
    rows = [f"| {f.name} | {f.type} | {f.formula} | {f.source} |" for f in factors]
    head = ["| factor | type | formula | source |", "| --- | --- | --- | --- |"]
    return "\n".join([f"Library {library}: {len(factors)} factors.", "", *head, *rows])


def _evaluation(
    partitions: MarketPartitions, settings: Settings, libraries: tuple[str, ...]
) -> dg.AssetsDefinition:
    market = partitions.market.name
    past = evaluation.lookback(settings.factors.horizons)

    @dg.asset(
        key=[market, "factor_evaluation"],
        group_name=partitions.group("factors"),
        partitions_def=partitions.daily,
        backfill_policy=RANGE,
        ins={
            "adjusted_bars": looking_back(dg.AssetKey([market, "adjusted_bars"]), past, CLOSES),
            "universe": looking_back(dg.AssetKey([market, "universe"]), past, MEMBERS),
            **{
                f"factors_{each}": looking_back(dg.AssetKey([market, f"factors_{each}"]), past)
                for each in libraries
            },
        },
        owners=OWNERS,
        kinds={"python", "numba", "parquet"},
    )
    def factor_evaluation(
        context: dg.AssetExecutionContext,
        adjusted_bars: pa.Table,
        universe: pa.Table,
        **factors: pa.Table,
    ) -> pa.Table:
        """How each factor of h sessions ago ordered the returns that ended on the day."""
        return evaluation.evaluate(
            joined(list(factors.values())),
            adjusted_bars,
            universe,
            partitions.sessions,
            partitions.window(context),
            settings.factors.horizons,
            settings.factors.quantiles,
            settings.thread_no,
        )

    return factor_evaluation


def _summary(partitions: MarketPartitions, settings: Settings) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "factor_summary"],
        group_name=partitions.group("factors"),
        partitions_def=partitions.monthly,
        backfill_policy=RANGE,
        deps=[[market.name, "factor_evaluation"]],
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def factor_summary(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[ParquetWarehouse]
    ) -> pa.Table:
        """What a month's days say of each factor: IC, t-statistics, quantile returns, decay."""
        from quant_assets.factors.plots import summary_figure
        from quant_assets.factors.summary import summarise

        table = f"{market.name}/factor_evaluation"
        months = {
            month: summarise(
                warehouse.read(table, partitions.month(month)), month, settings.factors.horizons
            )
            for month in context.partition_keys
        }
        _show(context, months, "overview", summary_figure, market)
        return pa.concat_tables(months.values())

    return factor_summary


def _correlations(partitions: MarketPartitions, libraries: tuple[str, ...]) -> dg.AssetsDefinition:
    market = partitions.market

    @dg.asset(
        key=[market.name, "factor_correlations"],
        group_name=partitions.group("factors"),
        partitions_def=partitions.monthly,
        backfill_policy=RANGE,
        deps=[[market.name, name] for name in ["universe", *(f"factors_{x}" for x in libraries)]],
        owners=OWNERS,
        kinds={"python", "parquet"},
    )
    def factor_correlations(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[ParquetWarehouse]
    ) -> pa.Table:
        """Mean cross-sectional rank correlation between all factors over a month's days."""
        from quant_assets.factors.correlations import correlate
        from quant_assets.factors.plots import correlation_figure

        months: dict[str, pa.Table] = {}
        for month in context.partition_keys:
            window = partitions.month(month)
            factors = joined(
                [warehouse.read(f"{market.name}/factors_{x}", window) for x in libraries]
            )
            universe = warehouse.read(f"{market.name}/universe", window, MEMBERS)
            months[month] = correlate(factors, universe, month)
        _show(context, months, "heat_map", correlation_figure, market)
        return pa.concat_tables(months.values())

    return factor_correlations


def _show(
    context: dg.AssetExecutionContext,
    months: Mapping[str, pa.Table],
    name: str,
    figure: Callable[[pa.Table, str], bytes],
    market: Market,
) -> None:
    """The picture of each month that has rows, in the metadata of the month's own event."""
    for month in list(months)[-PICTURED_MONTHS:]:
        if months[month].num_rows:
            picture = inline(figure(months[month], market.label), name)
            context.add_asset_metadata({name: picture}, partition_key=month)
