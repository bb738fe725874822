"""From a cross-section of signals to target weights: when to decide, whom to hold, how much.

Here stand the parts that strategies of the kind "rank, take the best, weigh" share. What the signal
is belongs to the strategy, and how weights become trades to the simulation.
"""

from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from quant_assets.backtests.strategies.base import StrategyParameters

Rebalancing = Literal["daily", "weekly", "monthly"]


class SelectionParameters(StrategyParameters):
    """Parameters of a strategy that holds the best of a ranking."""

    quantile: float = Field(
        0.2, gt=0, le=0.5, description="share of the ranked symbols that is held"
    )
    rebalance: Rebalancing = Field(
        "monthly", description="decide on every session, or on the first of a week or a month"
    )
    weighting: Literal["equal", "score"] = Field(
        "equal", description="equal weights, or in proportion to the strength of the signal"
    )
    maximum_weight: float = Field(
        0.1, gt=0, le=1, description="largest share of equity in one symbol; the rest stays cash"
    )
    minimum_names: int = Field(
        5, ge=1, le=1000, description="with fewer ranked symbols nothing is decided"
    )
    long_short: bool = Field(
        False, description="also sell the worst of the ranking short, half of `gross` a side"
    )
    gross: float = Field(
        1.0, gt=0, le=2, description="long plus short positions, as a share of equity"
    )

    @model_validator(mode="after")
    def _no_borrowing(self) -> "SelectionParameters":
        if self.gross > 1 and not self.long_short:
            raise ValueError(
                f"gross must be at most 1 without long_short: cash is not borrowed. "
                f"Got {self.gross} instead"
            )
        return self


def rebalancing_days(dates: np.ndarray, every: Rebalancing) -> np.ndarray:
    """On which sessions a decision is due: bool, shape (T,).

    A week (from Monday) or a month begins with its first session, which is known on that day; the
    last one would need tomorrow's calendar. Row 0 begins a week or month only if the day before was
    seen, so it does not: where a range starts must not make a day special.
    """
    if every == "daily":
        return np.ones(len(dates), bool)
    if every == "weekly":
        periods = (dates.astype("datetime64[D]").astype(np.int64) + 3) // 7  # day 0 was a Thursday
    else:
        periods = dates.astype("datetime64[M]").astype(np.int64)
    first = np.zeros(len(dates), bool)
    first[1:] = periods[1:] != periods[:-1]
    return first


def selection_weights(
    signal: np.ndarray, eligible: np.ndarray, due: np.ndarray, parameters: SelectionParameters
) -> np.ndarray:
    """Target weights of the best (and, long-short, the worst) of each due row.

    Args:
        signal: (T, N), higher is better; NaN is not ranked.
        eligible: bool (T, N), who may be held.
        due: bool (T,), rows in which a decision is due.
        parameters: how many, how much.

    Returns:
        (T, N) float64; rows not due, or with fewer than `minimum_names` ranked symbols, are NaN.
    """
    weights = np.full(signal.shape, np.nan)
    for t in np.flatnonzero(due):
        ranked = np.flatnonzero(eligible[t] & np.isfinite(signal[t]))
        if len(ranked) >= max(parameters.minimum_names, 2 if parameters.long_short else 1):
            weights[t] = 0.0
            weights[t, ranked] = _row(signal[t, ranked], parameters)
    return weights


def _row(signal: np.ndarray, parameters: SelectionParameters) -> np.ndarray:
    """Weights of one day's ranked symbols; ties at the edge go to the first in the alphabet."""
    count = max(1, int(len(signal) * parameters.quantile + 1e-9))
    standard = _standardised(signal)
    weights = np.zeros(len(signal))
    side = parameters.gross / 2 if parameters.long_short else parameters.gross
    best = np.argsort(-signal, kind="stable")[:count]
    weights[best] = _sized(standard[best], side, parameters)
    if parameters.long_short:
        worst = np.argsort(signal, kind="stable")[:count]
        weights[worst] -= _sized(-standard[worst], side, parameters)
    return weights


def _standardised(signal: np.ndarray) -> np.ndarray:
    """Standard scores (ddof=1) of the ranked symbols; zeros where all are equal."""
    spread = signal.std(ddof=1) if len(signal) > 1 else 0.0
    if not spread > 0:
        return np.zeros(len(signal))
    scores: np.ndarray = (signal - signal.mean()) / spread
    return scores


def _sized(strength: np.ndarray, total: float, parameters: SelectionParameters) -> np.ndarray:
    """Weights that sum to `total`, equal or in proportion to strengths above 0, none too large."""
    if parameters.weighting == "equal" or not (strength > 0).any():
        strength = np.ones(len(strength))
    return capped(np.maximum(strength, 0.0), total, parameters.maximum_weight)


def capped(strength: np.ndarray, total: float, maximum: float) -> np.ndarray:
    """Shares of `total` in proportion to `strength`, none above `maximum`.

    What is cut off goes to the others in proportion, again and again until none is above. Where
    even the maximum for all does not reach `total`, the sum stays below it.

    Args:
        strength: (K,), not negative.
        total: what is shared out.
        maximum: the largest share.
    """
    weights = np.zeros(len(strength))
    free = strength > 0
    left = total
    while free.any():
        weights[free] = strength[free] / strength[free].sum() * left
        above = free & (weights > maximum)
        if not above.any():
            break
        weights[above] = maximum
        free &= ~above
        left = max(0.0, total - maximum * int((~free & (strength > 0)).sum()))
    return weights
