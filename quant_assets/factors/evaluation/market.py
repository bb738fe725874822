"""What the evaluation of every factor of a market shares, prepared once, from arrays.

Here stand the members of each session, the returns that follow it, their order and ranks, sectors
and size. Factors are scored against it in scoring.py; the tables it may come from are daily.py's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from quant_assets.factors.ordering import ascending

_BLOCK = 128  # sessions that a thread prepares at a time


@dataclass(frozen=True)
class Returns:
    """Returns of members by decision session and all that follows from them alone.

    Arrays are (horizons, sessions, members): values, their order, doubled ranks; moments (horizons,
    sessions, 3); counts and whether values tie (horizons, sessions).
    """

    values: np.ndarray
    orders: np.ndarray
    ranks: np.ndarray
    moments: np.ndarray
    counts: np.ndarray
    tied: np.ndarray


@dataclass(frozen=True)
class SectorReturns:
    """The same by sector: (horizons, sessions, places); places and bounds as in sector_kernels."""

    places: np.ndarray
    bounds: np.ndarray
    values: np.ndarray
    orders: np.ndarray
    ranks: np.ndarray
    counts: np.ndarray


@dataclass(frozen=True)
class Market:
    """What the evaluation of every factor shares.

    Attributes:
        shape: (sessions, symbols) of the panels of factors that are scored against it.
        horizons: in sessions, ascending, shape (H,).
        first: session from which on days are scored; those before it are look-back.
        members: how many a session has, shape (sessions,).
        columns: each member's column among the symbols that ever are members.
        cells: each member's place in a flat panel; both (sessions, members), cells -1 where a
            session has no more members.
        width: how many symbols ever are members.
        sectors: each member's code, -1 for none.
        sector_count: codes are below it.
        size: each member's size, NaN where not known.
        neutral: whether sectors or sizes were given.
        returns: by decision session.
        by_sector: None unless asked for.
    """

    shape: tuple[int, int]
    horizons: np.ndarray
    first: int
    members: np.ndarray
    columns: np.ndarray
    cells: np.ndarray
    width: int
    sectors: np.ndarray
    sector_count: int
    size: np.ndarray
    neutral: bool
    returns: Returns
    by_sector: SectorReturns | None

    @classmethod
    def from_closes(
        cls,
        close: np.ndarray,
        horizons: Sequence[int],
        member: np.ndarray | None = None,
        sectors: np.ndarray | None = None,
        size: np.ndarray | None = None,
        first: int = 0,
        by_sector: bool = False,
        thread_no: int = 1,
    ) -> "Market":
        """Prepare a market whose returns are those of closes.

        Args:
            close: (sessions, symbols), adjusted; the return of horizon h that ends in session t is
                close[t] / close[t - h] - 1, missing where either, or it, is not finite.
            horizons: in sessions, ascending, from 1 on.
            member: (sessions, symbols), who counts on a decision day; by default everybody.
            sectors: (sessions, symbols), codes 0, 1, ...; negative for none.
            size: (sessions, symbols), that which size-neutral measures regress on, such as the log
                of the average turnover; what is not finite is missing.
            first: session from which on days are scored. With `2 * max(horizons)` sessions before
                it every measure has the bits that a longer history gives.
            by_sector: prepare for scores within sectors, too; needs `sectors`.
            thread_no: threads.

        Raises:
            ValueError: horizons out of bounds, shapes that differ, sectors that are not there.
        """
        check_horizons(horizons)
        panels = dict.fromkeys(horizons, writable(close))
        return _prepare(panels, True, member, sectors, size, first, by_sector, thread_no)

    @classmethod
    def from_returns(
        cls,
        returns: Mapping[int, np.ndarray],
        member: np.ndarray | None = None,
        sectors: np.ndarray | None = None,
        size: np.ndarray | None = None,
        first: int = 0,
        by_sector: bool = False,
        thread_no: int = 1,
    ) -> "Market":
        """Prepare a market from returns: horizon -> (sessions, symbols), by the session they end.

        Everything else is as for `from_closes`.
        """
        return _prepare(returns, False, member, sectors, size, first, by_sector, thread_no)


def check_horizons(horizons: Sequence[int]) -> None:
    """ValueError unless horizons are ascending sessions from 1 on."""
    if not horizons or any(h < 1 for h in horizons) or list(horizons) != sorted(set(horizons)):
        raise ValueError(
            "horizons of an evaluation must be ascending sessions from 1 on. "
            f"Got {horizons} instead."
        )


def _prepare(
    panels: Mapping[int, np.ndarray],
    prices: bool,
    member: np.ndarray | None,
    sectors: np.ndarray | None,
    size: np.ndarray | None,
    first: int,
    by_sector: bool,
    thread_no: int,
) -> Market:
    from quant_assets import compiled
    from quant_assets.factors.evaluation import (  # noqa: F401 (importing registers)
        daily_kernels,
        panel_kernels,
        persistence_kernels,
        ranking_kernels,
        sector_kernels,
    )

    compiled.warm_up()
    check_horizons(tuple(panels))
    shape = next(iter(panels.values())).shape
    member = np.ones(shape, bool) if member is None else writable(member, bool)
    named = {"member": member, "sectors": sectors, "size": size}
    for name, values in {**{f"returns of {h}": p for h, p in panels.items()}, **named}.items():
        if values is not None and values.shape != shape:
            raise ValueError(
                f"{name} of an evaluation must have the shape {shape} (sessions, symbols) of the "
                f"others. Got {values.shape} instead."
            )
    if by_sector and sectors is None:
        raise ValueError("sectors of an evaluation by sector must be given. Got None instead.")
    members, columns, cells, width = _members(member)
    codes = _spread(sectors, cells, np.int32, -1)
    returns = _returns(panels, prices, cells, members, thread_no)
    return Market(
        shape=shape,
        horizons=np.array(list(panels), np.int64),
        first=first,
        members=members,
        columns=columns,
        cells=cells,
        width=width,
        sectors=codes,
        sector_count=int(codes.max(initial=-1)) + 1,
        size=_spread(size, cells, np.float64, np.nan),
        neutral=sectors is not None or size is not None,
        returns=returns,
        by_sector=_by_sector(returns, members, codes, thread_no) if by_sector else None,
    )


def _members(member: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Number of members by session, their columns, their cells; how many columns there are."""
    from quant_assets.factors.evaluation import panel_kernels

    T = len(member)
    most = int(member.sum(axis=1).max(initial=0))
    members = np.empty(T, np.int64)
    columns, cells = np.empty((T, most), np.uint32), np.empty((T, most), np.int64)
    panel_kernels.pack_members(member, members, columns, cells)
    ever = member.any(axis=0)
    if not ever.all():
        columns = (np.cumsum(ever) - 1).astype(np.uint32)[columns]
    return members, columns, cells, int(ever.sum())


