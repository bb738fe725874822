"""Donchian breakout: buy new highs, sell new lows."""

from typing import ClassVar

import numpy as np
from pydantic import Field, model_validator

from quant_assets.backtests.formulas import evaluated
from quant_assets.backtests.selection import rebalancing_days
from quant_assets.backtests.shares import TimingParameters, equal_shares
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData


class DonchianBreakout(Strategy):
    """Hold a symbol from a close above its entry channel to a close below its exit channel.

    Source: Donchian (1960), "High Finance in Copper", Financial Analysts Journal 16(6); the shorter
    exit channel is that of the Turtles (Faith 2007, "Way of the Turtle"). The channels are the
    highest high and the lowest low of the sessions before.

    Whether a symbol is held is told by the last entry and the last exit of the past `memory`
    sessions, not by all history: a row then depends on a bounded past. A position whose last new
    high is older than that is given up. Those that are held have equal weights, none above
    `maximum_weight`.
    """

    name = "donchian_breakout"
    title = "Donchian breakout"
    description = (
        "Holds each member of the universe from a new 55-session high to a new 20-session low, in "
        "equal shares (Donchian 1960, the Turtles)."
    )
    family = "trend"
    needs = ("high", "low", "close", "member")
    grid: ClassVar[Grid] = {"entry": (20, 40, 55, 100, 150), "exit": (10, 20, 30, 50)}

    class Parameters(TimingParameters):
        """The channels and how equity is shared out."""

        entry: int = Field(55, ge=2, le=504, description="sessions of the entry channel")
        exit: int = Field(20, ge=1, le=252, description="sessions of the exit channel")
        memory: int = Field(
            252, ge=5, le=1260, description="sessions after its last entry that a symbol is held"
        )

        @model_validator(mode="after")
        def _exit_before_entry(self) -> "DonchianBreakout.Parameters":
            if self.exit >= self.entry:
                raise ValueError(
                    f"exit must be shorter than entry ({self.entry}). Got {self.exit} instead"
                )
            return self

    def lookback(self, parameters: "DonchianBreakout.Parameters") -> int:
        """The channel of the oldest entry that is remembered."""
        return parameters.entry + parameters.memory

    def target_weights(
        self, data: StrategyData, parameters: "DonchianBreakout.Parameters"
    ) -> np.ndarray:
        """Equal shares of the symbols in a position; channels need two thirds of their bars."""
        close = data["close"]
        bars = {"high": data["high"], "low": data["low"]}
        top, floor = (
            evaluated(f"delay(ts_max(high, {window}), 1)", **bars)
            for window in (parameters.entry, parameters.exit)
        )
        bottom, ceiling = (
            evaluated(f"delay(ts_min(low, {window}), 1)", **bars)
            for window in (parameters.exit, parameters.entry)
        )
        direction = _inside(close > top, close < bottom, parameters.memory).astype(np.float64)
        if parameters.long_short:
            direction -= _inside(close < ceiling, close > floor, parameters.memory)
        eligible = data["member"] & np.isfinite(close) & np.isfinite(top)
        eligible[: self.lookback(parameters)] = False
        return equal_shares(
            direction,
            eligible,
            rebalancing_days(data.dates, parameters.rebalance),
            parameters.gross,
            parameters.maximum_weight,
            parameters.shared_among,
        )


def _inside(entered: np.ndarray, left: np.ndarray, memory: int) -> np.ndarray:
    """Whether the last entry of the past `memory` sessions has not been left; bool (T, N)."""
    now = np.arange(len(entered))[:, np.newaxis]
    entry = np.maximum.accumulate(np.where(entered, now, -1), axis=0)
    exit_ = np.maximum.accumulate(np.where(left, now, -1), axis=0)
    return (entry > exit_) & (now - entry <= memory)
