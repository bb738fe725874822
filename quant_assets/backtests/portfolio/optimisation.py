"""Weights as the optimum of a quadratic: minimum variance and mean against variance.

What the weights are bound to stands in `bounds.py`, the method in `quadratic_kernels.py`; where
expected returns come from belongs to `black_litterman.py` and `kelly.py`.
"""

from collections.abc import Sequence

import numpy as np

from quant_assets.backtests.portfolio.bounds import Bounds
from quant_assets.backtests.portfolio.checks import (
    AllocationError,
    asset,
    checked_covariance,
    checked_vector,
)
from quant_assets.market_data.panels import FloatArray

LONG_ONLY = Bounds()
# A variance that is left of an asset when the ones before it are taken out; less is none.
_SINGULAR = 1e-10
# Nearer to a bound than this a weight is on it: that much the solver leaves open.
_ON_BOUND = 1e-11


def minimum_variance(
    covariance: FloatArray,
    names: Sequence[str] | None = None,
    bounds: Bounds = LONG_ONLY,
) -> FloatArray:
    """The weights of the least variance within the bounds, shape (N,); unique.

    Source: Markowitz (1952); with covariances shrunk as by Ledoit and Wolf (`shrunk_covariance`)
    the inverse is well-conditioned. One asset gets the total.

    Args:
        covariance: (N, N) of returns, positive definite.
        names: of the assets, for messages.
        bounds: by default long-only and fully invested.

    Raises:
        AllocationError: see `checked_covariance`; singular covariances; bounds that cannot be met.
    """
    return mean_variance(covariance, np.zeros(len(covariance)), 1.0, names, bounds)


def mean_variance(
    covariance: FloatArray,
    expected: FloatArray,
    risk_aversion: float,
    names: Sequence[str] | None = None,
    bounds: Bounds = LONG_ONLY,
) -> FloatArray:
    """The weights of the largest μ'w - (risk_aversion / 2) w'Σw within the bounds, shape (N,).

    Args:
        covariance: (N, N) of returns, positive definite.
        expected: (N,) expected excess returns, in the unit of time of the covariances.
        risk_aversion: above 0.
        names: of the assets, for messages.
        bounds: by default long-only and fully invested.

    Raises:
        AllocationError: see `checked_covariance`; singular covariances, naming an asset that the
            others replicate; bounds that cannot be met.
    """
    from scipy.linalg import solve_triangular

    from quant_assets.backtests.portfolio import quadratic_kernels as kernels
    from quant_assets.compiled import warm_up

    matrix = checked_covariance(covariance, names, "an optimisation")
    count = len(matrix)
    mean = checked_vector(expected, count, "expected returns", names)
    if not risk_aversion > 0:
        raise AllocationError(f"risk_aversion must be above 0. Got {risk_aversion:g} instead.")
    lower, upper, groups, caps = bounds.arrays(count, names)
    scale = float(matrix.diagonal().mean())  # of order 1, as the constraints are
    factor = _cholesky(matrix / scale, names)
    basis = np.ascontiguousarray(solve_triangular(factor, np.eye(count), lower=True))
    weights = np.empty(count)
    warm_up()
    ended = kernels.minimise(
        basis,
        mean / (risk_aversion * scale),
        float(bounds.total),
        not bounds.at_most,
        groups,
        caps,
        lower,
        upper,
        weights,
    )
    if ended != 0:
        raise AllocationError(
            "no weights within the bounds were found: the covariances are too near to singular; "
            "shrink them."
        )
    weights[weights < lower + _ON_BOUND] = lower[weights < lower + _ON_BOUND]
    weights[weights > upper - _ON_BOUND] = upper[weights > upper - _ON_BOUND]
    return weights


def _cholesky(matrix: FloatArray, names: Sequence[str] | None) -> FloatArray:
    """The lower factor; without one, the first asset that those before it replicate is named."""
    try:
        factor = np.asarray(np.linalg.cholesky(matrix), np.float64)
    except np.linalg.LinAlgError:
        factor = np.zeros((0, 0))
    pivots = factor.diagonal() ** 2
    if len(factor) and (pivots > _SINGULAR * matrix.diagonal()).all():
        return factor
    place = _replicated(matrix)
    raise AllocationError(
        f"{asset(names, place)}: the covariances are singular: its returns follow from those of "
        "the assets before it. Leave it out or shrink the covariances (shrunk_covariance)."
    )


def _replicated(matrix: FloatArray) -> int:
    """The first asset of which nothing is left once those before it are taken out."""
    left = matrix.copy()
    for place in range(len(left)):
        pivot = left[place, place]
        if pivot <= _SINGULAR * matrix[place, place]:
            return place
        column = left[place + 1 :, place] / pivot
        left[place + 1 :, place + 1 :] -= np.outer(column, left[place, place + 1 :])
    return len(left) - 1
