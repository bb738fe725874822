"""Plateaus: a parameter set judged together with its neighbours in the grid.

The best of many noisy numbers is mostly luck: a peak whose neighbours are poor will not be met
again. Here stand who the neighbours are and the score; what is scored is the caller's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from quant_assets.market_data.panels import FloatArray

# Of the neighbourhood's values, itself included: three in four must be at least as good.
LOWER = 25.0


@dataclass(frozen=True)
class Plateaus:
    """Scores of every set, shape (S,).

    Attributes:
        scores: lower quartile of the metric over a set and its neighbours, and at most its own
            metric: good neighbours do not make a poor set good. NaN where its own metric is
            undefined, or where it has no neighbour with one.
        neighbours: how many neighbours have a metric.
    """

    scores: FloatArray
    neighbours: np.ndarray


def plateaus(metric: FloatArray, places: np.ndarray, ordered: Sequence[bool]) -> Plateaus:
    """Score every set of a grid.

    A neighbour differs by at most one step on every ordered axis and by nothing on the others
    (Moore neighbourhood). A neighbour that is not in the grid, because it breaks a constraint, or
    whose metric is undefined, does not count.

    Args:
        metric: higher is better, shape (S,); NaN is undefined.
        places: of each set on each axis, int64 (S, A), no two sets alike.
        ordered: whether the steps of an axis have an order (numbers), shape (A,).
    """
    if places.shape != (len(metric), len(ordered)):
        raise ValueError(
            f"places must have the shape {(len(metric), len(ordered))} (sets, axes). "
            f"Got {places.shape} instead."
        )
    if not len(metric):
        return Plateaus(np.zeros(0), np.zeros(0, np.int64))
    sizes = places.max(axis=0) + 1
    padded = np.full(sizes + 2, np.nan)
    inner = tuple(places.T + 1)
    padded[inner] = metric
    steps = product(*[(-1, 0, 1) if each else (0,) for each in ordered])
    around = np.stack([padded[tuple(places.T + 1 + np.array(s)[:, None])] for s in steps])
    known = np.isfinite(around)
    neighbours = known.sum(axis=0) - np.isfinite(metric)
    scores = np.full(len(metric), np.nan)
    judged = np.isfinite(metric) & (neighbours > 0)
    if judged.any():
        values = np.where(known, around, np.nan)[:, judged]
        scores[judged] = np.minimum(np.nanpercentile(values, LOWER, axis=0), metric[judged])
    return Plateaus(scores, neighbours)


def best(scores: FloatArray) -> int | None:
    """The place of the highest score, the first of equals; None where all are undefined."""
    return None if np.isnan(scores).all() else int(np.nanargmax(scores))
