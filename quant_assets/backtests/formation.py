"""The formation period of momentum: from which session to which a return counts.

Here stand its parameters and its return, which the momentum strategies share. Whom they hold for it
stands in `selection.py` and `shares.py`.
"""

from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from quant_assets.backtests.strategies.base import Grid, StrategyParameters
from quant_assets.market_data.panels import FloatArray

FORMATIONS: Grid = {"lookback": (63, 126, 189, 252, 378), "skip": (0, 5, 10, 21, 42)}
"""Formation periods worth a sweep."""


class FormationParameters(StrategyParameters):
    """A formation period from `lookback` to `skip` sessions ago."""

    shortest: ClassVar[int] = 1
    """Sessions that a period must have."""

    lookback: int = Field(252, ge=21, le=756, description="sessions back to the first price")
    skip: int = Field(21, ge=0, le=126, description="latest sessions that are left out")

    @model_validator(mode="after")
    def _a_period_is_left(self) -> "FormationParameters":
        if self.lookback - self.skip < self.shortest:
            raise ValueError(
                f"skip must leave at least {self.shortest} of the {self.lookback} sessions of "
                f"lookback. Got {self.skip} instead"
            )
        return self

    def returns(self, close: FloatArray) -> FloatArray:
        """close[t - skip] / close[t - lookback] - 1, (T, N); NaN where a price is missing."""
        found = np.full(close.shape, np.nan)
        formed = max(0, len(close) - self.lookback)
        end = close[self.lookback - self.skip :][:formed]
        found[len(close) - formed :] = end / close[:formed] - 1.0
        return found
