"""The summary of market data in the graph: its asset with a job and a schedule of its own.

Apart from the jobs of the market's chain: nothing of the chain waits for it, and counting every
table takes seconds, which a day's run need not. What it says stands in `market_data.summary`.
"""

from collections.abc import Sequence

import dagster as dg
import pyarrow as pa

from quant_assets.artifacts import Artifacts
from quant_assets.market_data.sources.base import Source, SourceError
from quant_assets.market_data.sources.registry import open_source
from quant_assets.market_data.sources.storage import SourceFile
from quant_assets.orchestration.images import inline
from quant_assets.orchestration.page_links import put_page
from quant_assets.orchestration.partitions import MarketPartitions, all_days
from quant_assets.orchestration.policies import OWNERS
from quant_assets.orchestration.schedules import every_day
from quant_assets.orchestration.sensors import SourceOfFiles
from quant_assets.settings import Settings
from quant_assets.warehouse.store import Warehouse

# After the market's day and the month's models and summaries, before the strategies (schedules.py).
HOURS_AFTER_DAILY = 3


def summary_definitions(
    partitions: MarketPartitions, settings: Settings, chain: Sequence[dg.AssetsDefinition]
) -> dg.Definitions:
    """The asset, the job and the schedule of a market's summary.

    Args:
        partitions: of the market.
        settings: say where pages are served.
        chain: the market's other assets; those of the group of market data are summarised.
    """
    market = partitions.market
    asset = _summary(partitions, settings, chain)
    job = dg.define_asset_job(
        f"{market.name}_market_data_summary",
        selection=dg.AssetSelection.assets(*asset.keys),
        description=f"{market.label}: what its data come to",
    )
    tick = every_day(market, job, HOURS_AFTER_DAILY)
    return dg.Definitions(assets=[asset], jobs=[job], schedules=[tick])


def _summary(
    partitions: MarketPartitions, settings: Settings, chain: Sequence[dg.AssetsDefinition]
) -> dg.AssetsDefinition:
    market, group = partitions.market, partitions.group("market_data")
    sources = {
        key: asset.partitions_def is not None
        for asset in chain
        for key in asset.keys
        if asset.group_names_by_key[key] == group
    }

    @dg.asset(
        key=[market.name, "market_data_summary"],
        group_name=group,
        deps=[all_days(key) if partitioned else key for key, partitioned in sources.items()],
        owners=OWNERS,
        kinds={"python", "chdb"},
    )
    def market_data_summary(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[Artifacts],
    ) -> pa.Table:
        """What is stored: tables, years and gaps, rejected rows by reason, raw files, samples.

        With a page that has it all.
        """
        from quant_assets.market_data import summary_page as pages
        from quant_assets.market_data.summary import summarise
        from quant_assets.market_data.summary_plot import summary_figure

        files, fault = _raw_files(open_source(market))
        summary = summarise(
            warehouse,
            market.name,
            market.label,
            [key.path[-1] for key in sources],
            partitions.sessions,
            files,
            fault,
        )
        page = put_page(
            artifacts,
            settings,
            f"{market.name}/market_data_summary/market_data_summary.html",
            pages.summary_page(summary),
        )
        context.add_output_metadata(
            {
                "page": page,
                "tables": dg.MetadataValue.md(pages.tables_markdown(summary)),
                "years": dg.MetadataValue.md(pages.years_markdown(summary)),
                "rejected_by_reason": dg.MetadataValue.md(pages.reasons_markdown(summary.reasons)),
                "sessions_without_bars": len(summary.without_bars),
                "raw_files": len(summary.files),
                "raw_bytes": sum(file.size for file in summary.files),
            }
        )
        if len(summary.bars):
            picture = inline(summary_figure(summary), "bars and rejected rows")
            context.add_output_metadata({"bars_and_rejected_rows": picture})
        return summary.table()

    return market_data_summary


def _raw_files(source: Source) -> tuple[list[SourceFile], str | None]:
    """The files of a source, and why they cannot be listed."""
    if not isinstance(source, SourceOfFiles):
        return [], None
    try:
        return source.list_files(), None
    except SourceError as fault:
        return [], str(fault)
