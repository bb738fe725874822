"""The drawdowns of a series one by one: when each began, was deepest, and was made up for.

Belongs here: their dates and lengths. Single figures made of them are metrics.
"""

from dataclasses import dataclass

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.drawdowns import drawdown_series


@dataclass(frozen=True)
class Drawdown:
    """An unbroken time below a peak, as places in the series.

    Attributes:
        first: first session below the peak.
        deepest: session of the largest loss.
        recovered: first session at or above the peak again; None where it goes on.
        depth: the largest loss, negative.
        sessions: below the peak.
    """

    first: int
    deepest: int
    recovered: int | None
    depth: float
    sessions: int


def drawdown_table(returns: FloatArray, most: int | None = None) -> list[Drawdown]:
    """The drawdowns of a series, the deepest first.

    Args:
        returns: daily simple returns without missing values, shape (T,).
        most: only so many; all of them by default.
    """
    depth = drawdown_series(returns)
    below = np.concatenate([[False], depth < 0, [False]])
    edges = np.flatnonzero(below[1:] != below[:-1])
    found = []
    for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        deepest = first + int(np.argmin(depth[first:end]))
        recovered = end if end < len(depth) else None
        found.append(Drawdown(first, deepest, recovered, float(depth[deepest]), end - first))
    found.sort(key=lambda each: (each.depth, each.first))
    return found[:most]
