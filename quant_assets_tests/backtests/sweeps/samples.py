"""A strategy with few parameters on a small made-up market, for the tests of sweeps."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from quant_assets.backtests.strategies.base import Strategy, StrategyData, StrategyParameters
from quant_assets.backtests.sweeps.evaluation import Evaluation
from quant_assets_tests.backtests.samples import prices


class Crossing(Strategy):
    """Holds, in equal parts, what stands above its own mean of `slow` by the mean of `fast`."""

    name = "crossing"
    title = "Crossing"
    description = "Two moving averages."
    family = "trend"
    needs: ClassVar[tuple[str, ...]] = ("close",)
    grid: ClassVar[dict[str, tuple[Any, ...]]] = {"fast": (2, 4, 8, 16), "slow": (4, 8, 16, 32)}

    class Parameters(StrategyParameters):
        fast: int = Field(4, ge=1, le=100, description="sessions of the short mean")
        slow: int = Field(16, ge=2, le=200, description="sessions of the long mean")
        share: float = Field(1.0, gt=0, le=1, description="of equity")
        side: str = Field("long", description="a text")

        @model_validator(mode="after")
        def _in_order(self) -> "Crossing.Parameters":
            if self.fast >= self.slow:
                raise ValueError(f"fast must be below slow ({self.slow}). Got {self.fast} instead")
            return self

    def lookback(self, parameters: Any) -> int:
        return int(parameters.slow)

    def target_weights(self, data: StrategyData, parameters: Any) -> np.ndarray:
        close = np.nan_to_num(data["close"])
        above = mean(close, parameters.fast) > mean(close, parameters.slow)
        weights = parameters.share * above / np.maximum(above.sum(axis=1, keepdims=True), 1)
        weights[: parameters.slow - 1] = np.nan
        return np.asarray(weights, np.float64)


def mean(values: np.ndarray, window: int) -> np.ndarray:
    """Means of the last rows, NaN until there are enough."""
    out = np.full(values.shape, np.nan)
    if window > len(values):
        return out
    view = np.lib.stride_tricks.sliding_window_view(values, window, axis=0)
    out[window - 1 :] = view.mean(axis=-1)
    return out


class Slow(Crossing):
    """Takes its time, and writes down every set that it runs."""

    name = "slow_crossing"
    log: ClassVar[Path | None] = None
    seconds: ClassVar[float] = 0.0

    def target_weights_of_each(
        self, data: StrategyData, parameter_sets: Iterable[Any]
    ) -> Iterator[np.ndarray]:
        for parameters in parameter_sets:
            if self.log is not None:
                with self.log.open("a") as file:
                    file.write(f"{parameters.fast} {parameters.slow}\n")
            time.sleep(self.seconds)
            yield self.target_weights(data, parameters)


def evaluation(days: int = 300, symbols: int = 6, seed: int = 3, plugin: Any = None) -> Evaluation:
    """The strategy on random walks; trades at the close of the next session, without costs."""
    panel = prices(days, symbols, seed, missing=0.0)
    close = np.nan_to_num(panel["close"], nan=1.0)
    moved = np.zeros_like(close)
    moved[1:] = close[1:] / close[:-1] - 1.0

    def simulate(weights: np.ndarray) -> np.ndarray:
        decided = ~np.isnan(weights).any(axis=1)
        held, returns = np.zeros(symbols), np.full(days, np.nan)
        for t in range(1, days):
            if decided[: t - 1].any():
                returns[t] = float(held @ moved[t])
            if decided[t - 1]:
                held = weights[t - 1]
                returns[t] = 0.0 if np.isnan(returns[t]) else returns[t]
        return returns

    strategy = plugin or Crossing()
    data = StrategyData(panel.dates, panel.symbols, {"close": close})
    return Evaluation(strategy, data, simulate, moved.mean(axis=1), np.full(days, 0.02), 252)
