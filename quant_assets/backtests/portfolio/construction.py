"""From ranked candidates to the day's orders, with the reason for every cut.

The one function that puts the steps together: whom to hold (`picking.py`), how much (`sizing.py`),
how far today (`turnover.py`), by which orders (`priorities.py`), in which lots (`lots.py`). It is
pure: the same candidates and settings give the same orders to the last bit. Where candidates come
from belongs to `recommendations.py`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from quant_assets.backtests.portfolio.candidates import Candidates
from quant_assets.backtests.portfolio.lots import quantities, weights_after
from quant_assets.backtests.portfolio.picking import Side, pick
from quant_assets.backtests.portfolio.priorities import one_after_another
from quant_assets.backtests.portfolio.reasons import (
    Reasons,
    tell_lots,
    tell_stuck_and_dropped,
    tell_turnover,
)
from quant_assets.backtests.portfolio.targets import targets, within_caps
from quant_assets.backtests.portfolio.turnover import outside_band, within_turnover
from quant_assets.market_data.panels import FloatArray
from quant_assets.settings_portfolio import PortfolioSettings

Status = Literal["order", "reduced", "hold", "cut", "blocked", "closed"]


@dataclass(frozen=True)
class Order:
    """What is recommended for one security. Weights are shares of equity, negative is short.

    `unconstrained` is the weight by method and confidence before any limit, `target` the weight
    after the order, `quantity` the shares to buy or, negative, to sell. The status: an `order` as
    it was wanted, one that a limit has `reduced`, a position to `hold` without an order, a
    candidate that was `cut` and is not held, a position that is `blocked` because it cannot be
    traded, one `closed` because it no longer trades. `reasons` are sentences, each beginning with
    the limit that it tells of.
    """

    symbol: str
    rank: int | None
    score: float
    confidence: float
    volatility: float
    sector: str | None
    unconstrained: float
    previous: float
    target: float
    quantity: float
    price: float
    status: Status
    reasons: tuple[str, ...]

    @property
    def change(self) -> float:
        """Weight to buy, negative to sell."""
        return self.target - self.previous

    @property
    def side(self) -> str:
        """What is to be done: buy, sell or nothing."""
        return "buy" if self.quantity > 0 else "sell" if self.quantity < 0 else "none"


@dataclass(frozen=True)
class Construction:
    """The orders of a day, best rank first, unranked positions last, and the portfolio after them.

    `turnover` is what is bought plus sold, `gross` the sum of absolute weights, `cash` what the sum
    of weights leaves of 1, all as shares of equity; `volatility` is a year's, by the covariances of
    the candidates.
    """

    orders: tuple[Order, ...]
    turnover: float
    gross: float
    cash: float
    volatility: float


def construct(
    candidates: Candidates,
    settings: PortfolioSettings,
    lot: int = 0,
    capital: float = 1_000_000.0,
    band: float = 0.0,
) -> Construction:
    """The day's orders.

    Limits are kept in this order: what cannot be traded stays; positions and sectors are within
    their caps, the portfolio within its volatility; what all orders together trade is within the
    turnover, beginning with what brings positions back under their caps, then whole orders one
    after another; orders are whole lots.
    Where the turnover does not suffice, or what is stuck takes the room, a cap may stay broken for
    a day; the reasons say so.

    Args:
        candidates: of the day.
        settings: method, size, limits.
        lot: shares of a lot; 0 allows fractions.
        capital: of which weights are shares, in the currency of the prices.
        band: positions nearer to their target than this share of equity are left alone; the
            smallest change of the limits, if that is larger.

    Raises:
        AllocationError: covariances from which no weights follow; it names the security.
    """
    why = Reasons()
    sides, passed = pick(candidates, settings)
    for place, reason in passed.items():
        why.add(place, reason)
    wanted, target = targets(candidates, settings, sides, why)
    tell_stuck_and_dropped(candidates, settings, sides, passed, why)
    first = within_caps(candidates, settings)
    shared = within_turnover(candidates.previous, first, target, settings.limits.turnover)
    reached = one_after_another(candidates, settings, first, shared, target)
    tell_turnover(candidates, settings, target, reached, why)
    least = max(band, settings.limits.smallest_change)
    reached = outside_band(candidates, settings, first, reached, least, why)
    shares = quantities(
        candidates.previous,
        reached,
        candidates.prices,
        lot,
        capital,
        settings.limits.turnover,
        _worst_first(candidates, sides),
    )
    after = weights_after(candidates.previous, shares, candidates.prices, lot, capital)
    tell_lots(candidates, reached, after, lot, capital, why)
    return _constructed(candidates, sides, wanted, after, shares, capital, why)


def left_alone(candidates: Candidates, reason: str) -> Construction:
    """No order: what is held stays held, for one reason."""
    why = Reasons()
    for place in np.flatnonzero(candidates.previous).tolist():
        why.add(place, reason)
    nothing = np.zeros(len(candidates.symbols))
    return _constructed(candidates, (), nothing, candidates.previous, nothing, 1.0, why)


def _worst_first(candidates: Candidates, sides: tuple[Side, ...]) -> list[int]:
    """Places whose orders are given up first: picks from the worst on, then all others."""
    picks = [list(reversed(side.picks)) for side in sides]
    turn = [
        side[k]
        for k in range(max((len(side) for side in picks), default=0))
        for side in picks
        if k < len(side)
    ]
    return [*turn, *(p for p in range(len(candidates.symbols)) if p not in set(turn))]


def _constructed(
    candidates: Candidates,
    sides: tuple[Side, ...],
    wanted: FloatArray,
    after: FloatArray,
    shares: FloatArray,
    capital: float,
    why: Reasons,
) -> Construction:
    picked = {place for side in sides for place in side.picks}
    told = [
        place
        for place in range(len(candidates.symbols))
        if place in picked or candidates.previous[place] != 0 or why.of(place)
    ]
    told.sort(
        key=lambda place: (
            candidates.ranks[place] == 0,
            int(candidates.ranks[place]),
            candidates.symbols[place],
        )
    )
    volatilities = candidates.volatilities
    orders = tuple(
        Order(
            candidates.symbols[place],
            int(candidates.ranks[place]) or None,
            float(candidates.scores[place]),
            float(candidates.confidences[place]),
            float(volatilities[place]),
            candidates.sectors[place],
            float(wanted[place]),
            float(candidates.previous[place]),
            float(after[place]),
            float(shares[place]),
            float(candidates.prices[place]),
            _status(candidates, place, after, shares, why),
            why.of(place),
        )
        for place in told
    )
    variance = float(after @ np.nan_to_num(candidates.covariance) @ after)
    return Construction(
        orders,
        float((np.abs(shares) * np.nan_to_num(candidates.prices)).sum() / capital),
        float(np.abs(after).sum()),
        float(1.0 - after.sum()),
        float(np.sqrt(max(variance, 0.0))),
    )


def _status(
    candidates: Candidates, place: int, after: FloatArray, shares: FloatArray, why: Reasons
) -> Status:
    if candidates.stuck(place) is not None:
        return "blocked"
    if shares[place] != 0:
        return "reduced" if place in why.reducing else "order"
    return "hold" if after[place] != 0 else "cut"
