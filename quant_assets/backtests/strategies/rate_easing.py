"""Interest-rate easing: hold stocks while the policy rate falls."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from quant_assets.backtests.selection import rebalancing_days
from quant_assets.backtests.shares import UniverseParameters, equal_shares
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData
from quant_assets.market_data.panels import FloatArray


class RateEasing(Strategy):
    """Hold the universe in equal shares when the last move of the short-term rate was a fall.

    Source: Jensen, Mercer and Johnson (1996), "Business conditions, monetary policy, and expected
    security returns", Journal of Financial Economics 40(2), who tell expansive from restrictive
    times by the last change of the discount rate; Conover, Jensen, Johnson and Mercer (2005),
    Financial Analysts Journal 61(1). The rate is the market's risk-free rate: fed funds in the
    United States, the CDI in Brazil.

    A move is a change of at least `minimum_change` from the highest (lowest) rate since the move
    before, so that the noise of a market rate is none. Only the past `memory` sessions are looked
    at: an older fall is no longer easing.
    """

    name = "rate_easing"
    title = "Interest-rate easing"
    description = (
        "Holds the universe in equal shares while the policy rate falls, and cash otherwise "
        "(Jensen, Mercer and Johnson 1996)."
    )
    family = "macro"
    needs = ("member", "risk_free_rate")
    grid: ClassVar[Grid] = {
        "minimum_change": (0.0005, 0.001, 0.0025, 0.005),
        "memory": (126, 252, 504),
    }

    class Parameters(UniverseParameters):
        """What counts as a move, for how long, and how much is held without one."""

        minimum_change: float = Field(
            0.001, gt=0, le=0.1, description="smallest move of the annual rate; 0.001 is 0.1 points"
        )
        memory: int = Field(
            252, ge=21, le=1260, description="sessions in which the last move must have been"
        )
        otherwise: float = Field(
            0.0, ge=0, le=1, description="share of equity held while the rate does not fall"
        )

    def lookback(self, parameters: "RateEasing.Parameters") -> int:
        """The rates in which moves are looked for."""
        return parameters.memory

    def target_weights(self, data: StrategyData, parameters: "RateEasing.Parameters") -> np.ndarray:
        """Equal shares of all of equity or of `otherwise`; without any rate nothing is decided."""
        due = rebalancing_days(data.dates, parameters.rebalance)
        member = data["member"]
        return equal_shares(
            np.ones(data.shape),
            member,
            due,
            _exposure(data["risk_free_rate"], due, parameters),
            parameters.maximum_weight,
        )


def _exposure(rate: np.ndarray, due: np.ndarray, parameters: RateEasing.Parameters) -> FloatArray:
    """The share of equity to hold on each due row, NaN where no rate is known; shape (T,)."""
    exposure = np.full(len(rate), np.nan)
    for t in np.flatnonzero(due):
        if t >= parameters.memory:
            known = rate[t - parameters.memory : t + 1]
            known = known[np.isfinite(known)]
            if len(known):
                falls = _last_move(known, parameters.minimum_change) < 0
                exposure[t] = 1.0 if falls else parameters.otherwise
    return exposure


def _last_move(rates: np.ndarray, minimum: float) -> int:
    """1 if the last move of at least `minimum` was up, -1 down, 0 without any."""
    direction = 0
    high = low = rates[0]
    # A hundredth of a basis point, so that 5.25 % less 5 % is a quarter of a point.
    minimum = minimum - 1e-6
    for rate in rates[np.flatnonzero(np.diff(rates)) + 1].tolist():
        high, low = max(high, rate), min(low, rate)
        if direction >= 0 and high - rate >= minimum:
            direction, low = -1, rate
            high = rate
        elif direction <= 0 and rate - low >= minimum:
            direction, high = 1, rate
            low = rate
    return direction
