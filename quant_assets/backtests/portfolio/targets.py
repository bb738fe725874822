"""The portfolio that is wanted: sizes under the caps of positions, sectors and volatility.

Caps that bind are told here as reasons. How much of the way to it is gone today belongs to
`turnover.py`.
"""

import numpy as np

from quant_assets.backtests.portfolio.candidates import Candidates
from quant_assets.backtests.portfolio.picking import Side
from quant_assets.backtests.portfolio.reasons import TOLD, Reasons
from quant_assets.backtests.portfolio.sizing import ROUNDING, Room, Sizer
from quant_assets.market_data.panels import FloatArray
from quant_assets.settings_portfolio import PortfolioSettings


def targets(
    candidates: Candidates, settings: PortfolioSettings, sides: tuple[Side, ...], why: Reasons
) -> tuple[FloatArray, FloatArray]:
    """Weights before any limit, and under all limits of the portfolio that is wanted."""
    count = len(candidates.symbols)
    wanted, target = np.zeros(count), np.zeros(count)
    # Those of a side that is no longer wanted stay as well.
    wanted[candidates.all_stuck] = candidates.previous[candidates.all_stuck]
    gross = settings.gross / len(sides)
    sizers = [Sizer(candidates, side, settings) if side.picks else None for side in sides]
    for side, sizer in zip(sides, sizers, strict=True):
        if sizer is not None:
            wanted[list(side.picks)] = side.sign * sizer.sizes(gross)
    totals = [gross - _size(candidates, side.stuck) for side in sides]
    rooms = [_room(candidates, settings, side) for side in sides]
    sizes = [
        sizer.sizes(total, room) if sizer is not None else np.zeros(0)
        for sizer, total, room in zip(sizers, totals, rooms, strict=True)
    ]
    if len(sides) == 2:  # as much short as long: the side with less room decides
        whole = min(
            float(size.sum()) + _size(candidates, side.stuck)
            for size, side in zip(sizes, sides, strict=True)
        )
        sizes = [
            sizer.sizes(whole - _size(candidates, side.stuck), room)
            if sizer is not None
            else np.zeros(0)
            for sizer, side, room in zip(sizers, sides, rooms, strict=True)
        ]
    target[candidates.all_stuck] = candidates.previous[candidates.all_stuck]
    smallest = target.copy()
    parts = [
        _hedging(candidates, sides, side, size) for side, size in zip(sides, sizes, strict=True)
    ]
    for side, size, part in zip(sides, sizes, parts, strict=True):
        target[list(side.picks)] = side.sign * size
        smallest[list(side.picks)] = side.sign * size * part
    calm = _calming(candidates, settings, smallest, target)
    for side, room, part in zip(sides, rooms, parts, strict=True):
        scale = part + calm * (1.0 - part)
        target[list(side.picks)] *= scale
        _tell_caps(candidates, settings, side, room, wanted, target, scale, why)
    return wanted + 0.0, target + 0.0  # no -0


def within_caps(candidates: Candidates, settings: PortfolioSettings) -> FloatArray:
    """The held weights with the least that caps demand: the first thing that is done, (M,)."""
    weights = candidates.previous.copy()
    free = np.ones(len(weights), bool)
    free[candidates.all_stuck] = False
    if settings.direction == "long_only":
        weights[free] = np.maximum(weights[free], 0.0)
    limit = settings.limits.position
    weights[free] = np.clip(weights[free], -limit, limit)
    for sector in sorted({name for name in candidates.sectors if name is not None}):
        inside = np.array([name == sector for name in candidates.sectors], bool)
        for sign in (1, -1):
            held = inside & (weights * sign > 0)
            room = settings.limits.sector - float(np.abs(weights[held & ~free]).sum())
            size = float(np.abs(weights[held & free]).sum())
            if size > max(room, 0.0):
                weights[held & free] *= max(room, 0.0) / size
    return weights


