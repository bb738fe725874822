"""Cross-sectional ranks day by day, and the rank IC made of them.

Belongs here: ranking rows that are grouped by day, whatever the rows are. Not here: where the
rows come from (datasets), whole panels (factors).
"""

import numpy as np

# Rows of days that are ranked at a time: small enough that a block stays in the CPU's cache.
BLOCK = 1 << 18


def day_starts(dates: np.ndarray) -> np.ndarray:
    """First row of each day and, last, the number of rows; shape (days + 1,).

    `dates` are those of the rows, ascending, shape (rows,).
    """
    if not len(dates):
        return np.zeros(1, np.int64)
    changes = np.flatnonzero(dates[1:] != dates[:-1]) + 1
    return np.concatenate(([0], changes, [len(dates)])).astype(np.int64)


def centred_ranks(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Each day's values as ranks from -0.5 (lowest) to 0.5 (highest).

    Ties share their average rank; a day's only value gets 0. The ranks are (r - 1) / (n - 1) - 0.5
    with r the rank among the n values of the day that are there.

    Args:
        values: (rows,) or (rows, columns) floats; what is not finite is missing.
        starts: of `day_starts`.

    Returns:
        float64, the shape of `values`; NaN where the value is missing.
    """
    columns = values if values.ndim == 2 else values[:, np.newaxis]
    out = np.empty(columns.shape, np.float64)
    widest = int(np.diff(starts).max(initial=1))
    days = max(1, BLOCK // (widest * max(1, columns.shape[1])))
    for first in range(0, len(starts) - 1, days):
        last = min(first + days, len(starts) - 1)
        rows = slice(int(starts[first]), int(starts[last]))
        out[rows] = _ranked_block(columns[rows], starts[first : last + 1] - starts[first])
    return out.reshape(values.shape)


def _ranked_block(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """A few days at once: each day a line of a rectangle, filled up with missing values."""
    lengths = np.diff(starts)
    day = np.repeat(np.arange(len(lengths)), lengths)
    place = np.arange(len(values)) - np.repeat(starts[:-1], lengths)
    # Infinity marks what is missing: numpy sorts without NaN in a third of the time.
    lines = np.full((len(lengths), values.shape[1], int(lengths.max())), np.inf)
    lines[day, :, place] = np.where(np.isfinite(values), values, np.inf)
    ranked: np.ndarray = _ranked_lines(lines)[day, :, place]
    return ranked


def _ranked_lines(lines: np.ndarray) -> np.ndarray:
    """Centred average ranks along the last axis; infinity is missing and becomes NaN."""
    width = lines.shape[-1]
    order = np.argsort(lines, axis=-1)
    ordered = np.take_along_axis(lines, order, axis=-1)
    missing = ordered == np.inf
    known = width - np.count_nonzero(missing, axis=-1, keepdims=True)
    ranks = np.broadcast_to(np.arange(width, dtype=np.float64), lines.shape)
    # Ties among the missing are left out only because averaging takes time.
    tied = (ordered[..., 1:] == ordered[..., :-1]) & ~missing[..., 1:]
    if tied.any():
        ranks = _averaged(tied, width)
    centred = ranks / np.maximum(known - 1, 1) - 0.5
    # One value alone has rank 0 of 0: it belongs in the middle.
    centred[np.broadcast_to(known == 1, centred.shape)] = 0.0
    centred[missing] = np.nan
    out = np.empty_like(lines)
    np.put_along_axis(out, order, centred, axis=-1)
    return out


def _averaged(tied: np.ndarray, width: int) -> np.ndarray:
    """Ranks from 0 in which each run of ties has the mean of its first and last place."""
    places = np.arange(width, dtype=np.float64)
    edge = np.ones((*tied.shape[:-1], 1), bool)
    begins = np.concatenate([edge, ~tied], axis=-1)
    ends = np.concatenate([~tied, edge], axis=-1)
    first = np.maximum.accumulate(np.where(begins, places, 0.0), axis=-1)
    last = np.minimum.accumulate(np.where(ends, places, width)[..., ::-1], axis=-1)[..., ::-1]
    ranks: np.ndarray = (first + last) / 2
    return ranks


def rank_ic(scores: np.ndarray, target: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of each day, ties at average ranks.

    Args:
        scores: (rows,) floats, each day with a score for every row.
        target: (rows,) floats without missing values.
        starts: of `day_starts`.

    Returns:
        (days,) float64; NaN on a day with fewer than two rows, or whose scores (or targets)
        are all equal.
    """
    return correlation_by_day(
        centred_ranks(np.asarray(scores, np.float64), starts),
        centred_ranks(np.asarray(target, np.float64), starts),
        starts,
    )


def correlation_by_day(x: np.ndarray, y: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each day of two columns whose daily means are 0 (centred ranks)."""
    if len(starts) < 2:
        return np.zeros(0)
    first = starts[:-1]
    both, xx, yy = (np.add.reduceat(v, first) for v in (x * y, x * x, y * y))
    spread = np.sqrt(xx * yy)
    out = np.full(len(first), np.nan)
    np.divide(both, spread, out=out, where=spread > 0)
    return out
