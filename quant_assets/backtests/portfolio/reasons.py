"""Why a recommendation is what it is: sentences that tell of limits, security by security.

The sentences stand here, so that they are of one form; what is cut is decided where it is cut.
"""

import numpy as np

from quant_assets.backtests.portfolio.candidates import Candidates
from quant_assets.backtests.portfolio.picking import Side
from quant_assets.backtests.portfolio.sizing import ROUNDING
from quant_assets.market_data.panels import FloatArray
from quant_assets.settings_portfolio import PortfolioSettings

# Differences of weights that are worth a sentence: a basis point of equity.
TOLD = 1e-4


class Reasons:
    """Sentences by candidate, in the order in which the limits were met."""

    def __init__(self) -> None:
        self._by_place: dict[int, list[str]] = {}
        self.reducing: set[int] = set()

    def add(self, place: int, reason: str, reduces: bool = True) -> None:
        """A sentence; one that only explains does not reduce."""
        self._by_place.setdefault(place, []).append(reason)
        if reduces:
            self.reducing.add(place)

    def of(self, place: int) -> tuple[str, ...]:
        """The sentences of a candidate."""
        return tuple(self._by_place.get(place, ()))


def tell_stuck_and_dropped(
    candidates: Candidates,
    settings: PortfolioSettings,
    sides: tuple[Side, ...],
    passed: dict[int, str],
    why: Reasons,
) -> None:
    """Why a position stays though it is not wanted, or goes though no limit says so."""
    picked = {place for side in sides for place in side.picks}
    for place in np.flatnonzero(candidates.previous != 0):
        stuck = candidates.stuck(int(place))
        if stuck is not None:
            why.add(int(place), f"not tradable: {stuck}")
        elif place not in picked and place not in passed:
            unfit = candidates.unfit[place]
            ranked = candidates.ranks[place] > 0
            text = f"not among the {settings.names} that are held"
            why.add(int(place), unfit or (text if ranked else "no score"), False)


def tell_turnover(
    candidates: Candidates,
    settings: PortfolioSettings,
    target: FloatArray,
    reached: FloatArray,
    why: Reasons,
) -> None:
    """What the limit on turnover has put off."""
    for place in np.flatnonzero(np.abs(target - reached) > ROUNDING):
        asked = target[place] - candidates.previous[place]
        done = reached[place] - candidates.previous[place]
        why.add(
            int(place),
            f"turnover: a change of {asked:+.2%} is cut to {done:+.2%}, all orders together "
            f"trade at most {settings.limits.turnover:.0%}",
        )


def tell_lots(
    candidates: Candidates,
    reached: FloatArray,
    after: FloatArray,
    lot: int,
    capital: float,
    why: Reasons,
) -> None:
    """What whole lots have left of an order."""
    for place in np.flatnonzero(np.abs(after - reached) > TOLD):
        unit = capital / candidates.prices[place]
        asked = (reached[place] - candidates.previous[place]) * unit
        done = (after[place] - candidates.previous[place]) * unit
        why.add(
            int(place), f"lot rounding: {asked:+,.1f} shares wanted, {done:+,.0f} in lots of {lot}"
        )
