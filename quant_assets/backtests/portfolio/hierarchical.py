"""Hierarchical risk parity: weights by clusters of correlated assets.

The steps (distance, linkage, leaf order, bisection) and their choices stand here, their loops in
`hierarchical_kernels.py`; the linkage is scipy's.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from quant_assets.backtests.portfolio.checks import AllocationError, checked_covariance
from quant_assets.market_data.panels import FloatArray

Linkage = Literal["ward", "single", "complete", "average"]
Distance = Literal["correlation", "profile"]
LeafOrder = Literal["scipy", "optimal", "tree"]

_ORDERS: dict[str, int] = {"tree": 0, "scipy": 1, "optimal": 2}


def hierarchical_risk_parity(
    covariance: FloatArray,
    names: Sequence[str] | None = None,
    linkage: Linkage = "ward",
    distance: Distance = "correlation",
    leaf_order: LeafOrder = "scipy",
) -> FloatArray:
    """Long-only weights of hierarchical risk parity, shape (N,), of sum 1.

    Assets are clustered by their correlations and brought into the order of the tree's leaves; the
    order is cut in half again and again, and each time the halves share what they have in inverse
    proportion to the variances of their inverse-variance portfolios. Source: Lopez de Prado (2016),
    "Building diversified portfolios that outperform out of sample", Journal of Portfolio Management
    42(4). His own choice is linkage="single", distance="profile", leaf_order="tree". The defaults
    are those of skfolio's `HierarchicalRiskParity`, whose weights these are.

    Nothing is inverted, so a singular matrix is no obstacle. One asset gets 1. The weights do not
    depend on the unit of returns; they do not depend on the order of the assets as long as no two
    distances are equal.

    Args:
        covariance: (N, N) of returns.
        names: of the assets, for messages.
        linkage: how scipy merges clusters.
        distance: "correlation" is d_ij = sqrt((1 - ρ_ij) / 2); "profile" is the Euclidean distance
            of the columns i and j of that matrix.
        leaf_order: "tree" leaves the leaves as the linkage has them. "optimal" turns the nodes so
            that neighbours are nearest, summed over all (Bar-Joseph, Gifford and Jaakkola 2001,
            "Fast optimal leaf ordering for hierarchical clustering"). "scipy" is the order of
            scipy's `optimal_leaf_ordering`, which turns each node by the best path through it
            alone and so does not always find the optimum (scipy #11227). Paths are summed in
            double precision here, there in single: a tie within 1e-6 may be broken otherwise.

    Raises:
        AllocationError: see `checked_covariance`; a name of a choice that is not known.
    """
    from quant_assets.backtests.portfolio import hierarchical_kernels as kernels
    from quant_assets.compiled import warm_up

    matrix = checked_covariance(covariance, names, "hierarchical risk parity")
    weights = np.ones(len(matrix))
    if len(weights) < 2:
        return weights
    warm_up()
    order = _order(matrix, linkage, distance, leaf_order)
    kernels.bisect(matrix, order, weights)
    return weights


def quasi_diagonal_order(
    covariance: FloatArray,
    linkage: Linkage = "ward",
    distance: Distance = "correlation",
    leaf_order: LeafOrder = "scipy",
    names: Sequence[str] | None = None,
) -> np.ndarray:
    """The places of the assets in the order of the tree's leaves, int64, shape (N,).

    In this order large covariances lie along the diagonal; pictures of correlations use it. The
    arguments are those of `hierarchical_risk_parity`.
    """
    from quant_assets.compiled import warm_up

    matrix = checked_covariance(covariance, names, "a quasi-diagonal order")
    if len(matrix) < 2:
        return np.zeros(1, np.int64)
    warm_up()
    return _order(matrix, linkage, distance, leaf_order)


def _order(matrix: FloatArray, linkage: str, distance: str, leaf_order: str) -> np.ndarray:
    from scipy.cluster import hierarchy

    from quant_assets.backtests.portfolio import hierarchical_kernels as kernels

    _known("linkage", linkage, ("ward", "single", "complete", "average"))
    _known("distance", distance, ("correlation", "profile"))
    _known("leaf_order", leaf_order, tuple(_ORDERS))
    count = len(matrix)
    apart = np.empty((count, count))
    kernels.angular_distances(matrix, apart)
    if distance == "profile":
        apart = _between_profiles(apart)
    tree = hierarchy.linkage(apart[np.triu_indices(count, 1)], linkage)
    order = np.empty(count, np.int64)
    children = np.ascontiguousarray(tree[:, :2].astype(np.int64))
    kernels.leaf_order(apart, children, _ORDERS[leaf_order], order)
    return order


def _between_profiles(apart: FloatArray) -> FloatArray:
    """Euclidean distances of the columns."""
    from scipy.spatial.distance import pdist, squareform

    square: FloatArray = squareform(pdist(apart))
    return square


def _known(what: str, name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        raise AllocationError(f"{what} must be one of {', '.join(names)}. Got {name!r} instead.")
