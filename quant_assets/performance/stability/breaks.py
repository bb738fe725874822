"""Tests of breaks: whether a series' mean, or its volatility, is one and the same all the way.

The CUSUM of Ploberger and Krämer (1992), "The CUSUM Test with OLS Residuals": how far the running
sum of deviations from the mean wanders, in units of what chance would make it wander. The long-run
variance is Newey and West's (1987), so that dependent days do not look like breaks. For volatility
the squared deviations are tested in the same way (Deng and Perron 2008).

What it means. A low p-value says that the days before and after the date of the largest excursion
differ by more than chance would make them; it does not say which of both will last. A high one says
only that no break can be told from noise: mean returns are so noisy that a strategy may lose its
edge for years before a test notices.
"""

from dataclasses import dataclass

import numpy as np

from quant_assets.market_data.panels import FloatArray

LEAST_SESSIONS = 60
"""Days below which nothing is tested."""


@dataclass(frozen=True)
class BreakTest:
    """The outcome of one test.

    Attributes:
        statistic: the largest excursion; above 1.358 with a chance of 5 % where nothing breaks.
        p_value: the chance of an excursion as large where nothing breaks.
        place: row of the last day before the supposed break.
    """

    statistic: float
    p_value: float
    place: int


def break_in_mean(values: FloatArray) -> BreakTest | None:
    """Whether the mean changed; None with fewer than LEAST_SESSIONS days or without variation."""
    return _cusum(values)


def break_in_volatility(values: FloatArray) -> BreakTest | None:
    """Whether the variance changed; None as for the mean."""
    return _cusum((values - values.mean()) ** 2) if len(values) else None


def _cusum(values: FloatArray) -> BreakTest | None:
    from scipy.special import kolmogorov

    n = len(values)
    if n < LEAST_SESSIONS or values.min() == values.max():
        return None
    variance = long_run_variance(values)
    if not variance > 0:
        return None
    wander = np.abs(np.cumsum(values - values.mean()))
    place = int(np.argmax(wander))
    statistic = float(wander[place] / np.sqrt(n * variance))
    return BreakTest(statistic, float(kolmogorov(statistic)), place)


def long_run_variance(values: FloatArray, lags: int | None = None) -> float:
    """Newey and West's variance of the mean times n, with Bartlett weights.

    Args:
        values: none missing.
        lags: by default floor(4 (n / 100) ^ (2/9)).
    """
    n = len(values)
    centred = values - values.mean()
    last = int(4.0 * (n / 100.0) ** (2.0 / 9.0)) if lags is None else lags
    total = float(centred @ centred)
    for k in range(1, last + 1):
        total += 2.0 * (1.0 - k / (last + 1.0)) * float(centred[k:] @ centred[:-k])
    return total / n
