"""Plateaus: a parameter set judged together with its neighbours in the grid.

The best of many noisy numbers is mostly luck: a peak whose neighbours are poor will not be met
again. Here stand who the neighbours are and the score; what is scored is the caller's.

At the edge of a grid and beside sets that are not in it, a set has fewer neighbours, and of few
noisy numbers it is easier for all to be good. A neighbour that is missing is therefore taken to be
as poor as the poorest that is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np

from quant_assets.market_data.panels import FloatArray

# Of the neighbourhood's values, itself included: three in four must be at least as good.
LOWER = 25.0


@dataclass(frozen=True)
class Plateaus:
    """Scores of every set, shape (S,).

    Attributes:
        scores: lower quartile of the metric over a set and its neighbours, those that are missing
            counted like the poorest, and at most its own metric: good neighbours do not make a poor
            set good. NaN where its own metric is undefined, or where fewer neighbours have one than
            a corner of a full grid has.
        neighbours: how many neighbours have a metric.
    """

    scores: FloatArray
    neighbours: np.ndarray


def plateaus(metric: FloatArray, places: np.ndarray, ordered: Sequence[bool]) -> Plateaus:
    """Score every set of a grid.

    A neighbour differs by at most one step on every ordered axis and by nothing on the others
    (Moore neighbourhood). One is missing if it lies beyond the edge, breaks a constraint, or has no
    defined metric.

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
    padded[tuple(places.T + 1)] = np.where(np.isfinite(metric), metric, np.nan)
    steps = product(*[(-1, 0, 1) if each else (0,) for each in ordered])
    around = np.stack([padded[tuple(places.T + 1 + np.array(s)[:, None])] for s in steps])
    known = np.isfinite(around).sum(axis=0)
    neighbours = known - np.isfinite(metric)
    lengths = [int(size) for size, each in zip(sizes, ordered, strict=True) if each]
    whole = prod(min(3, length) for length in lengths)
    corner = prod(min(2, length) for length in lengths)
    judged = np.isfinite(metric) & (neighbours >= max(1, corner - 1))
    scores = np.full(len(metric), np.nan)
    if judged.any():
        ascending = np.sort(around[:, judged], axis=0)  # NaN comes last
        at = LOWER / 100.0 * (whole - 1)
        below, missing = int(at), whole - known[judged]

        def ranked(rank: int) -> FloatArray:
            place = np.clip(rank - missing, 0, known[judged] - 1)
            return np.asarray(np.take_along_axis(ascending, place[None], axis=0)[0])

        quartile = ranked(below) + (at - below) * (ranked(below + 1) - ranked(below))
        scores[judged] = np.minimum(quartile, metric[judged])
    return Plateaus(scores, neighbours)


def best(scores: FloatArray) -> int | None:
    """The place of the highest finite score, the first of equals; None where there is none."""
    known = np.isfinite(scores)
    return int(np.argmax(np.where(known, scores, -np.inf))) if known.any() else None
