"""Sector rotation: hold the members of the strongest sectors or industries."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from quant_assets.backtests.formation import FormationParameters
from quant_assets.backtests.selection import rebalancing_days
from quant_assets.backtests.shares import UniverseParameters, equal_shares
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData


class SectorRotation(Strategy):
    """Rank groups by the mean return of their members, hold all members of the best groups.

    Source: Moskowitz and Grinblatt (1999), "Do Industries Explain Momentum?", Journal of Finance
    54(4). Members have equal weights, whichever of the chosen groups they are in.
    """

    name = "sector_rotation"
    title = "Sector rotation"
    description = (
        "Holds the members of the sectors or industries that did best over the past half year "
        "(Moskowitz and Grinblatt 1999)."
    )
    family = "momentum"
    needs = ("close", "member")
    grid: ClassVar[Grid] = {"lookback": (21, 63, 126, 252), "share": (0.1, 0.2, 0.3, 0.5)}

    class Parameters(FormationParameters, UniverseParameters):
        """Groups, formation period, how many groups."""

        group: Literal["sector", "industry"] = Field(
            "industry", description="by what the universe is divided"
        )
        lookback: int = Field(126, ge=5, le=756, description="sessions back to the first price")
        skip: int = Field(0, ge=0, le=63, description="latest sessions that are left out")
        share: float = Field(0.2, gt=0, le=1, description="share of the ranked groups that is held")
        minimum_members: int = Field(
            3, ge=1, le=100, description="groups with fewer known returns are not ranked"
        )

    def fields(self, parameters: "SectorRotation.Parameters") -> tuple[str, ...]:
        """Closes, membership and the groups."""
        return (*self.needs, parameters.group)

    def lookback(self, parameters: "SectorRotation.Parameters") -> int:
        """The first price of the formation period."""
        return parameters.lookback

    def target_weights(
        self, data: StrategyData, parameters: "SectorRotation.Parameters"
    ) -> np.ndarray:
        """Equal weights within the best groups; a symbol of no group is not held."""
        returns = parameters.returns(data["close"])
        groups = data[parameters.group]
        eligible = data["member"] & np.isfinite(returns) & (groups >= 0)
        due = rebalancing_days(data.dates, parameters.rebalance)
        chosen = np.zeros(data.shape)
        for t in np.flatnonzero(due & eligible.any(axis=1)):
            there = np.flatnonzero(eligible[t])
            best = _best(returns[t, there], groups[t, there], parameters)
            chosen[t, there] = best
            eligible[t, there] = bool(best.any())
        return equal_shares(chosen, eligible, due, 1.0, parameters.maximum_weight)


def _best(
    returns: np.ndarray, groups: np.ndarray, parameters: SectorRotation.Parameters
) -> np.ndarray:
    """Which symbols are in the best groups; none where no group is large enough; bool (K,).

    Ties go to the group of the first symbol: codes of groups mean nothing.
    """
    _, first, group = np.unique(groups, return_index=True, return_inverse=True)
    count = np.bincount(group)
    mean = np.bincount(group, weights=returns) / count
    ranked = np.flatnonzero(count >= parameters.minimum_members)
    ordered = ranked[np.lexsort((first[ranked], -mean[ranked]))]
    held = ordered[: max(1, int(len(ordered) * parameters.share + 1e-9))]
    chosen: np.ndarray = np.isin(group, held)
    return chosen
