"""How alike factors are: mean rank correlation between them across the members of a day.

Here stands the monthly table. The picture of it stands in plots.py.
"""

import numpy as np
import pyarrow as pa

from quant_assets.factors.evaluation.inputs import factor_names
from quant_assets.factors.evaluation.measures import MINIMUM_OBSERVATIONS
from quant_assets.factors.expressions.operators.registry import operator
from quant_assets.factors.layout import Layout, symbols_of
from quant_assets.market_data.panels import session_dates


def correlate(factors: pa.Table, universe: pa.Table, month: str) -> pa.Table:
    """The rows of table factor_correlations for a month.

    Each day: the correlation between the ranks of every two factors over the members that have
    both, at least MINIMUM_OBSERVATIONS. A factor's ranks (average ranks for ties) are among all
    members that have it; where two factors have the same members, this is Spearman's correlation.
    Then the mean over the days of the month that have it.

    Args:
        factors: date, symbol, one column a factor (several libraries joined).
        universe: date, symbol, member, of the same days.
        month: YYYY-MM; other days are left out.

    Returns:
        A row for each ordered pair of factors, itself included (1 where its ranks vary), by factor
        and other; correlation is null without a day, days says how many there were.
    """
    names = factor_names(factors)
    days = np.unique(session_dates(factors["date"]))
    days = days[days.astype("datetime64[M]") == np.datetime64(month, "M")]
    symbols = symbols_of(universe)
    member = Layout.of(universe, days, symbols).spread(universe["member"]) == 1.0
    layout = Layout.of(factors, days, symbols)
    values = np.full((len(days), len(names), len(symbols)), np.nan)
    for place, name in enumerate(names):
        values[:, place] = np.where(member, layout.spread(factors[name]), np.nan)
    total = np.zeros((len(names), len(names)))
    count = np.zeros(total.shape, np.int32)
    for day in values:
        found = rank_correlations(day)
        known = np.isfinite(found)
        total[known] += found[known]
        count += known
    means = np.full(total.shape, np.nan)
    np.divide(total, count, out=means, where=count > 0)
    return _table(names, month, means, count)


def rank_correlations(values: np.ndarray) -> np.ndarray:
    """Correlations between the ranks of factors on one day, pairwise complete.

    Args:
        values: (factors, securities), NaN for missing.

    Returns:
        (factors, factors); NaN below MINIMUM_OBSERVATIONS or where ranks do not vary. Doubled ranks
        are whole numbers and so are all sums of them, to the last digit, in whatever order the
        matrix products add them up: bits depend on the values alone.
    """
    known = np.isfinite(values)
    number = known.sum(axis=1, keepdims=True)
    shares = np.empty(values.shape)
    operator("rank").compute([np.ascontiguousarray(values)], (), 0, shares)
    # Doubled, so that ties are whole, and around their middle, so that sums stay small.
    ranks = np.where(known, np.rint(2.0 * shares * number) - (number + 1.0), 0.0)
    masks, which = np.unique(known, axis=0, return_inverse=True)
    kinds = masks.T.astype(np.float64)  # factors often miss the same securities
    common = (known @ kinds)[:, which]
    sums = (ranks @ kinds)[:, which]
    squares = (ranks**2 @ kinds)[:, which]
    spread = common * squares - sums**2
    products = common * (ranks @ ranks.T) - sums * sums.T
    enough = (common >= MINIMUM_OBSERVATIONS) & (spread > 0) & (spread.T > 0)
    found = np.full(products.shape, np.nan)
    np.divide(products, np.sqrt(spread) * np.sqrt(spread.T), out=found, where=enough)
    return np.clip(found, -1.0, 1.0)


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
