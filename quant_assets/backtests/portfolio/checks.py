"""The gate before every allocator: what a covariance matrix must be, told by the asset's name.

Only checks belong here. Every message names the asset (or the pair) that is at fault, because a
matrix of 500 x 500 cannot be looked through by eye.
"""

from collections.abc import Sequence

import numpy as np

from quant_assets.market_data.panels import FloatArray

# Of symmetry and of correlations beyond 1: what rounding leaves, and no more.
ROUNDING = 1e-9


class AllocationError(ValueError):
    """Covariances, returns or limits from which no weights follow; the message names the asset."""


def checked_covariance(
    covariance: FloatArray, names: Sequence[str] | None = None, of: str = "an allocation"
) -> FloatArray:
    """The covariances as C-ordered float64, if weights can be computed from them.

    Args:
        covariance: (N, N), N at least 1.
        names: of the assets, for messages; by default their places (`asset 3`).
        of: what the matrix is for, as the message says it.

    Raises:
        AllocationError: not square, a value missing or infinite, a variance of 0 or below, not
            symmetric, or a covariance that two variances do not allow.
    """
    matrix = np.ascontiguousarray(covariance, np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise AllocationError(
            f"the covariances of {of} must have the shape (N, N), N at least 1. "
            f"Got {matrix.shape} instead."
        )
    if names is not None and len(names) != len(matrix):
        raise AllocationError(
            f"the covariances of {of} are of {len(matrix)} assets, the names of {len(names)}."
        )
    _finite(matrix, names, of)
    variance = matrix.diagonal()
    if not (variance > 0).all():
        place = int(np.argmin(variance > 0))
        raise AllocationError(
            f"{asset(names, place)}: its variance must be above 0. Got {variance[place]:g} "
            "instead: a price that never moves has no risk to share; leave the asset out."
        )
    sigma = np.sqrt(variance)
    scale = sigma[:, None] * sigma
    skew = np.abs(matrix - matrix.T)
    if (skew > ROUNDING * scale).any():
        one, two = np.unravel_index(int(np.argmax(skew / scale)), matrix.shape)
        raise AllocationError(
            f"{asset(names, one)} and {asset(names, two)}: the covariances of {of} must be "
            f"symmetric. Got {matrix[one, two]:g} and {matrix[two, one]:g} instead."
        )
    beyond = np.abs(matrix) > (1 + ROUNDING) * scale
    if beyond.any():
        one, two = np.unravel_index(int(np.argmax(beyond)), matrix.shape)
        raise AllocationError(
            f"{asset(names, one)} and {asset(names, two)}: their correlation must lie between -1 "
            f"and 1. Got {matrix[one, two] / scale[one, two]:.6g} instead."
        )
    return matrix


def checked_vector(
    values: FloatArray, count: int, what: str, names: Sequence[str] | None = None
) -> FloatArray:
    """A finite value for each of so many assets, float64, shape (N,).

    Raises:
        AllocationError: another shape, or a value that is missing or infinite.
    """
    vector = np.ascontiguousarray(values, np.float64)
    if vector.shape != (count,):
        raise AllocationError(f"{what} must have the shape ({count},). Got {vector.shape} instead.")
    if not np.isfinite(vector).all():
        place = int(np.argmin(np.isfinite(vector)))
        raise AllocationError(
            f"{asset(names, place)}: {what} must be finite. Got {vector[place]} instead."
        )
    return vector


def asset(names: Sequence[str] | None, place: int | np.integer) -> str:
    """What a message calls an asset: its name, or its place."""
    return f"asset {int(place)}" if names is None else str(names[int(place)])


def _finite(matrix: FloatArray, names: Sequence[str] | None, of: str) -> None:
    finite = np.isfinite(matrix)
    if finite.all():
        return
    # The asset with the most faulty covariances is the cause; the others only share them with it.
    place = int(np.argmin(finite.sum(axis=0)))
    other = int(np.argmin(finite[:, place]))
    pair = "" if other == place else f" (with {asset(names, other)})"
    raise AllocationError(
        f"{asset(names, place)}: the covariances of {of} must be finite. "
        f"Got {matrix[other, place]}{pair} instead: leave the asset out or fill its returns."
    )
