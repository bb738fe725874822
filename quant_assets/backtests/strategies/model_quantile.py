"""Model quantile: hold what the model predicts to do best."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from quant_assets.backtests.selection import (
    REBALANCING,
    Rebalancing,
    SelectionParameters,
    rebalancing_days,
    selection_weights,
)
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData


class ModelQuantile(Strategy):
    """Rank by the model's score of the day, hold the top quantile.

    The scores come from walk-forward models, so each is from a model that ended its training before
    the score's month. Source of the portfolio: Gu, Kelly and Xiu (2020), "Empirical Asset Pricing
    via Machine Learning", Review of Financial Studies 33(5).
    """

    name = "model_quantile"
    title = "Top quantile of the model"
    description = (
        "Holds the members of the universe with the highest predictions of the walk-forward model "
        "(portfolio sorts as in Gu, Kelly and Xiu 2020)."
    )
    family = "model"
    needs = ("score", "member")
    grid: ClassVar[Grid] = {
        "quantile": (0.05, 0.1, 0.2, 0.3),
        "rebalance": ("daily", "weekly", "monthly"),
    }

    class Parameters(SelectionParameters):
        """Selection; weekly by default, as the model's label spans five sessions."""

        rebalance: Rebalancing = Field("weekly", description=REBALANCING)

    def lookback(self, parameters: "ModelQuantile.Parameters") -> int:
        """The session before, which tells whether a period begins."""
        return 1

    def target_weights(
        self, data: StrategyData, parameters: "ModelQuantile.Parameters"
    ) -> np.ndarray:
        """Weights by the day's scores; on days without scores nothing is decided."""
        due = rebalancing_days(data.dates, parameters.rebalance)
        return selection_weights(data["score"], data["member"], due, parameters)
