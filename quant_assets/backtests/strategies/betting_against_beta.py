"""Betting against beta: long low beta, short high beta, without market risk."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from quant_assets.backtests.formulas import evaluated
from quant_assets.backtests.selection import HoldingParameters, capped, rebalancing_days
from quant_assets.backtests.strategies.base import Grid, Strategy, StrategyData
from quant_assets.market_data.panels import FloatArray

_BETA = """
daily = log(close) - log(delay(close, 1))
of_index = log(benchmark_close) - log(delay(benchmark_close, 1))
longer = log(close) - log(delay(close, 3))
longer_index = log(benchmark_close) - log(delay(benchmark_close, 3))
ratio = ts_std_dev(daily, {window}) / ts_std_dev(of_index, {window})
ts_corr(longer, longer_index, {window}) * ratio
"""


class BettingAgainstBeta(Strategy):
    """Long what has a beta below the median, short what has one above, each side of equal beta.

    Source: Frazzini and Pedersen (2014), "Betting against beta", Journal of Financial Economics
    111(1). Beta is correlation times the ratio of volatilities: volatilities of daily log returns,
    correlations of overlapping three-day log returns, which bears with prices that lag; it is drawn
    towards 1 (Vasicek). Weights within a side are in proportion to how far the rank of beta lies
    from the middle. The sides are sized so that their betas cancel and together make `gross`; where
    `maximum_weight` keeps one side small, the other is made smaller with it.
    The paper's correlations span five years; here the default is one, so that young members count.
    """

    name = "betting_against_beta"
    title = "Betting against beta"
    description = (
        "Holds the members of the universe with low beta and sells those with high beta short, "
        "sized so that the market cancels out (Frazzini and Pedersen 2014)."
    )
    family = "low risk"
    needs = ("close", "member", "index_close")
    grid: ClassVar[Grid] = {"window": (126, 189, 252, 504), "shrinkage": (0.4, 0.6, 0.8, 1.0)}

    class Parameters(HoldingParameters):
        """How beta is measured, and how much is held."""

        window: int = Field(252, ge=63, le=1260, description="sessions from which beta is measured")
        shrinkage: float = Field(
            0.6, gt=0, le=1, description="weight of the measured beta; the rest is a beta of 1"
        )
        minimum_names: int = Field(
            20, ge=2, le=1000, description="with fewer known betas nothing is decided"
        )
        long_short: bool = Field(True, description="false: only the low betas, which are `gross`")

    def lookback(self, parameters: "BettingAgainstBeta.Parameters") -> int:
        """One close more than there are returns, and two for three-day returns."""
        return parameters.window + 2

    def target_weights(
        self, data: StrategyData, parameters: "BettingAgainstBeta.Parameters"
    ) -> np.ndarray:
        """Weights by the rank of beta; a symbol needs two thirds of the returns of both kinds."""
        close, index = data["close"], data["index_close"][:, np.newaxis]
        beta = evaluated(
            _BETA.format(window=parameters.window),
            close=close,
            benchmark_close=np.broadcast_to(index, data.shape),
        )
        drawn = 1.0 + parameters.shrinkage * (beta - 1.0)
        due = rebalancing_days(data.dates, parameters.rebalance)
        ranked = data["member"] & np.isfinite(close) & np.isfinite(drawn)
        weights = np.full(data.shape, np.nan)
        for t in np.flatnonzero(due & (ranked.sum(axis=1) >= parameters.minimum_names)):
            weights[t] = 0.0
            weights[t, ranked[t]] = _weights(drawn[t, ranked[t]], parameters)
        return weights


def _weights(beta: FloatArray, parameters: BettingAgainstBeta.Parameters) -> FloatArray:
    """Weights of one day, (K,), in proportion to the distance of beta's rank from the middle."""
    rank = np.empty(len(beta))
    rank[np.argsort(beta, kind="stable")] = np.arange(len(beta))
    distance = (len(beta) - 1) / 2 - rank
    low, high = np.maximum(distance, 0.0), np.maximum(-distance, 0.0)
    if not parameters.long_short:
        return capped(low, parameters.gross, parameters.maximum_weight)
    of_low, of_high = ((side * beta).sum() / side.sum() for side in (low, high))
    # A side with a beta of 0 or less cannot be sized to cancel the other one.
    share = of_high / (of_low + of_high) if min(of_low, of_high) > 0 else 0.5
    long = capped(low, parameters.gross * share, parameters.maximum_weight)
    short = capped(high, parameters.gross * (1.0 - share), parameters.maximum_weight)
    of_long, of_short = float(long @ beta), float(short @ beta)
    least = min(of_long, of_short)
    if least > 0:  # caps are no bar to either side's becoming smaller
        long, short = long * (least / of_long), short * (least / of_short)
    return long - short
