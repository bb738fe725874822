"""The switching model against statsmodels, on planted states, and without a look at the future."""

import math
from typing import Any

import numpy as np
import pytest

from quant_assets.performance.markov import (
    SwitchingModel,
    fit_switching_model,
    turbulence_probability,
)
from quant_assets_tests.backtests.samples import sessions
from quant_assets_tests.prefix import PanelInputs, check_future


def switching(days: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns of a chain that stays calm for 50 sessions and turbulent for 20, and its states."""
    random = np.random.default_rng(seed)
    state = 0
    states = []
    for _ in range(days):
        state = state if random.random() < (0.98, 0.95)[state] else 1 - state
        states.append(state)
    hidden = np.array(states)
    deviations, means = np.array([0.006, 0.02]), np.array([0.0008, -0.001])
    return random.normal(means[hidden], deviations[hidden]), hidden


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [0, 1])
def test_the_filter_and_the_estimate_are_those_of_statsmodels(seed: int) -> None:
    from statsmodels.tsa.regime_switching.markov_regression import MarkovRegression

    returns, _ = switching(900, seed)
    values = returns * 100
    model = fit_switching_model(values)
    peer: Any = MarkovRegression(values, k_regimes=2, switching_variance=True)
    (m0, m1), (d0, d1), (s0, s1) = model.means, model.deviations, model.staying
    same = peer.filter([s0, 1 - s1, m0, m1, d0**2, d1**2])
    np.testing.assert_allclose(
        model.filtered(values), same.filtered_marginal_probabilities[:, 1], atol=1e-9
    )
    assert model.likelihood == pytest.approx(same.llf, rel=1e-9)
    best = peer.fit()
    assert model.likelihood >= best.llf - 0.02
    assert sorted(model.deviations) == list(model.deviations)
    np.testing.assert_allclose(sorted(np.sqrt(best.params[-2:])), model.deviations, rtol=0.02)


def test_planted_states_are_found() -> None:
    returns, hidden = switching(4000, 5)
    model = fit_switching_model(returns)
    assert model.deviations == pytest.approx((0.006, 0.02), rel=0.1)
    assert model.staying == pytest.approx((0.98, 0.95), abs=0.03)
    assert np.mean((model.filtered(returns) > 0.5) == hidden) > 0.9


def test_days_without_a_return_are_left_out() -> None:
    returns, _ = switching(300, 2)
    holed = np.insert(returns, [10, 200], np.nan)
    model, same = fit_switching_model(returns), fit_switching_model(holed)
    assert model == same
    probability = model.filtered(holed)
    assert np.isnan(probability[[10, 201]]).all()
    np.testing.assert_array_equal(probability[~np.isnan(holed)], model.filtered(returns))


def test_a_return_that_neither_state_explains_does_no_harm() -> None:
    model = SwitchingModel((0.0, 0.0), (0.001, 0.002), (0.9, 0.9), 0.0)
    probability = model.filtered(np.array([0.0, 5.0, 0.0]))
    assert np.isfinite(probability).all()
    assert probability[1] == 1.0
    absorbing = SwitchingModel((0.0, 0.0), (1e-6, 1e-3), (1.0, 0.9), 0.0)
    shocked = absorbing.filtered(np.array([0.0, 0.01, 0.01, 0.0]))  # state 0 was for ever
    assert np.isfinite(shocked).all()
    two_levels = fit_switching_model(np.repeat([0.001, -0.001], 60))
    assert math.isfinite(two_levels.likelihood)
    calm = fit_switching_model(np.append(np.random.default_rng(0).normal(0, 1e-4, 50), 0.5))
    assert all(math.isfinite(each) for each in (*calm.means, *calm.deviations, *calm.staying))


@pytest.mark.parametrize("returns", [np.zeros(100), np.arange(19.0), np.full(100, np.nan)])
def test_too_little_to_estimate_from(returns: np.ndarray) -> None:
    with pytest.raises(ValueError, match="at least 20 returns that differ"):
        fit_switching_model(returns)
    dates = np.datetime64("2000-01-01") + 100 * np.arange(len(returns))
    assert np.isnan(turbulence_probability(returns, dates)).all()


def test_parameters_are_of_the_years_before() -> None:
    returns, _ = switching(1000, 3)
    dates = sessions(1000, "2015-03-02")
    probability = turbulence_probability(returns, dates)
    years = dates.astype("datetime64[Y]").astype(int) + 1970
    assert np.isnan(probability[years < 2017]).all()
    before, year = years < 2018, years == 2018
    model = fit_switching_model(returns[before])
    upto = returns[before | year]
    np.testing.assert_array_equal(probability[year], model.filtered(upto)[before.sum() :])


def test_nothing_knows_the_future() -> None:
    returns, _ = switching(1000, 4)
    dates = sessions(1000, "2015-03-02")
    inputs = PanelInputs(dates, np.array(["I"]), {}, {"returns": returns})
    check_future(
        lambda data: turbulence_probability(data.series["returns"], data.dates),
        inputs,
        cuts=(500, 740, 998),
    )
