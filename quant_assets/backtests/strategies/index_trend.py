"""Index trend: hold the universe while the market's index lies above its average."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from quant_assets.backtests.selection import rebalancing_days
from quant_assets.backtests.shares import UniverseParameters, equal_shares
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData
from quant_assets.market_data.panels import FloatArray


class IndexTrend(Strategy):
    """Equal shares of the universe while the index closes above its moving average, else cash.

    Source: Faber (2007), "A Quantitative Approach to Tactical Asset Allocation", Journal of Wealth
    Management 9(4), who looks at the ten-month average once a month.
    """

    name = "index_trend"
    title = "Index trend"
    description = (
        "Holds the universe in equal shares while the market's index closes above its ten-month "
        "average, and cash otherwise (Faber 2007)."
    )
    family = "trend"
    needs = ("member", "index_close")
    grid: ClassVar[Grid] = {"window": (50, 100, 150, 200, 250), "band": (0.0, 0.01, 0.02)}

    class Parameters(UniverseParameters):
        """The average and how much is held below it."""

        window: int = Field(200, ge=5, le=750, description="sessions of the average")
        band: float = Field(
            0.0, ge=0, lt=0.5, description="how far above the average, as a share of it"
        )
        otherwise: float = Field(
            0.0, ge=0, le=1, description="share of equity held while the index lies below"
        )

    def lookback(self, parameters: "IndexTrend.Parameters") -> int:
        """The sessions of the average, and the one before, which tells whether a period begins."""
        return parameters.window

    def target_weights(self, data: StrategyData, parameters: "IndexTrend.Parameters") -> np.ndarray:
        """Equal shares of all of equity or of `otherwise`; without an index nothing is decided."""
        due = rebalancing_days(data.dates, parameters.rebalance)
        average = _average(data["index_close"], parameters.window, due)
        above = data["index_close"] > average * (1.0 + parameters.band)
        exposure = np.where(above, 1.0, parameters.otherwise)
        exposure[~np.isfinite(average)] = np.nan
        return equal_shares(
            np.ones(data.shape), data["member"], due, exposure, parameters.maximum_weight
        )


def _average(index: FloatArray, window: int, due: np.ndarray) -> FloatArray:
    """Mean of the window's closes on due rows with a close; two thirds must be known; (T,)."""
    average = np.full(len(index), np.nan)
    for t in np.flatnonzero(due & np.isfinite(index)):
        if t >= window:
            known = index[t - window + 1 : t + 1]
            known = known[np.isfinite(known)]
            if 3 * len(known) >= 2 * window:
                average[t] = known.mean()
    return average
