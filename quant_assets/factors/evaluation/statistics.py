"""Statistics of groups of days: means, t-statistics, autocorrelation, products, regressions.

Here stands what a summary computes, for many factors at once, from plain arrays; which statistics a
summary holds is said in summary.py.

A group is the days of one factor and horizon (and sector). Sums run along a group's own days in
their order, so that they do not depend on what else is summarised. Missing values (NaN) are
left out; results are NaN where not defined.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_ROUNDING = 1e-12  # a spread this small against the values' size is rounding


@dataclass(frozen=True)
class Groups:
    """Which group each value belongs to, from 0 on, and how many groups there are."""

    of: np.ndarray
    count: int

    def totals(self, values: np.ndarray) -> np.ndarray:
        """Sum of each group's values, none of which may be missing."""
        totals: np.ndarray = np.bincount(self.of, values, self.count)
        return totals


@dataclass(frozen=True)
class Sample:
    """Values of groups and what follows from them, each computed when it is first asked for."""

    groups: Groups
    values: np.ndarray

    @cached_property
    def known(self) -> np.ndarray:
        """Which values are there."""
        known: np.ndarray = np.isfinite(self.values)
        return known

    @cached_property
    def counts(self) -> np.ndarray:
        """How many values each group has, as floats."""
        return self.groups.totals(self.known)

    @cached_property
    def means(self) -> np.ndarray:
        """Mean of each group."""
        return ratio(self.groups.totals(np.where(self.known, self.values, 0.0)), self.counts)

    @cached_property
    def centred(self) -> np.ndarray:
        """Values less the mean of their group, 0 for missing ones."""
        return np.where(self.known, self.values - self.means[self.groups.of], 0.0)

    @cached_property
    def largest(self) -> np.ndarray:
        """Largest absolute value of each group, 0 without any."""
        result = np.zeros(self.groups.count)
        np.maximum.at(result, self.groups.of, np.where(self.known, np.abs(self.values), 0.0))
        return result

    @cached_property
    def squares(self) -> np.ndarray:
        """Sum of squared deviations of each group, 0 where values differ by rounding only."""
        squares = self.groups.totals(self.centred**2)
        return np.where(squares > self.counts * (_ROUNDING * self.largest) ** 2, squares, 0.0)

    @cached_property
    def deviations(self) -> np.ndarray:
        """Standard deviation of each group, ddof=1."""
        result: np.ndarray = np.sqrt(ratio(self.squares, self.counts - 1.0))
        return result

    @cached_property
    def information_ratios(self) -> np.ndarray:
        """Mean / standard deviation (ddof=1) of each group, not annualised."""
        return ratio(self.means, self.deviations)

    @cached_property
    def t_statistics(self) -> np.ndarray:
        """Of each group's mean against 0: mean / (standard deviation / sqrt(n))."""
        result: np.ndarray = self.information_ratios * np.sqrt(self.counts)
        return result

    @cached_property
    def skewness(self) -> np.ndarray:
        """Fisher-Pearson skewness of each group, without correction for its length."""
        cubes = ratio(self.groups.totals(self.centred**2 * self.centred), self.counts)
        return ratio(cubes, ratio(self.squares, self.counts) ** 1.5)

    @cached_property
    def kurtosis(self) -> np.ndarray:
        """Excess kurtosis of each group, without correction for its length."""
        fourths = ratio(self.groups.totals((self.centred**2) ** 2), self.counts)
        return ratio(fourths, ratio(self.squares, self.counts) ** 2) - 3.0


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, missing where `below` is not above 0."""
    result: np.ndarray = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=result, where=np.asarray(below) > 0)
    return result


def two_sided(t: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Two-sided p-value of Student's t."""
    from scipy.special import stdtr

    p: np.ndarray = 2.0 * stdtr(np.maximum(freedom, 1.0), -np.abs(t))
    return p


def two_sided_normal(z: np.ndarray) -> np.ndarray:
    """Two-sided p-value of a standard normal."""
    from scipy.special import ndtr

    p: np.ndarray = 2.0 * ndtr(-np.abs(z))
    return p


