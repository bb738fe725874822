"""Time-series momentum: hold each symbol that rose, the calm ones more."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from quant_assets.backtests.formation import FormationParameters
from quant_assets.backtests.formulas import evaluated
from quant_assets.backtests.selection import capped, rebalancing_days
from quant_assets.backtests.shares import TimingParameters
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData


class TimeSeriesMomentum(Strategy):
    """Hold what rose over the past year, in proportion to the inverse of its volatility.

    Source: Moskowitz, Ooi and Pedersen (2012), "Time series momentum", Journal of Financial
    Economics 104(2). With `long_short` what fell is sold short. With `shared_among: members` the
    share of a symbol is the same whether the others are held or not.
    """

    name = "time_series_momentum"
    title = "Time-series momentum"
    description = (
        "Holds each member of the universe that rose over the past year, sized by the inverse of "
        "its volatility (Moskowitz, Ooi and Pedersen 2012)."
    )
    family = "trend"
    needs = ("close", "member")
    grid: ClassVar[Grid] = {"lookback": (63, 126, 189, 252, 378), "window": (21, 63, 126)}

    class Parameters(FormationParameters, TimingParameters):
        """Formation period, volatility, and how equity is shared out."""

        skip: int = Field(0, ge=0, le=126, description="latest sessions that are left out")
        window: int = Field(63, ge=10, le=504, description="daily returns of the volatility")

    def lookback(self, parameters: "TimeSeriesMomentum.Parameters") -> int:
        """The first price of the formation period or of the volatility."""
        return max(parameters.lookback, parameters.window)

    def target_weights(
        self, data: StrategyData, parameters: "TimeSeriesMomentum.Parameters"
    ) -> np.ndarray:
        """Weights by the sign of the return and the inverse of the volatility (ddof=1)."""
        close = data["close"]
        trend = parameters.returns(close)
        calm = evaluated(f"1 / ts_std_dev(returns, {parameters.window})", close=close)
        eligible = data["member"] & np.isfinite(trend) & np.isfinite(calm) & np.isfinite(close)
        direction = np.sign(trend) if parameters.long_short else (trend > 0).astype(np.float64)
        due = rebalancing_days(data.dates, parameters.rebalance)
        weights = np.full(data.shape, np.nan)
        for t in np.flatnonzero(due & eligible.any(axis=1)):
            there = np.flatnonzero(eligible[t])
            side, strength = direction[t, there], calm[t, there]
            held = side != 0
            total = parameters.gross
            if parameters.shared_among == "members":
                total *= strength[held].sum() / strength.sum()
            sized = capped(np.where(held, strength, 0.0), total, parameters.maximum_weight)
            weights[t] = 0.0
            weights[t, there] = side * sized
        return weights
