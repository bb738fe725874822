"""The compiled pass over many series of returns that all metrics are made of.

Arrays in, arrays out, nothing checked. What is measured of one series stands in the helpers of
`return_measures.py`, `drawdown_measures.py`, `period_measures.py` and `benchmark_measures.py`; what
the columns of `out` are called and mean in `statistics.py`.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.performance.benchmark_measures import LINE, PAIRS, regress, side_by_side
from quant_assets.performance.drawdown_measures import DRAWDOWNS, descend
from quant_assets.performance.period_measures import PERIODS as PERIODS
from quant_assets.performance.period_measures import by_period, growth_since
from quant_assets.performance.return_measures import MOMENTS, PATHS, describe, follow, less

KINDS = 4  # of periods: weeks, months, quarters, years
SPANS = 8  # back from the last day
QUANTILES = 4
TAILS = 2

# Where each group of figures begins in a row of `out`.
OWN = 0
EXCESS = OWN + MOMENTS
PATH = EXCESS + MOMENTS
TAIL = PATH + PATHS
DRAWDOWN = TAIL + QUANTILES + TAILS
PERIOD = DRAWDOWN + DRAWDOWNS
SPAN = PERIOD + KINDS * PERIODS
PAIRED = SPAN + 2 * SPANS
PAIRED_EXCESS = PAIRED + LINE
UP = PAIRED_EXCESS + LINE
DOWN = UP + LINE
ACTIVE = DOWN + LINE
PAIR = ACTIVE + MOMENTS
FRAGILITY = PAIR + PAIRS
WIDTH = FRAGILITY + 1

_QUANTILES = np.array([0.01, 0.05, 0.95, 0.99])
_WEEK = 7  # days by which the first return may be later than a span's beginning

_PANEL, _SERIES, _PLACES = "float64[:, ::1]", "float64[::1]", "int64[::1]"


@helper_as_written
def _tails(ordered: np.ndarray, n: int, out: np.ndarray) -> None:
    """Percentiles 1, 5, 95, 99 by linear interpolation; means of the lowest 1 and 5 percent."""
    out[:] = math.nan
    if n == 0:
        return
    for k in range(QUANTILES):
        place = _QUANTILES[k] * (n - 1)
        low = int(place)
        high = min(low + 1, n - 1)
        out[k] = ordered[low] + (ordered[high] - ordered[low]) * (place - low)
    for k in range(TAILS):
        last = int((n - 1) * _QUANTILES[k])
        total = 0.0
        for t in range(last + 1):
            total += ordered[t]
        out[QUANTILES + k] = total / (last + 1)


@helper_as_written
def _spans(values: np.ndarray, days: np.ndarray, since: np.ndarray, out: np.ndarray) -> None:
    """Growth after each day of `since` and the number of sessions; NaN where history is short."""
    out[:] = math.nan
    n = len(values)
    for k in range(SPANS):
        if n == 0 or days[0] > since[k] + _WEEK or days[n - 1] <= since[k]:
            continue
        first = np.searchsorted(days, since[k], side="right")
        out[k] = growth_since(values, first)
        out[SPANS + k] = n - first


@helper_as_written
def _fragility(row: np.ndarray, index: np.ndarray, order: np.ndarray) -> float:
    """Weighted ends less the middle, of the days ordered by the benchmark's return."""
    n = 0
    for t in order:
        if not math.isnan(row[t]):
            n += 1
    if n < 3:
        return math.nan
    seen = 0
    first = middle = last = 0
    for t in order:
        if math.isnan(row[t]):
            continue
        if seen == 0:
            first = t
        if seen == n // 2:
            middle = t
        last = t
        seen += 1
    spread = index[last] - index[first]
    start_weight = end_weight = 0.5
    if spread != 0.0:
        start_weight = (index[last] - index[middle]) / spread
        end_weight = (index[middle] - index[first]) / spread
    ends: float = start_weight * row[first] + end_weight * row[last]
    return ends - float(row[middle])


@kernel(f"void({_PANEL}, {_PANEL}, {_SERIES})", regrouped=False)
def means_of_days(values: np.ndarray, returns: np.ndarray, out: np.ndarray) -> None:
    """Means of the columns of (T, S) over the days that have a return, NaN without any."""
    count = np.zeros(len(out), np.int64)
    out[:] = 0.0
    for t in range(len(values)):
        for s in range(len(out)):
            if not math.isnan(returns[t, s]):
                out[s] += values[t, s]
                count[s] += 1
    for s in range(len(out)):
        out[s] = out[s] / count[s] if count[s] else math.nan


@kernel(
    f"void({_PANEL}, {_PANEL}, {_PANEL}, {_SERIES}, {_SERIES}, {_SERIES}, {_PLACES}, {_PLACES}, "
    f"int64[:, ::1], {_PLACES}, {_PANEL})",
    regrouped=False,
)
def measure(
    rows: np.ndarray,  # (S, T) returns, NaN where a day has none
    ordered: np.ndarray,  # (S, T) each row ascending, NaN last
    spans: np.ndarray,  # (S, T) returns since the last day that has a benchmark
    rate: np.ndarray,  # (T,) risk-free rate of the day
    span_rate: np.ndarray,  # (T,) risk-free rate since the last day that has a benchmark
    index: np.ndarray,  # (T,) returns of the benchmark, NaN where a day has none
    order: np.ndarray,  # days that have a benchmark, ascending by its return
    days: np.ndarray,  # (T,) calendar days, ascending
    codes: np.ndarray,  # (KINDS, T) number of the period of each day
    since: np.ndarray,  # (SPANS,) last calendar day before each span
    out: np.ndarray,  # out (S, WIDTH)
) -> None:
    """Fill `out`, one row a series."""
    sessions = rows.shape[1]
    own, excess = np.empty(sessions), np.empty(sessions)
    mine, other, further = np.empty(sessions), np.empty(sessions), np.empty(sessions)
    mine_excess, other_excess = np.empty(sessions), np.empty(sessions)
    when = np.empty(sessions, np.int64)
    period = np.empty((KINDS, sessions), np.int64)
    for s in range(len(rows)):
        n = pairs = 0
        for t in range(sessions):
            value = rows[s, t]
            if math.isnan(value):
                continue
            own[n], excess[n], when[n] = value, less(value, rate[t]), days[t]
            for k in range(KINDS):
                period[k, n] = codes[k, t]
            n += 1
            if not math.isnan(index[t]):
                value = spans[s, t]
                mine[pairs], other[pairs] = value, index[t]
                mine_excess[pairs] = less(value, span_rate[t])
                other_excess[pairs] = less(index[t], span_rate[t])
                further[pairs] = less(value, index[t])
                pairs += 1
        row = out[s]
        describe(own[:n], row[OWN:EXCESS])
        describe(excess[:n], row[EXCESS:PATH])
        follow(own[:n], row[PATH:TAIL])
        _tails(ordered[s], n, row[TAIL:DRAWDOWN])
        descend(own[:n], when[:n], row[DRAWDOWN:PERIOD])
        for k in range(KINDS):
            begin = PERIOD + k * PERIODS
            by_period(own[:n], period[k, :n], row[begin : begin + PERIODS])
        _spans(own[:n], when[:n], since, row[SPAN:PAIRED])
        regress(mine[:pairs], other[:pairs], row[PAIRED:PAIRED_EXCESS])
        regress(mine_excess[:pairs], other_excess[:pairs], row[PAIRED_EXCESS:UP])
        describe(further[:pairs], row[ACTIVE:PAIR])
        side_by_side(mine[:pairs], other[:pairs], row[PAIR:FRAGILITY])
        row[FRAGILITY] = _fragility(spans[s], index, order)
        for side in range(2):
            sign = 1.0 if side == 0 else -1.0
            n = 0
            for t in range(pairs):
                if sign * other[t] > 0.0:
                    own[n], excess[n] = mine_excess[t], other_excess[t]
                    n += 1
            begin = UP + side * LINE
            regress(own[:n], excess[:n], row[begin : begin + LINE])
