"""How alike factors are: mean rank correlation between them across the members of a day.

Here stands the monthly table. The picture of it stands in plots.py.
"""

import numpy as np
import pyarrow as pa

from quant_assets.factors.evaluation import KEYS, MINIMUM_OBSERVATIONS, ascending
from quant_assets.factors.layout import Layout, symbols_of
from quant_assets.market_data.panels import session_dates


def correlate(factors: pa.Table, universe: pa.Table, month: str) -> pa.Table:
    """The rows of table factor_correlations for a month.

    Each day: Spearman (average ranks for ties) between every two factors over the members that have
    both, at least MINIMUM_OBSERVATIONS. Then the mean over the days of the month that have it.

    Args:
        factors: date, symbol, one column a factor (several libraries joined).
        universe: date, symbol, member, of the same days.
        month: YYYY-MM; other days are left out.

    Returns:
        A row for each ordered pair of factors, itself included (1 where its ranks vary), by factor
        and other; correlation is null without a day, days says how many there were.
    """
    from quant_assets.factors import cross_section_kernels as cross
    from quant_assets.factors import kernels

    kernels.warm()
    names = sorted(set(factors.column_names) - set(KEYS))
    days = np.unique(session_dates(factors["date"]))
    days = days[days.astype("datetime64[M]") == np.datetime64(month, "M")]
    symbols = symbols_of(universe)
    member = Layout.of(universe, days, symbols).spread(universe["member"]) == 1.0
    layout = Layout.of(factors, days, symbols)
    values = np.full((len(days), len(names), len(symbols)), np.nan)
    for place, name in enumerate(names):
        values[:, place] = np.where(member, layout.spread(factors[name]), np.nan)
    each = np.full((len(days), len(names), len(names)), np.nan)
    cross.rank_correlations(values, ascending(values), MINIMUM_OBSERVATIONS, each)
    return _table(names, month, *_means(values, each))


def _means(values: np.ndarray, each: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean correlation and number of days, (factors, factors), from the upper triangles of days."""
    known = np.isfinite(each)
    days = known.sum(axis=0)
    total = np.where(known, each, 0.0).sum(axis=0)
    days, total = days + days.T, total + total.T
    counted = np.isfinite(values).sum(axis=2) >= MINIMUM_OBSERVATIONS
    filled = np.where(np.isfinite(values), values, -np.inf).max(axis=2, initial=-np.inf)
    lowest = np.where(np.isfinite(values), values, np.inf).min(axis=2, initial=np.inf)
    own = (counted & (filled > lowest)).sum(axis=0)
    np.fill_diagonal(days, own)
    np.fill_diagonal(total, own)
    means = np.full(total.shape, np.nan)
    np.divide(total, days, out=means, where=days > 0)
    return means, days


def _table(names: list[str], month: str, means: np.ndarray, days: np.ndarray) -> pa.Table:
    count = len(names)
    flat = means.ravel()
    return pa.table(
        {
            "month": pa.array([month] * count**2, pa.string()),
            "factor": pa.array(np.repeat(names, count).tolist(), pa.string()),
            "other": pa.array(names * count, pa.string()),
            "correlation": pa.array(flat, mask=np.isnan(flat)),
            "days": pa.array(days.ravel(), pa.int32()),
        }
    )
