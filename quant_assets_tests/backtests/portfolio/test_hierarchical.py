"""Hierarchical risk parity: literal references of every step, scipy's order, skfolio's weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from quant_assets.backtests.portfolio.checks import AllocationError
from quant_assets.backtests.portfolio.covariance import sample_covariance
from quant_assets.backtests.portfolio.hierarchical import (
    hierarchical_risk_parity,
    quasi_diagonal_order,
)
from quant_assets.market_data.panels import FloatArray
from quant_assets_tests.backtests.portfolio import reference
from quant_assets_tests.backtests.portfolio.samples import factor_returns


def distances(covariance: FloatArray) -> FloatArray:
    sigma = np.sqrt(covariance.diagonal())
    half = 0.5 - 0.5 * covariance / sigma / sigma[:, None]
    found: FloatArray = np.sqrt(np.maximum(half, 0))
    np.fill_diagonal(found, 0)
    return found


@pytest.mark.parametrize("linkage", ["ward", "single", "average"])
@pytest.mark.parametrize("assets", [2, 3, 4, 7, 33])
def test_orders_are_scipys(assets: int, linkage: str) -> None:
    for seed in range(8):
        covariance = sample_covariance(factor_returns(seed, 60, assets))
        apart = squareform(distances(covariance), checks=False)
        tree = hierarchy.linkage(apart, linkage)
        ordered = hierarchy.optimal_leaf_ordering(tree, apart)
        for name, expected in (("tree", tree), ("scipy", ordered)):
            found = quasi_diagonal_order(covariance, linkage, leaf_order=name)  # type: ignore[arg-type]
            assert found.tolist() == hierarchy.leaves_list(expected).tolist()


@given(st.integers(0, 2**32 - 1), st.integers(2, 9), st.sampled_from(["ward", "single"]))
@settings(deadline=None, max_examples=40)
def test_the_optimal_order_is_the_shortest_of_all(seed: int, assets: int, linkage: str) -> None:
    covariance = sample_covariance(factor_returns(seed, 30, assets))
    apart = distances(covariance)
    tree = hierarchy.linkage(squareform(apart, checks=False), linkage)
    orders = reference.leaf_orders(tree)
    found = quasi_diagonal_order(covariance, linkage, leaf_order="optimal").tolist()  # type: ignore[arg-type]
    assert found in orders
    shortest = min(reference.path(apart, order) for order in orders)
    assert reference.path(apart, found) == pytest.approx(shortest, abs=1e-12)


def test_scipys_order_need_not_be_the_shortest() -> None:
    """The case of scipy #11227: what is told of it in the docstring is so."""
    apart = np.array(
        [
            [0.0, 0.46680166, 0.7747411, 0.79942054],
            [0.46680166, 0.0, 0.28626558, 0.68441929],
            [0.7747411, 0.28626558, 0.0, 0.74692541],
            [0.79942054, 0.68441929, 0.74692541, 0.0],
        ]
    )
    covariance = 1 - 2 * apart**2
    by_scipy = quasi_diagonal_order(covariance, "complete", leaf_order="scipy").tolist()
    optimal = quasi_diagonal_order(covariance, "complete", leaf_order="optimal").tolist()
    assert reference.path(apart, optimal) < reference.path(apart, by_scipy) - 1e-3
    assert optimal in ([0, 1, 2, 3], [3, 2, 1, 0])


@pytest.mark.parametrize("assets", [1, 2, 3, 5, 8, 40])
def test_bisection_is_the_papers(assets: int) -> None:
    covariance = sample_covariance(factor_returns(assets, 90, assets)).reshape(assets, assets)
    order = quasi_diagonal_order(covariance).tolist()
    expected = reference.bisected(covariance, order)
    np.testing.assert_allclose(hierarchical_risk_parity(covariance), expected, rtol=1e-12)


def test_the_papers_own_choices() -> None:
    """Single linkage of the distances between columns, leaves as the tree has them."""
    covariance = sample_covariance(factor_returns(4, 90, 12))
    apart = distances(covariance)
    between = np.sqrt(((apart[:, :, None] - apart[:, None, :]) ** 2).sum(axis=0))
    tree = hierarchy.linkage(squareform(between, checks=False), "single")
    expected = reference.bisected(covariance, hierarchy.leaves_list(tree).tolist())
    found = hierarchical_risk_parity(
        covariance, linkage="single", distance="profile", leaf_order="tree"
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(("seed", "assets"), [(seed, 40) for seed in range(6)] + [(9, 121)])
def test_weights_are_skfolios(seed: int, assets: int) -> None:
    from skfolio import optimization

    returns = factor_returns(seed, 300, assets)
    theirs = optimization.HierarchicalRiskParity().fit(returns).weights_
    np.testing.assert_allclose(
        hierarchical_risk_parity(sample_covariance(returns)), theirs, rtol=1e-11
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 4, 8, 16]))
@settings(deadline=None, max_examples=40)
def test_the_order_of_assets_does_not_matter(seed: int, assets: int) -> None:
    """The order of leaves may come out mirrored, which halves of equal size do not feel."""
    covariance = sample_covariance(factor_returns(seed, 40, assets))
    places = np.random.default_rng(seed).permutation(assets)
    shuffled = hierarchical_risk_parity(covariance[np.ix_(places, places)], leaf_order="optimal")
    plain = hierarchical_risk_parity(covariance, leaf_order="optimal")
    np.testing.assert_allclose(shuffled, plain[places], rtol=1e-9)


def test_singular_covariances_are_no_obstacle() -> None:
    twins = np.array([[1.0, 1.0, 0.1], [1.0, 1.0, 0.1], [0.1, 0.1, 2.0]])
    weights = hierarchical_risk_parity(twins)
    assert weights.sum() == pytest.approx(1)
    assert (weights > 0).all()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"linkage": "median"}, r"linkage must be one of ward, .* Got 'median' instead"),
        ({"distance": "angle"}, "distance must be one of correlation, profile. Got 'angle'"),
        ({"leaf_order": "best"}, r"leaf_order must be one of .* Got 'best' instead"),
    ],
)
def test_unknown_choices_are_named(choice: dict[str, str], message: str) -> None:
    with pytest.raises(AllocationError, match=message):
        hierarchical_risk_parity(np.eye(3), **choice)  # type: ignore[arg-type]
