"""Equal shares, blended ranks, and signals as expressions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant_assets.backtests.blending import blended_ranks
from quant_assets.backtests.formulas import evaluated
from quant_assets.backtests.shares import equal_shares
from quant_assets.factors.expressions.errors import ExpressionError

EVERYBODY = np.ones((1, 4), bool)
DUE = np.array([True])


@given(
    st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, np.nan]), min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.floats(0.01, 2),
    st.floats(0.01, 1),
    st.sampled_from(["held", "members"]),
)
def test_shares_are_equal_bounded_and_of_the_eligible(
    direction: list[float], eligible: list[bool], total: float, maximum: float, among: str
) -> None:
    sides = np.where(np.isnan(direction), 0.0, np.sign(direction))
    weights = equal_shares(
        np.array([sides]),
        np.array([eligible]),
        DUE,
        total,
        maximum,
        among,  # type: ignore[arg-type]
    )[0]
    if not any(eligible):
        assert np.isnan(weights).all()
        return
    held = np.array(eligible) & (sides != 0)
    assert ((weights != 0) == held).all()
    assert (np.sign(weights[held]) == sides[held]).all()
    slots = held.sum() if among == "held" else sum(eligible)
    if held.any():
        assert np.abs(weights[held]) == pytest.approx(min(total / slots, maximum))


def test_rows_without_a_total_or_not_due_are_not_decided() -> None:
    weights = equal_shares(
        np.ones((3, 4)),
        np.ones((3, 4), bool),
        np.array([True, True, False]),
        np.array([0.5, np.nan, 1.0]),
        1.0,
    )
    assert weights[0].tolist() == [0.125] * 4
    assert np.isnan(weights[1:]).all()


def test_ranks_are_blended_by_weight() -> None:
    panels = [np.array([[1.0, 2.0, 3.0, np.nan]]), np.array([[5.0, 5.0, 1.0, 9.0]])]
    blended = blended_ranks(panels, [1.0, -0.5], EVERYBODY, DUE)[0]
    # ranks -1/2, 0, 1/2 and, ties shared, 0, 0, -1/2, 1/2
    assert blended[:3] == pytest.approx([-1 / 3, 0.0, (0.5 + 0.25) / 1.5])
    assert np.isnan(blended[3])  # a third of the weight is known, half is needed
    assert blended_ranks(panels, [1.0, -0.5], EVERYBODY, DUE, 0.3)[0, 3] == pytest.approx(-0.5)


def test_only_the_eligible_are_ranked_against_each_other() -> None:
    eligible = np.array([[True, False, True, True]])
    blended = blended_ranks([np.array([[1.0, 99.0, 2.0, 3.0]])], [2.0], eligible, DUE)[0]
    assert blended[[0, 2, 3]] == pytest.approx([-0.5, 0.0, 0.5])
    assert np.isnan(blended[1])
    assert np.isnan(blended_ranks([np.ones((1, 4))], [1.0], EVERYBODY, ~DUE)).all()


def test_expressions_are_not_cut_short_at_the_start() -> None:
    close = np.arange(1.0, 13.0).reshape(6, 2)
    mean = evaluated("ts_mean(close, 3)", close=close)
    assert np.isnan(mean[:2]).all()
    np.testing.assert_allclose(mean[2:], (close[2:] + close[1:-1] + close[:-2]) / 3)
    with pytest.raises(ExpressionError, match="no operator 'ts_meen'"):
        evaluated("ts_meen(close, 3)", close=close)
    with pytest.raises(ValueError, match="high"):
        evaluated("ts_mean(high, 3)", close=close)
