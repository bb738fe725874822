"""Allocation: hierarchical and equal risk parity, minimum variance, of many assets.

The peer is skfolio. Both sides begin with the returns, so ours includes the covariances; what the
allocation alone takes stands in lines of its own. Results agree when the weights are equal: HRP to
1e-12, ERC and minimum variance to what skfolio's solver leaves open (2e-6 and 1e-4), where also our
risk contributions must be equal to 1e-9 and our variance not above the peer's. Returns are in
percent, because skfolio's solver fails on smaller ones.
"""

import warnings
from collections.abc import Iterator

import numpy as np

from quant_assets import compiled
from quant_assets.backtests.portfolio.covariance import sample_covariance, shrunk_covariance
from quant_assets.backtests.portfolio.hierarchical import hierarchical_risk_parity
from quant_assets.backtests.portfolio.optimisation import minimum_variance
from quant_assets.backtests.portfolio.risk_parity import (
    equal_risk_contribution,
    risk_contributions,
)
from quant_assets.market_data.panels import FloatArray
from quant_assets_tests.benchmarks.harness import Result, compare, main

JOB = "allocation"
PEER = "skfolio 1.12"
SESSIONS = 504


class Case:
    """Two years of returns of assets with five common factors."""

    def __init__(self, assets: int) -> None:
        random = np.random.default_rng(11)
        loads = random.normal(size=(assets, 5)) * [0.5, 0.3, 0.3, 0.2, 0.2] + [1, 0, 0, 0, 0]
        common = random.normal(size=(SESSIONS, 5)) @ loads.T
        own = random.normal(size=(SESSIONS, assets)) * 1.5 * random.uniform(0.5, 2, assets)
        self.returns: FloatArray = common + own
        self.covariance = sample_covariance(self.returns)
        self.shrunk = shrunk_covariance(self.returns)

    def hierarchical(self) -> FloatArray:
        """HRP by skfolio."""
        from skfolio.optimization import HierarchicalRiskParity

        return _weights(HierarchicalRiskParity().fit(self.returns))

    def risk_budgeting(self) -> FloatArray:
        """ERC by skfolio."""
        from skfolio.optimization import RiskBudgeting

        return _weights(RiskBudgeting().fit(self.returns))

    def least_variance(self) -> FloatArray:
        """Minimum variance by skfolio, on Ledoit and Wolf's covariances."""
        from skfolio.moments import LedoitWolf
        from skfolio.optimization import MeanRisk
        from skfolio.prior import EmpiricalPrior

        prior = EmpiricalPrior(covariance_estimator=LedoitWolf())
        return _weights(MeanRisk(prior_estimator=prior).fit(self.returns))

    def same_contributions(self, ours: FloatArray, theirs: FloatArray | None) -> bool:
        """Equal weights, and our contributions are equal to one another."""
        shares = risk_contributions(ours, self.covariance) * len(ours)
        exact = bool(np.abs(shares - 1).max() < 1e-9)
        return exact and (theirs is None or _near(ours, theirs, 2e-6))

    def as_calm(self, ours: FloatArray, theirs: FloatArray) -> bool:
        """Equal weights, and no more variance."""
        mine, other = (float(w @ self.shrunk @ w) for w in (ours, theirs))
        return _near(ours, theirs, 1e-4) and mine <= other * (1 + 1e-9)


def _weights(model: object) -> FloatArray:
    found: FloatArray = np.asarray(model.weights_, np.float64)  # type: ignore[attr-defined]
    return found


def _near(ours: FloatArray, theirs: FloatArray, tolerance: float) -> bool:
    return bool(np.abs(ours - theirs).max() <= tolerance)


def cases(quick: bool) -> Iterator[Result]:
    """500 assets; 40 when quick."""
    assets = 40 if quick else 500
    case = Case(assets)
    compiled.warm_up_all()
    warnings.simplefilter("ignore")  # the peer's
    yield compare(
        JOB,
        f"HRP, {assets} assets, from returns",
        lambda: hierarchical_risk_parity(sample_covariance(case.returns)),
        PEER,
        case.hierarchical,
        lambda ours, theirs: _near(ours, theirs, 1e-12),
    )
    yield compare(
        JOB,
        f"ERC, {assets} assets, from returns",
        lambda: equal_risk_contribution(sample_covariance(case.returns)),
        PEER,
        case.risk_budgeting,
        case.same_contributions,
    )
    yield compare(
        JOB,
        f"minimum variance, {assets} assets, from returns",
        lambda: minimum_variance(shrunk_covariance(case.returns)),
        PEER,
        case.least_variance,
        case.as_calm,
    )
    yield compare(
        JOB,
        f"HRP, {assets} assets, of covariances",
        lambda: hierarchical_risk_parity(case.covariance),
        repeats=20,
    )
    yield compare(
        JOB,
        f"HRP in the optimal order, {assets} assets",
        lambda: hierarchical_risk_parity(case.covariance, leaf_order="optimal"),
        repeats=20,
    )
    yield compare(
        JOB,
        f"ERC to 1e-10, {assets} assets, of covariances",
        lambda: equal_risk_contribution(case.covariance),
        agree=case.same_contributions,
        repeats=20,
    )


if __name__ == "__main__":
    main(JOB, cases)
