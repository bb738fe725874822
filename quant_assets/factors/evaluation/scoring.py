"""The measures of one factor against a market, from arrays.

Here stands how a factor passes through the kernels: a few sessions at a time, so that what one
writes the next still finds in the cache. What the measures are is said in daily.py and sectors.py.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quant_assets.factors.evaluation.market import Market, in_parallel, writable
from quant_assets.factors.evaluation.measures import (
    MINIMUM_OBSERVATIONS,
    SECTOR_MEASURES,
    SECTOR_MINIMUM_OBSERVATIONS,
    columns,
)
from quant_assets.factors.ordering import ascending

_CACHED = 1 << 20  # bytes of values and orders that pass through the kernels at a time
_CELL = 12  # bytes of a value and its place in the order
_FEWEST = 16  # sessions at a time: the calls themselves cost as much as a few sessions


@dataclass(frozen=True)
class Scores:
    """Measures of a factor on the sessions of a market from `first` on; NaN where not defined.

    daily: (days, horizons, measures.columns(quantiles)). sectors: (days, horizons, sectors,
    SECTOR_MEASURES). The last but one axis of what was not asked for is empty.
    """

    daily: np.ndarray
    sectors: np.ndarray


def score(
    market: Market,
    factors: Sequence[np.ndarray],
    quantiles: int = 5,
    rows: np.ndarray | None = None,
    daily: bool = True,
    by_sector: bool = False,
    thread_no: int = 1,
) -> list[Scores]:
    """Score factors.

    Args:
        market: the market, which any number of factors and threads may share.
        factors: float64 panels of the market's shape (sessions, symbols); what is not finite is
            missing. Or, with `rows`, flat float64 arrays.
        quantiles: equal-count buckets, at least 2.
        rows: (sessions, members), where in a flat array each member's value stands, -1 for nowhere.
        daily: compute the daily measures.
        by_sector: compute the measures within sectors; the market must be prepared for it.
        thread_no: threads, over factors, and over days where there are fewer factors.

    Returns:
        The scores of each factor.

    Raises:
        ValueError: a panel of another shape, a market without sectors, too few quantiles.
    """
    _check(market, factors, quantiles, rows, by_sector)
    flat = [writable(values).reshape(-1) for values in factors]
    rows = market.cells if rows is None else rows
    if not all(values.size for values in flat) or not market.cells.size:
        flat, rows = [np.full(1, np.nan)] * len(flat), np.full_like(market.cells, -1)
    results = [_nothing(market, quantiles, daily, by_sector) for _ in factors]
    days = max(market.shape[0] - market.first, 0)
    parts = max(1, min(thread_no // max(len(flat), 1), days))
    groups = max(1, min(thread_no, len(flat)))
    edges = [market.first + days * k // parts for k in range(parts + 1)]

    def one(group: int, part: int) -> None:
        _score_days(
            market,
            flat[group::groups],
            rows,
            quantiles,
            edges[part],
            edges[part + 1],
            results[group::groups],
        )

    in_parallel(one, itertools.product(range(groups), range(parts)), thread_no)
    return results


def _nothing(market: Market, quantiles: int, daily: bool, by_sector: bool) -> Scores:
    days, horizons = max(market.shape[0] - market.first, 0), len(market.horizons)
    sectors = market.sector_count if by_sector else 0
    return Scores(
        np.full((days, horizons if daily else 0, len(columns(quantiles))), np.nan),
        np.full((days, horizons, sectors, len(SECTOR_MEASURES)), np.nan),
    )


def _check(
    market: Market,
    factors: Sequence[np.ndarray],
    quantiles: int,
    rows: np.ndarray | None,
    by_sector: bool,
) -> None:
    if rows is not None and rows.shape != market.cells.shape:
        raise ValueError(
            f"rows of a market's factors must have its shape {market.cells.shape} (sessions, "
            f"members). Got {rows.shape} instead."
        )
    wrong = [values.shape for values in factors if rows is None and values.shape != market.shape]
    if wrong:
        raise ValueError(
            f"a factor must have the shape {market.shape} (sessions, symbols) of its market. "
            f"Got {wrong[0]} instead."
        )
    if quantiles < 2:
        raise ValueError(f"quantiles of an evaluation must be 2 or more. Got {quantiles} instead.")
    if by_sector and market.by_sector is None:
        raise ValueError(
            "a market that is scored by sector must be prepared with by_sector=True. "
            "Got one without it instead."
        )


def _score_days(
    market: Market,
    factors: Sequence[np.ndarray],
    rows: np.ndarray,
    quantiles: int,
    first: int,
    stop: int,
    results: Sequence[Scores],
) -> None:
    """Fill in the results of the days first .. stop - 1.

    The sessions of a step pass through the kernels for one factor after the other: what the market
    has of them is read from memory once.
    """
    days, scored = _decision_days(market, first, stop)
    ring = (len(factors), int(market.horizons[-1]) + 1, market.width)
    ranks, codes = np.zeros(ring, np.float32), np.zeros(ring, np.int8)
    step = max(_FEWEST, _CACHED // (3 * _CELL * max(market.cells.shape[1], 1)))
    for start in range(0, len(days), step):
        some = slice(start, start + step)
        for k, values in enumerate(factors):
            _score_step(
                market,
                values,
                rows,
                quantiles,
                days[some],
                scored[some],
                first,
                stop,
                ranks[k],
                codes[k],
                results[k],
            )


def _score_step(
    market: Market,
    values: np.ndarray,
    rows: np.ndarray,
    quantiles: int,
    days: np.ndarray,
    scored: np.ndarray,
    first: int,
    stop: int,
    past_ranks: np.ndarray,
    past_codes: np.ndarray,
    result: Scores,
) -> None:
    """One factor, a few decision days; the arguments are the kernels'."""
    from quant_assets.factors.evaluation import (
        daily_kernels,
        panel_kernels,
        persistence_kernels,
        ranking_kernels,
        sector_kernels,
    )

    inside = slice(first - market.first, stop - market.first)
    versions = 3 if market.neutral and result.daily.size and scored.any() else 1
    panels = np.empty((versions, len(days), market.cells.shape[1]))
    panel_kernels.gather(
        values,
        rows,
        days,
        scored,
        market.members,
        market.sectors,
        market.size,
        market.sector_count,
        MINIMUM_OBSERVATIONS,
        panels,
    )
    flat = panels.reshape(versions * len(days), panels.shape[2])
    orders = ascending(flat).view(np.uint32)  # places that kernels need not ask the sign of
    if result.daily.size:
        ranks, moments = np.empty(flat.shape, np.float32), np.empty((len(flat), 3))
        valued, tied = np.empty(len(flat), np.int64), np.empty(len(flat), bool)
        ranking_kernels.describe_rows(flat, orders, ranks, moments, valued, tied)
        codes = np.empty(panels.shape[1:], np.int8)
        counts = np.zeros((len(days), quantiles))
        persistence_kernels.compare_days(
            panels[0],
            orders[: len(days)],
            ranks[: len(days)],
            valued[: len(days)],
            days,
            market.columns,
            market.members,
            market.horizons,
            first,
            stop,
            quantiles,
            MINIMUM_OBSERVATIONS,
            codes,
            counts,
            past_ranks,
            past_codes,
            result.daily[inside],
        )
        returns = market.returns
        daily_kernels.score_days(
            panels,
            orders.reshape(panels.shape),
            ranks.reshape(panels.shape),
            moments.reshape(versions, -1, 3),
            valued.reshape(versions, -1),
            tied.reshape(versions, -1),
            codes,
            counts,
            days,
            market.members,
            returns.values,
            returns.orders,
            returns.ranks,
            returns.moments,
            returns.counts,
            returns.tied,
            market.horizons,
            first,
            stop,
            quantiles,
            MINIMUM_OBSERVATIONS,
            result.daily[inside],
        )
    if result.sectors.size and market.by_sector is not None:
        by_sector = market.by_sector
        sector_kernels.score_sectors(
            panels[0],
            orders[: len(days)],
            days,
            market.members,
            by_sector.places,
            by_sector.bounds,
            by_sector.values,
            by_sector.orders,
            by_sector.ranks,
            by_sector.counts,
            market.horizons,
            first,
            stop,
            SECTOR_MINIMUM_OBSERVATIONS,
            result.sectors[inside],
        )


def _decision_days(market: Market, first: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """The sessions whose factor the days first .. stop - 1 need, and which of them are scored.

    Scored are those a horizon before such a day; with these, those another horizon before count.
    """
    scored = np.zeros(market.shape[0], bool)
    needed = scored.copy()
    for h in market.horizons.tolist():
        scored[max(first - h, 0) : max(stop - h, 0)] = True
        needed[max(first - 2 * h, 0) : max(stop - 2 * h, 0)] = True
    days = np.flatnonzero(needed | scored)
    return days, scored[days]
