"""Metrics of moving windows: what a series was worth over the last so many sessions, day by day.

The value of day t is that of the sessions t - window + 1 to t, so it is known at the close of t;
NaN before the first whole window. Conventions are those of the metrics of the same name. A day
without a return (NaN) is left out of its windows; a gap of the benchmark is spanned as told in
`benchmark.spanned`.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from quant_assets.compiled import warm_up
from quant_assets.market_data.panels import FloatArray
from quant_assets.performance import rolling_kernels as kernels
from quant_assets.performance.benchmark import spanned
from quant_assets.performance.sample import Values, carried, daily_rate

HALF_YEAR = 126


@dataclass(frozen=True)
class Rolling:
    """Moving windows of one series of returns or of many; every metric has the shape of `returns`.

    Attributes:
        returns: daily simple returns, shape (T,) or (T, S).
        window: sessions.
        benchmark: returns of the same days, shape (T,); without them what compares is NaN.
        risk_free: annual rate as a fraction, one number or one a day.
        annualization: days a year.
        least: days with a return that a window needs; by default all of them.

    Raises:
        ValueError: shapes that differ, windows of fewer than two sessions.
    """

    returns: FloatArray
    window: int = HALF_YEAR
    benchmark: Values | None = None
    risk_free: float | Values = 0.0
    annualization: float = 252
    least: int | None = None

    def __post_init__(self) -> None:
        shape = np.shape(self.returns)
        if len(shape) not in (1, 2):
            raise ValueError(f"returns must have the shape (T,) or (T, S). Got {shape} instead.")
        if self.benchmark is not None and np.shape(self.benchmark) != shape[:1]:
            raise ValueError(
                f"benchmark must have the shape ({shape[0]},), that of the returns. "
                f"Got {np.shape(self.benchmark)} instead."
            )
        if self.window < 2 or not 2 <= self._needed <= self.window:
            raise ValueError(
                f"a window must have at least 2 sessions and need 2 to all of them. "
                f"Got window={self.window}, least={self.least} instead."
            )

    @property
    def sharpe(self) -> FloatArray:
        """Mean excess return over its standard deviation (ddof=1), times root of days a year."""
        mean, deviation, _ = self._excess_moments
        if np.ndim(self.risk_free):
            # An account in cash does not vary: what then varies is the rate.
            deviation = np.where(self._own_moments[1] > 0, deviation, np.nan)
        return _ratio(mean, deviation) * math.sqrt(self.annualization)

    @property
    def sortino(self) -> FloatArray:
        """Mean excess return over root mean square of the negative ones, times root of days."""
        mean, _, downside = self._excess_moments
        return _ratio(mean, downside) * math.sqrt(self.annualization)

    @property
    def volatility(self) -> FloatArray:
        """Standard deviation of daily returns (ddof=1) times the root of the days a year."""
        return self._own_moments[1] * math.sqrt(self.annualization)

    @property
    def beta(self) -> FloatArray:
        """Slope of excess returns over the benchmark's."""
        return self._excess_lines[0]

    @property
    def alpha(self) -> FloatArray:
        """Mean excess return less beta times the benchmark's, compounded to a year."""
        daily = self._excess_lines[1]
        with np.errstate(invalid="ignore"):
            return np.power(np.where(daily > -1, 1.0 + daily, np.nan), self.annualization) - 1.0

    @property
    def correlation(self) -> FloatArray:
        """Pearson correlation of daily returns with the benchmark's."""
        return self._lines(self._own, np.zeros(len(self._own)))[2]

    @property
    def _needed(self) -> int:
        return self.window if self.least is None else self.least

    @cached_property
    def _own(self) -> FloatArray:
        return np.asarray(self.returns, np.float64)

    @cached_property
    def _rate(self) -> FloatArray:
        rates = np.broadcast_to(np.asarray(self.risk_free, np.float64), (len(self._own),))
        return daily_rate(carried(rates), self.annualization)

    @cached_property
    def _own_moments(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        return self._moments(self._own)

    @cached_property
    def _excess_moments(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        return self._moments(_less(self._own, self._rate))

    @cached_property
    def _excess_lines(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        return self._lines(self._own, self._rate)

    def _moments(self, values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Mean, deviation and downside deviation of a day."""
        rows = _rows(values)
        found = np.empty((3, *rows.shape))
        warm_up()
        kernels.moving_moments(rows, self.window, self._needed, *found)
        return self._shaped(found)

    def _lines(
        self, values: FloatArray, rate: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Slope, intercept and correlation of returns less the rate."""
        index = np.full(len(values), np.nan)
        if self.benchmark is not None:
            index = np.asarray(self.benchmark, np.float64)
        rate = spanned(rate, index)
        rows = _rows(_less(spanned(values, index), rate))
        found = np.empty((3, *rows.shape))
        warm_up()
        kernels.moving_lines(rows, index - rate, self.window, self._needed, *found)
        return self._shaped(found)

    def _shaped(self, found: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        if self._own.ndim == 1:
            return found[0][0], found[1][0], found[2][0]
        first, second, third = (np.ascontiguousarray(rows.T) for rows in found)
        return first, second, third


def _less(values: FloatArray, rate: FloatArray) -> FloatArray:
    return values - (rate if values.ndim == 1 else rate[:, None])


def _rows(values: FloatArray) -> FloatArray:
    """(S, T) in the layout of the kernels' signatures; a column of a table can be read only."""
    return np.require(np.atleast_2d(values.T), np.float64, ["C", "W"])


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    return numerator / np.where(denominator > 0, denominator, np.nan)
