"""Jobs: the selections of assets that schedules and sensors ask for.

A job names assets, never what they do. Ranges are launched from the asset graph or with
`quant-assets backfill`: a job page ignores backfill policies (dagster #17404).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition,
)

from quant_assets.orchestration.assets.sweeps import NAMED_ONLY
from quant_assets.orchestration.partitions import MarketPartitions

AssetJob = UnresolvedAssetJobDefinition


@dataclass(frozen=True)
class MarketJobs:
    """The jobs of a market, one for each kind of partition."""

    daily: AssetJob
    models: AssetJob
    summaries: AssetJob
    strategies: AssetJob
    # Sweeps and searches, which no schedule runs.
    sweeps: AssetJob
    # None for a market whose source has no raw files that come year by year.
    raw_files: AssetJob | None = None

    def all(self) -> list[AssetJob]:
        """Every job, for the definitions."""
        raw_files = [self.raw_files] if self.raw_files is not None else []
        jobs = [self.daily, self.models, self.summaries, self.strategies, self.sweeps]
        return [*raw_files, *jobs]


def market_jobs(
    partitions: MarketPartitions,
    strategies: dg.StaticPartitionsDefinition,
    assets: list[dg.AssetsDefinition],
) -> MarketJobs:
    """The days, the month's models, the month's summaries, the strategies, their sweeps."""
    market = partitions.market
    sweeps = [a for a in assets if any(key.path[-1] in NAMED_ONLY for key in a.keys)]
    assets = [a for a in assets if a not in sweeps]
    days = {key for a in assets if a.partitions_def == partitions.daily for key in a.keys}
    whole = [a for a in assets if a.partitions_def is None]
    # What is read from outside is read anew with each day; what looks through all days has time.
    of_days = [a for a in whole if days & {key for keys in a.asset_deps.values() for key in keys}]
    from_outside = [a for a in whole if a not in of_days]

    def job(
        name: str,
        what: str,
        definition: dg.PartitionsDefinition,
        also: Sequence[dg.AssetsDefinition] = (),
    ) -> AssetJob:
        members = [*(a for a in assets if a.partitions_def == definition), *also]
        return dg.define_asset_job(
            f"{market.name}_{name}",
            selection=dg.AssetSelection.assets(*(key for a in members for key in a.keys)),
            description=f"{market.label}: {what}",
        )

    return MarketJobs(
        daily=job(
            "daily", "sessions, from market data to recommendations", partitions.daily, from_outside
        ),
        models=job("models", "the models of a month", partitions.model_months),
        summaries=job(
            "summaries", "the factors of a month, splits of all days", partitions.monthly, of_days
        ),
        strategies=job("strategies", "backtests and tear sheets", strategies),
        sweeps=dg.define_asset_job(
            f"{market.name}_sweeps",
            selection=dg.AssetSelection.assets(*(a.key for a in sweeps)),
            description=f"{market.label}: parameter sweeps and walk-forward searches",
        ),
        raw_files=job("raw_files", "the exchange's files of a year", partitions.yearly)
        if any(a.partitions_def == partitions.yearly for a in assets)
        else None,
    )
