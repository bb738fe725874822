"""Volatility targeting: hold the universe, less of it when it is restless."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from quant_assets.backtests.selection import REBALANCING, Rebalancing, rebalancing_days
from quant_assets.backtests.shares import UniverseParameters, equal_shares
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData
from quant_assets.market_data.panels import FloatArray


class VolatilityTargeting(Strategy):
    """Equal shares of the universe, scaled so that the expected volatility is the target.

    Source: Moreira and Muir (2017), "Volatility-Managed Portfolios", Journal of Finance 72(4);
    Harvey et al. (2018), "The Impact of Volatility Targeting", Journal of Portfolio Management
    45(1). What is expected is the volatility of the past sessions' returns of the universe itself:
    each session's mean return of the symbols that were members at the close before. Exposure never
    exceeds 1, since cash is not borrowed.
    """

    name = "volatility_targeting"
    title = "Volatility targeting"
    description = (
        "Holds the universe in equal shares, scaled down while its volatility exceeds a target "
        "(Moreira and Muir 2017)."
    )
    family = "risk control"
    needs = ("close", "member")
    grid: ClassVar[Grid] = {"target": (0.08, 0.1, 0.12, 0.15, 0.2), "window": (10, 21, 42, 63)}

    class Parameters(UniverseParameters):
        """Target, how volatility is measured, and bounds of the exposure."""

        rebalance: Rebalancing = Field("weekly", description=REBALANCING)
        target: float = Field(0.12, gt=0, le=1, description="annual volatility that is aimed at")
        window: int = Field(21, ge=5, le=504, description="returns from which it is measured")
        sessions_a_year: int = Field(
            252, ge=200, le=366, description="by which the volatility is made annual"
        )
        maximum_exposure: float = Field(
            1.0, gt=0, le=1, description="largest share of equity that is held"
        )

    def lookback(self, parameters: "VolatilityTargeting.Parameters") -> int:
        """One close more than there are returns."""
        return parameters.window

    def target_weights(
        self, data: StrategyData, parameters: "VolatilityTargeting.Parameters"
    ) -> np.ndarray:
        """Equal shares of the exposure; two thirds of the window's returns must be known."""
        due = rebalancing_days(data.dates, parameters.rebalance)
        returns = _universe_returns(data["close"], data["member"])
        exposure = np.full(len(due), np.nan)
        for t in np.flatnonzero(due):
            if t >= parameters.window:
                known = returns[t - parameters.window + 1 : t + 1]
                known = known[np.isfinite(known)]
                if 3 * len(known) >= 2 * parameters.window:
                    volatility = known.std(ddof=1) * np.sqrt(parameters.sessions_a_year)
                    largest = parameters.maximum_exposure
                    if volatility * largest > parameters.target:
                        largest = parameters.target / volatility
                    exposure[t] = largest
        return equal_shares(
            np.ones(data.shape), data["member"], due, exposure, parameters.maximum_weight
        )


def _universe_returns(close: np.ndarray, member: np.ndarray) -> FloatArray:
    """Mean return of each session over who was a member at the close before; shape (T,)."""
    means = np.full(len(close), np.nan)
    changes = close[1:] / close[:-1] - 1.0
    counted = member[:-1] & np.isfinite(changes)
    for t in np.flatnonzero(counted.any(axis=1)):
        means[t + 1] = changes[t, counted[t]].mean()
    return means
