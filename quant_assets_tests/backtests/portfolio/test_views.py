"""Black and Litterman's posterior against the published example, skfolio, the other form; Kelly."""

import numpy as np
import pytest

from quant_assets.backtests.portfolio.black_litterman import (
    black_litterman,
    black_litterman_weights,
    implied_returns,
)
from quant_assets.backtests.portfolio.bounds import Bounds
from quant_assets.backtests.portfolio.checks import AllocationError
from quant_assets.backtests.portfolio.covariance import sample_covariance
from quant_assets.backtests.portfolio.kelly import kelly
from quant_assets.market_data.panels import FloatArray
from quant_assets_tests.backtests.portfolio.samples import factor_returns


class TestHeAndLitterman:
    """The example of He and Litterman (1999), "The Intuition Behind Black-Litterman Model
    Portfolios": equity indices of Australia, Canada, France, Germany, Japan, the United Kingdom and
    the United States; figures as the paper prints them, in percent.
    """

    volatility = np.array([16.0, 20.3, 24.8, 27.1, 21.0, 20.0, 18.7]) / 100
    market = np.array([1.6, 2.2, 5.2, 5.5, 11.6, 12.4, 61.5]) / 100
    correlations = (
        (0.488, 0.478, 0.515, 0.439, 0.512, 0.491),
        (0.664, 0.655, 0.310, 0.608, 0.779),
        (0.861, 0.355, 0.783, 0.668),
        (0.354, 0.777, 0.653),
        (0.405, 0.306),
        (0.652,),
    )

    @property
    def covariance(self) -> FloatArray:
        """Annual."""
        matrix = np.eye(7)
        matrix[np.triu_indices(7, 1)] = [rho for row in self.correlations for rho in row]
        matrix = np.maximum(matrix, matrix.T)
        found: FloatArray = matrix * self.volatility * self.volatility[:, None]
        return found

    def test_the_market_implies_these_returns(self) -> None:
        implied = implied_returns(self.covariance, self.market, 2.5)
        expected = [3.9, 6.9, 8.4, 9.0, 4.3, 6.8, 7.6]
        np.testing.assert_allclose(100 * implied, expected, atol=0.051)

    @pytest.mark.parametrize(
        ("views", "returns", "weights"),
        [
            (
                1,
                [4.3, 7.6, 9.3, 11.0, 4.5, 7.0, 8.1],
                [1.5, 2.1, -4.0, 35.4, 11.0, -9.5, 58.6],
            ),
            (
                2,
                [4.4, 8.7, 9.5, 11.2, 4.6, 7.0, 7.5],
                [1.5, 41.9, -3.4, 33.6, 11.0, -8.2, 18.8],
            ),
        ],
    )
    def test_views_move_returns_and_weights(
        self, views: int, returns: list[float], weights: list[float]
    ) -> None:
        """Germany by 5 % above the rest of Europe, then also Canada by 3 % above the States."""
        europe = self.market[[2, 5]] / self.market[[2, 5]].sum()
        picks = np.array([[0, 0, -europe[0], 1, 0, -europe[1], 0], [0, 1, 0, 0, 0, 0, -1]])
        found = black_litterman(
            self.covariance,
            implied_returns(self.covariance, self.market, 2.5),
            picks[:views],
            np.array([0.05, 0.03])[:views],
            tau=0.05,
        )
        np.testing.assert_allclose(100 * found.mean, returns, atol=0.051)
        optimal = np.linalg.solve(2.5 * found.covariance, found.mean)
        np.testing.assert_allclose(100 * optimal, weights, atol=0.1)


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
