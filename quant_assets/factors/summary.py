"""A month of evaluations in one row for each factor and horizon.

Here stand the statistics of the daily measures. The daily measures are evaluation.py's, pictures of
the summary plots.py's.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.factors.evaluation import QUANTILE_COLUMNS
from quant_assets.market_data.panels import date_column

MEANS = (
    "beta",
    "t_statistic",
    "r_squared",
    *(f"quantile_{k + 1}" for k in range(QUANTILE_COLUMNS)),
    "spread",
    "turnover",
    "rank_autocorrelation",
)
STATISTICS = (
    "ic",
    "ic_std",
    "icir",
    "ic_t",
    "ic_p",
    "rank_ic",
    "rank_ic_std",
    "rank_icir",
    "rank_ic_t",
    "newey_west_t",
    "positive_share",
    *MEANS,
    "half_life",
)


def summarise(evaluation: pa.Table, month: str, horizons: Sequence[int]) -> pa.Table:
    """The rows of table factor_summary for a month.

    Args:
        evaluation: rows of factor_evaluation; those of other months and horizons are left out.
        month: YYYY-MM.
        horizons: those to summarise, in sessions.

    Returns:
        By factor and horizon; null where not defined. All statistics are over the days of the month
        that have the measure, standard deviations with ddof=1, nothing annualised:

        - days: with a rank IC. icir, rank_icir: mean / standard deviation of the daily IC.
        - ic_t, rank_ic_t: mean / (standard deviation / sqrt(days)); ic_p: two-sided, Student's t.
          Returns of horizon h overlap, which these do not correct for.
        - newey_west_t: of the rank IC, with h - 1 lags (at most days - 1), Bartlett weights, no
          small-sample factor (Newey & West 1987). A month is short for lags near its length.
        - positive_share: share of days with ic > 0.
        - half_life: sessions over which the mean IC halves, from the least-squares line of
          log |ic| on the horizon, the same in all rows of a factor; null unless the factor's mean
          ICs have one sign and fall with the horizon, and there are two horizons.
        - the others: means of the days.
    """
    first = np.datetime64(month, "M")
    days = date_column(np.array([first, first + 1]))
    date = evaluation["date"]
    inside = pc.and_(pc.greater_equal(date, days[0]), pc.less(date, days[1]))
    wanted = pc.is_in(evaluation["horizon"], pa.array(sorted(horizons), pa.int32()))
    rows = evaluation.filter(pc.and_(inside, wanted)).sort_by(
        [("factor", "ascending"), ("horizon", "ascending"), ("date", "ascending")]
    )
    factors = rows["factor"].to_numpy()
    lags = rows["horizon"].to_numpy()
    columns = {name: rows[name].to_numpy() for name in ("ic", "rank_ic", *MEANS)}
    groups = _groups(factors, lags)
    lines = [
        _statistics({name: values[a:b] for name, values in columns.items()}, int(lags[a]))
        for a, b in groups
    ]
    _half_lives([str(factors[a]) for a, _ in groups], [int(lags[a]) for a, _ in groups], lines)
    statistics = {name: np.array([line[name] for line in lines]) for name in STATISTICS}
    return pa.table(
        {
            "month": pa.array([month] * len(groups), pa.string()),
            "factor": pa.array([factors[a] for a, _ in groups], pa.string()),
            "horizon": pa.array([lags[a] for a, _ in groups], pa.int32()),
            "days": pa.array([int(line["days"]) for line in lines], pa.int32()),
            **{
                name: pa.array(values.astype(np.float64), mask=~np.isfinite(values))
                for name, values in statistics.items()
            },
        }
    )


def _groups(factors: np.ndarray, lags: np.ndarray) -> list[tuple[int, int]]:
    """First row and the row after the last of each factor and horizon; rows are sorted by them."""
    if not len(lags):
        return []
    new = 1 + np.flatnonzero((factors[1:] != factors[:-1]) | (lags[1:] != lags[:-1]))
    return list(pairwise([0, *new.tolist(), len(lags)]))


def newey_west_t(values: np.ndarray, lags: int) -> float:
    """t-statistic of an autocorrelated series' mean; NaN below two values or without spread."""
    n = len(values)
    if n < 2:
        return math.nan
    centred = values - values.mean()
    lags = min(lags, n - 1)
    variance = centred @ centred / n
    for lag in range(1, lags + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1.0)) * (centred[lag:] @ centred[:-lag]) / n
    # Bartlett weights keep it above zero but for rounding.
    if variance <= 1e-24 * max(1.0, float(np.abs(values).max()) ** 2):
        return math.nan
    return float(values.mean() / math.sqrt(variance / n))


def half_life(horizons: np.ndarray, ics: np.ndarray) -> float:
    """Horizons over which an IC halves, shape (H,) each; NaN where it does not decay or turns."""
    known = np.isfinite(ics)
    horizons, ics = horizons[known].astype(float), ics[known]
    if len(ics) < 2 or not (np.all(ics > 0) or np.all(ics < 0)):
        return math.nan
    centred = horizons - horizons.mean()
    slope = centred @ np.log(np.abs(ics)) / (centred @ centred)
    return float(-math.log(2.0) / slope) if slope < 0 else math.nan


def _statistics(columns: dict[str, np.ndarray], horizon: int) -> dict[str, float]:
    from scipy.special import stdtr

    line: dict[str, float] = dict.fromkeys(STATISTICS, math.nan)
    for name in ("ic", "rank_ic"):
        values = _known(columns[name])
        n = len(values)
        line[name] = _mean(values)
        deviation = float(values.std(ddof=1)) if n > 1 else math.nan
        line[f"{name}_std"] = deviation
        ratio = line[name] / deviation if n > 1 and deviation > 0 else math.nan
        line["icir" if name == "ic" else "rank_icir"] = ratio
        line[f"{name}_t"] = ratio * math.sqrt(n)
    days = len(_known(columns["ic"]))
    if days > 1:
        line["ic_p"] = float(2.0 * stdtr(days - 1, -abs(line["ic_t"])))
    line["positive_share"] = _mean((_known(columns["ic"]) > 0).astype(float))
    line["days"] = len(_known(columns["rank_ic"]))
    line["newey_west_t"] = newey_west_t(_known(columns["rank_ic"]), horizon - 1)
    line.update({name: _mean(_known(columns[name])) for name in MEANS})
    return line


def _half_lives(factors: list[str], horizons: list[int], lines: list[dict[str, float]]) -> None:
    """Fill in the half-life of each factor, the same for all of its rows."""
    for factor in set(factors):
        rows = [k for k, name in enumerate(factors) if name == factor]
        lags = np.array([horizons[k] for k in rows])
        value = half_life(lags, np.array([lines[k]["ic"] for k in rows]))
        for k in rows:
            lines[k]["half_life"] = value


def _known(values: np.ndarray) -> np.ndarray:
    known: np.ndarray = values[np.isfinite(values)]
    return known


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan
