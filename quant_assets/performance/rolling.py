"""Metrics of moving windows: what a series was worth over the last so many sessions, day by day.

The value of day t is that of the sessions t - window + 1 to t, so it is known at the close of t;
NaN before the first whole window. Returns of shape (T,) give results of that shape, those of shape
(T, S) one column a series. A day without a return (NaN) is left out of its windows, and a window
needs `least` days (by default all of them). Conventions are those of the metrics of the same name.
"""

import math

import numpy as np

from quant_assets.compiled import warm_up
from quant_assets.market_data.panels import FloatArray
from quant_assets.performance import rolling_kernels as kernels
from quant_assets.performance.sample import Values, carried, daily_rate

HALF_YEAR = 126


def rolling_sharpe(
    returns: FloatArray,
    window: int = HALF_YEAR,
    risk_free: float | Values = 0.0,
    annualization: float = 252,
    least: int | None = None,
) -> FloatArray:
    """Mean excess return over its standard deviation (ddof=1), times the root of the days a year.

    Args:
        returns: daily simple returns, shape (T,) or (T, S).
        window: sessions.
        risk_free: annual rate as a fraction, one number or one a day.
        annualization: days a year.
        least: days with a return that a window needs.
    """
    mean, deviation, _ = _moments(_excess(returns, risk_free, annualization), window, least)
    return _ratio(mean, deviation) * math.sqrt(annualization)


def rolling_sortino(
    returns: FloatArray,
    window: int = HALF_YEAR,
    risk_free: float | Values = 0.0,
    annualization: float = 252,
    least: int | None = None,
) -> FloatArray:
    """Mean excess return over the root mean square of the negative ones, times root of days a year.

    Arguments as in `rolling_sharpe`.
    """
    mean, _, downside = _moments(_excess(returns, risk_free, annualization), window, least)
    return _ratio(mean, downside) * math.sqrt(annualization)


def rolling_volatility(
    returns: FloatArray,
    window: int = HALF_YEAR,
    annualization: float = 252,
    least: int | None = None,
) -> FloatArray:
    """Standard deviation of daily returns (ddof=1) times the root of the days a year.

    Arguments as in `rolling_sharpe`.
    """
    _, deviation, _ = _moments(np.asarray(returns, np.float64), window, least)
    return deviation * math.sqrt(annualization)


def rolling_beta(
    returns: FloatArray,
    benchmark: Values,
    window: int = HALF_YEAR,
    risk_free: float | Values = 0.0,
    annualization: float = 252,
    least: int | None = None,
) -> FloatArray:
    """Slope of excess returns over the benchmark's, of shape (T,); days without one are left out.

    Other arguments as in `rolling_sharpe`.
    """
    return _lines(returns, benchmark, window, risk_free, annualization, least)[0]


def rolling_alpha(
    returns: FloatArray,
    benchmark: Values,
    window: int = HALF_YEAR,
    risk_free: float | Values = 0.0,
    annualization: float = 252,
    least: int | None = None,
) -> FloatArray:
    """Mean excess return less beta times the benchmark's, compounded to a year.

    Arguments as in `rolling_beta`.
    """
    daily = _lines(returns, benchmark, window, risk_free, annualization, least)[1]
    with np.errstate(invalid="ignore"):
        return np.power(np.where(daily > -1, 1.0 + daily, np.nan), annualization) - 1.0


def rolling_correlation(
    returns: FloatArray,
    benchmark: Values,
    window: int = HALF_YEAR,
    least: int | None = None,
) -> FloatArray:
    """Pearson correlation of daily returns with the benchmark's; arguments as in `rolling_beta`."""
    return _lines(returns, benchmark, window, 0.0, 252, least)[2]


def _moments(
    values: FloatArray, window: int, least: int | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    rows = _rows(values)
    needed = _needed(window, least)
    mean, deviation, downside = (np.empty_like(rows) for _ in range(3))
    warm_up()
    kernels.moving_moments(rows, window, needed, mean, deviation, downside)
    return _shaped(mean, values), _shaped(deviation, values), _shaped(downside, values)


def _lines(
    returns: FloatArray,
    benchmark: Values,
    window: int,
    risk_free: float | Values,
    annualization: float,
    least: int | None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    excess = _excess(returns, risk_free, annualization)
    index = np.asarray(benchmark, np.float64)
    if index.shape != excess.shape[:1]:
        raise ValueError(
            f"benchmark must have the shape ({len(excess)},), that of the returns. "
            f"Got {index.shape} instead."
        )
    index = _excess(index, risk_free, annualization)
    rows = _rows(excess)
    needed = _needed(window, least)
    slope, intercept, correlation = (np.empty_like(rows) for _ in range(3))
    warm_up()
    kernels.moving_lines(rows, index, window, needed, slope, intercept, correlation)
    return _shaped(slope, excess), _shaped(intercept, excess), _shaped(correlation, excess)


def _excess(returns: FloatArray, risk_free: float | Values, annualization: float) -> FloatArray:
    values = np.asarray(returns, np.float64)
    if values.ndim not in (1, 2):
        raise ValueError(f"returns must have the shape (T,) or (T, S). Got {values.shape} instead.")
    rates = np.broadcast_to(np.asarray(risk_free, np.float64), (len(values),))
    rate = daily_rate(carried(rates), annualization)
    return values - (rate if values.ndim == 1 else rate[:, None])


def _rows(values: FloatArray) -> FloatArray:
    return np.ascontiguousarray(np.atleast_2d(values.T))


def _shaped(rows: FloatArray, like: FloatArray) -> FloatArray:
    return rows[0] if like.ndim == 1 else np.ascontiguousarray(rows.T)


def _needed(window: int, least: int | None) -> int:
    needed = window if least is None else least
    if window < 2 or not 2 <= needed <= window:
        raise ValueError(
            f"a window must have at least 2 sessions and need 2 to all of them. "
            f"Got window={window}, least={least} instead."
        )
    return needed


def _ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    return numerator / np.where(denominator > 0, denominator, np.nan)
