"""Small-cap momentum: the winners among the small."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from quant_assets.backtests.formation import FormationParameters
from quant_assets.backtests.market_value import float_value
from quant_assets.backtests.selection import (
    SelectionParameters,
    rebalancing_days,
    selection_weights,
)
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData


class SmallCapMomentum(Strategy):
    """Rank the smallest part of the universe by momentum, hold the top quantile.

    Source: Hong, Lim and Stein (2000), "Bad News Travels Slowly: Size, Analyst Coverage, and the
    Profitability of Momentum Strategies", Journal of Finance 55(1). Size is the average traded
    value where shares outstanding are not known, as in Brennan, Chordia and Subrahmanyam (1998),
    Journal of Financial Economics 49; with a turnover rate it is the value of the shares that can
    be traded, turnover over turnover rate.
    """

    name = "small_cap_momentum"
    title = "Small-cap momentum"
    description = (
        "Holds the past year's winners among the smaller half of the universe; traded value stands "
        "in for size (Hong, Lim and Stein 2000)."
    )
    family = "momentum"
    needs = ("close", "member")
    grid: ClassVar[Grid] = {"small": (0.2, 0.3, 0.5, 0.7), "lookback": (63, 126, 252)}

    class Parameters(FormationParameters, SelectionParameters):
        """Size, formation period and selection."""

        small: float = Field(
            0.5, gt=0, le=1, description="share of the members, by size, that counts as small"
        )
        size: Literal["average_turnover", "float_value"] = Field(
            "average_turnover",
            description="average traded value, or turnover over turnover rate where it is known",
        )

    def fields(self, parameters: "SmallCapMomentum.Parameters") -> tuple[str, ...]:
        """Closes, membership, and what the size is made of."""
        if parameters.size == "float_value":
            return (*self.needs, "turnover", "turnover_rate")
        return (*self.needs, "average_turnover")

    def lookback(self, parameters: "SmallCapMomentum.Parameters") -> int:
        """The first price of the formation period."""
        return parameters.lookback

    def target_weights(
        self, data: StrategyData, parameters: "SmallCapMomentum.Parameters"
    ) -> np.ndarray:
        """Weights by the return of the formation period, among those whose size is known."""
        close = data["close"]
        signal = parameters.returns(close)
        due = rebalancing_days(data.dates, parameters.rebalance)
        eligible = data["member"] & np.isfinite(close)
        small = _smallest(_size(data, parameters.size), eligible, due, parameters.small)
        return selection_weights(signal, small, due, parameters)


def _size(data: StrategyData, kind: str) -> np.ndarray:
    """Size by which only the order counts; a session without turnover has none."""
    if kind == "average_turnover":
        return data["average_turnover"]
    return float_value(data["turnover"], data["turnover_rate"])


def _smallest(size: np.ndarray, eligible: np.ndarray, due: np.ndarray, share: float) -> np.ndarray:
    """On due rows, who is among the smallest share of the eligible; bool (T, N)."""
    small = np.zeros(size.shape, bool)
    for t in np.flatnonzero(due):
        known = np.flatnonzero(eligible[t] & np.isfinite(size[t]))
        count = int(len(known) * share + 1e-9)
        small[t, known[np.argsort(size[t, known], kind="stable")[:count]]] = True
    return small
