"""Every method of allocation by its name.

`ALLOCATORS` weigh by covariances alone, `VIEW_ALLOCATORS` also read expected returns. What they
compute stands in their own modules.
"""

from collections.abc import Callable, Mapping

from quant_assets.backtests.portfolio.black_litterman import black_litterman_weights
from quant_assets.backtests.portfolio.hierarchical import hierarchical_risk_parity
from quant_assets.backtests.portfolio.kelly import kelly
from quant_assets.backtests.portfolio.optimisation import minimum_variance
from quant_assets.backtests.portfolio.risk_parity import (
    equal_risk_contribution,
    equal_weight,
    inverse_volatility,
)
from quant_assets.market_data.panels import FloatArray

ALLOCATORS: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "equal": equal_weight,
    "inverse_volatility": inverse_volatility,
    "equal_risk_contribution": equal_risk_contribution,
    "hierarchical_risk_parity": hierarchical_risk_parity,
    "minimum_variance": minimum_variance,
}
"""(N, N) covariances -> (N,) long-only weights of sum 1."""

VIEW_ALLOCATORS: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "black_litterman": black_litterman_weights,
    "kelly": kelly,
}
"""(N, N) covariances, (N,) expected excess returns -> (N,) long-only weights, of sum at most 1."""