def newey_west_t(sample: Sample, lags: np.ndarray) -> np.ndarray:
    """t-statistic of the mean of each group's autocorrelated values.

    Bartlett weights, no small-sample factor (Newey & West 1987). lags: of each group, at most its
    length less 1 count. The values that are there count as neighbours.
    """
    known, count = sample.known, sample.groups.count
    groups, centred = sample.groups.of[known], sample.centred[known]
    lags = np.clip(lags, 0.0, np.maximum(sample.counts - 1.0, 0.0))
    variances = sample.groups.totals(sample.centred**2)
    for lag in range(1, int(lags.max(initial=0)) + 1):
        longer = lags[groups] >= lag
        if not longer.all():  # most groups have short horizons and need no more
            groups, centred = groups[longer], centred[longer]
        products = centred[lag:] * centred[:-lag]
        products[groups[lag:] != groups[:-lag]] = 0.0
        sums = np.bincount(groups[lag:], products, count)
        variances += 2.0 * (1.0 - lag / (lags + 1.0)) * sums
    variances = ratio(variances, sample.counts)
    # The weights keep it above zero but for rounding.
    rounding = np.maximum(1.0, sample.largest) * _ROUNDING
    variances = np.where((sample.counts > 1) & (variances > rounding**2), variances, np.nan)
    result: np.ndarray = sample.means / np.sqrt(variances / sample.counts)
    return result


def compounded(sample: Sample, periods: np.ndarray) -> np.ndarray:
    """Growth of each group's capital, of which one part in `periods` earns each value; less 1."""
    of = sample.groups.of
    growth = np.ones(sample.groups.count)
    np.multiply.at(growth, of, 1.0 + np.where(sample.known, sample.values, 0.0) / periods[of])
    return np.where(sample.counts > 0, growth - 1.0, np.nan)


def regressions(
    groups: Groups, y: np.ndarray, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intercept, its t-statistic and slope of OLS of y on x over the values that have both."""
    both = np.isfinite(x) & np.isfinite(y)
    xs = Sample(groups, np.where(both, x, np.nan))
    ys = Sample(groups, np.where(both, y, np.nan))
    slopes = ratio(groups.totals(xs.centred * ys.centred), xs.squares)
    intercepts = ys.means - slopes * xs.means
    rest = np.where(both, ys.centred - slopes[groups.of] * xs.centred, 0.0)
    variances = ratio(groups.totals(np.nan_to_num(rest) ** 2), xs.counts - 2.0)
    shares = ratio(np.ones(groups.count), xs.counts) + ratio(xs.means**2, xs.squares)
    return intercepts, ratio(intercepts, np.sqrt(variances * shares)), slopes


def half_life(horizons: np.ndarray, ics: np.ndarray) -> float:
    """Horizons over which an IC halves, shape (H,) each; NaN where it does not decay or turns."""
    known = np.isfinite(ics)
    horizons, ics = horizons[known].astype(float), ics[known]
    if len(ics) < 2 or not (np.all(ics > 0) or np.all(ics < 0)):
        return np.nan
    centred = horizons - horizons.mean()
    slope = centred @ np.log(np.abs(ics)) / (centred @ centred)
    return float(-np.log(2.0) / slope) if slope < 0 else np.nan


def monotonicity(means: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Spearman of the place and the value of each row, both (groups, quantiles).

    Only places that are `used` count, the first of each row. Ties get average ranks; NaN where a
    value that counts is missing, and where all are equal.
    """
    both = used[:, :, None] & used[:, None, :]
    ranks = np.where(both, np.sign(means[:, :, None] - means[:, None, :]), 0.0).sum(axis=2)
    count = used.sum(axis=1, keepdims=True)
    places = np.where(used, 2.0 * np.arange(means.shape[1]) - (count - 1.0), 0.0)
    scale = np.sqrt((ranks**2).sum(axis=1) * (places**2).sum(axis=1))
    return ratio((ranks * places).sum(axis=1), scale)
