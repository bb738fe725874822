"""Covariances of returns: of the sample, and shrunk so that they can be inverted.

Estimating stands here; what weights follow belongs to the allocators.
"""

from collections.abc import Sequence

import numpy as np

from quant_assets.backtests.portfolio.checks import AllocationError, asset
from quant_assets.market_data.panels import FloatArray


def sample_covariance(returns: FloatArray, names: Sequence[str] | None = None) -> FloatArray:
    """Covariances with ddof=1 of simple returns a session, shape (N, N).

    Args:
        returns: (T, N), T at least 2; without missing values.
        names: of the assets, for messages.

    Raises:
        AllocationError: too few rows, or a missing value; it names the asset.
    """
    values = _checked(returns, names)
    centred = values - values.mean(axis=0)
    return _symmetric(centred.T @ centred / (len(values) - 1))


def shrunk_covariance(returns: FloatArray, names: Sequence[str] | None = None) -> FloatArray:
    """The well-conditioned covariances of Ledoit and Wolf, shape (N, N).

    See `ledoit_wolf`, which also gives the intensity of the shrinkage.
    """
    return ledoit_wolf(returns, names)[0]


def ledoit_wolf(
    returns: FloatArray, names: Sequence[str] | None = None
) -> tuple[FloatArray, float]:
    """Covariances shrunk towards a multiple of the identity, and by how much (0 to 1).

    With S the sample covariance (divided by T, as in the paper), m = tr(S)/N and the squared norm
    |A|² = tr(AA')/N: d² = |S - mI|², b² = min(d², (1/T²) Σ_t |x_t x_t' - S|²), and the estimate is
    (b²/d²) m I + (1 - b²/d²) S. It is positive definite even where N is above T, as long as one
    return varies. Source: Ledoit and Wolf (2004), "A well-conditioned estimator for
    large-dimensional covariance matrices", Journal of Multivariate Analysis 88(2), 365-411.

    Args:
        returns: (T, N) simple returns a session, T at least 2; without missing values. They are
            centred here.
        names: of the assets, for messages.

    Raises:
        AllocationError: too few rows, a missing value, or an asset whose returns never vary.
    """
    values = _checked(returns, names)
    sessions, assets = values.shape
    centred = values - values.mean(axis=0)
    sample = centred.T @ centred / sessions
    spread = np.ptp(values, axis=0)
    if not (spread > 0).all():
        place = int(np.argmin(spread > 0))
        raise AllocationError(
            f"{asset(names, place)}: its returns never vary (all are {values[0, place]:g}); "
            "leave the asset out."
        )
    mean = float(np.trace(sample)) / assets
    distance = float((sample**2).sum()) / assets - mean**2
    squares = float(((centred**2).sum(axis=1) ** 2).sum()) / assets
    error = (squares / sessions - float((sample**2).sum()) / assets) / sessions
    intensity = 0.0 if distance <= 0 else min(max(error / distance, 0.0), 1.0)
    shrunk = (1.0 - intensity) * sample
    shrunk[np.diag_indices(assets)] += intensity * mean
    return _symmetric(shrunk), intensity


def _symmetric(matrix: FloatArray) -> FloatArray:
    """The same to the last bit on both sides of the diagonal."""
    both: FloatArray = (matrix + matrix.T) / 2
    return both


def _checked(returns: FloatArray, names: Sequence[str] | None) -> FloatArray:
    values = np.ascontiguousarray(returns, np.float64)
    if values.ndim != 2 or len(values) < 2 or not values.shape[1]:
        raise AllocationError(
            "returns must have the shape (T, N) with T at least 2 sessions and N at least 1 "
            f"asset. Got {values.shape} instead."
        )
    finite = np.isfinite(values)
    if not finite.all():
        place = int(np.argmin(finite.all(axis=0)))
        row = int(np.argmin(finite[:, place]))
        raise AllocationError(
            f"{asset(names, place)}: returns must be finite. Got {values[row, place]} in row {row} "
            "instead: leave the asset out or fill its returns."
        )
    return values
