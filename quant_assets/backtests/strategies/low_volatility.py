"""Low volatility: hold the calmest stocks."""

from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from quant_assets.backtests.selection import (
    SelectionParameters,
    rebalancing_days,
    selection_weights,
)
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData


class LowVolatility(Strategy):
    """Rank by the standard deviation of daily returns, hold the quantile with the lowest.

    Source: Blitz and van Vliet (2007), "The Volatility Effect", Journal of Portfolio Management
    34(1). Score weights are in proportion to how far the logarithm of the volatility lies below the
    cross-section's mean, so that one wild stock does not set the scale.
    """

    name = "low_volatility"
    title = "Low volatility"
    description = (
        "Holds the members of the universe whose daily returns varied least over the past months "
        "(Blitz and van Vliet 2007)."
    )
    family = "low risk"
    needs = ("close", "member")
    grid: ClassVar[Grid] = {"window": (100, 126, 189, 252), "quantile": (0.05, 0.1, 0.2, 0.3)}

    class Parameters(SelectionParameters):
        """Window of the volatility and selection."""

        window: int = Field(126, ge=10, le=756, description="daily returns that are measured")
        minimum_returns: int = Field(
            100, ge=2, le=756, description="with fewer known returns a symbol is not ranked"
        )

        @model_validator(mode="after")
        def _reachable(self) -> "LowVolatility.Parameters":
            if self.minimum_returns > self.window:
                raise ValueError(
                    f"minimum_returns must be at most window ({self.window}). "
                    f"Got {self.minimum_returns} instead"
                )
            return self

    def lookback(self, parameters: "LowVolatility.Parameters") -> int:
        """One close more than there are returns."""
        return parameters.window

    def target_weights(
        self, data: StrategyData, parameters: "LowVolatility.Parameters"
    ) -> np.ndarray:
        """Weights by minus the log of the volatility (ddof=1) of the window's simple returns.

        A return needs both closes; a volatility of exactly 0 (a price that never moved) is not
        ranked, for it says that nobody traded.
        """
        close = data["close"]
        due = rebalancing_days(data.dates, parameters.rebalance)
        signal = np.full(data.shape, np.nan)
        for t in np.flatnonzero(due):
            if t >= parameters.window:
                prices = close[t - parameters.window : t + 1]
                signal[t] = -_log_volatility(prices, parameters.minimum_returns)
        return selection_weights(signal, data["member"] & np.isfinite(close), due, parameters)


def _log_volatility(prices: np.ndarray, minimum: int) -> np.ndarray:
    """Log of the standard deviation (two passes) of each column's returns, shape (N,)."""
    returns = prices[1:] / prices[:-1] - 1.0
    known = np.isfinite(returns)
    count = known.sum(axis=0)
    enough = count >= minimum
    divisor = np.maximum(count, 1)
    mean = np.where(known, returns, 0.0).sum(axis=0) / divisor
    squares = np.where(known, (returns - mean) ** 2, 0.0).sum(axis=0)
    variance = squares / np.maximum(count - 1, 1)
    ranked = enough & (variance > 0)
    return np.where(ranked, 0.5 * np.log(np.where(ranked, variance, 1.0)), np.nan)
