"""Which orders are done today when turnover does not allow all: whole ones, one after another.

How much may be bought and sold is decided in `turnover.py`; here only by which orders.
"""

import numpy as np

from quant_assets.backtests.portfolio.candidates import Candidates
from quant_assets.market_data.panels import FloatArray
from quant_assets.settings_portfolio import PortfolioSettings


def one_after_another(
    candidates: Candidates,
    settings: PortfolioSettings,
    first: FloatArray,
    shared: FloatArray,
    target: FloatArray,
) -> FloatArray:
    """Weights (M,) by as much buying and selling as in `shared`, in as few orders as that takes.

    A part of every order would leave a portfolio of many small remainders. So on each side
    positions are closed from the smallest on, then others made smaller; new money goes to the best
    ranked first, as far as its sector has room beside what is not sold yet. No weight leaves the
    way from `first` to `target`. Where both ends of a way net out, so that this would trade more
    than `shared`, that is what is done.

    Args:
        candidates: for ranks, sectors and what is held.
        settings: for the limits of sectors.
        first: weights after what must be done in any case.
        shared: weights within the turnover, each order done in part.
        target: weights that are wanted.
    """
    weights = np.zeros(len(first))
    for sign in (1, -1):
        start, goal, part = (np.maximum(sign * each, 0.0) for each in (first, target, shared))
        sizes = start.copy()
        left = float(np.maximum(start - part, 0.0).sum())
        for place in _smaller(start, goal):
            step = min(start[place] - goal[place], left)
            # A position is closed to the last bit, whatever rounding leaves of the sum.
            sizes[place] = (
                goal[place] if step == start[place] - goal[place] else start[place] - step
            )
            left -= step
        left = float(np.maximum(part - start, 0.0).sum())
        for place in _larger(candidates, start, goal, sign):
            room = _room(candidates, settings, sizes, place)
            step = max(0.0, min(goal[place] - start[place], left, room))
            sizes[place] = (
                goal[place] if step == goal[place] - start[place] else start[place] + step
            )
            left -= step
        weights += sign * sizes
    traded, allowed = (np.abs(each - candidates.previous).sum() for each in (weights, shared))
    return weights if traded <= allowed + 1e-12 else shared


def _smaller(start: FloatArray, goal: FloatArray) -> list[int]:
    """Positions to be made smaller: first those to be closed, each kind from the smallest on."""
    places = np.flatnonzero(goal < start).tolist()
    return sorted(places, key=lambda place: (goal[place] > 0, start[place] - goal[place], place))


def _larger(candidates: Candidates, start: FloatArray, goal: FloatArray, sign: int) -> list[int]:
    """Positions to be made larger, the best ranked of the side first."""
    ranked = candidates.by_rank if sign > 0 else reversed(candidates.by_rank)
    return [place for place in ranked if goal[place] > start[place]]


def _room(
    candidates: Candidates, settings: PortfolioSettings, sizes: FloatArray, place: int
) -> float:
    sector = candidates.sectors[place]
    if sector is None:
        return float("inf")
    inside = np.array([name == sector for name in candidates.sectors], bool)
    return settings.limits.sector - float(sizes[inside].sum())
