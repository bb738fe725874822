"""Equal weight: hold every member of the universe, the reference for the others."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from quant_assets.backtests.selection import REBALANCING, Rebalancing, rebalancing_days
from quant_assets.backtests.shares import UniverseParameters, equal_shares
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData


class EqualWeight(Strategy):
    """Buy every member of the universe in equal shares, and hold for a quarter.

    Source: DeMiguel, Garlappi and Uppal (2009), "Optimal Versus Naive Diversification", Review of
    Financial Studies 22(5). Between decisions nothing is traded: positions run. A portfolio that
    was bought once and never again would depend on where the data begin; so members that came and
    went are looked at each quarter.
    """

    name = "equal_weight"
    title = "Equal-weight buy and hold"
    description = (
        "Buys every member of the universe in equal shares and holds for a quarter: what any "
        "strategy on this universe is to be measured by (DeMiguel, Garlappi and Uppal 2009)."
    )
    family = "reference"
    needs = ("member",)
    grid: ClassVar[Grid] = {"rebalance": ("weekly", "monthly", "quarterly")}

    class Parameters(UniverseParameters):
        """When to look at the members anew."""

        rebalance: Rebalancing = Field("quarterly", description=REBALANCING)

    def lookback(self, parameters: "EqualWeight.Parameters") -> int:
        """The session before, which tells whether a period begins."""
        return 1

    def target_weights(
        self, data: StrategyData, parameters: "EqualWeight.Parameters"
    ) -> np.ndarray:
        """The same weight for every member."""
        due = rebalancing_days(data.dates, parameters.rebalance)
        return equal_shares(
            np.ones(data.shape), data["member"], due, 1.0, parameters.maximum_weight
        )
