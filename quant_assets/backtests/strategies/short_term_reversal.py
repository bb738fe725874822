"""Short-term reversal: hold last week's losers."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from quant_assets.backtests.formulas import evaluated
from quant_assets.backtests.selection import (
    REBALANCING,
    Rebalancing,
    SelectionParameters,
    rebalancing_days,
    selection_weights,
)
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData


class ShortTermReversal(Strategy):
    """Rank by minus the return of the last sessions, hold the top quantile.

    Source: Lehmann (1990), "Fads, Martingales, and Market Efficiency", Quarterly Journal of
    Economics 105(1), for a week; Jegadeesh (1990), Journal of Finance 45(3), for a month. A part of
    the effect is the bounce between bid and ask, which cannot be earned: `skip` leaves the last
    sessions out.
    """

    name = "short_term_reversal"
    title = "Short-term reversal"
    description = (
        "Holds the members of the universe that lost most over the past week (Lehmann 1990, "
        "Jegadeesh 1990)."
    )
    family = "reversal"
    needs = ("close", "member")
    grid: ClassVar[Grid] = {"lookback": (2, 3, 5, 10, 21), "skip": (0, 1, 2)}

    class Parameters(SelectionParameters):
        """Formation period and selection; weekly by default."""

        lookback: int = Field(5, ge=1, le=63, description="sessions whose return is turned round")
        skip: int = Field(0, ge=0, le=5, description="latest sessions that are left out")
        rebalance: Rebalancing = Field("weekly", description=REBALANCING)

    def lookback(self, parameters: "ShortTermReversal.Parameters") -> int:
        """The first price of the formation period."""
        return parameters.lookback + parameters.skip

    def target_weights(
        self, data: StrategyData, parameters: "ShortTermReversal.Parameters"
    ) -> np.ndarray:
        """Weights by minus the return; missing prices are not ranked."""
        fall = f"1 - close / delay(close, {parameters.lookback})"
        formula = f"delay({fall}, {parameters.skip})" if parameters.skip else fall
        signal = evaluated(formula, close=data["close"])
        eligible = data["member"] & np.isfinite(data["close"])
        due = rebalancing_days(data.dates, parameters.rebalance)
        return selection_weights(signal, eligible, due, parameters)
