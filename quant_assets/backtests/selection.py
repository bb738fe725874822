"""From a cross-section of signals to target weights: when to decide, whom to hold, how much.

Here stand the parts that strategies of the kind "rank, take the best, weigh" share. What the signal
is belongs to the strategy, and how weights become trades to the simulation.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from quant_assets.backtests.strategies.base import StrategyParameters
from quant_assets.market_data.panels import FloatArray

Rebalancing = Literal["daily", "weekly", "monthly", "quarterly"]
REBALANCING = "decide on every session, or on the first of a week, a month or a quarter"
LONGEST_PERIOD: Mapping[Rebalancing, int] = {
    "daily": 1,
    "weekly": 7,
    "monthly": 31,
    "quarterly": 92,
}
"""Sessions that a period can have at most: its days."""


class HoldingParameters(StrategyParameters):
    """What every strategy over a universe is asked: when to decide, and how much to hold."""

    rebalance: Rebalancing = Field("monthly", description=REBALANCING)
    maximum_weight: float = Field(
        0.1, gt=0, le=1, description="largest share of equity in one symbol; the rest stays cash"
    )
    long_short: bool = Field(
        False, description="also sell short what the signal speaks against, within `gross`"
    )
    gross: float = Field(
        1.0, gt=0, le=2, description="long plus short positions, as a share of equity"
    )

    @model_validator(mode="after")
    def _no_borrowing(self) -> "HoldingParameters":
        if self.gross > 1 and not self.long_short:
            raise ValueError(
                f"gross must be at most 1 without long_short: cash is not borrowed. "
                f"Got {self.gross} instead"
            )
        return self


class SelectionParameters(HoldingParameters):
    """Parameters of a strategy that holds the best of a ranking."""

    quantile: float = Field(
        0.2, gt=0, le=0.5, description="share of the ranked symbols that is held"
    )
    weighting: Literal["equal", "score"] = Field(
        "equal", description="equal weights, or in proportion to the strength of the signal"
    )
    minimum_names: int = Field(
        5, ge=1, le=1000, description="with fewer ranked symbols nothing is decided"
    )
    long_short: bool = Field(
        False, description="also sell the worst of the ranking short, half of `gross` a side"
    )


def rebalancing_days(dates: np.ndarray, every: Rebalancing) -> np.ndarray:
    """On which sessions a decision is due: bool, shape (T,).

    A week (from Monday), a month or a quarter begins with its first session, which is known on that
    day; the last one would need tomorrow's calendar. Row 0 begins a period only if the day before
    was seen, so it does not: where a range starts must not make a day special.
    """
    if every == "daily":
        return np.ones(len(dates), bool)
    if every == "weekly":
        periods = (dates.astype("datetime64[D]").astype(np.int64) + 3) // 7  # day 0 was a Thursday
    else:
        months = dates.astype("datetime64[M]").astype(np.int64)  # month 0 was a January
        periods = months // 3 if every == "quarterly" else months
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
    rows = np.flatnonzero(due)
    ranked = eligible[rows] & np.isfinite(signal[rows])
    enough = ranked.sum(axis=1) >= max(parameters.minimum_names, 2 if parameters.long_short else 1)
    rows, ranked = rows[enough], ranked[enough]
    if parameters.weighting == "equal":
        weights[rows] = _equal(signal[rows], ranked, parameters)
    else:
        weights[rows] = 0.0
        for t, known in zip(rows, ranked, strict=True):
            weights[t, known] = _by_score(signal[t, known], parameters)
    return weights


def _count(ranked: int | np.ndarray, quantile: float) -> np.ndarray:
    """How many of the ranked are held: at least one, and 7 of 70 for a tenth."""
    return np.maximum(1, (np.asarray(ranked) * quantile + 1e-9).astype(np.int64))


def _side(parameters: SelectionParameters) -> float:
    return parameters.gross / 2 if parameters.long_short else parameters.gross


def _equal(signal: np.ndarray, ranked: np.ndarray, parameters: SelectionParameters) -> FloatArray:
    """Equal weights of rows, (R, N).

    Of ties at the edge the first in the alphabet are held and the last sold short, so that no
    symbol is both.
    """
    count = _count(ranked.sum(axis=1), parameters.quantile)
    weight = np.minimum(1.0 / count * _side(parameters), parameters.maximum_weight)[:, np.newaxis]
    weights = _first(np.where(ranked, -signal, np.inf), count) * weight
    if parameters.long_short:
        keys = np.where(ranked, signal, np.inf)
        weights -= _first(keys[:, ::-1], count)[:, ::-1] * weight
    return weights


def _first(keys: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Which of each row are among the `count` with the lowest keys; bool (R, N).

    Sorting values and counting the ties at the edge takes a fraction of sorting places stably.
    """
    edge = np.take_along_axis(np.sort(keys, axis=1), count[:, np.newaxis] - 1, axis=1)
    below, tied = keys < edge, keys == edge
    left = count - below.sum(axis=1)
    chosen: np.ndarray = below | (tied & (tied.cumsum(axis=1) <= left[:, np.newaxis]))
    return chosen


def _by_score(signal: np.ndarray, parameters: SelectionParameters) -> FloatArray:
    """Weights of one day's ranked symbols in proportion to how far they lie from the mean."""
    count = int(_count(len(signal), parameters.quantile))
    standard = _standardised(signal)
    weights = np.zeros(len(signal))
    order = np.argsort(-signal, kind="stable")
    best, worst = order[:count], order[-count:]
    weights[best] = _sized(standard[best], parameters)
    if parameters.long_short:
        weights[worst] -= _sized(-standard[worst], parameters)
    return weights


def _standardised(signal: np.ndarray) -> np.ndarray:
    """Standard scores (ddof=1) of the ranked symbols; zeros where all are equal."""
    spread = signal.std(ddof=1) if len(signal) > 1 else 0.0
    if not spread > 0:
        return np.zeros(len(signal))
    scores: np.ndarray = (signal - signal.mean()) / spread
    return scores


def _sized(strength: np.ndarray, parameters: SelectionParameters) -> FloatArray:
    """Weights of a side in proportion to strengths above 0, equal if there are none."""
    if not (strength > 0).any():
        strength = np.ones(len(strength))
    return capped(np.maximum(strength, 0.0), _side(parameters), parameters.maximum_weight)


def capped(strength: np.ndarray, total: float, maximum: float) -> FloatArray:
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
