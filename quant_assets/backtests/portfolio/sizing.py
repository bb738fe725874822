"""How much of each pick: by the method of allocation, its confidence, and what caps leave room for.

Whom to hold is decided in `picking.py`; what the change from yesterday's weights may be, in
`turnover.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from quant_assets.backtests.market_value import market_weights
from quant_assets.backtests.portfolio.allocators import ALLOCATORS
from quant_assets.backtests.portfolio.black_litterman import black_litterman_weights
from quant_assets.backtests.portfolio.bounds import Bounds
from quant_assets.backtests.portfolio.candidates import Candidates
from quant_assets.backtests.portfolio.checks import checked_covariance
from quant_assets.backtests.portfolio.kelly import kelly
from quant_assets.backtests.portfolio.optimisation import minimum_variance
from quant_assets.backtests.portfolio.picking import Side
from quant_assets.market_data.panels import FloatArray
from quant_assets.settings_portfolio import PortfolioSettings

_OPTIMISED = frozenset({"minimum_variance", "black_litterman", "kelly"})
# Sums of weights that are equal but for rounding.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Room:
    """What caps leave for the picks of a side: (K,) for each, and by sector for all of it."""

    each: FloatArray
    sectors: Mapping[str, float]


class Sizer:
    """The sizes, all above or at 0, of the picks of one side.

    A method of risk alone (equal, inverse volatility, risk parity) gives each pick its strength,
    times its confidence to the set power: sizes are in proportion to the strengths, and what caps
    cut from some goes to the others in proportion. A method that optimises has its optimum under
    the caps; Black-Litterman takes the confidences for those of its views and the picks' shares of
    the market for what is held without any (on the short side, for what is short), Kelly has its
    expected returns times them.
    """

    def __init__(self, candidates: Candidates, side: Side, settings: PortfolioSettings) -> None:
        places = np.array(side.picks, np.int64)
        self._settings = settings
        self._names = tuple(candidates.symbols[place] for place in side.picks)
        self._sectors = tuple(candidates.sectors[place] for place in side.picks)
        self._covariance = checked_covariance(
            candidates.covariance[np.ix_(places, places)], self._names
        )
        self._confidences = candidates.confidences[places]
        self._expected = side.sign * candidates.expected[places]
        self._market = market_weights(candidates.market_values[places])
        self._optimised = settings.method in _OPTIMISED
        if not self._optimised:
            power = self._confidences**settings.confidence_power
            self._strengths = ALLOCATORS[settings.method](self._covariance) * power

    def sizes(self, total: float, room: Room | None = None) -> FloatArray:
        """Sizes (K,) that sum to `total`, or to what room there is; Kelly's to at most that."""
        if room is None:
            room = Room(np.full(len(self._names), max(total, 0.0)), {})
        total = max(0.0, min(total, self._reachable(room)))
        if total <= ROUNDING:
            return np.zeros(len(self._names))
        if self._optimised:
            return self._optimum(total, room)
        return filled(self._strengths, total, room, self._sectors)

    def _reachable(self, room: Room) -> float:
        return sum(
            min(float(room.each[inside].sum()), room.sectors.get(sector or "", np.inf))
            for sector, inside in _by_sector(self._sectors, room)
        )

    def _optimum(self, total: float, room: Room) -> FloatArray:
        bounds = Bounds(
            0.0,
            room.each,
            [sector if sector in room.sectors else None for sector in self._sectors],
            room.sectors,
            total,
            at_most=self._settings.method == "kelly",
        )
        if self._settings.method == "minimum_variance":
            return minimum_variance(self._covariance, self._names, bounds)
        if self._settings.method == "kelly":
            expected = self._expected * self._confidences
            fraction = self._settings.kelly_fraction
            return kelly(self._covariance, expected, fraction, self._names, bounds)
        return black_litterman_weights(
            self._covariance,
            self._expected,
            self._confidences,
            self._market,
            self._names,
            bounds,
        )


def filled(
    strengths: FloatArray, total: float, room: Room, sectors: tuple[str | None, ...]
) -> FloatArray:
    """Sizes in proportion to strengths, none beyond its room, no sector beyond its own, (K,).

    What is cut off goes to the others in proportion until the total is reached or the room is
    used up. A sector that overflows once does so however much more comes to it, so each is closed
    at most once.
    """
    sizes = np.zeros(len(strengths))
    closed: set[str] = set()
    while True:
        free = np.array([sector not in closed for sector in sectors], bool)
        left = total - float(sizes[~free].sum())
        sizes[free] = _proportional(strengths[free], left, room.each[free])
        over = [
            (sector, inside)
            for sector, inside in _by_sector(sectors, room)
            if sector is not None
            and sector not in closed
            and float(sizes[inside].sum()) > room.sectors.get(sector, np.inf) + ROUNDING
        ]
        if not over:
            return sizes
        for sector, inside in over:
            assert sector is not None
            sizes[inside] = _proportional(
                strengths[inside], room.sectors[sector], room.each[inside]
            )
            closed.add(sector)


def _proportional(strengths: FloatArray, total: float, most: FloatArray) -> FloatArray:
    """Shares of a total in proportion to strengths, none above its own maximum."""
    sizes = np.zeros(len(strengths))
    free = (strengths > 0) & (most > 0)
    left = max(total, 0.0)
    while free.any():
        sizes[free] = strengths[free] / strengths[free].sum() * left
        above = free & (sizes > most)
        if not above.any():
            break
        sizes[above] = most[above]
        left = max(0.0, left - float(most[above].sum()))
        free &= ~above
    return sizes


def _by_sector(sectors: tuple[str | None, ...], room: Room) -> list[tuple[str | None, np.ndarray]]:
    """Places of each limited sector, and of all others together, in a fixed order."""
    names = sorted({sector for sector in sectors if sector in room.sectors and sector is not None})
    groups: list[tuple[str | None, np.ndarray]] = [
        (name, np.array([sector == name for sector in sectors], bool)) for name in names
    ]
    others = np.array([sector not in room.sectors for sector in sectors], bool)
    return [*groups, (None, others)]
