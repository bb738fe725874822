"""Kelly: the weights of the fastest growth, as far as caution and bounds let them.

Only the criterion stands here; the optimisation under bounds is `optimisation.py`'s.
"""

from collections.abc import Sequence

from quant_assets.backtests.portfolio.bounds import Bounds
from quant_assets.backtests.portfolio.checks import AllocationError
from quant_assets.backtests.portfolio.optimisation import mean_variance
from quant_assets.market_data.panels import FloatArray

NO_BORROWING = Bounds(at_most=True)


def kelly(
    covariance: FloatArray,
    expected: FloatArray,
    fraction: float = 0.5,
    names: Sequence[str] | None = None,
    bounds: Bounds = NO_BORROWING,
) -> FloatArray:
    """Fractional Kelly weights within bounds, shape (N,); what they leave of the total is cash.

    The growth rate of log wealth is μ'w - w'Σw/2 to second order, largest at Σ^-1 μ without
    bounds. A fraction f bets f Σ^-1 μ, which is the optimum of μ'w - w'Σw/(2f); with bounds that
    optimum within them. Sources: Kelly (1956), "A new interpretation of information rate"; Thorp
    (2006), "The Kelly criterion in blackjack, sports betting and the stock market"; MacLean, Thorp
    and Ziemba (2010) on fractions.

    Args:
        covariance: (N, N) of returns for one unit of time, positive definite.
        expected: (N,) expected excess returns in that unit; their scale matters here.
        fraction: in (0, 1]; 1 is full Kelly.
        names: of the assets, for messages.
        bounds: by default long-only with a sum of at most 1.

    Raises:
        AllocationError: as `mean_variance`; a fraction outside.
    """
    if not 0 < fraction <= 1:
        raise AllocationError(
            f"fraction must lie above 0 and at most at 1. Got {fraction:g} instead."
        )
    return mean_variance(covariance, expected, 1.0 / fraction, names, bounds)
