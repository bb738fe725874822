"""Mining in the graph: its assets with a job and a schedule of their own.

Apart from the jobs of the market's chain: nothing of the chain waits for it, AWS being away must
not fail a day's run, and its picture would cost that run a second. What the assets do stands in
assets/mining.py.
"""

from collections.abc import Sequence

import dagster as dg

from quant_assets.orchestration.assets.mining import mining_assets
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.orchestration.schedules import every_day
from quant_assets.settings import Settings

# After the market's day, the month's models and summaries and the strategies (schedules.py).
HOURS_AFTER_DAILY = 5


def mining_definitions(
    partitions: MarketPartitions, settings: Settings, chain: Sequence[dg.AssetsDefinition]
) -> dg.Definitions:
    """The assets, the job and the schedule of a market's mining.

    Args:
        partitions: of the market.
        settings: the settings.
        chain: the market's other assets, the factor libraries among them.
    """
    market = partitions.market
    libraries = [k for a in chain for k in a.keys if k.path[-1].startswith("factors_")]
    assets = mining_assets(partitions, settings, libraries)
    job = dg.define_asset_job(
        f"{market.name}_mining",
        selection=dg.AssetSelection.assets(*(key for asset in assets for key in asset.keys)),
        description=f"{market.label}: runs of factors, and what they say of the knobs",
    )
    tick = every_day(market, job, HOURS_AFTER_DAILY)
    return dg.Definitions(assets=assets, jobs=[job], schedules=[tick])
