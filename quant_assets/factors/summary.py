"""Days of evaluations in one row for each factor and horizon: of a month, or of any range.

Here stands which statistics of the daily measures a summary holds; how they are computed stands in
evaluation/statistics.py, pictures of the summary in plots.py.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.factors.evaluation import statistics
from quant_assets.factors.evaluation.measures import QUANTILE_COLUMNS
from quant_assets.factors.evaluation.statistics import Groups, Sample
from quant_assets.market_data.panels import date_column

QUANTILES = tuple(f"quantile_{k + 1}" for k in range(QUANTILE_COLUMNS))
COUNTS = tuple(f"count_{k + 1}" for k in range(QUANTILE_COLUMNS))
NEUTRAL = (
    "ic_sector_neutral",
    "rank_ic_sector_neutral",
    "ic_size_neutral",
    "rank_ic_size_neutral",
)
MEANS = (
    "beta",
    "t_statistic",
    "r_squared",
    *QUANTILES,
    "spread",
    "monotonicity",
    "turnover",
    "turnover_bottom",
    "rank_autocorrelation",
    "coverage",
    "mean_return",
    "factor_return",
    *NEUTRAL,
)
STATISTICS = (
    "ic",
    "ic_std",
    "icir",
    "ic_t",
    "ic_p",
    "ic_newey_west_t",
    "rank_ic",
    "rank_ic_std",
    "rank_ic_skewness",
    "rank_ic_kurtosis",
    "rank_icir",
    "rank_ic_t",
    "rank_ic_p",
    "newey_west_t",
    "newey_west_p",
    "positive_share",
    *MEANS,
    "rank_icir_sector_neutral",
    "rank_icir_size_neutral",
    "spread_std",
    "spread_t",
    "monotonicity_of_means",
    "cumulative_spread",
    "cumulative_factor_return",
    "factor_alpha",
    "factor_alpha_t",
    "factor_beta",
    "half_life",
)


def summarise(evaluation: pa.Table, month: str, horizons: Sequence[int]) -> pa.Table:
    """The rows of table factor_summary for a month.

    Args:
        evaluation: rows of factor_evaluation; those of other months and horizons are left out.
        month: YYYY-MM.
        horizons: those to summarise, in sessions.

    Returns:
        The columns of `overall`, and before them the month.
    """
    first = np.datetime64(month, "M")
    days = date_column(np.array([first, first + 1]))
    date = evaluation["date"]
    inside = pc.and_(pc.greater_equal(date, days[0]), pc.less(date, days[1]))
    rows = overall(evaluation.filter(inside), horizons)
    return rows.add_column(0, "month", pa.array([month] * len(rows), pa.string()))


def overall(evaluation: pa.Table, horizons: Sequence[int]) -> pa.Table:
    """One row for each factor and horizon, over all days of the evaluation.

    Args:
        evaluation: rows of factor_evaluation; those of other horizons are left out.
        horizons: those to summarise, in sessions.

    Returns:
        By factor and horizon; null where not defined. All statistics are over the days that have
        the measure, standard deviations with ddof=1, nothing annualised:

        - days: with a rank IC. icir, rank_icir, and those of neutral ICs: mean / standard deviation
          of the daily IC. rank_ic_skewness and rank_ic_kurtosis (excess) without correction.
        - ..._t: mean / (standard deviation / sqrt(days)); ..._p: two-sided, Student's t. Returns of
          horizon h overlap, which these do not correct for.
        - newey_west_t: of the rank IC, ic_newey_west_t of the IC, with h - 1 lags (at most
          days - 1), Bartlett weights, no small-sample factor (Newey & West 1987); newey_west_p: its
          two-sided p-value, normal. A month is short for lags near its length.
        - positive_share: share of days with ic > 0.
        - monotonicity is the mean of the days; monotonicity_of_means: of the days' mean quantile
          returns.
        - cumulative_spread, cumulative_factor_return: growth of the capital of h portfolios, one
          begun each day and held for h, of which each earns a h-th of the day's spread (factor
          return): the product of 1 + spread / h, less 1. Those of months multiply to that of years.
        - factor_alpha, factor_beta: intercept and slope of the factor return on the mean return of
          the pairs, both of horizon h (alphalens annualises alpha: (1 + factor_alpha) ^ (252 / h)
          - 1); factor_alpha_t: t-statistic of the intercept.
        - half_life: sessions over which the mean IC halves, from the least-squares line of
          log |ic| on the horizon, the same in all rows of a factor; null unless the factor's mean
          ICs have one sign and fall with the horizon, and there are two horizons.
        - the others: means of the days.
    """
    wanted = pc.is_in(evaluation["horizon"], pa.array(sorted(horizons), pa.int32()))
    rows = evaluation.filter(wanted).sort_by(
        [("factor", "ascending"), ("horizon", "ascending"), ("date", "ascending")]
    )
    factors = rows["factor"].combine_chunks().dictionary_encode()
    if isinstance(factors, pa.ChunkedArray):
        factors = factors.combine_chunks()
    codes = factors.indices.to_numpy(zero_copy_only=False)
    lags = rows["horizon"].to_numpy()
    new = np.ones(len(rows), bool)
    new[1:] = (codes[1:] != codes[:-1]) | (lags[1:] != lags[:-1])
    groups, firsts = Groups(np.cumsum(new) - 1, int(new.sum())), np.flatnonzero(new)
    samples = {
        name: Sample(groups, rows[name].to_numpy()) for name in ("ic", "rank_ic", *MEANS, *COUNTS)
    }
    found = _statistics(groups, samples, lags[firsts])
    found["half_life"] = _half_lives(codes[firsts], lags[firsts], found["ic"])
    return pa.table(
        {
            "factor": factors.dictionary.take(pa.array(codes[firsts])),
            "horizon": pa.array(lags[firsts], pa.int32()),
            "days": pa.array(samples["rank_ic"].counts.astype(np.int32)),
            **{name: pa.array(found[name], mask=~np.isfinite(found[name])) for name in STATISTICS},
        }
    )


def _statistics(
    groups: Groups, samples: Mapping[str, Sample], horizons: np.ndarray
) -> dict[str, np.ndarray]:
    """Every statistic but the half-life, (groups,) each; horizons: of each group.

    The counts of quantiles that the evaluation was not cut into are missing on all days.
    """
    found = {name: samples[name].means for name in ("ic", "rank_ic", *MEANS)}
    for name in ("ic", "rank_ic"):
        sample = samples[name]
        found[f"{name}_std"] = sample.deviations
        found[f"{name}ir"] = sample.information_ratios
        found[f"{name}_t"] = sample.t_statistics
        found[f"{name}_p"] = statistics.two_sided(sample.t_statistics, sample.counts - 1.0)
    ic, rank_ic, spread = samples["ic"], samples["rank_ic"], samples["spread"]
    found["ic_newey_west_t"] = statistics.newey_west_t(ic, horizons - 1)
    found["newey_west_t"] = statistics.newey_west_t(rank_ic, horizons - 1)
    found["newey_west_p"] = statistics.two_sided_normal(found["newey_west_t"])
    found["rank_ic_skewness"], found["rank_ic_kurtosis"] = rank_ic.skewness, rank_ic.kurtosis
    positive = np.where(ic.known, ic.values > 0, np.nan)
    found["positive_share"] = Sample(groups, positive).means
    for neutral in ("sector_neutral", "size_neutral"):
        found[f"rank_icir_{neutral}"] = samples[f"rank_ic_{neutral}"].information_ratios
    found["spread_std"], found["spread_t"] = spread.deviations, spread.t_statistics
    found["monotonicity_of_means"] = statistics.monotonicity(
        np.stack([found[name] for name in QUANTILES], axis=1),
        np.stack([samples[name].counts > 0 for name in COUNTS], axis=1),
    )
    found["cumulative_spread"] = statistics.compounded(spread, horizons)
    earned, universe = samples["factor_return"], samples["mean_return"]
    found["cumulative_factor_return"] = statistics.compounded(earned, horizons)
    found["factor_alpha"], found["factor_alpha_t"], found["factor_beta"] = statistics.regressions(
        groups, earned.values, universe.values
    )
    return found


def _half_lives(factors: np.ndarray, horizons: np.ndarray, ics: np.ndarray) -> np.ndarray:
    """The half-life of each factor, the same for all of its groups, which stand together."""
    result = np.full(len(ics), np.nan)
    edges = np.flatnonzero(np.diff(factors, prepend=-1, append=-1))
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        result[start:stop] = statistics.half_life(horizons[start:stop], ics[start:stop])
    return result
