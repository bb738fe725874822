"""The sample that metrics are computed on: many series, measured in one compiled pass.

Here stand alignment, the policy for missing values and the daily risk-free rate. What the figures
mean stands in `statistics.py`, how they are computed in the kernels, and what is made of them in
the modules of metrics.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from quant_assets.compiled import warm_up
from quant_assets.market_data.panels import FloatArray
from quant_assets.performance import metric_kernels as kernels
from quant_assets.performance.benchmark import spanned
from quant_assets.performance.sample_dates import PERIODS, SPANS, Calendar
from quant_assets.performance.statistics import (
    Drawdowns,
    Line,
    Moments,
    Pairs,
    Path,
    Periods,
    Span,
    Tails,
)

Values = Sequence[float] | FloatArray

_BLOCK = 32  # series side by side: their rows stay in the second-level cache
_Figures = TypeVar("_Figures")


@dataclass(frozen=True)
class Sample:
    """Figures of S series of simple returns; every array has the shape (S,).

    Attributes:
        own: moments of the returns.
        excess: of the returns less the risk-free rate of the day.
        path: what depends on the order of the days.
        tails: percentiles.
        drawdowns: times below the peak.
        periods: returns by "week", "month", "quarter" and "year"; NaN without dates.
        spans: the last so many months, by the names of `sample_dates.SPANS`; NaN without dates.
        paired: returns with the benchmark's, on the days that both have.
        paired_excess: the same, both less the risk-free rate.
        rising, falling: as `paired_excess`, on days on which the benchmark rose and fell.
        active: moments of the returns less the benchmark's.
        pairs: growth and days won beside the benchmark.
        fragility: weighted returns of the benchmark's worst and best day less that of its middle.
        turnover, cost, exposure: means over the days; NaN where not given.
        trials, variance_of_sharpes: what the best was chosen from; NaN where not told.
        annualization: days a year.
    """

    own: Moments
    excess: Moments
    path: Path
    tails: Tails
    drawdowns: Drawdowns
    periods: Mapping[str, Periods]
    spans: Mapping[str, Span]
    paired: Line
    paired_excess: Line
    rising: Line
    falling: Line
    active: Moments
    pairs: Pairs
    fragility: FloatArray
    turnover: FloatArray
    cost: FloatArray
    exposure: FloatArray
    trials: float
    variance_of_sharpes: float
    annualization: float


def make_sample(
    returns: FloatArray,
    benchmark: Values | None,
    risk_free: float | Values,
    annualization: float,
    turnover: FloatArray | None,
    cost: FloatArray | None,
    exposure: FloatArray | None,
    dates: np.ndarray | None = None,
    trials: float | None = None,
    variance_of_sharpes: float | None = None,
    thread_no: int = 1,
) -> Sample:
    """Align, clean and measure what the metrics are computed on.

    Missing values (NaN): a day without a return is left out of everything of that series. A return
    of the benchmark that is missing in between goes into its next one, measured from its last
    level; what a series earned there goes with it (`benchmark.spanned`), so that both sides of a
    pair are of the same days. A missing risk-free rate takes the last known, 0 before the first.

    A series ends with a return of -1 or less: what follows has no capital to be earned on.

    Raises:
        ValueError: shapes that differ, infinite values, a nonsensical annualization, dates that do
            not ascend.
    """
    if not annualization > 0:
        raise ValueError(f"annualization must be above 0 days a year. Got {annualization} instead.")
    panel = _until_ruin(_panel("returns", returns, None))
    days = len(panel)
    rates = np.broadcast_to(np.asarray(risk_free, np.float64), (days,))
    rate = daily_rate(carried(_series("risk_free", rates, days)), annualization)
    index = np.full(days, np.nan) if benchmark is None else _series("benchmark", benchmark, days)
    calendar = Calendar.of(dates, days)
    warm_up()
    further = {
        name: _mean(None if values is None else _panel(name, values, panel.shape), panel)
        for name, values in (("turnover", turnover), ("cost", cost), ("exposure", exposure))
    }
    figures = _measure(panel, rate, index, calendar, thread_no)
    if not calendar.known:
        figures[kernels.PERIOD : kernels.PAIRED] = np.nan
        for name in ("longest_days", "days"):
            figures[kernels.DRAWDOWN + _place(Drawdowns, name)] = np.nan
    return Sample(
        own=_take(Moments, figures, kernels.OWN),
        excess=_take(Moments, figures, kernels.EXCESS),
        path=_take(Path, figures, kernels.PATH),
        tails=_take(Tails, figures, kernels.TAIL),
        drawdowns=_take(Drawdowns, figures, kernels.DRAWDOWN),
        periods={
            kind: _take(Periods, figures, kernels.PERIOD + k * kernels.PERIODS)
            for k, kind in enumerate(PERIODS)
        },
        spans={
            name: Span(figures[kernels.SPAN + k], figures[kernels.SPAN + kernels.SPANS + k])
            for k, name in enumerate(SPANS)
        },
        paired=_take(Line, figures, kernels.PAIRED),
        paired_excess=_take(Line, figures, kernels.PAIRED_EXCESS),
        rising=_take(Line, figures, kernels.UP),
        falling=_take(Line, figures, kernels.DOWN),
        active=_take(Moments, figures, kernels.ACTIVE),
        pairs=_take(Pairs, figures, kernels.PAIR),
        fragility=figures[kernels.FRAGILITY],
        trials=np.nan if trials is None else float(trials),
        variance_of_sharpes=np.nan if variance_of_sharpes is None else float(variance_of_sharpes),
        annualization=annualization,
        **further,
    )


def daily_rate(annual: FloatArray, annualization: float) -> FloatArray:
    """Rate of a day that compounds to the annual one: (1 + annual) ** (1 / days) - 1."""
    if (annual <= -1).any():
        raise ValueError(f"risk_free must be above -1 (a fraction). Got {annual.min()} instead.")
    rate: FloatArray = (1.0 + annual) ** (1.0 / annualization) - 1.0
    return rate


def carried(values: FloatArray) -> FloatArray:
    """Missing values replaced by the last known one, by 0 before the first."""
    place = np.where(np.isnan(values), -1, np.arange(len(values)))
    place = np.maximum.accumulate(place) if len(place) else place
    return np.where(place < 0, 0.0, values[np.maximum(place, 0)])


def _until_ruin(panel: FloatArray) -> FloatArray:
    """Without what lies after the loss of all capital."""
    lost = panel <= -1.0
    if not lost.any():
        return panel
    after = np.cumsum(lost, axis=0) - lost > 0
    return np.where(after, np.nan, panel)


def _measure(
    panel: FloatArray, rate: FloatArray, index: FloatArray, calendar: Calendar, thread_no: int
) -> FloatArray:
    """All figures, shape (WIDTH, S)."""
    known = np.flatnonzero(~np.isnan(index))
    order = known[np.argsort(index[known], kind="stable")].astype(np.int64)
    pairs, pair_rate = spanned(panel, index), spanned(rate, index)
    series = panel.shape[1]
    out = np.full((series, kernels.WIDTH), np.nan)

    def work(first: int) -> None:
        rows = np.ascontiguousarray(panel[:, first : first + _BLOCK].T)
        kernels.measure(
            rows,
            np.sort(rows, axis=1),
            rows if pairs is panel else np.ascontiguousarray(pairs[:, first : first + _BLOCK].T),
            rate,
            pair_rate,
            index,
            order,
            calendar.days,
            calendar.codes,
            calendar.since,
            out[first : first + _BLOCK],
        )

    starts = range(0, series, _BLOCK)
    if thread_no > 1 and len(starts) > 1:
        with ThreadPoolExecutor(thread_no) as pool:
            list(pool.map(work, starts))
    else:
        for first in starts:
            work(first)
    return np.ascontiguousarray(out.T)


def _take(kind: type[_Figures], figures: FloatArray, first: int) -> _Figures:
    return kind(*figures[first : first + len(fields(kind))])  # type: ignore[arg-type]


def _place(kind: type, name: str) -> int:
    return [each.name for each in fields(kind)].index(name)


def _mean(values: FloatArray | None, panel: FloatArray) -> FloatArray:
    """Means over the days that have a return; NaN without any, and where one is missing."""
    means = np.full(panel.shape[1], np.nan)
    if values is not None:
        kernels.means_of_days(values, panel, means)
    return means


def _panel(name: str, values: FloatArray, shape: tuple[int, ...] | None) -> FloatArray:
    array = np.asarray(values, np.float64)
    if array.ndim != 2 or (shape is not None and array.shape != shape):
        wanted = "(T, S)" if shape is None else f"{shape}, that of the returns"
        raise ValueError(f"{name} must have the shape {wanted}. Got {array.shape} instead.")
    return _writable(_finite(name, array))


def _series(name: str, values: Values, length: int) -> FloatArray:
    array = np.asarray(values, np.float64)
    if array.shape != (length,):
        raise ValueError(
            f"{name} must have the shape ({length},), that of the returns. "
            f"Got {array.shape} instead."
        )
    return _writable(_finite(name, array))


def _finite(name: str, array: FloatArray) -> FloatArray:
    if np.isinf(array).any():
        place = tuple(int(each) for each in np.argwhere(np.isinf(array))[0])
        raise ValueError(
            f"{name} must be finite or NaN. Got {array[place]} at place {place} instead."
        )
    return array


def _writable(array: FloatArray) -> FloatArray:
    """In the layout of the kernels' signatures; a column of a table can be read only."""
    return np.require(array, np.float64, ["C", "W"])
