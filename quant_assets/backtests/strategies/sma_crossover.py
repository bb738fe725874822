"""SMA crossover: hold what trades above its own past."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from quant_assets.backtests.formulas import evaluated
from quant_assets.backtests.rows import DueAverages, DueRows
from quant_assets.backtests.selection import rebalancing_days
from quant_assets.backtests.shares import TimingParameters, equal_shares
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData


class SmaCrossover(Strategy):
    """Hold each symbol whose fast moving average of closes lies above its slow one.

    Source: Brock, Lakonishok and LeBaron (1992), "Simple Technical Trading Rules and the Stochastic
    Properties of Stock Returns", Journal of Finance 47(5). Their band around the slow average is
    `band`. Those that are held have equal weights, none above `maximum_weight`; with `long_short`
    those whose fast average lies below are sold short.
    """

    name = "sma_crossover"
    title = "SMA crossover"
    description = (
        "Holds each member of the universe while its fast moving average lies above its slow one, "
        "in equal shares (Brock, Lakonishok and LeBaron 1992)."
    )
    family = "trend"
    needs = ("close", "member")
    grid: ClassVar[Grid] = {
        "fast": (5, 10, 20, 30, 50, 80),
        "slow": (50, 80, 100, 150, 200, 250),
    }

    class Parameters(TimingParameters):
        """The two averages and how equity is shared out."""

        fast: int = Field(50, ge=1, le=250, description="sessions of the fast average")
        slow: int = Field(200, ge=2, le=750, description="sessions of the slow average")
        band: float = Field(
            0.0,
            ge=0,
            lt=0.5,
            description="distance from the slow average, as a share of it, "
            "within which there is no signal",
        )

        @model_validator(mode="after")
        def _fast_before_slow(self) -> "SmaCrossover.Parameters":
            if self.fast >= self.slow:
                raise ValueError(
                    f"fast must be shorter than slow ({self.slow}). Got {self.fast} instead"
                )
            return self

    def lookback(self, parameters: "SmaCrossover.Parameters") -> int:
        """The slow window, and the session before, which tells whether a period begins."""
        return max(parameters.slow - 1, 1)

    def target_weights(
        self, data: StrategyData, parameters: "SmaCrossover.Parameters"
    ) -> np.ndarray:
        """Equal shares of the symbols above; averages need two thirds of their closes."""
        close = data["close"]
        distance = evaluated(
            f"ts_mean(close, {parameters.fast}) / ts_mean(close, {parameters.slow}) - 1",
            close=close,
        )
        eligible = data["member"] & np.isfinite(close) & np.isfinite(distance)
        above, below = distance > parameters.band, distance < -parameters.band
        direction = above.astype(np.float64) - (below if parameters.long_short else 0.0)
        return equal_shares(
            direction,
            eligible,
            rebalancing_days(data.dates, parameters.rebalance),
            parameters.gross,
            parameters.maximum_weight,
            parameters.shared_among,
        )

    def target_weights_of_each(
        self, data: StrategyData, parameter_sets: Iterable["SmaCrossover.Parameters"]
    ) -> Iterator[np.ndarray]:
        """As `target_weights` of each; every average is computed once, on the due rows kept."""
        close = data["close"]
        due = DueRows(data.dates, data["member"] & np.isfinite(close))
        averages = DueAverages(close, due)
        for parameters in parameter_sets:
            fast, slow = (
                averages.of(window, parameters.rebalance)
                for window in (parameters.fast, parameters.slow)
            )
            yield due.held_above(fast, slow, parameters.band, parameters)
