"""How well factors order returns within each sector: one row a month, factor, horizon and sector.

Here stands the table factor_sector_summary. A row a day would make the daily table as many times
larger as there are sectors, so the days are scored here and only their means are kept.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from quant_assets.factors.evaluation.inputs import Inputs
from quant_assets.factors.evaluation.market import check_horizons
from quant_assets.factors.evaluation.measures import SECTOR_MEASURES
from quant_assets.factors.evaluation.statistics import Groups, Sample
from quant_assets.warehouse.window import Window

_MEASURES = ("observations", "ic", "ic_std", "icir", "rank_ic", "rank_ic_std", "rank_icir")


def lookback(horizons: Sequence[int]) -> int:
    """Sessions before a month whose factors, bars and members its scores by sector need."""
    return max(horizons)


def any_sector(universe: pa.Table) -> bool:
    """Whether anybody has a sector; without one there is nothing to evaluate, or to read for it."""
    return bool(universe["sector"].null_count < universe.num_rows)


def evaluate_sectors(
    factors: pa.Table,
    adjusted: pa.Table,
    universe: pa.Table,
    sessions: np.ndarray,
    window: Window,
    horizons: Sequence[int],
    thread_no: int = 1,
) -> pa.Table:
    """The rows of table factor_sector_summary for the months of a window.

    Args:
        factors: date, symbol, one column a factor (several libraries joined), of the window and
            `lookback(horizons)` sessions before it.
        adjusted: date, symbol, close, of the same days.
        universe: date, symbol, member, sector, of the same days.
        sessions: the market's sessions, `datetime64[D]`, ascending, with those days among them.
        window: the days of one month or several; months together have the bits of each alone.
        horizons: in sessions.
        thread_no: threads, over factors.

    Returns:
        By month, factor, horizon and sector; a sector has a row where any day of the month has a
        pair of factor and return. ic and rank_ic of a day are those of evaluation/daily.py among
        the members that were in the sector on the decision day, at least
        SECTOR_MINIMUM_OBSERVATIONS of them; here stand means and standard deviations (ddof=1) of
        the days that have them, `days` counts those with a rank IC, observations is the mean number
        of pairs a day. Null where not defined.

    Raises:
        ValueError: horizons out of bounds.
    """
    check_horizons(horizons)
    inputs = Inputs.of(
        adjusted, universe, sessions, window, horizons, lookback(horizons), True, thread_no
    )
    days = inputs.dates[inputs.market.first :].astype("datetime64[M]")
    months, month_of_day = np.unique(days, return_inverse=True)
    names: list[str] = []
    found: list[dict[str, np.ndarray]] = []
    for name, scores in inputs.scores(factors, 2, daily=False, by_sector=True, thread_no=thread_no):
        names.append(name)
        found.append(_means(scores.sectors, month_of_day, len(months)))
    every = {
        key: np.stack([each[key] for each in found], axis=1)
        if found
        else np.empty((len(months), 0, len(horizons), len(inputs.sector_names)))
        for key in ("days", *_MEASURES)
    }
    there = every["observations"] > 0
    month, factor, horizon, sector = (places.astype(np.int32) for places in np.nonzero(there))
    return pa.table(
        {
            "month": pa.array(months.astype(str), pa.string()).take(pa.array(month)),
            "factor": pa.array(names, pa.string()).take(pa.array(factor)),
            "horizon": pa.array(np.asarray(horizons, np.int32)[horizon], pa.int32()),
            "sector": pa.array(inputs.sector_names, pa.string()).take(pa.array(sector)),
            "days": pa.array(every["days"][there].astype(np.int32)),
            **{
                name: pa.array(every[name][there], mask=np.isnan(every[name][there]))
                for name in _MEASURES
            },
        }
    )


def _means(scores: np.ndarray, month_of_day: np.ndarray, months: int) -> dict[str, np.ndarray]:
    """Statistics over the days of each month, (months, horizons, sectors) each.

    scores: (days, horizons, sectors, 3); month_of_day: place of each day's month, shape (days,).
    """
    shape = (months, *scores.shape[1:3])
    cells = shape[1] * shape[2]
    of = month_of_day[:, None] * cells + np.arange(cells)
    groups = Groups(of.ravel(), months * cells)
    result = {}
    for place, name in enumerate(SECTOR_MEASURES):
        sample = Sample(groups, scores[..., place].ravel())
        result[name] = sample.means
        if name != "observations":
            result[f"{name}_std"] = sample.deviations
            result[f"{name}ir"] = sample.information_ratios
        result["days"] = sample.counts  # the last measure's, the rank IC's
    return {name: values.reshape(shape) for name, values in result.items()}