def _size(candidates: Candidates, places: tuple[int, ...]) -> float:
    return float(np.abs(candidates.previous[list(places)]).sum())


def _room(candidates: Candidates, settings: PortfolioSettings, side: Side) -> Room:
    """What caps and stuck positions leave for the picks of a side."""
    each = np.full(len(side.picks), settings.limits.position)
    for k, place in enumerate(side.picks):
        if candidates.closed_to(place, side.sign) is not None:
            each[k] = min(each[k], max(0.0, side.sign * candidates.previous[place]))
    sectors = {}
    for name in {candidates.sectors[place] for place in side.picks}:
        if name is not None:
            stuck = tuple(place for place in side.stuck if candidates.sectors[place] == name)
            sectors[name] = max(0.0, settings.limits.sector - _size(candidates, stuck))
    return Room(each, sectors)


def _hedging(
    candidates: Candidates, sides: tuple[Side, ...], side: Side, sizes: FloatArray
) -> float:
    """The share of a side's picks that the stuck positions of the other side need against them."""
    open_ = max(_size(candidates, each.stuck) for each in sides) - _size(candidates, side.stuck)
    return min(1.0, open_ / float(sizes.sum())) if open_ > 0 and sizes.sum() > 0 else 0.0


def _calming(
    candidates: Candidates, settings: PortfolioSettings, smallest: FloatArray, weights: FloatArray
) -> float:
    """How far, at most 1, to go from the smallest portfolio to the wanted one for its volatility.

    The smallest is what is stuck and its hedge, f, the way to the wanted one x: it is the largest s
    with (f + s x)'Σ(f + s x) at most the squared target; without one, that of the least volatility.
    """
    if settings.volatility_target is None:
        return 1.0
    covariance = np.nan_to_num(candidates.covariance)
    f, x = smallest, weights - smallest
    a, b = float(x @ covariance @ x), float(f @ covariance @ x)
    c = float(f @ covariance @ f) - settings.volatility_target**2
    if a + 2 * b + c <= 0 or a <= 0:
        return 1.0
    return float(np.clip((np.sqrt(max(b * b - a * c, 0.0)) - b) / a, 0.0, 1.0))


def _tell_caps(
    candidates: Candidates,
    settings: PortfolioSettings,
    side: Side,
    room: Room,
    wanted: FloatArray,
    target: FloatArray,
    calm: float,
    why: Reasons,
) -> None:
    """What the volatility and the caps have cut, and what others got of it."""
    limits = settings.limits
    for k, place in enumerate(side.picks):
        size, before = abs(target[place]), abs(wanted[place])
        sector = candidates.sectors[place]
        held = sum(
            abs(target[other])
            for other in (*side.picks, *side.stuck)
            if candidates.sectors[other] == sector
        )
        if before == 0 and size == 0:
            why.add(place, f"method: {settings.method} gives it no weight")
            continue
        if calm < 1 - TOLD:
            why.add(
                place,
                f"volatility: sizes times {calm:.2f} for at most "
                f"{settings.volatility_target:.1%} a year",
            )
        if before * calm - size > TOLD:
            if room.each[k] < limits.position and size >= room.each[k] * calm - ROUNDING:
                why.add(place, f"not tradable: {candidates.closed_to(place, side.sign)}")
            elif size >= room.each[k] * min(calm, 1.0) - 1e-9:
                why.add(place, f"position cap: {before:.2%} wanted, at most {limits.position:.2%}")
            elif sector in room.sectors and held >= limits.sector * min(calm, 1.0) - 1e-9:
                why.add(
                    place,
                    f"sector cap: {before:.2%} wanted, {sector} has at most {limits.sector:.0%}",
                )
            else:
                why.add(place, f"room: {before:.2%} wanted, limits of others leave {size:.2%}")
        elif size - before * calm > TOLD:
            why.add(place, f"raised from {before * calm:.2%} by what limits cut from others", False)
