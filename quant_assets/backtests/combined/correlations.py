"""How alike strategies are: three correlations of their daily returns over common days.

Belongs here: the table `strategy_correlations` and the order of its rows. Pictures and pages of it
stand in correlation_page.py.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.backtests.combined.returns import StrategyReturns
from quant_assets.market_data.panels import FloatArray

MINIMUM_SESSIONS = 20
"""Common days below which a correlation says nothing and is missing."""

KINDS = ("pearson", "spearman", "downside")

# What the returns of an account that earns the same interest every day differ by is less.
_ROUNDING = 1e-13


@dataclass(frozen=True)
class Correlations:
    """Correlations between S strategies, pair by pair; arrays of shape (S, S).

    Attributes:
        names: of the strategies.
        pearson, spearman: over the common days of the pair, NaN below MINIMUM_SESSIONS or where one
            does not vary.
        downside: Pearson's over the common days on which both lost, the exceedance correlation of
            Longin and Solnik (2001) at a threshold of 0. Of normal returns it lies below `pearson`
            (0.5 becomes 0.27): what lies above says that losses come together.
        sessions, downside_sessions: days behind them.
        first, last: row numbers of the first and last common day, -1 without any.
        gaps: sessions from the first to the last common day on which one has no return.
        order: places of the strategies such that alike ones stand side by side, shape (S,).
    """

    names: tuple[str, ...]
    pearson: FloatArray
    spearman: FloatArray
    downside: FloatArray
    sessions: np.ndarray
    downside_sessions: np.ndarray
    first: np.ndarray
    last: np.ndarray
    gaps: np.ndarray
    order: np.ndarray


def correlations(found: StrategyReturns) -> Correlations:
    """The correlations between every two strategies."""
    count = len(found.names)
    kinds = {kind: np.full((count, count), np.nan) for kind in KINDS}
    whole = {
        name: np.zeros((count, count), np.int64)
        for name in ("sessions", "downside_sessions", "first", "last", "gaps")
    }
    for i in range(count):
        for j in range(i, count):
            x, y = found.values[:, i], found.values[:, j]
            common = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
            x, y = x[common], y[common]
            lost = (x < 0) & (y < 0)
            first, last = (common[0], common[-1]) if len(common) else (-1, -1)
            pearson = _pearson(x, y)
            facts = {
                "pearson": pearson,
                "spearman": np.nan if np.isnan(pearson) else _pearson(_ranks(x), _ranks(y)),
                "downside": _pearson(x[lost], y[lost]),
                "sessions": len(common),
                "downside_sessions": int(lost.sum()),
                "first": first,
                "last": last,
                "gaps": last - first + 1 - len(common) if len(common) else 0,
            }
            for name, value in facts.items():
                target = kinds[name] if name in kinds else whole[name]
                target[i, j] = target[j, i] = value
    return Correlations(
        found.names,
        kinds["pearson"],
        kinds["spearman"],
        kinds["downside"],
        **whole,
        order=hierarchical_order(kinds["pearson"]),
    )


def hierarchical_order(correlation: FloatArray) -> np.ndarray:
    """Places of the rows that put alike ones side by side, shape (S,).

    Average linkage on the distance sqrt((1 - correlation) / 2) of Lopez de Prado (2016), leaves
    turned so that neighbours are as near as the tree allows. A missing correlation counts as 0.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage

    if len(correlation) < 3:
        return np.arange(len(correlation))
    distance = np.sqrt(np.clip(1.0 - np.nan_to_num(correlation, nan=0.0), 0.0, 2.0) / 2.0)
    pairs = distance[np.triu_indices(len(distance), 1)]
    order: np.ndarray = leaves_list(linkage(pairs, "average", optimal_ordering=True))
    return order.astype(np.int64)


def correlation_table(found: StrategyReturns, measured: Correlations) -> pa.Table:
    """The rows of table `strategy_correlations`: every ordered pair, a strategy with itself too."""
    count = len(measured.names)
    place = np.empty(count, np.int64)
    place[measured.order] = np.arange(count)
    row, column = (each.ravel() for each in np.indices((count, count)))
    names = np.array(measured.names, object)
    days = {
        f"{name}_date": pa.array(
            [None if at < 0 else found.dates[at].item() for at in getattr(measured, name).ravel()],
            pa.date32(),
        )
        for name in ("first", "last")
    }
    return pa.table(
        {
            "strategy": pa.array(names[row], pa.string()),
            "other": pa.array(names[column], pa.string()),
            **{
                kind: pa.array(getattr(measured, kind).ravel(), pa.float64(), from_pandas=True)
                for kind in KINDS
            },
            "sessions": pa.array(measured.sessions.ravel(), pa.int32()),
            "downside_sessions": pa.array(measured.downside_sessions.ravel(), pa.int32()),
            **days,
            "gaps": pa.array(measured.gaps.ravel(), pa.int32()),
            "place": pa.array(place[row], pa.int32()),
        }
    )


def _pearson(x: FloatArray, y: FloatArray) -> float:
    if len(x) < MINIMUM_SESSIONS or min(np.ptp(x), np.ptp(y)) <= _ROUNDING:
        return np.nan
    x, y = x - x.mean(), y - y.mean()
    value = float((x @ y) / np.sqrt((x @ x) * (y @ y)))
    return min(max(value, -1.0), 1.0)


def _ranks(values: FloatArray) -> FloatArray:
    from scipy.stats import rankdata

    ranks: FloatArray = rankdata(values)
    return ranks
