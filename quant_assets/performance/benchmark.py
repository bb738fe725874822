"""A series beside its benchmark: on the days that both have, with the gaps reported.

Only alignment and its report belong here; what is measured stands in the metrics.
"""

from dataclasses import dataclass

import numpy as np

from quant_assets.market_data.panels import FloatArray

_SHOWN = 5  # days that a sentence names
LATEST = np.timedelta64(14, "D")
"""How old the level may be that the first return of an index is measured from: longer than any
exchange's holidays; from an older one the return would span what the series has not seen."""


@dataclass(frozen=True)
class Comparison:
    """Both series on their common days.

    Attributes:
        dates: `datetime64[D]` of the common days, shape (C,).
        returns: of the series, each from the common day before, shape (C,).
        benchmark: of the index, each from the common day before, shape (C,).
        only_series: days on which the series has a return and the index no level.
        only_index: days on which the index has a level and the series no return, from the first
            return of the series to its last.
        left_out: days of the series that could not be compared at all: before the index begins and
            after its last common day.
        notes: what was found and what was done about it, a sentence each; empty without gaps.
    """

    dates: np.ndarray
    returns: FloatArray
    benchmark: FloatArray
    only_series: np.ndarray
    only_index: np.ndarray
    left_out: np.ndarray
    notes: tuple[str, ...]


def compare(
    dates: np.ndarray, returns: FloatArray, index_dates: np.ndarray, level: FloatArray
) -> Comparison:
    """Put a series of returns beside the level of an index.

    Both sides of a common day span the time since the common day before: what the series earned on
    days without an index is compounded into it, and the index's return is from level to level. So
    no day between the first and the last common one is lost to a total.

    Args:
        dates: of the series, `datetime64[D]`, ascending, shape (T,).
        returns: daily simple returns, shape (T,); NaN is a day without one.
        index_dates: of the index, ascending, shape (K,); the last day before the series begins is
            what its first return is measured from, if it is not older than `LATEST` and the index
            has a level on that first day.
        level: of the index, shape (K,); NaN is a day without one.

    Raises:
        ValueError: days that do not ascend.
    """
    for name, days in (("dates", dates), ("index_dates", index_dates)):
        if (np.diff(days) <= np.timedelta64(0)).any():
            fault = int(np.argmax(np.diff(days) <= np.timedelta64(0))) + 1
            raise ValueError(
                f"{name} must ascend without repetition. Got {days[fault]} after "
                f"{days[fault - 1]} at place {fault}."
            )
    known = ~np.isnan(returns)
    own, earned = dates[known].astype("datetime64[D]"), returns[known]
    present = level > 0
    index, points = index_dates[present].astype("datetime64[D]"), level[present]
    common = np.intersect1d(own, index)
    earlier = index[:0]
    if len(own) and own[0] in index:
        earlier = index[(index < own[0]) & (index >= own[0] - LATEST)][-1:]
    # What is compared begins at the close of the first mark and ends at that of the last.
    marks = np.concatenate([earlier, common])
    place = np.searchsorted(own, marks, side="right")
    values = points[np.searchsorted(index, marks)]
    spans = len(marks) - 1
    only_series = np.setdiff1d(own, index)
    during = (index >= own[0]) & (index <= own[-1]) if len(own) else np.zeros(len(index), bool)
    only_index = np.setdiff1d(index[during], own)
    outside = np.ones(len(own), bool)
    if spans > 0:
        outside[place[0] : place[-1]] = False
    left_out = own[outside]
    return Comparison(
        dates=marks[1:],
        returns=np.array([np.prod(1.0 + earned[place[k] : place[k + 1]]) for k in range(spans)])
        - 1.0,
        benchmark=values[1:] / values[:-1] - 1.0,
        only_series=only_series,
        only_index=only_index,
        left_out=left_out,
        notes=_notes(np.setdiff1d(only_series, left_out), only_index, left_out),
    )


def spanned(returns: FloatArray, benchmark: FloatArray) -> FloatArray:
    """Returns over the spans of the benchmark's: what they earned since it last had a return.

    A return of a benchmark that is missing in between goes into its next one, for that is measured
    from its last level. So must what the series earned on that day: else both sides of a pair are
    not of the same days. Days before the first return of the benchmark are nobody's.

    Args:
        returns: shape (T,) or (T, S); NaN is a day without one.
        benchmark: returns of the same days, shape (T,); NaN is a day without one.

    Returns:
        `returns` themselves where the benchmark has no gaps; else a copy in which a day after a gap
        has the compound return of the gap and of that day.
    """
    known = np.flatnonzero(~np.isnan(benchmark))
    after = np.flatnonzero(np.diff(known) > 1) + 1
    if not len(after):
        return returns
    found = returns.copy()
    for first, last in zip(known[after - 1] + 1, known[after], strict=True):
        missing = np.multiply.reduce(1.0 + np.nan_to_num(returns[first:last]), axis=0)
        found[last] = missing * (1.0 + returns[last]) - 1.0
    return found


def _notes(
    only_series: np.ndarray, only_index: np.ndarray, left_out: np.ndarray
) -> tuple[str, ...]:
    found = (
        (only_series, "without the index: their returns went into the next common day"),
        (only_index, "that only the index has: its next return spans them"),
        (left_out, "before or after the days of the index: left out of the comparison"),
    )
    return tuple(f"{_days(days)} {what}." for days, what in found if len(days))


def _days(days: np.ndarray) -> str:
    named = ", ".join(str(day) for day in days[:_SHOWN])
    more = f" and {len(days) - _SHOWN} more" if len(days) > _SHOWN else ""
    return f"{len(days)} day{'s' if len(days) > 1 else ''} ({named}{more})"
