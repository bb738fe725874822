"""From signals to weights: calendars, edges, caps."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from quant_assets.backtests.selection import (
    LONGEST_PERIOD,
    SelectionParameters,
    capped,
    rebalancing_days,
    selection_weights,
)


def one_row(signal: list[float], **parameters: Any) -> np.ndarray:
    values = np.array([signal])
    chosen = SelectionParameters(**{"minimum_names": 1, "maximum_weight": 1.0, **parameters})
    everyone, due = np.ones(values.shape, bool), np.array([True])
    weights: np.ndarray = selection_weights(values, everyone, due, chosen)[0]
    return weights


def test_periods_begin_on_their_first_session_and_the_first_row_is_none() -> None:
    dates = np.array(
        ["2023-12-28", "2023-12-29", "2024-01-02", "2024-01-05", "2024-01-08", "2024-02-01"],
        "datetime64[D]",
    )
    assert rebalancing_days(dates, "daily").all()
    assert rebalancing_days(dates, "weekly").tolist() == [False, False, True, False, True, True]
    assert rebalancing_days(dates, "monthly").tolist() == [False, False, True, False, False, True]
    assert rebalancing_days(dates, "quarterly").tolist() == [False, False, True, *[False] * 3]


@pytest.mark.parametrize(("month", "begins"), [(1, True), (2, False), (4, True), (12, False)])
def test_quarters_begin_in_january_april_july_and_october(month: int, begins: bool) -> None:
    first = np.datetime64(f"2023-{month:02d}-01", "D")
    days = first + np.arange(-3, 3)
    assert rebalancing_days(days, "quarterly").tolist() == [*[False] * 3, begins, False, False]


def test_no_period_is_longer_than_is_said() -> None:
    days = np.datetime64("1999-01-01", "D") + np.arange(4000)
    for every, longest in LONGEST_PERIOD.items():
        assert np.diff(np.flatnonzero(rebalancing_days(days, every))).max() == longest


@given(
    st.integers(0, 4000), st.integers(1, 30), st.sampled_from(["weekly", "monthly", "quarterly"])
)
def test_a_range_start_makes_no_day_special(start: int, skip: int, every: Any) -> None:
    days = np.datetime64("2010-01-01", "D") + np.arange(start, start + 60)
    whole = rebalancing_days(days, every)
    assert (rebalancing_days(days[skip:], every)[1:] == whole[skip + 1 :]).all()


def test_the_best_are_held_and_ties_go_by_the_alphabet() -> None:
    assert one_row([1, 5, 3, 5, 5], quantile=0.4).tolist() == [0, 0.5, 0, 0.5, 0]
    assert one_row([np.nan, 2, 1, 0, 3], quantile=0.5).tolist() == [0, 0.5, 0, 0, 0.5]


def test_a_tenth_of_seventy_is_seven() -> None:
    # in floats 70 * 0.1 is above 7 and 100 * 0.29 below 29
    for count, quantile, held in ((70, 0.1, 7), (100, 0.29, 29), (9, 0.5, 4), (3, 0.1, 1)):
        weights = one_row(list(range(count)), quantile=quantile)
        assert np.count_nonzero(weights) == held
        assert weights.sum() == pytest.approx(1.0)


def test_score_weights_are_in_proportion_to_standard_scores() -> None:
    signal = np.array([4.0, 1.0, 0.0, -1.0])
    standard = (signal - signal.mean()) / signal.std(ddof=1)
    weights = one_row(signal.tolist(), quantile=0.5, weighting="score")
    # the second is at the mean: a score of 0 gets nothing
    assert standard[1] == pytest.approx(0.0)
    assert weights.tolist() == [1.0, 0.0, 0.0, 0.0]
    signal = np.array([4.0, 3.0, 0.0, -1.0, -2.0])
    strength = (signal - signal.mean())[:2]
    weights = one_row(signal.tolist(), quantile=0.4, weighting="score")
    assert weights[:2] == pytest.approx(strength / strength.sum())


def test_equal_signals_get_equal_weights() -> None:
    assert one_row([2, 2, 2, 2], quantile=0.5, weighting="score").tolist() == [0.5, 0.5, 0, 0]


def test_long_short_is_half_a_side() -> None:
    weights = one_row([5, 4, 3, 2, 1, 0], quantile=0.34, long_short=True, gross=1.6)
    assert weights.tolist() == pytest.approx([0.4, 0.4, 0, 0, -0.4, -0.4])


@pytest.mark.parametrize("weighting", ["equal", "score"])
def test_the_worst_are_short_in_proportion_too(weighting: str) -> None:
    weights = one_row([9, 5, 1, 0], quantile=0.25, long_short=True, weighting=weighting)
    assert weights.tolist() == pytest.approx([0.5, 0, 0, -0.5])


@pytest.mark.parametrize("weighting", ["equal", "score"])
def test_of_equals_nobody_is_held_and_sold_short(weighting: str) -> None:
    weights = one_row([2] * 5, quantile=0.4, long_short=True, weighting=weighting)
    assert weights.tolist() == pytest.approx([0.25, 0.25, 0, -0.25, -0.25])
    signal = [0.0, 0, 1, 0, 0, 0]
    weights = one_row(signal, quantile=0.34, long_short=True)
    assert weights.tolist() == pytest.approx([0.25, 0, 0.25, 0, -0.25, -0.25])


def test_what_is_not_decided_is_nan() -> None:
    signal = np.array([[1.0, 2.0, 3.0]] * 4)
    signal[2, 0] = np.nan
    eligible = np.ones(signal.shape, bool)
    eligible[3, 1] = False
    parameters = SelectionParameters(minimum_names=3, maximum_weight=1.0)
    weights = selection_weights(signal, eligible, np.array([True, False, True, True]), parameters)
    assert np.isfinite(weights).all(axis=1).tolist() == [True, False, False, False]
    assert np.isnan(weights[1:]).all()


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=30),
    st.floats(0.01, 2),
    st.floats(0.01, 1),
)
def test_caps_hold_and_lose_nothing_that_fits(
    strength: list[float], total: float, maximum: float
) -> None:
    weights = capped(np.array(strength), total, maximum)
    positive = int((np.array(strength) > 0).sum())
    assert (weights <= maximum * (1 + 1e-12)).all()
    assert (weights[np.array(strength) == 0] == 0).all()
    assert weights.sum() == pytest.approx(min(total, positive * maximum) if positive else 0.0)
    ordered = weights[np.argsort(strength, kind="stable")]
    assert (np.diff(ordered) >= -1e-12).all()


def test_caps_by_hand() -> None:
    # 0.6 is cut to 0.4, its 0.2 goes to the others as 3 : 1
    assert capped(np.array([6.0, 3.0, 1.0]), 1.0, 0.5).tolist() == pytest.approx(
        [0.5, 0.375, 0.125]
    )
    # the second is pushed above by what the first gives up
    assert capped(np.array([6.0, 3.0, 1.0]), 1.0, 0.35).tolist() == pytest.approx([0.35, 0.35, 0.3])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"gross": 1.5}, "gross must be at most 1 without long_short"),
        ({"quantile": 0.6}, "less than or equal to 0.5"),
        ({"quantile": 0}, "greater than 0"),
        ({"maximum_weight": 0}, "greater than 0"),
        ({"weighting": "cap"}, "'equal' or 'score'"),
        ({"rebalance": "hourly"}, "'daily', 'weekly', 'monthly' or 'quarterly'"),
        ({"quantil": 0.1}, "Extra inputs are not permitted"),
    ],
)
def test_parameters_out_of_bounds(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SelectionParameters(**values)
