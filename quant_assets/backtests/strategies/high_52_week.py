"""52-week high: hold what trades near its highest price of a year."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from quant_assets.backtests.formulas import evaluated
from quant_assets.backtests.selection import (
    SelectionParameters,
    rebalancing_days,
    selection_weights,
)
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData


class High52Week(Strategy):
    """Rank by the close over the highest price of the past year, hold the top quantile.

    Source: George and Hwang (2004), "The 52-Week High and Momentum Investing", Journal of Finance
    59(5).
    """

    name = "high_52_week"
    title = "52-week high"
    description = (
        "Holds the members of the universe that trade nearest to their highest price of the past "
        "year (George and Hwang 2004)."
    )
    family = "momentum"
    needs = ("high", "close", "member")
    grid: ClassVar[Grid] = {"window": (63, 126, 189, 252, 378), "quantile": (0.05, 0.1, 0.2, 0.3)}

    class Parameters(SelectionParameters):
        """Window of the high and selection."""

        window: int = Field(252, ge=21, le=756, description="sessions of the highest price")

    def lookback(self, parameters: "High52Week.Parameters") -> int:
        """The sessions of the high but today."""
        return parameters.window - 1

    def target_weights(self, data: StrategyData, parameters: "High52Week.Parameters") -> np.ndarray:
        """Weights by nearness; two thirds of the window's highs must be known."""
        signal = evaluated(
            f"close / ts_max(high, {parameters.window})", close=data["close"], high=data["high"]
        )
        due = rebalancing_days(data.dates, parameters.rebalance)
        return selection_weights(signal, data["member"], due, parameters)
