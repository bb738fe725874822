"""Factor quantile: long the top, short the bottom of any factor of any library."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from quant_assets.backtests.selection import (
    SelectionParameters,
    rebalancing_days,
    selection_weights,
)
from quant_assets.backtests.strategies.base import FACTOR, Grid, Strategy, StrategyData, factor_of


class FactorQuantile(Strategy):
    """Rank by one factor, hold the top quantile and sell the bottom one short.

    Source: the portfolio sorts of Fama and French (1993), "Common risk factors in the returns on
    stocks and bonds", Journal of Financial Economics 33(1). By default momentum without its last
    month; `factor` names any column of any library of factors, of a user's own included.
    """

    name = "factor_quantile"
    title = "Factor quantile, long-short"
    description = (
        "Holds the top quantile of one factor of the libraries and sells the bottom one short "
        "(portfolio sorts as in Fama and French 1993)."
    )
    family = "factor"
    needs = ("member",)
    grid: ClassVar[Grid] = {
        "quantile": (0.05, 0.1, 0.2, 0.3),
        "rebalance": ("daily", "weekly", "monthly", "quarterly"),
    }

    class Parameters(SelectionParameters):
        """The factor and selection; long-short by default."""

        factor: str = Field("style.momentum_12_1", description="library and factor")
        hold: Literal["high", "low"] = Field(
            "high", description="which end of the factor is held; the other one is sold short"
        )
        long_short: bool = Field(True, description="also sell the other end short")

        @field_validator("factor")
        @classmethod
        def _named(cls, value: str) -> str:
            if factor_of(FACTOR + value) is None:
                raise ValueError("must be library.factor, such as style.momentum_12_1")
            return value

    def fields(self, parameters: "FactorQuantile.Parameters") -> tuple[str, ...]:
        """Membership and the factor."""
        return (*self.needs, FACTOR + parameters.factor)

    def lookback(self, parameters: "FactorQuantile.Parameters") -> int:
        """The session before, which tells whether a period begins."""
        return 1

    def target_weights(
        self, data: StrategyData, parameters: "FactorQuantile.Parameters"
    ) -> np.ndarray:
        """Weights by the factor of the day; symbols without one are not ranked."""
        factor = data[FACTOR + parameters.factor]
        signal = factor if parameters.hold == "high" else -factor
        due = rebalancing_days(data.dates, parameters.rebalance)
        return selection_weights(signal, data["member"], due, parameters)