def _spread(
    panel: np.ndarray | None, cells: np.ndarray, kind: type[np.generic], missing: float
) -> np.ndarray:
    """The members' values of a panel, packed."""
    packed = np.full(cells.shape, missing, kind)
    if panel is not None and cells.size:
        flat = np.ascontiguousarray(panel).reshape(-1)
        found = flat[np.maximum(cells, 0)]
        np.copyto(packed, found, where=(cells >= 0) & np.isfinite(found), casting="same_kind")
    return packed


def _returns(
    panels: Mapping[int, np.ndarray],
    prices: bool,
    cells: np.ndarray,
    members: np.ndarray,
    thread_no: int,
) -> Returns:
    from quant_assets.factors.evaluation import panel_kernels, ranking_kernels

    shape = (len(panels), *cells.shape)
    made = Returns(
        values=np.empty(shape),
        orders=np.empty(shape, np.uint32),
        ranks=np.empty(shape, np.float32),
        moments=np.empty((*shape[:2], 3)),
        counts=np.empty(shape[:2], np.int64),
        tied=np.empty(shape[:2], bool),
    )
    flat = [writable(panel) for panel in panels.values()]

    def one(place: int, horizon: int, start: int, stop: int) -> None:
        rows = (place, slice(start, stop))
        panel = flat[place]
        panel_kernels.pack_returns(
            panel.reshape(-1),
            cells,
            members,
            panel.shape[1],
            horizon,
            prices,
            start,
            stop,
            made.values[place],
        )
        made.orders[rows] = ascending(made.values[rows]).view(np.uint32)
        ranking_kernels.describe_rows(
            made.values[rows],
            made.orders[rows],
            made.ranks[rows],
            made.moments[rows],
            made.counts[rows],
            made.tied[rows],
        )

    tasks = ((k, h, a, b) for k, h in enumerate(panels) for a, b in _blocks(len(cells)))
    in_parallel(one, tasks, thread_no)
    return made


def _by_sector(
    returns: Returns, members: np.ndarray, sectors: np.ndarray, thread_no: int
) -> SectorReturns:
    from quant_assets.factors.evaluation import sector_kernels

    count = int(sectors.max(initial=-1)) + 1
    shape = returns.values.shape
    bounds = np.empty((len(members), count + 1), np.int32)
    made = SectorReturns(
        places=np.empty(sectors.shape, np.int32),
        bounds=bounds,
        values=np.full(shape, np.nan),
        orders=np.empty(shape, np.uint32),
        ranks=np.empty(shape, np.float32),
        counts=np.empty(shape[:2], np.int64),
    )
    sector_kernels.place_sectors(sectors, members, made.places, made.bounds)

    def one(place: int, start: int, stop: int) -> None:
        rows, days = (place, slice(start, stop)), slice(start, stop)
        sector_kernels.arrange_sectors(
            returns.values[rows],
            returns.orders[rows],
            members[days],
            made.places[days],
            made.bounds[days],
            made.values[rows],
            made.orders[rows],
            made.ranks[rows],
            made.counts[rows],
        )

    tasks = ((k, a, b) for k in range(shape[0]) for a, b in _blocks(len(members)))
    in_parallel(one, tasks, thread_no)
    return made


def _blocks(sessions: int) -> Iterable[tuple[int, int]]:
    return ((a, min(a + _BLOCK, sessions)) for a in range(0, sessions, _BLOCK))


def writable(values: np.ndarray, kind: type = np.float64) -> np.ndarray:
    """The array as kernels take it, in C order; what may not be written to is copied.

    No kernel writes to it, but a kernel is compiled for one kind of array.
    """
    return np.require(values, kind, ["C", "W"])


def in_parallel(
    work: Callable[..., None], tasks: Iterable[tuple[int, ...]], thread_no: int
) -> None:
    """Do the tasks on so many threads; the first error is raised."""
    with ThreadPoolExecutor(max(1, thread_no)) as pool:
        for future in [pool.submit(work, *task) for task in tasks]:
            future.result()
