"""Compound returns by month and by year.

Belongs here: the arithmetic of the calendar. How it is shown stands in plots.py and in page/.
"""

import numpy as np

from quant_assets.market_data.panels import FloatArray


def monthly_table(dates: np.ndarray, returns: FloatArray) -> tuple[np.ndarray, FloatArray]:
    """Compound returns by year and month.

    Args:
        dates: sessions, `datetime64[D]`, ascending, shape (T,), T at least 1.
        returns: daily simple returns, shape (T,); NaN counts as no change.

    Returns:
        The years, shape (Y,), and returns of shape (Y, 13): January to December, NaN where there
        is no session, and the whole year.
    """
    growth = 1.0 + np.nan_to_num(returns)
    months = dates.astype("datetime64[M]").astype(np.int64)
    first_year, last_year = months[0] // 12 + 1970, months[-1] // 12 + 1970
    years = np.arange(first_year, last_year + 1)
    table = np.full((len(years), 13), np.nan)
    found, starts = np.unique(months, return_index=True)
    table[found // 12 + 1970 - first_year, found % 12] = np.multiply.reduceat(growth, starts) - 1.0
    found, starts = np.unique(months // 12, return_index=True)
    table[found + 1970 - first_year, 12] = np.multiply.reduceat(growth, starts) - 1.0
    return years, table


def monthly_sums(dates: np.ndarray, values: FloatArray) -> tuple[np.ndarray, FloatArray]:
    """Sums of a daily series by month, NaN counting as 0.

    Args:
        dates: sessions, `datetime64[D]`, ascending, shape (T,), T at least 1.
        values: shape (T,) or (T, K).

    Returns:
        The months that have sessions, `datetime64[M]`, shape (M,), and sums of shape (M,) or
        (M, K).
    """
    months, starts = np.unique(dates.astype("datetime64[M]"), return_index=True)
    return months, np.add.reduceat(np.nan_to_num(values), starts, axis=0)
