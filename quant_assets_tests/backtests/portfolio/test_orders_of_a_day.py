"""How far a day's orders go: turnover, the band, whole lots."""

import numpy as np
import pytest

from quant_assets.backtests.portfolio.construction import construct
from quant_assets_tests.backtests.portfolio.samples import by_symbol, candidates, how, targets


def test_turnover_lets_the_best_ranked_go_first() -> None:
    made = construct(candidates("AB"), how(limits={"turnover": 0.6}))
    assert targets(made) == {"A": 0.5, "B": 0.1}
    assert by_symbol(made)["A"].reasons == ()
    assert by_symbol(made)["B"].reasons == (
        "turnover: a change of +50.00% is cut to +10.00%, all orders together trade at most 60%",
    )
    moved = construct(
        candidates("ABC", previous=[0.0, 0.5, 0.5]), how(names=2, limits={"turnover": 0.5})
    )
    assert targets(moved) == {"A": 0.25, "B": 0.5, "C": 0.25}
    assert by_symbol(moved)["C"].reasons == (
        "not among the 2 that are held",
        "turnover: a change of -50.00% is cut to -25.00%, all orders together trade at most 50%",
    )


def test_turnover_closes_the_smallest_positions_first() -> None:
    """0.4 of turnover: 0.2 is sold, all of C and a part of D, and 0.2 bought, all of it A."""
    made = construct(
        candidates("ABCD", previous=[0.0, 0.0, 0.1, 0.9]), how(names=2, limits={"turnover": 0.4})
    )
    assert targets(made) == {"A": 0.2, "B": 0.0, "C": 0.0, "D": 0.8}
    assert by_symbol(made)["B"].status == "cut"


def test_what_is_not_sold_yet_takes_the_room_of_its_sector() -> None:
    """B is to take C's place in oil; C is larger than D, so D goes first and B has to wait."""
    made = construct(
        candidates("ABCD", previous=[0.3, 0.0, 0.3, 0.2], sectors=(None, "oil", "oil", "rail")),
        how(names=2, limits={"turnover": 0.4, "sector": 0.3, "position": 0.5}),
    )
    orders = by_symbol(made)
    assert orders["D"].target == 0.0
    assert orders["B"].target + orders["C"].target <= 0.3 + 1e-12
    assert made.turnover <= 0.4 + 1e-12


def test_what_is_above_its_cap_goes_first() -> None:
    """Turnover is for bringing A back under its cap before anything is bought."""
    made = construct(
        candidates("AB", previous=[0.8, 0.0]), how(limits={"turnover": 0.3, "position": 0.5})
    )
    assert targets(made) == {"A": 0.5, "B": 0.0}
    assert made.turnover == pytest.approx(0.3)
    assert by_symbol(made)["B"].status == "cut"


def test_orders_are_whole_lots() -> None:
    made = construct(
        candidates("AB", prices=[37.0, 190.0], previous=[0.0, 0.6]),
        how(limits={"position": 0.5}),
        lot=100,
        capital=100_000,
    )
    # A: 0.5 x 100,000 / 37 = 1,351 shares; B: 0.1 x 100,000 / 190 = 52.6 are too many.
    orders = by_symbol(made)
    assert orders["A"].quantity == 1300
    assert orders["A"].target == pytest.approx(1300 * 37 / 100_000)
    assert orders["A"].reasons == ("lot rounding: +1,351.4 shares wanted, +1,300 in lots of 100",)
    assert orders["B"].quantity == -100
    assert orders["B"].target == pytest.approx(0.6 - 100 * 190 / 100_000)


def test_an_order_below_a_lot_is_none() -> None:
    made = construct(candidates("AB", prices=[10.0, 6000.0]), how(), lot=100, capital=1_000_000)
    small = by_symbol(made)["B"]
    assert (small.quantity, small.target, small.status) == (0.0, 0.0, "cut")
    assert small.reasons == ("lot rounding: +83.3 shares wanted, +0 in lots of 100",)


def test_a_closed_position_is_sold_in_whole_shares() -> None:
    """Weights drift, so the last piece of a share is not there: what is left of it is closed."""
    made = construct(
        candidates("AB", previous=[0.0, 0.12345], ranks=np.array([1, 0]), scores=[1.0, np.nan]),
        how(),
        lot=100,
        capital=100_000,
    )
    assert by_symbol(made)["B"].quantity == -123
    assert by_symbol(made)["B"].target == 0.0


def test_small_changes_are_left_alone() -> None:
    made = construct(candidates("AB", previous=[0.499, 0.501]), how(), band=0.005)
    assert made.turnover == 0.0
    assert {order.status for order in made.orders} == {"hold"}
    assert by_symbol(made)["A"].reasons == ("band: a change of +0.10% is below 0.50%",)
    same = construct(
        candidates("AB", previous=[0.499, 0.501]), how(limits={"smallest_change": 0.005})
    )
    assert same == made


def test_a_small_sale_that_a_cap_demands_is_made() -> None:
    made = construct(
        candidates("AB", previous=[0.501, 0.3]), how(limits={"position": 0.5}), band=0.005
    )
    assert targets(made) == {"A": 0.5, "B": 0.5}
