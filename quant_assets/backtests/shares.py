"""From a direction for every symbol to target weights: equal shares of a total.

Here stand the parts that strategies share which do not rank but say yes or no: trend rules of each
symbol, and rules for the whole universe. Ranking strategies have selection.py.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from quant_assets.backtests.selection import REBALANCING, HoldingParameters, Rebalancing
from quant_assets.backtests.strategies.base import StrategyParameters
from quant_assets.market_data.panels import FloatArray

Among = Literal["held", "members"]


class TimingParameters(HoldingParameters):
    """Parameters of a rule that says of each symbol by itself whether to hold it."""

    rebalance: Rebalancing = Field("weekly", description=REBALANCING)
    maximum_weight: float = Field(
        0.05, gt=0, le=1, description="largest share of equity in one symbol; the rest stays cash"
    )
    shared_among: Among = Field(
        "held",
        description="`gross` is shared out among the symbols that are held, or each member of the "
        "universe has its share, which is cash while it is not held",
    )


class UniverseParameters(StrategyParameters):
    """Parameters of a rule that holds the whole universe, or a part of equity in it."""

    rebalance: Rebalancing = Field("monthly", description=REBALANCING)
    maximum_weight: float = Field(
        0.1, gt=0, le=1, description="largest share of equity in one symbol; the rest stays cash"
    )


def equal_shares(
    direction: np.ndarray,
    eligible: np.ndarray,
    due: np.ndarray,
    total: float | FloatArray,
    maximum: float,
    among: Among = "held",
) -> FloatArray:
    """Weights of one size on every symbol with a direction.

    Args:
        direction: (T, N); above 0 is held, below 0 is sold short, 0 is neither.
        eligible: bool (T, N), who may be held.
        due: bool (T,), rows in which a decision is due.
        total: long plus short positions as a share of equity, for all rows or (T,); on a row
            whose total is NaN nothing is decided.
        maximum: the largest weight of a symbol; what is cut off stays cash.
        among: what `total` is divided by: the number of held or of eligible symbols.

    Returns:
        (T, N); rows not due, and rows with nobody eligible, are NaN. With somebody eligible and
        nobody to hold all is cash.
    """
    weights = np.full(direction.shape, np.nan)
    totals = np.broadcast_to(np.asarray(total, np.float64), due.shape)
    rows = due & eligible.any(axis=1) & np.isfinite(totals)
    sides = np.where(eligible[rows], np.sign(direction[rows]), 0.0)
    counted = sides != 0 if among == "held" else eligible[rows]
    count = np.maximum(counted.sum(axis=1), 1)
    weights[rows] = sides * np.minimum(totals[rows] / count, maximum)[:, np.newaxis]
    return weights
