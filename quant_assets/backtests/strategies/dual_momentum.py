"""Dual momentum: hold the winners, as long as they beat the risk-free rate."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from quant_assets.backtests.formulas import evaluated
from quant_assets.backtests.selection import (
    SelectionParameters,
    rebalancing_days,
    selection_weights,
)
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData
from quant_assets.market_data.panels import FloatArray

_YEAR = 365.25  # days: a rate accrues by the calendar


class DualMomentum(Strategy):
    """Rank by return (relative momentum), keep what earned more than the risk-free rate (absolute).

    Source: Antonacci (2013), "Absolute Momentum: A Simple Rule-Based Strategy and Universal
    Trend-Following Overlay"; (2014) "Dual Momentum Investing". The weight of a winner that did not
    beat the rate stays cash; with `absolute: index` all of it does when the market's index did not
    beat the rate. With `long_short` it is the other way round for the losers: they are sold short
    as far as they (or the index) did not beat the rate. What the rate earned is its mean over the
    lookback, compounded by the calendar.
    """

    name = "dual_momentum"
    title = "Dual momentum"
    description = (
        "Holds the past year's winners as far as they beat the risk-free rate, and cash for the "
        "rest (Antonacci 2014)."
    )
    family = "momentum"
    needs = ("close", "member", "risk_free_rate")
    grid: ClassVar[Grid] = {"lookback": (63, 126, 189, 252, 378), "quantile": (0.05, 0.1, 0.2)}

    class Parameters(SelectionParameters):
        """Lookback, what is held against the risk-free rate, and selection."""

        lookback: int = Field(252, ge=21, le=756, description="sessions whose return counts")
        absolute: Literal["symbol", "index"] = Field(
            "index", description="whose return must beat the rate: each symbol's, or the index's"
        )

    def fields(self, parameters: "DualMomentum.Parameters") -> tuple[str, ...]:
        """Closes, membership, the rate, and the index where it decides."""
        return (*self.needs, *(["index_close"] if parameters.absolute == "index" else []))

    def lookback(self, parameters: "DualMomentum.Parameters") -> int:
        """The first price of the period."""
        return parameters.lookback

    def target_weights(
        self, data: StrategyData, parameters: "DualMomentum.Parameters"
    ) -> np.ndarray:
        """Weights of the winners, 0 where the rate was better; without a rate nothing is decided.

        The rate must be known on two thirds of the sessions.
        """
        close, sessions = data["close"], parameters.lookback
        signal = evaluated(f"close / delay(close, {sessions}) - 1", close=close)
        due = rebalancing_days(data.dates, parameters.rebalance)
        earned = _earned(data["risk_free_rate"], data.dates, sessions, due)
        eligible = data["member"] & np.isfinite(close)
        weights = selection_weights(signal, eligible, due & np.isfinite(earned), parameters)
        if parameters.absolute == "index":
            index = data["index_close"]
            grown = np.full(len(index), np.nan)
            before = index[: max(len(index) - sessions, 0)]
            grown[sessions:] = index[sessions:] / before - 1.0
            weights[np.isnan(grown)] = np.nan
            risen = (grown > earned)[:, np.newaxis]
        else:
            risen = signal > earned[:, np.newaxis]
        agreed = np.isnan(weights) | ((weights > 0) == risen)
        return np.where(agreed, weights, 0.0)


def _earned(rate: np.ndarray, dates: np.ndarray, sessions: int, due: np.ndarray) -> FloatArray:
    """What the rate earned from `sessions` before to each due row, as a fraction; shape (T,)."""
    earned = np.full(len(rate), np.nan)
    for t in np.flatnonzero(due):
        if t >= sessions:
            known = rate[t - sessions : t]
            known = known[np.isfinite(known)]
            if 3 * len(known) >= 2 * sessions:
                years = float((dates[t] - dates[t - sessions]).astype(np.int64)) / _YEAR
                earned[t] = (1.0 + known.mean()) ** years - 1.0
    return earned
