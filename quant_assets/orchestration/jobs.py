"""Jobs: the selections of assets that schedules and sensors ask for.

A job names assets, never what they do. Ranges are launched from the asset graph or with
`quant-assets backfill`: a job page ignores backfill policies (dagster #17404).
"""

from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition,
)

from quant_assets.orchestration.partitions import MarketPartitions

AssetJob = UnresolvedAssetJobDefinition


@dataclass(frozen=True)
class MarketJobs:
    """The jobs of a market, one for each kind of partition."""

    daily: AssetJob
    models: AssetJob
    summaries: AssetJob
    strategies: AssetJob

    def all(self) -> list[AssetJob]:
        """Every job, for the definitions."""
        return [self.daily, self.models, self.summaries, self.strategies]


def market_jobs(
    partitions: MarketPartitions,
    strategies: dg.StaticPartitionsDefinition,
    assets: list[dg.AssetsDefinition],
) -> MarketJobs:
    """The days, the month's models, the month's summaries, the strategies."""
    market = partitions.market

    def job(name: str, what: str, definition: dg.PartitionsDefinition, *also: None) -> AssetJob:
        members = [a for a in assets if a.partitions_def in (definition, *also)]
        return dg.define_asset_job(
            f"{market.name}_{name}",
            selection=dg.AssetSelection.assets(*(key for a in members for key in a.keys)),
            description=f"{market.label}: {what}",
        )

    return MarketJobs(
        # The unpartitioned corporate actions are read anew with each day.
        daily=job("daily", "sessions, from market data to predictions", partitions.daily, None),
        models=job("models", "the models of a month", partitions.model_months),
        summaries=job("summaries", "the factors of a month", partitions.monthly),
        strategies=job("strategies", "backtests and tear sheets", strategies),
    )
