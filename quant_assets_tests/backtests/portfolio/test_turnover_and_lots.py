"""The way to the target within the turnover, and from weights to whole lots."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quant_assets.backtests.portfolio.lots import quantities, weights_after
from quant_assets.backtests.portfolio.turnover import within_turnover
from quant_assets.market_data.panels import FloatArray


@given(st.integers(0, 2**32 - 1), st.floats(0, 2))
def test_the_limit_is_used_up_and_never_passed(seed: int, limit: float) -> None:
    random = np.random.default_rng(seed)
    previous, first, target = random.normal(size=(3, 6)) * [[0.2], [0.2], [0.3]]
    first = np.where(random.random(6) < 0.6, previous, first)
    reached = within_turnover(previous, first, target, limit)
    traded = np.abs(reached - previous).sum()
    assert traded <= limit + 1e-12
    if np.abs(target - previous).sum() <= limit and np.abs(first - previous).sum() < limit:
        assert (reached == target).all()
    else:
        assert traded == pytest.approx(min(limit, max(traded, limit)), abs=1e-9)
    # Between where it came from and where it goes, asset by asset.
    for value, *ends in zip(reached, previous, first, target, strict=True):
        assert min(ends) - 1e-12 <= value <= max(ends) + 1e-12


def test_a_step_is_walked_by_hand() -> None:
    """Forced: A from 0.6 to 0.5. Then A falls to 0.2 and B rises to 0.4: 0.1 + 0.7 s = 0.45."""
    reached = within_turnover(
        np.array([0.6, 0.0]), np.array([0.5, 0.0]), np.array([0.2, 0.4]), 0.45
    )
    np.testing.assert_allclose(reached, [0.35, 0.2])


def shares(previous: float, target: float, price: float = 100.0, lot: int = 100) -> float:
    """Of one security, with a capital of 1,000,000."""
    one = (np.array([previous]), np.array([target]), np.array([price]))
    return float(quantities(*one, lot, 1_000_000, 10.0, [0])[0])


@pytest.mark.parametrize(
    ("previous", "target", "quantity"),
    [
        (0.0, 0.0399, 300),  # 399 shares: down to whole lots
        (0.0, 0.04, 400),  # just so many, in spite of rounding
        (0.1, 0.0799, -300),  # 201 to sell: up to whole lots
        (0.1, 0.0, -1000),  # closed
        (0.01234, 0.0, -123),  # closed: an odd lot
        (0.01234, 0.001, -123),  # 113 to sell would be 200: all that is there
        (0.0, -0.0399, -300),  # short
        (-0.1, -0.0799, 300),  # a short position made smaller
        (0.01, -0.0399, -400),  # closed and 300 short
        (-0.01, 0.0399, 400),
        (0.05, 0.05, 0),
    ],
)
def test_lots_by_hand(previous: float, target: float, quantity: float) -> None:
    assert shares(previous, target) == quantity


def test_fractions_need_no_rounding() -> None:
    assert shares(0.0, 0.0399, lot=0) == pytest.approx(399.0)


def test_whole_lots_do_not_pass_the_turnover() -> None:
    """Selling whole lots trades 0.07 instead of 0.0601; the worst-ranked purchase pays for it."""
    previous = np.array([0.1, 0.0, 0.0])
    target = np.array([0.0399, 0.03, 0.02])
    prices = np.full(3, 100.0)
    found = quantities(previous, target, prices, 100, 1_000_000, 0.111, [2, 1, 0])
    assert found.tolist() == [-700, 300, 100]
    traded = float((np.abs(found) * prices).sum()) / 1_000_000
    assert traded <= 0.111


def test_with_sales_only_a_lot_of_them_is_given_up() -> None:
    found = quantities(
        np.array([0.1]), np.array([0.0399]), np.array([100.0]), 100, 1_000_000, 0.0601, [0]
    )
    assert found.tolist() == [-600]


def test_weights_are_those_of_the_shares() -> None:
    previous = np.array([0.1, 0.012345, 0.0])
    ordered = np.array([-300.0, -123.0, 0.0])
    prices: FloatArray = np.array([100.0, 100.0, np.nan])
    found = weights_after(previous, ordered, prices, 100, 1_000_000)
    np.testing.assert_allclose(found, [0.07, 0.0, 0.0])
    assert found[1] == 0.0
