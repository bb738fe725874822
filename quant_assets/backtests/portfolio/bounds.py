"""What portfolios by optimisation are bound to: the total, bounds of assets, caps of groups.

Only the bounds and whether they can be met stand here; the solver is `optimisation.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from quant_assets.backtests.portfolio.checks import AllocationError, asset
from quant_assets.market_data.panels import FloatArray

# Sums of bounds that only just reach the total do reach it.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Bounds:
    """Constraints on N weights.

    Attributes:
        lower: smallest weight, one number or (N,).
        upper: largest weight, one number or (N,).
        groups: names of groups such as sectors, (N,); None for an asset without one. Without
            groups there are no caps.
        group_cap: largest sum of the weights of a group, one number or by name.
        total: what the weights sum to.
        at_most: the sum may also stay below the total; the rest is cash.
    """

    lower: float | FloatArray = 0.0
    upper: float | FloatArray = 1.0
    groups: Sequence[str | None] | None = None
    group_cap: float | Mapping[str, float] = 1.0
    total: float = 1.0
    at_most: bool = False

    def arrays(
        self, count: int, names: Sequence[str] | None = None
    ) -> tuple[FloatArray, FloatArray, np.ndarray, FloatArray]:
        """Lower and upper bounds (N,), codes of groups (N,) with -1 for none, caps of groups.

        Raises:
            AllocationError: bounds that no weights meet; it names the asset or the group.
        """
        lower = _spread(self.lower, count, "lower bounds")
        upper = _spread(self.upper, count, "upper bounds")
        if not (lower <= upper).all():
            place = int(np.argmin(lower <= upper))
            raise AllocationError(
                f"{asset(names, place)}: its lower bound must not lie above its upper one. "
                f"Got {lower[place]:g} and {upper[place]:g} instead."
            )
        if self.groups is not None and len(self.groups) != count:
            raise AllocationError(
                f"groups must be given for each of the {count} assets. "
                f"Got {len(self.groups)} instead."
            )
        titles = sorted({name for name in self.groups or () if name is not None})
        places = {name: place for place, name in enumerate(titles)}
        codes = np.full(count, -1, np.int64)
        for place, name in enumerate(self.groups or ()):
            if name is not None:
                codes[place] = places[name]
        caps = np.array([self._cap(title) for title in titles], np.float64)
        self._reachable(lower, upper, codes, caps, titles)
        return lower, upper, codes, caps

    def _cap(self, title: str) -> float:
        if not isinstance(self.group_cap, Mapping):
            return float(self.group_cap)
        if title not in self.group_cap:
            raise AllocationError(
                f"group {title!r} has no cap; there are caps of {', '.join(self.group_cap)}."
            )
        return float(self.group_cap[title])

    def _reachable(
        self,
        lower: FloatArray,
        upper: FloatArray,
        codes: np.ndarray,
        caps: FloatArray,
        titles: list[str],
    ) -> None:
        least, most = float(lower[codes < 0].sum()), float(upper[codes < 0].sum())
        for place, title in enumerate(titles):
            inside = codes == place
            held = float(lower[inside].sum())
            if held > caps[place] + _ROUNDING:
                raise AllocationError(
                    f"group {title!r}: its lower bounds sum to {held:g}, more than its cap of "
                    f"{caps[place]:g}; raise the cap or lower the bounds."
                )
            least += held
            most += min(float(upper[inside].sum()), float(caps[place]))
        if least > self.total + _ROUNDING:
            raise AllocationError(
                f"the lower bounds sum to {least:g}, more than the total of {self.total:g}; "
                "lower them."
            )
        if not self.at_most and most < self.total - _ROUNDING:
            raise AllocationError(
                f"upper bounds and caps of groups allow {most:g} in all, less than the total of "
                f"{self.total:g}; raise them, add assets or let the rest be cash."
            )


def _spread(value: float | FloatArray, count: int, what: str) -> FloatArray:
    given: Any = np.asarray(value, np.float64)
    if given.shape not in ((), (count,)) or np.isnan(given).any():
        raise AllocationError(
            f"{what} must be a number or have the shape ({count},), without missing values. "
            f"Got {given.shape if given.shape else given} instead."
        )
    spread: FloatArray = np.ascontiguousarray(np.broadcast_to(given, (count,)))
    return spread
