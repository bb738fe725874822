"""Momentum by Sharpe ratio: hold the past year's smoothest winners."""

from typing import ClassVar

import numpy as np

from quant_assets.backtests.formation import FORMATIONS, FormationParameters
from quant_assets.backtests.formulas import evaluated
from quant_assets.backtests.selection import (
    SelectionParameters,
    rebalancing_days,
    selection_weights,
)
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData


class SharpeMomentum(Strategy):
    """Rank by mean over standard deviation of the daily returns of the formation period.

    Source: Rachev, Jasic, Stoyanov and Fabozzi (2007), "Momentum strategies based on reward-risk
    stock selection criteria", Journal of Banking & Finance 31(8). The risk-free rate is the same
    for every symbol and left out: it would add a preference for volatile winners, nothing else.
    """

    name = "sharpe_momentum"
    title = "Momentum by Sharpe ratio"
    description = (
        "Holds the members of the universe whose returns of the past year, without its last month, "
        "were highest for their risk (Rachev et al. 2007)."
    )
    family = "momentum"
    needs = ("close", "member")
    grid: ClassVar[Grid] = FORMATIONS

    class Parameters(FormationParameters, SelectionParameters):
        """Formation period and selection."""

        shortest: ClassVar[int] = 5

    def lookback(self, parameters: "SharpeMomentum.Parameters") -> int:
        """The first price of the formation period."""
        return parameters.lookback

    def target_weights(
        self, data: StrategyData, parameters: "SharpeMomentum.Parameters"
    ) -> np.ndarray:
        """Weights by the Sharpe ratio; a symbol needs two thirds of the period's returns."""
        formed = parameters.lookback - parameters.skip
        ratio = f"ts_mean(returns, {formed}) / ts_std_dev(returns, {formed})"
        if parameters.skip:
            ratio = f"delay({ratio}, {parameters.skip})"
        signal = evaluated(ratio, close=data["close"])
        eligible = data["member"] & np.isfinite(data["close"])
        due = rebalancing_days(data.dates, parameters.rebalance)
        return selection_weights(signal, eligible, due, parameters)
