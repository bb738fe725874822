"""Names and meanings of the figures that metrics are made of; each an array with a value a series.

Only the structures belong here: how they are computed stands in the kernels, what is made of them
in the modules of metrics. The order of the fields is that of the kernels' columns.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.return_measures import ROUNDING


@dataclass(frozen=True)
class Moments:
    """Sums over the days of each series, all of shape (S,); NaN without a day.

    Attributes:
        count: days.
        mean: arithmetic.
        squares, cubes, fourths: sums of powers of the deviations from the mean.
        lowest, highest: values.
        gains, losses: sums of the values above and below 0; losses are negative.
        loss_squares: sum of squares of the values below 0.
        gain_count, loss_count: days above and below 0.
        autocorrelation: Pearson correlation with the day before.
        penalty: by which autocorrelation widens the deviation of longer periods; at least 1.
    """

    count: FloatArray
    mean: FloatArray
    squares: FloatArray
    cubes: FloatArray
    fourths: FloatArray
    lowest: FloatArray
    highest: FloatArray
    gains: FloatArray
    losses: FloatArray
    loss_squares: FloatArray
    gain_count: FloatArray
    loss_count: FloatArray
    autocorrelation: FloatArray
    penalty: FloatArray

    @cached_property
    def deviation(self) -> FloatArray:
        """Sample standard deviation (ddof=1), 0 where all are equal, NaN with fewer than two.

        Equal but for rounding: a ratio to that residue would be noise.
        """
        few = np.where(self.count > 1, self.count - 1, np.nan)
        deviation: FloatArray = np.sqrt(self.squares / few)
        return np.where(self.highest - self.lowest > ROUNDING, deviation, deviation * 0.0)

    @cached_property
    def downside(self) -> FloatArray:
        """Root mean square of the values below 0, all days counted; NaN with fewer than two."""
        downside: FloatArray = np.sqrt(
            self.loss_squares / np.where(self.count > 1, self.count, np.nan)
        )
        return downside

    @cached_property
    def skewness(self) -> FloatArray:
        """Third standardised moment, corrected for size (G1 of Joanes and Gill 1998)."""
        n = np.where((self.count > 2) & (self.deviation > 0), self.count, np.nan)
        g1 = self.cubes / n / (self.squares / n) ** 1.5
        corrected: FloatArray = g1 * np.sqrt(n * (n - 1)) / (n - 2)
        return corrected

    @cached_property
    def excess_kurtosis(self) -> FloatArray:
        """Fourth standardised moment less 3, corrected for size (G2, ibid.)."""
        n = np.where((self.count > 3) & (self.deviation > 0), self.count, np.nan)
        g2 = self.fourths / n / (self.squares / n) ** 2 - 3.0
        corrected: FloatArray = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6.0)
        return corrected


@dataclass(frozen=True)
class Path:
    """What depends on the order of the days; shape (S,).

    Attributes:
        growth: product of 1 + r.
        most_wins, most_losses: longest runs of days above and below 0.
        straightness: squared correlation of the cumulative log return with time.
    """

    growth: FloatArray
    most_wins: FloatArray
    most_losses: FloatArray
    straightness: FloatArray


@dataclass(frozen=True)
class Tails:
    """Percentiles of the returns (linear interpolation), means of the lowest ones; shape (S,).

    Attributes:
        p1, p5, p95, p99: percentiles.
        mean1, mean5: of the floor(share x (T - 1)) + 1 lowest values, share 1 and 5 percent.
    """

    p1: FloatArray
    p5: FloatArray
    p95: FloatArray
    p99: FloatArray
    mean1: FloatArray
    mean5: FloatArray


@dataclass(frozen=True)
class Drawdowns:
    """Times below the peak, the start of capital included; shape (S,).

    Attributes:
        deepest: largest loss from a peak; 0 or negative.
        count: drawdowns, the one that has not ended included.
        longest: sessions.
        longest_days: calendar days from the first session below the peak to the last.
        depths, lengths, days: sums over the drawdowns of depth, sessions and calendar days.
        mean: of the loss from the peak over all days.
        squares: sum of squares of the loss from the peak.
        spread: sum of squares of its deviations from the mean.
        under: sessions below the peak.
        last: loss from the peak on the last day.
        recovery: sessions from the lowest point to the old peak; NaN if it was not reached.
        depth_squares: sum over the drawdowns of the square of their depth.
    """

    deepest: FloatArray
    count: FloatArray
    longest: FloatArray
    longest_days: FloatArray
    depths: FloatArray
    lengths: FloatArray
    days: FloatArray
    mean: FloatArray
    squares: FloatArray
    spread: FloatArray
    under: FloatArray
    last: FloatArray
    recovery: FloatArray
    depth_squares: FloatArray


@dataclass(frozen=True)
class Periods:
    """Compound returns of weeks, months, quarters or years; shape (S,).

    Attributes:
        count: periods that have a day; the first and the last may be parts.
        best, worst: returns.
        gains, losses: sums of the returns above and below 0.
        gain_count, loss_count: periods above and below 0.
        last: return of the period of the last day.
    """

    count: FloatArray
    best: FloatArray
    worst: FloatArray
    gains: FloatArray
    losses: FloatArray
    gain_count: FloatArray
    loss_count: FloatArray
    last: FloatArray


@dataclass(frozen=True)
class Span:
    """The days back to some date; shape (S,); NaN where a series does not reach back so far.

    Attributes:
        growth: product of 1 + r.
        count: days.
    """

    growth: FloatArray
    count: FloatArray


@dataclass(frozen=True)
class Line:
    """Moments of a series and of its benchmark on the days that both have; shape (S,).

    Attributes:
        count: days.
        mean, index_mean: arithmetic.
        squares, index_squares, products: sums about the means.
        varies, index_varies: 1 where not all values are equal but for rounding.
    """

    count: FloatArray
    mean: FloatArray
    index_mean: FloatArray
    squares: FloatArray
    index_squares: FloatArray
    products: FloatArray
    varies: FloatArray
    index_varies: FloatArray

    @property
    def slope(self) -> FloatArray:
        """Covariance over the variance of the benchmark; NaN where that is 0."""
        products = np.where(self.varies > 0, self.products, self.products * 0.0)
        return products / np.where(self.index_varies > 0, self.index_squares, np.nan)

    @property
    def intercept(self) -> FloatArray:
        """Mean less slope times the benchmark's mean."""
        return self.mean - self.slope * self.index_mean

    @property
    def correlation(self) -> FloatArray:
        """Pearson; NaN where one of the two does not vary."""
        scale = np.sqrt(self.squares) * np.sqrt(self.index_squares)
        both = (self.varies > 0) & (self.index_varies > 0)
        return np.clip(self.products / np.where(both & (scale > 0), scale, np.nan), -1.0, 1.0)


@dataclass(frozen=True)
class Pairs:
    """Growth and days won beside the benchmark; shape (S,).

    Attributes:
        growth, index_growth: on all days that both have.
        up, index_up, up_days: growth on, and number of, days on which the benchmark rose.
        down, index_down, down_days: the same of days on which it fell.
        won, won_not_down, won_down: days on which the series did better: all, those on which the
            benchmark did not fall, those on which it fell.
        not_down_days: days on which the benchmark did not fall.
    """

    growth: FloatArray
    index_growth: FloatArray
    up: FloatArray
    index_up: FloatArray
    up_days: FloatArray
    down: FloatArray
    index_down: FloatArray
    down_days: FloatArray
    won: FloatArray
    won_not_down: FloatArray
    won_down: FloatArray
    not_down_days: FloatArray
