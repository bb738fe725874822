"""Black and Litterman: what the market's weights imply, moved by views.

The posterior stands here; the weights that follow from it are `optimisation.py`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quant_assets.backtests.portfolio.bounds import Bounds
from quant_assets.backtests.portfolio.checks import (
    AllocationError,
    asset,
    checked_covariance,
    checked_vector,
)
from quant_assets.backtests.portfolio.optimisation import LONG_ONLY, mean_variance
from quant_assets.market_data.panels import FloatArray

# Of the prior mean, relative to the covariances of returns (Black and Litterman: small).
TAU = 0.05
# That of a market whose excess return is 3 times its variance.
RISK_AVERSION = 3.0


@dataclass(frozen=True)
class Posterior:
    """Expected excess returns (N,) and covariances of returns (N, N) after the views."""

    mean: FloatArray
    covariance: FloatArray


def implied_returns(
    covariance: FloatArray,
    market_weights: FloatArray,
    risk_aversion: float = RISK_AVERSION,
    names: Sequence[str] | None = None,
) -> FloatArray:
    """The expected excess returns at which the market's weights are optimal, δΣw, shape (N,)."""
    matrix = checked_covariance(covariance, names, "implied returns")
    weights = checked_vector(market_weights, len(matrix), "the market's weights", names)
    implied: FloatArray = risk_aversion * matrix @ weights
    return implied


def black_litterman(
    covariance: FloatArray,
    prior: FloatArray,
    picks: FloatArray,
    views: FloatArray,
    confidences: FloatArray | None = None,
    tau: float = TAU,
    names: Sequence[str] | None = None,
) -> Posterior:
    """The posterior of Black and Litterman (1992), "Global portfolio optimization".

    With prior mean π, views Pμ = q + ε of covariance Ω (diagonal) and the prior's own covariance
    τΣ: mean = π + τΣP'(PτΣP' + Ω)^-1 (q - Pπ), covariance = Σ + τΣ - τΣP'(PτΣP' + Ω)^-1 PτΣ.
    Without confidences Ω = diag(PτΣP') (He and Litterman 1999). A confidence c in (0, 1] scales it
    by (1 - c) / c, so that a view alone moves the mean by the share c of the way (Idzorek 2005, "A
    step-by-step guide to the Black-Litterman model"; closed form by Walters 2014); 0.5 is the case
    without confidences, 1 is certainty.

    Args:
        covariance: (N, N) of returns, for one unit of time.
        prior: (N,) expected excess returns without views, in that unit.
        picks: (K, N), the portfolio that each view is about.
        views: (K,), the expected return of each.
        confidences: (K,) in (0, 1].
        tau: above 0.
        names: of the assets, for messages.

    Raises:
        AllocationError: see `checked_covariance`; shapes that do not fit; a confidence outside.
    """
    matrix = checked_covariance(covariance, names, "Black-Litterman")
    count = len(matrix)
    mean = checked_vector(prior, count, "the prior", names)
    portfolios = np.ascontiguousarray(picks, np.float64)
    if portfolios.ndim != 2 or portfolios.shape[1] != count or not np.isfinite(portfolios).all():
        raise AllocationError(
            f"picks must have the shape (K, {count}) and be finite. Got {portfolios.shape} instead."
        )
    wanted = checked_vector(views, len(portfolios), "views")
    if not tau > 0:
        raise AllocationError(f"tau must be above 0. Got {tau:g} instead.")
    if not len(wanted):
        return Posterior(mean, matrix * (1.0 + tau))
    spread = tau * matrix @ portfolios.T
    between = portfolios @ spread
    doubt = between.diagonal() * _doubts(confidences, len(wanted))
    gain = np.linalg.solve(between + np.diag(doubt), spread.T).T
    posterior = matrix * (1.0 + tau) - gain @ spread.T
    return Posterior(mean + gain @ (wanted - portfolios @ mean), (posterior + posterior.T) / 2)


def black_litterman_weights(
    covariance: FloatArray,
    expected: FloatArray,
    confidences: FloatArray | None = None,
    market_weights: FloatArray | None = None,
    names: Sequence[str] | None = None,
    bounds: Bounds = LONG_ONLY,
    risk_aversion: float = RISK_AVERSION,
    tau: float = TAU,
) -> FloatArray:
    """Optimal weights when every asset has one absolute view, such as a model's score, shape (N,).

    The prior is what `market_weights` (by default equal ones) imply.

    Args:
        covariance: (N, N) of returns, positive definite.
        expected: (N,) viewed excess returns in the unit of time of the covariances.
        confidences: (N,) in [0, 1]; an asset with 0 has no view. By default 0.5.
        market_weights: (N,).
        names: of the assets, for messages.
        bounds: by default long-only and fully invested.
        risk_aversion: above 0.
        tau: above 0.

    Raises:
        AllocationError: as `black_litterman` and `mean_variance`.
    """
    count = len(covariance)
    wanted = checked_vector(expected, count, "expected returns", names)
    sure = np.full(count, 0.5) if confidences is None else confidences
    sure = checked_vector(sure, count, "confidences", names)
    if not ((sure >= 0) & (sure <= 1)).all():
        place = int(np.argmin((sure >= 0) & (sure <= 1)))
        raise AllocationError(
            f"{asset(names, place)}: its confidence must lie between 0 and 1. "
            f"Got {sure[place]:g} instead."
        )
    market = np.full(count, 1.0 / count) if market_weights is None else market_weights
    prior = implied_returns(covariance, market, risk_aversion, names)
    viewed = np.flatnonzero(sure > 0)
    posterior = black_litterman(
        covariance, prior, np.eye(count)[viewed], wanted[viewed], sure[viewed], tau, names
    )
    return mean_variance(posterior.covariance, posterior.mean, risk_aversion, names, bounds)


def _doubts(confidences: FloatArray | None, count: int) -> FloatArray:
    """What Ω is scaled by."""
    if confidences is None:
        return np.ones(count)
    sure = checked_vector(confidences, count, "confidences")
    if not ((sure > 0) & (sure <= 1)).all():
        place = int(np.argmin((sure > 0) & (sure <= 1)))
        raise AllocationError(
            f"view {place}: its confidence must lie above 0 and at most at 1. "
            f"Got {sure[place]:g} instead; leave out a view without confidence."
        )
    doubts: FloatArray = (1.0 - sure) / sure
    return doubts
