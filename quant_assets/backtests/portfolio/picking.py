"""Whom to hold: the best-ranked candidates that may be held and are not too much alike.

How much of each belongs to `sizing.py`.
"""

from dataclasses import dataclass

from quant_assets.backtests.portfolio.candidates import Candidates
from quant_assets.settings_portfolio import PortfolioSettings


@dataclass(frozen=True)
class Side:
    """The long (sign 1) or the short (-1) positions to be.

    `picks` are the places of those to be sized, best first. `stuck` are positions of the side that
    cannot be made smaller: they stay as they are.
    """

    sign: int
    picks: tuple[int, ...]
    stuck: tuple[int, ...]


def pick(
    candidates: Candidates, settings: PortfolioSettings
) -> tuple[tuple[Side, ...], dict[int, str]]:
    """The sides of the portfolio, and why candidates that were ranked high enough are not in it.

    Each side is gone through from its best candidate on until it has `names` positions, those that
    are stuck included. A candidate is passed over if it is unfit, cannot be traded, correlates
    above the limit with one that was taken before it, or if strategies want it on the other side:
    their scores are weights, while those of a model only rank.
    """
    order = candidates.by_rank
    signs = (1,) if settings.direction == "long_only" else (1, -1)
    sides: list[Side] = []
    passed: dict[int, str] = {}
    taken: set[int] = set()
    for sign in signs:
        stuck = tuple(
            place for place in candidates.all_stuck if candidates.previous[place] * sign > 0
        )
        side = list(stuck)
        for place in order if sign > 0 else reversed(order):
            if len(side) >= settings.names:
                break
            if place in taken or candidates.stuck(place) is not None:
                continue
            reason = _why_not(candidates, settings, place, sign, side)
            if reason is None:
                side.append(place)
                taken.add(place)
            else:
                passed.setdefault(place, reason)
        sides.append(Side(sign, tuple(side[len(stuck) :]), stuck))
    return tuple(sides), {place: why for place, why in passed.items() if place not in taken}


def _why_not(
    candidates: Candidates, settings: PortfolioSettings, place: int, sign: int, side: list[int]
) -> str | None:
    unfit = candidates.unfit[place]
    if unfit is not None:
        return unfit
    if settings.source == "strategies" and candidates.scores[place] * sign < 0:
        return f"score: the strategies want it {'short' if sign > 0 else 'long'}"
    closed = candidates.closed_to(place, sign)
    if closed is not None and candidates.previous[place] * sign <= 0:
        return f"not tradable: {closed}"
    limit = settings.limits.correlation
    for other in side:
        alike = candidates.correlations[place, other]
        if alike > limit:
            return (
                f"correlation: {alike:.2f} with {candidates.symbols[other]}, "
                f"at most {limit:.2f} is allowed"
            )
    return None
