"""Weights by risk alone: equal, inverse volatility, equal risk contribution.

Methods without a view and without an inverse of the covariances stand here; clusters belong to
`hierarchical.py`, optimisation to `minimum_variance.py`.
"""

from collections.abc import Sequence

import numpy as np

from quant_assets.backtests.portfolio.checks import (
    AllocationError,
    asset,
    checked_covariance,
    checked_vector,
)
from quant_assets.market_data.panels import FloatArray

# Of the shares of risk, relative to their budgets.
TOLERANCE = 1e-10
# A cycle passes over each asset once. Covariances of shares take some ten; this many are only
# needed where assets all but cancel each other.
CYCLES = 20_000


def equal_weight(covariance: FloatArray, names: Sequence[str] | None = None) -> FloatArray:
    """1/N for each asset, shape (N,); of the (N, N) covariances only the size counts."""
    count = len(checked_covariance(covariance, names))
    return np.full(count, 1.0 / count)


def inverse_volatility(covariance: FloatArray, names: Sequence[str] | None = None) -> FloatArray:
    """Weights in proportion to 1 / volatility, shape (N,), of sum 1.

    They have equal risk contributions when all correlations are equal (Maillard, Roncalli and
    Teiletche 2010). One asset gets 1; a variance of 0 is an error that names the asset.
    """
    inverse = 1.0 / np.sqrt(checked_covariance(covariance, names).diagonal())
    weights: FloatArray = inverse / inverse.sum()
    return weights


def equal_risk_contribution(
    covariance: FloatArray,
    budget: FloatArray | None = None,
    names: Sequence[str] | None = None,
    tolerance: float = TOLERANCE,
) -> FloatArray:
    """Long-only weights of which each contributes the same (or its budget) to the risk, sum 1.

    The contribution of asset i is w_i (Σw)_i / w'Σw. The weights are unique: those of the minimum
    of y'Cy/2 - Σ b_i ln y_i (C the correlations, y_i = σ_i w_i up to scale), found coordinate by
    coordinate until every contribution is within `tolerance` of its budget, relatively. Sources:
    Maillard, Roncalli and Teiletche (2010), "The properties of equally weighted risk contribution
    portfolios", Journal of Portfolio Management 36(4); Spinu (2013), "An algorithm for computing
    risk parity weights"; Griveau-Billion, Richard and Roncalli (2013), "A fast algorithm for
    computing high-dimensional risk parity portfolios".

    A singular matrix is no obstacle (two assets may be one and the same), unless some long-only
    portfolio has no risk at all: then nothing bounds the weights, and the error names the assets
    that cancel each other.

    Args:
        covariance: (N, N) of returns; its unit does not matter.
        budget: (N,) above 0, shares of the risk; scaled to sum 1. By default equal.
        names: of the assets, for messages.
        tolerance: largest relative distance of a contribution from its budget.

    Returns:
        (N,) float64.

    Raises:
        AllocationError: see `checked_covariance`; a budget that is not above 0; no solution.
    """
    from quant_assets.backtests.portfolio import risk_parity_kernels as kernels
    from quant_assets.compiled import warm_up

    matrix = checked_covariance(covariance, names, "risk contributions")
    count = len(matrix)
    shares = np.ones(count) if budget is None else checked_vector(budget, count, "budget", names)
    if not (shares > 0).all():
        place = int(np.argmin(shares > 0))
        raise AllocationError(
            f"{asset(names, place)}: its budget of risk must be above 0. Got {shares[place]:g} "
            "instead; leave the asset out."
        )
    shares = shares / shares.sum()
    inverse = 1.0 / np.sqrt(matrix.diagonal())
    correlation = np.ascontiguousarray(matrix * inverse * inverse[:, None])
    y = _start(correlation, shares)
    warm_up()
    if kernels.descend(correlation, shares, tolerance, CYCLES, y) < 0:
        largest = np.sort(np.argsort(-y, kind="stable")[:2])
        raise AllocationError(
            f"{' and '.join(asset(names, place) for place in largest)}: no weights with the "
            f"budgeted risk contributions were found to {tolerance:g}: the assets all but cancel "
            "each other; shrink the covariances or leave one out."
        )
    weights: FloatArray = y * inverse
    weights /= weights.sum()
    return weights


def risk_contributions(weights: FloatArray, covariance: FloatArray) -> FloatArray:
    """Each asset's share of the variance, w_i (Σw)_i / w'Σw, shape (N,), of sum 1.

    Weights without any variance have none: NaN.
    """
    parts = weights * (covariance @ weights)
    total = parts.sum()
    shares: FloatArray = parts / total if total > 0 else np.full(len(parts), np.nan)
    return shares


def _start(correlation: FloatArray, shares: FloatArray) -> FloatArray:
    """The solution for uncorrelated assets, scaled to the variance 1 that the solution has."""
    y: FloatArray = np.sqrt(shares)
    variance = float(y @ correlation @ y)
    # Without diversifiable risk the scale would be no start: the uncorrelated one is.
    return y / np.sqrt(variance) if variance > 1e-6 else y
