"""Optimal weights against scipy's SLSQP, skfolio, and the conditions of an optimum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.backtests.portfolio.black_litterman import (
    black_litterman,
    black_litterman_weights,
    implied_returns,
)
from quant_assets.backtests.portfolio.bounds import Bounds
from quant_assets.backtests.portfolio.checks import AllocationError
from quant_assets.backtests.portfolio.covariance import sample_covariance, shrunk_covariance
from quant_assets.backtests.portfolio.kelly import kelly
from quant_assets.backtests.portfolio.optimisation import mean_variance, minimum_variance
from quant_assets.market_data.panels import FloatArray
from quant_assets_tests.backtests.portfolio import reference
from quant_assets_tests.backtests.portfolio.samples import covariances, factor_returns

GROUPS = ("A", "B", None)


def bounded(seed: int, count: int) -> Bounds:
    """Bounds that can be met."""
    random = np.random.default_rng(seed)
    lower = -0.2 * random.random(count) * random.integers(0, 2)
    upper = 0.05 + 0.6 * random.random(count)
    groups = [GROUPS[k] for k in random.integers(0, 3, count)]
    total = float(0.8 * min(1.0, upper.sum() * 0.5))
    cap = float(max(0.55 * total, 0.3))
    return Bounds(lower, upper, groups, cap, total, at_most=bool(random.integers(0, 2)))


@given(covariances(largest=8), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_no_better_weights_exist(covariance: FloatArray, seed: int) -> None:
    """The optimum of a convex problem: at no feasible point does the gradient point down."""
    count = len(covariance)
    covariance = covariance / covariance.diagonal().mean()
    mean = np.random.default_rng(seed).normal(size=count)
    bounds = bounded(seed, count)
    try:
        weights = mean_variance(covariance, mean, 2.0, bounds=bounds)
    except AllocationError as refused:
        assert any(word in str(refused) for word in ("allow", "singular"))  # noqa: PT017
        return
    lower, upper, codes, caps = bounds.arrays(count)
    assert (weights >= lower - 1e-12).all()
    assert (weights <= upper + 1e-12).all()
    for code, cap in enumerate(caps):
        assert weights[codes == code].sum() <= cap + 1e-9
    total = weights.sum()
    assert total <= bounds.total + 1e-9
    if not bounds.at_most:
        assert total == pytest.approx(bounds.total, abs=1e-9)
    gradient = 2.0 * covariance @ weights - mean
    assert _lowest(gradient, bounds, count) >= gradient @ weights - 1e-6


def _lowest(gradient: FloatArray, bounds: Bounds, count: int) -> float:
    """The smallest gradient'x over the feasible set, by scipy's linear programming."""
    from scipy.optimize import linprog

    lower, upper, codes, caps = bounds.arrays(count)
    rows = [(codes == code).astype(float) for code in range(len(caps))]
    limits = caps.tolist()
    whole = [np.ones(count)]
    if bounds.at_most:
        rows, limits, whole = [*rows, *whole], [*limits, bounds.total], []
    found = linprog(
        gradient,
        np.array(rows) if rows else None,
        limits or None,
        np.array(whole) if whole else None,
        [bounds.total] if whole else None,
        list(zip(lower, upper, strict=True)),
    )
    assert found.status == 0
    return float(found.fun)


def test_weights_are_slsqps() -> None:
    covariance = shrunk_covariance(factor_returns(1, 120, 12)) * 252
    mean = np.random.default_rng(1).normal(0.05, 0.1, 12)
    groups = ["A"] * 5 + ["B"] * 4 + [None] * 3
    bounds = Bounds(-0.05, 0.2, groups, 0.35)
    ours = mean_variance(covariance, mean, 3.0, bounds=bounds)
    inside = [np.array([name == group for name in groups], float) for group in "AB"]
    theirs = reference.quadratic_optimum(
        3.0 * covariance,
        mean,
        np.full(12, -0.05),
        np.full(12, 0.2),
        constraints=[
            {"type": "eq", "fun": lambda x: x.sum() - 1, "jac": lambda x: np.ones(12)},
            {"type": "ineq", "fun": lambda x: 0.35 - inside[0] @ x, "jac": lambda x: -inside[0]},
            {"type": "ineq", "fun": lambda x: 0.35 - inside[1] @ x, "jac": lambda x: -inside[1]},
        ],
    )
    np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_minimum_variance_is_skfolios() -> None:
    from skfolio import moments, optimization, prior

    returns = 100 * factor_returns(2)
    estimate = prior.EmpiricalPrior(covariance_estimator=moments.LedoitWolf())
    groups = np.array([["A", "B", "C", "D"][k % 4] for k in range(40)])
    for more, bounds in (
        ({}, Bounds()),
        (
            {
                "max_weights": 0.1,
                "groups": [groups],
                "linear_constraints": [f"{name} <= 0.3" for name in "ABCD"],
            },
            Bounds(0.0, 0.1, groups.tolist(), 0.3),
        ),
    ):
        theirs = optimization.MeanRisk(prior_estimator=estimate, **more).fit(returns).weights_
        covariance = shrunk_covariance(returns)
        ours = minimum_variance(covariance, bounds=bounds)
        # Its solver stops at a gap of 1e-9 in the variance, which leaves weights some 1e-5.
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
        assert ours @ covariance @ ours <= theirs @ covariance @ theirs + 1e-9


def test_without_bounds_it_is_the_closed_form() -> None:
    covariance = sample_covariance(factor_returns(3, 100, 6))
    inverse = np.linalg.solve(covariance, np.ones(6))
    free = Bounds(-10.0, 10.0)
    np.testing.assert_allclose(
        minimum_variance(covariance, bounds=free), inverse / inverse.sum(), rtol=1e-9
    )


def test_singular_covariances_name_the_asset() -> None:
    twins = np.array([[1.0, 0.2, 1.0], [0.2, 1.0, 0.2], [1.0, 0.2, 1.0]])
    with pytest.raises(AllocationError, match="CCC: the covariances are singular"):
        minimum_variance(twins, ("AAA", "BBB", "CCC"))
    with pytest.raises(AllocationError, match="asset 9: the covariances are singular"):
        minimum_variance(sample_covariance(factor_returns(1, 10, 12)))


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (Bounds(0.0, 0.2), "allow 0.6 in all, less than the total of 1"),
        (Bounds(0.0, 1.0, ["A", "A", "A"], 0.3), "allow 0.3 in all, less than the total of 1"),
        (Bounds(0.5, 1.0), "the lower bounds sum to 1.5, more than the total of 1"),
        (Bounds(np.array([0.0, 0.6, 0.0]), 0.5), "asset 1: its lower bound .* Got 0.6 and 0.5"),
        (Bounds(0.2, 1.0, ["A", "A", None], 0.3), "group 'A': .* sum to 0.4, more than its cap"),
        (Bounds(0.0, 1.0, ["A"]), "groups must be given for each of the 3 assets. Got 1"),
        (Bounds(0.0, 1.0, ["A", "B", None], {"A": 1.0}), "group 'B' has no cap"),
        (Bounds(0.0, np.ones(2)), r"upper bounds must be a number or have the shape \(3,\)"),
    ],
)
def test_bounds_that_cannot_be_met_are_told(bounds: Bounds, message: str) -> None:
    with pytest.raises(AllocationError, match=message):
        minimum_variance(np.eye(3), bounds=bounds)


def test_a_risk_aversion_below_zero_is_refused() -> None:
    with pytest.raises(AllocationError, match=r"risk_aversion must be above 0. Got -1"):
        mean_variance(np.eye(2), np.zeros(2), -1.0)


class TestBlackLitterman:
    """The posterior of He and Litterman's formulas, and what Idzorek's confidences mean."""

    covariance = sample_covariance(factor_returns(5, 200, 5)) * 252
    prior = np.array([0.03, 0.05, 0.02, 0.07, 0.04])

    def test_the_posterior_is_the_precision_weighted_mean(self) -> None:
        """The same in the other form: inverses of covariances are added (Black-Litterman 1992)."""
        picks = np.array([[1.0, 0, 0, -1, 0], [0, 1, 0, 0, 0]])
        views = np.array([0.02, 0.08])
        tau = 0.05
        omega = np.diag((picks @ self.covariance @ picks.T).diagonal() * tau)
        first = np.linalg.inv(tau * self.covariance)
        precision = first + picks.T @ np.linalg.inv(omega) @ picks
        mean = np.linalg.solve(
            precision, first @ self.prior + picks.T @ np.linalg.solve(omega, views)
        )
        found = black_litterman(self.covariance, self.prior, picks, views, tau=tau)
        np.testing.assert_allclose(found.mean, mean, rtol=1e-9)
        np.testing.assert_allclose(
            found.covariance, self.covariance + np.linalg.inv(precision), rtol=1e-9
        )

    def test_it_is_skfolios(self) -> None:
        import pandas as pd
        from skfolio import prior as skfolio_prior

        returns = factor_returns(5, 200, 5)
        frame = pd.DataFrame(returns, columns=list("ABCDE"))
        views = ["A - D == 0.0002", "B == 0.0004"]
        for confidences in (None, [0.3, 0.8]):
            theirs = skfolio_prior.BlackLitterman(
                views=views, tau=0.05, view_confidences=confidences
            ).fit(frame)
            prior = theirs.prior_estimator_.return_distribution_
            found = black_litterman(
                prior.covariance,
                prior.mu,
                np.array([[1.0, 0, 0, -1, 0], [0, 1, 0, 0, 0]]),
                np.array([0.0002, 0.0004]),
                None if confidences is None else np.array(confidences),
            )
            expected = theirs.return_distribution_
            np.testing.assert_allclose(found.mean, expected.mu, rtol=1e-9)
            np.testing.assert_allclose(found.covariance, expected.covariance, rtol=1e-9)

    def test_a_confidence_is_the_share_of_the_way(self) -> None:
        picks = np.array([[0.0, 1, 0, 0, 0]])
        for confidence in (0.25, 0.5, 1.0):
            found = black_litterman(
                self.covariance, self.prior, picks, np.array([0.15]), np.array([confidence])
            )
            assert found.mean[1] == pytest.approx(0.05 + confidence * 0.10)

    def test_without_views_the_market_is_held(self) -> None:
        market = np.array([0.1, 0.2, 0.3, 0.15, 0.25])
        weights = black_litterman_weights(
            self.covariance, np.zeros(5), np.zeros(5), market, tau=1e-9
        )
        np.testing.assert_allclose(weights, market, atol=1e-6)
        implied = implied_returns(self.covariance, market, 3.0)
        np.testing.assert_allclose(np.linalg.solve(self.covariance, implied) / 3.0, market)

    def test_a_higher_view_is_a_higher_weight(self) -> None:
        low = black_litterman_weights(self.covariance, np.full(5, 0.05))
        views = np.full(5, 0.05)
        views[2] = 0.3
        assert black_litterman_weights(self.covariance, views)[2] > low[2] + 0.05

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"confidences": np.array([0.0])}, "view 0: its confidence must lie above 0"),
            ({"tau": 0.0}, "tau must be above 0. Got 0"),
            ({"picks": np.ones((1, 4))}, r"picks must have the shape \(K, 5\)"),
            ({"views": np.array([np.nan])}, "asset 0: views must be finite"),
        ],
    )
    def test_what_cannot_be_is_refused(self, change: dict[str, FloatArray], message: str) -> None:
        given_values = {"picks": np.ones((1, 5)), "views": np.array([0.1])} | change
        with pytest.raises(AllocationError, match=message):
            black_litterman(self.covariance, self.prior, **given_values)  # type: ignore[arg-type]

    def test_a_confidence_of_an_asset_is_named(self) -> None:
        with pytest.raises(AllocationError, match=r"asset 1: its confidence .* Got 1.5"):
            black_litterman_weights(np.eye(2), np.zeros(2), np.array([0.5, 1.5]))


class TestKelly:
    """The bet of fastest growth."""

    def test_one_asset_is_the_mean_over_the_variance(self) -> None:
        """Thorp (2006): f = m / s²; half of it with fraction 0.5; no more than all."""
        variance = np.array([[0.04]])
        assert kelly(variance, np.array([0.02]), 1.0).tolist() == pytest.approx([0.5])
        assert kelly(variance, np.array([0.02]), 0.5).tolist() == pytest.approx([0.25])
        assert kelly(variance, np.array([0.2]), 1.0).tolist() == [1.0]
        assert kelly(variance, np.array([-0.2]), 1.0).tolist() == [0.0]

    def test_without_bounds_it_is_the_closed_form(self) -> None:
        covariance = sample_covariance(factor_returns(6, 200, 4)) * 252
        mean = np.array([0.05, -0.02, 0.08, 0.01])
        free = Bounds(-100.0, 100.0, total=1000.0, at_most=True)
        np.testing.assert_allclose(
            kelly(covariance, mean, 0.3, bounds=free),
            0.3 * np.linalg.solve(covariance, mean),
            rtol=1e-8,
        )

    @pytest.mark.parametrize("fraction", [0.0, 1.5])
    def test_a_fraction_outside_is_refused(self, fraction: float) -> None:
        with pytest.raises(AllocationError, match="fraction must lie above 0 and at most at 1"):
            kelly(np.eye(1), np.ones(1), fraction)


@pytest.mark.parametrize("seed", range(30))
def test_sums_are_exact_where_variances_differ_by_millions(seed: int) -> None:
    """The way from an optimum without constraints, of the order of a million, loses digits."""
    random = np.random.default_rng(seed)
    scale = 10.0 ** random.uniform(-4, 0, 8)
    covariance = (np.eye(8) * 0.05 + 1.0) * scale * scale[:, None]
    bounds = Bounds(-0.1, 0.4, ["A"] * 4 + ["B"] * 4, 0.6)
    weights = mean_variance(covariance, random.normal(size=8), 2.0, bounds=bounds)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert max(weights[:4].sum(), weights[4:].sum()) <= 0.6 + 1e-12
