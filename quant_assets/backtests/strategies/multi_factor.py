"""Multi-factor: hold what several factors of the libraries like together."""

from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from quant_assets.backtests.blending import blended_ranks
from quant_assets.backtests.selection import (
    SelectionParameters,
    rebalancing_days,
    selection_weights,
)
from quant_assets.backtests.strategies.base import FACTOR, Grid, Strategy, StrategyData, factor_of


class MultiFactor(Strategy):
    """Rank by a weighted mean of the cross-sectional ranks of factors.

    Source: Asness, Moskowitz and Pedersen (2013), "Value and Momentum Everywhere", Journal of
    Finance 68(3), for blends of ranks. By default momentum, nearness to the 52-week high, low
    volatility and the last month's reversal, all of which need prices only.
    """

    name = "multi_factor"
    title = "Multi-factor"
    description = (
        "Holds the members of the universe with the best blend of factors: momentum, nearness to "
        "the high, low volatility, reversal (blends of ranks: Asness, Moskowitz, Pedersen 2013)."
    )
    family = "multi-factor"
    needs = ("member",)
    grid: ClassVar[Grid] = {
        "quantile": (0.05, 0.1, 0.2, 0.3),
        "rebalance": ("weekly", "monthly", "quarterly"),
    }

    class Parameters(SelectionParameters):
        """Factors with their weights, and selection."""

        factors: dict[str, float] = Field(
            {
                "style.momentum_12_1": 1.0,
                "style.high_52_week": 0.5,
                "style.volatility_252": -1.0,
                "style.reversal_21": 0.5,
            },
            min_length=1,
            max_length=50,
            description="`library.factor` and its weight; below 0 low values are liked",
        )
        least: float = Field(
            0.5, gt=0, le=1, description="share of the weights whose factors must be known"
        )

        @field_validator("factors")
        @classmethod
        def _named_and_weighted(cls, value: dict[str, float]) -> dict[str, float]:
            for name, weight in value.items():
                if factor_of(FACTOR + name) is None:
                    raise ValueError(
                        f"a factor is named library.factor, such as style.reversal_21. "
                        f"Got {name!r} instead"
                    )
                if not 0 < abs(weight) < np.inf:
                    raise ValueError(
                        f"the weight of {name} must be a number other than 0. Got {weight} instead"
                    )
            return value

    def fields(self, parameters: "MultiFactor.Parameters") -> tuple[str, ...]:
        """Membership and the factors."""
        return (*self.needs, *(FACTOR + name for name in parameters.factors))

    def lookback(self, parameters: "MultiFactor.Parameters") -> int:
        """The session before, which tells whether a period begins."""
        return 1

    def target_weights(
        self, data: StrategyData, parameters: "MultiFactor.Parameters"
    ) -> np.ndarray:
        """Weights by the blend of the day's factors."""
        due = rebalancing_days(data.dates, parameters.rebalance)
        panels = [data[FACTOR + name] for name in parameters.factors]
        weights = list(parameters.factors.values())
        signal = blended_ranks(panels, weights, data["member"], due, parameters.least)
        return selection_weights(signal, data["member"], due, parameters)
