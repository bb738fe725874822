"""What portfolio construction is given: the day's candidates with all that is known of them.

Only the record and its check stand here. Who is a candidate is decided in `recommendations.py`.
"""

from dataclasses import dataclass

import numpy as np

from quant_assets.backtests.portfolio.checks import AllocationError, asset
from quant_assets.market_data.panels import FloatArray


@dataclass(frozen=True)
class Candidates:
    """M securities on one day: those that may be picked and those that are held.

    Attributes:
        symbols: (M,), unique.
        ranks: int64 (M,), 1 is the best of the day, 0 a security without a score.
        scores: (M,) by which they are ranked; NaN without one.
        confidences: (M,) in [0, 1]; NaN without a score.
        expected: (M,) expected excess returns a year; only read by methods with views.
        covariance: (M, M) of returns, a year; NaN in the rows and columns of securities of which
            too little is known, which must be `unfit`.
        correlations: (M, M) of returns, NaN likewise.
        sectors: (M,) names; None is not known and not limited.
        previous: (M,) weights that are held before the orders, shares of equity.
        prices: (M,) at which orders are counted in shares; NaN without one.
        market_values: (M,) of which the market's weights follow; NaN where not known.
        unfit: (M,) why a security may not be held, None if it may.
        no_buy: (M,) why it cannot be bought, None if it can.
        no_sell: (M,) why it cannot be sold, None if it can.
    """

    symbols: tuple[str, ...]
    ranks: np.ndarray
    scores: FloatArray
    confidences: FloatArray
    expected: FloatArray
    covariance: FloatArray
    correlations: FloatArray
    sectors: tuple[str | None, ...]
    previous: FloatArray
    prices: FloatArray
    market_values: FloatArray
    unfit: tuple[str | None, ...]
    no_buy: tuple[str | None, ...]
    no_sell: tuple[str | None, ...]

    def __post_init__(self) -> None:
        count = len(self.symbols)
        if len(set(self.symbols)) < count:
            raise AllocationError("a symbol stands twice among the candidates")
        vectors = ("ranks", "scores", "confidences", "expected", "previous", "prices")
        for name in (*vectors, "market_values"):
            if getattr(self, name).shape != (count,):
                raise AllocationError(
                    f"{name} of the candidates must have the shape ({count},). "
                    f"Got {getattr(self, name).shape} instead."
                )
        for name in ("covariance", "correlations"):
            if getattr(self, name).shape != (count, count):
                raise AllocationError(
                    f"{name} of the candidates must have the shape ({count}, {count}). "
                    f"Got {getattr(self, name).shape} instead."
                )
        for name in ("sectors", "unfit", "no_buy", "no_sell"):
            if len(getattr(self, name)) != count:
                raise AllocationError(
                    f"{name} must be given for each of the {count} candidates. "
                    f"Got {len(getattr(self, name))} instead."
                )
        self._check_values()

    def _check_values(self) -> None:
        if not np.isfinite(self.previous).all():
            place = int(np.argmin(np.isfinite(self.previous)))
            raise AllocationError(
                f"{asset(self.symbols, place)}: its previous weight must be finite. "
                f"Got {self.previous[place]} instead."
            )
        for place in np.flatnonzero(self.ranks > 0).tolist():
            if self.unfit[place] is None and not np.isfinite(self.covariance[place, place]):
                raise AllocationError(
                    f"{self.symbols[place]}: its variance is not known, but nothing says that it "
                    "is unfit."
                )

    @property
    def volatilities(self) -> FloatArray:
        """(M,) a year, NaN where not known."""
        found: FloatArray = np.sqrt(self.covariance.diagonal())
        return found

    @property
    def by_rank(self) -> list[int]:
        """Places of the ranked ones, best first; equal ranks by symbol."""
        ranked = [place for place in range(len(self.symbols)) if self.ranks[place] > 0]
        return sorted(ranked, key=lambda place: (int(self.ranks[place]), self.symbols[place]))

    def stuck(self, place: int) -> str | None:
        """Why a position cannot be made smaller, None if it can or there is none."""
        held = self.previous[place]
        if held == 0:
            return None
        reason = self.no_sell[place] if held > 0 else self.no_buy[place]
        if reason is None and not self.prices[place] > 0:
            return "no price"
        return reason

    @property
    def all_stuck(self) -> list[int]:
        """Places of the positions that cannot be made smaller."""
        return [place for place in range(len(self.symbols)) if self.stuck(place) is not None]

    def closed_to(self, place: int, sign: int) -> str | None:
        """Why a position cannot be made larger on a side (1 long, -1 short), None if it can."""
        reason = self.no_buy[place] if sign > 0 else self.no_sell[place]
        if reason is None and not self.prices[place] > 0:
            return "no price"
        return reason
