"""Several characteristics as one signal: the weighted mean of their ranks.

Ranks and not the values themselves, so that neither a heavy tail nor the unit of a characteristic
gives it weight (Asness, Moskowitz and Pedersen 2013, "Value and Momentum Everywhere", Journal of
Finance 68(3)). What is blended belongs to the strategy.
"""

from collections.abc import Sequence

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.models.ranks import centred_ranks


def blended_ranks(
    panels: Sequence[FloatArray],
    weights: Sequence[float],
    eligible: np.ndarray,
    due: np.ndarray,
    least: float = 0.5,
) -> FloatArray:
    """The weighted mean of each symbol's ranks among the eligible, from -0.5 to 0.5.

    A negative weight turns a characteristic round. Of a symbol that lacks some of them the mean is
    that of the others, if these have at least the share `least` of all weight.

    Args:
        panels: the characteristics, (T, N) each; NaN is missing.
        weights: one for each, not 0.
        eligible: bool (T, N), who is ranked.
        due: bool (T,), the rows that are wanted.
        least: share of the weights, in absolute values.

    Returns:
        (T, N); NaN in other rows, and for who is not ranked.
    """
    rows = np.flatnonzero(due)
    shape = len(rows), eligible.shape[1]
    starts = np.arange(len(rows) + 1) * shape[1]
    total, weight = np.zeros(shape), np.zeros(shape)
    for panel, factor in zip(panels, weights, strict=True):
        values = np.where(eligible[rows], panel[rows], np.nan)
        ranks = centred_ranks(values.ravel(), starts).reshape(shape)
        known = np.isfinite(ranks)
        total += np.where(known, factor * ranks, 0.0)
        weight += np.where(known, abs(factor), 0.0)
    enough = (weight > 0) & (weight >= least * sum(abs(factor) for factor in weights) - 1e-12)
    blended = np.full(eligible.shape, np.nan)
    blended[rows] = np.where(enough, total / np.where(enough, weight, 1.0), np.nan)
    return blended
