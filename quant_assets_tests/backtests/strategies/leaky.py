"""A strategy that knows what it must not."""

from typing import Any

import numpy as np

from quant_assets.backtests.selection import rebalancing_days
from quant_assets.backtests.strategies.base import Strategy, StrategyData


class Leaky(Strategy):
    """A daily signal as weights, with one of the classical leaks, chosen by name."""

    name = title = description = family = "leaky"
    needs = ("close", "score", "member")

    def __init__(self, leak: str) -> None:
        self.leak = leak

    def lookback(self, parameters: Any) -> int:
        return 5

    def target_weights(self, data: StrategyData, parameters: Any) -> np.ndarray:
        close = np.nan_to_num(data["close"], nan=1.0)
        signal = np.zeros(data.shape)
        if self.leak.startswith("tomorrow"):
            signal[:-1] = close[1:] / close[:-1]
            if self.leak == "tomorrow of a month":
                signal[~rebalancing_days(data.dates, "monthly")] = np.nan
        elif self.leak == "last row":  # the last session of a month, known only with its successor
            months = data.dates.astype("datetime64[M]")
            ends = np.append(months[1:] != months[:-1], True)
            return np.where(ends[:, None], 0.1 * np.ones(data.shape), np.nan)
        elif self.leak == "whole sample":
            signal = (close - close.mean(axis=0)) / np.maximum(close.std(axis=0), 1e-9)
        elif self.leak == "range start":
            signal = np.cumsum(close, axis=0)
        elif self.leak == "symbols listed":
            signal = np.full(data.shape, 1.0 / data.shape[1])
        elif self.leak == "none":
            signal[5:] = close[5:] / close[:-5]
        return signal
