"""Pairs: which are formed, when they are entered and left, how they are weighed."""

from typing import Any

import numpy as np
import pytest

from quant_assets.backtests.selection import rebalancing_days
from quant_assets_tests.backtests.samples import sessions
from quant_assets_tests.backtests.strategies.hand_made import weights_of

DAYS = 110
START = int(np.flatnonzero(rebalancing_days(sessions(DAYS), "monthly")[:DAYS])[3])


def market(after: list[float], deviation: float = 0.01) -> dict[str, np.ndarray]:
    """Two tied stocks and two that wander; `after` is the spread from the formation on.

    The spread of S001 over S002 is given in its deviations during the formation.
    """
    random = np.random.default_rng(7)
    common = random.normal(0, 0.02, DAYS).cumsum()
    spread = random.normal(0, deviation, DAYS)
    spread[START + 1 :] = 0.0
    spread[START + 1 :][: len(after)] = np.array(after)[: DAYS - START - 1] * deviation
    own = random.normal(0, 0.03, (DAYS, 2)).cumsum(axis=0)
    logs = np.column_stack([own[:, 0], common + spread, common, own[:, 1]])
    return {
        "close": 100 * np.exp(logs),
        "average_turnover": np.tile([4e6, 3e6, 2e6, 1e6], (DAYS, 1)),
    }


def traded(fields: dict[str, Any], **parameters: Any) -> np.ndarray:
    """Weights from the first session after the formation on."""
    chosen = {"formation": 63, "trading": "monthly", "pairs": 1, "significance": 0.01}
    weights = weights_of("pairs", fields, **{**chosen, "maximum_weight": 1.0, **parameters})
    assert np.isnan(weights[:63]).all()
    after: np.ndarray = weights[START + 1 :]
    return after


def sides(weights: np.ndarray) -> list[float]:
    """The sign of S001's weight on the days of decisions, NaN between them."""
    return [float(np.sign(w)) if np.isfinite(w) else np.nan for w in weights[:, 1]]


def test_a_pair_is_entered_far_out_and_left_when_it_meets() -> None:
    weights = traded(market([0.0, 1.5, 2.6, 1.5, 0.9, 0.1, -1.0, -2.7, -1.0, 0.0]), entry=2.0)
    expected = [np.nan, np.nan, -1, np.nan, np.nan, 0, np.nan, 1, np.nan, 0]
    np.testing.assert_array_equal(sides(weights)[:10], expected)
    entered = weights[2]
    assert entered[[0, 3]].tolist() == [0.0, 0.0]
    assert np.abs(entered).sum() == pytest.approx(1.0)
    assert entered[1] < 0 < entered[2]
    # legs 1 to the slope, which is near 1
    assert -entered[2] / entered[1] == pytest.approx(1.0, abs=0.2)


def test_a_pair_that_runs_away_is_given_up_for_the_period() -> None:
    weights = traded(market([2.6, 6.0, 2.6, 0.0, 3.0]), stop=4.0)
    np.testing.assert_array_equal(sides(weights)[:5], [-1, 0, np.nan, np.nan, np.nan])


def test_a_pair_is_given_up_when_a_leg_is_no_member() -> None:
    fields = market([2.6, 2.6, 2.6, 2.6])
    fields["member"] = np.ones((DAYS, 4), bool)
    fields["member"][START + 2, 2] = False
    weights = traded(fields)
    np.testing.assert_array_equal(sides(weights)[:4], [-1, 0, np.nan, np.nan])


def test_a_missing_price_changes_nothing() -> None:
    fields = market([2.6, 0.0, 2.0, 0.0])
    fields["close"][START + 2, 1] = np.nan
    np.testing.assert_array_equal(sides(traded(fields))[:4], [-1, np.nan, np.nan, 0])


def test_a_pair_is_given_up_when_a_leg_has_had_no_price_for_a_week() -> None:
    """Delisted, it would leave the other leg without a hedge until the period ends."""
    fields = market([2.6] * 20)
    fields["close"][START + 3 :, 2] = np.nan
    fields["member"] = np.isfinite(fields["close"])
    weights = traded(fields)
    np.testing.assert_array_equal(sides(weights)[:8], [-1, *[np.nan] * 5, 0, np.nan])


def test_each_pair_has_its_part_and_legs_are_capped() -> None:
    fields = market([2.6])
    assert np.abs(traded(fields, pairs=4)[0]).sum() == pytest.approx(0.25)
    weights = traded(fields, maximum_weight=0.1)[0]
    assert np.abs(weights).max() == pytest.approx(0.1)
    assert np.abs(weights).min() == 0.0
    assert np.abs(traded(fields, gross=1.5)[0]).sum() == pytest.approx(1.5)


def test_candidates_are_the_most_traded_and_of_one_group() -> None:
    fields = market([2.6])
    nothing = traded(fields, candidates=2)  # S000 and S001 are not tied
    assert not np.nan_to_num(nothing).any()
    apart = {**fields, "industry": np.tile([1, 0, 1, 0], (DAYS, 1))}
    assert not np.nan_to_num(traded(apart, within="industry")).any()
    together = {**fields, "industry": np.tile([1, 0, 0, 1], (DAYS, 1))}
    assert sides(traded(together, within="industry"))[0] == -1
    unknown = {**fields, "sector": np.full((DAYS, 4), -1)}
    assert not np.nan_to_num(traded(unknown, within="sector")).any()


def test_with_each_period_positions_begin_anew() -> None:
    weights = traded(market([2.6] * 30))
    starts = np.flatnonzero(rebalancing_days(sessions(DAYS), "monthly"))
    next_start = int(starts[starts > START][0]) - START - 1
    assert np.isfinite(weights[next_start]).all()
    assert np.isnan(weights[1:next_start]).all()
