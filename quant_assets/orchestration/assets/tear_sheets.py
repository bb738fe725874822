"""Tear sheets: one partition a strategy, its metrics, its picture and its page.

Bodies read, call the domain and report; metrics and pages stand in `quant_assets.performance`.
"""

from collections.abc import Mapping

import dagster as dg
import pyarrow as pa

from quant_assets.artifacts import Artifacts
from quant_assets.backtests.strategies.base import Strategy
from quant_assets.orchestration.images import inline
from quant_assets.orchestration.partitions import MarketPartitions, all_days
from quant_assets.orchestration.policies import ONE_RUN_EACH, OWNERS
from quant_assets.settings import Settings
from quant_assets.warehouse.store import Warehouse


def tear_sheet_assets(
    partitions: MarketPartitions,
    settings: Settings,
    strategies: Mapping[str, Strategy],
    by_strategy: dg.StaticPartitionsDefinition,
) -> list[dg.AssetsDefinition]:
    """The tear sheet of each strategy."""
    market = partitions.market

    @dg.asset(
        key=[market.name, "tear_sheet"],
        group_name=partitions.group("tear_sheets"),
        partitions_def=by_strategy,
        backfill_policy=ONE_RUN_EACH,
        deps=[[market.name, "backtest"], all_days(dg.AssetKey([market.name, "benchmark"]))],
        owners=OWNERS,
        kinds={"python", "quantstats"},
    )
    def tear_sheet(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        artifacts: dg.ResourceParam[Artifacts],
    ) -> pa.Table:
        """Metrics of a strategy's returns, and a page with them."""
        from quant_assets.performance import tear_sheet as sheets

        name = context.partition_key
        strategy = strategies[name]
        sheet = sheets.tear_sheet(
            warehouse.read(f"{market.name}/backtest", [name]),
            warehouse.read(f"{market.name}/benchmark"),
            strategy,
            strategy.parse(settings.strategies.parameters(name, market.name)),
            market,
            market.index_title,
        )
        page = artifacts.put(f"{market.name}/tear_sheet/{name}/tear_sheet.html", sheet.page)
        context.add_output_metadata(
            {
                "page": dg.MetadataValue.path(page),
                "metrics": dg.MetadataValue.md(_markdown(sheet.metrics)),
                "equity": inline(sheet.picture, "equity and drawdown"),
                "months": inline(sheet.monthly_picture, "returns by month"),
                **({"without_quantstats": sheet.shortened} if sheet.shortened else {}),
            }
        )
        return sheet.table

    return [tear_sheet]


def _markdown(values: Mapping[str, float]) -> str:
    """The metrics as a table for the UI."""
    from quant_assets.performance.metrics import METRICS
    from quant_assets.performance.page_parts import shown

    rows = [f"| {METRICS[k].title} | {shown(METRICS[k], v)} |" for k, v in values.items()]
    return "\n".join(["| metric | value |", "| --- | ---: |", *rows])
