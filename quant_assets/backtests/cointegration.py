"""Cointegration of many pairs of series at once: the two steps of Engle and Granger.

Here stand the regression of one series on the other and the unit-root test of what is left. Which
pairs are looked at, and what is done with them, belongs to the strategy.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from quant_assets.market_data.panels import FloatArray

# MacKinnon (2010), "Critical Values for Cointegration Tests", Queen's Economics Department Working
# Paper 1227, table 2, two variables with a constant: b0 + b1 / T + b2 / T^2 + b3 / T^3.
_CRITICAL: Mapping[float, tuple[float, float, float, float]] = {
    0.01: (-3.89644, -10.9519, -33.527, 0.0),
    0.05: (-3.33613, -6.1101, -6.823, 0.0),
    0.1: (-3.04445, -4.2412, -2.720, 0.0),
}


# Of the determinant of the regressors' correlations: below it they say the same.
_SINGULAR = 1e-12


@dataclass(frozen=True)
class Cointegration:
    """What Engle and Granger's two steps say of P pairs: (P,) each.

    `statistic` is the t-statistic of the unit-root test of the residuals, the lower the likelier
    that they return to 0; NaN where a series does not move. `deviation` is the residuals' standard
    deviation, ddof=2.
    """

    slope: FloatArray
    intercept: FloatArray
    deviation: FloatArray
    statistic: FloatArray


def engle_granger(y: FloatArray, x: FloatArray, lags: int = 1) -> Cointegration:
    """Regress each column of y on that of x, and test the residuals for a unit root.

    Source: Engle and Granger (1987), "Co-integration and Error Correction", Econometrica 55(2). The
    residuals u of y = intercept + slope x + u are tested by the regression of their change on u of
    the session before and the last `lags` changes, without a constant.

    Args:
        y: (W, P), complete.
        x: (W, P), complete.
        lags: changes in the test's regression.

    Raises:
        ValueError: too few rows for the lags, or shapes that differ.
    """
    if y.shape != x.shape or len(y) < 2 * lags + 5:
        raise ValueError(
            f"y and x must have one shape, with at least {2 * lags + 5} rows for {lags} lags. "
            f"Got {y.shape} and {x.shape} instead."
        )
    rows = len(y)
    mean_x, mean_y = x.sum(axis=0) / rows, y.sum(axis=0) / rows
    spread = x - mean_x
    variance = (spread * spread).sum(axis=0)
    moving = variance > 0
    slope = (spread * (y - mean_y)).sum(axis=0) / np.where(moving, variance, 1.0)
    intercept = mean_y - slope * mean_x
    left = y - intercept - slope * x
    deviation = np.sqrt((left * left).sum(axis=0) / (rows - 2))
    statistic = _unit_root(left, lags)
    return Cointegration(
        slope, intercept, deviation, np.where(moving & (deviation > 0), statistic, np.nan)
    )


def critical_value(significance: float, rows: int) -> float:
    """The statistic below which two series of so many rows count as cointegrated.

    Raises:
        ValueError: no table for that significance.
    """
    if significance not in _CRITICAL:
        allowed = ", ".join(map(str, _CRITICAL))
        raise ValueError(f"significance must be one of {allowed}. Got {significance} instead.")
    size = rows - 1
    b0, b1, b2, b3 = _CRITICAL[significance]
    return b0 + b1 / size + b2 / size**2 + b3 / size**3


def _unit_root(u: FloatArray, lags: int) -> FloatArray:
    """t-statistic of the lagged level in the augmented Dickey-Fuller regression, (P,)."""
    change = np.diff(u, axis=0)
    target = change[lags:]
    regressors = [u[lags:-1], *(change[lags - k : len(change) - k] for k in range(1, lags + 1))]
    count = len(regressors)
    gram = np.empty((u.shape[1], count, count))
    moment = np.empty((u.shape[1], count))
    for i, first in enumerate(regressors):
        moment[:, i] = (first * target).sum(axis=0)
        for j, second in enumerate(regressors[: i + 1]):
            gram[:, i, j] = gram[:, j, i] = (first * second).sum(axis=0)
    scale = np.sqrt(np.einsum("pii->pi", gram))
    sound = (scale > 0).all(axis=1)
    scale[~sound] = 1.0
    correlation = gram / (scale[:, :, np.newaxis] * scale[:, np.newaxis, :])
    sound &= np.linalg.det(correlation) > _SINGULAR
    gram[~sound] = np.eye(count)
    inverse = np.linalg.inv(gram)
    coefficients = (inverse @ moment[:, :, np.newaxis])[:, :, 0]
    errors = target.copy()
    for place, regressor in enumerate(regressors):
        errors -= coefficients[:, place] * regressor
    freedom = len(target) - count
    variance = (errors * errors).sum(axis=0) / freedom * inverse[:, 0, 0]
    sound &= variance > 0
    return np.where(sound, coefficients[:, 0] / np.sqrt(np.where(sound, variance, 1.0)), np.nan)
