"""What cannot be bought, sold or held: halted, at a price limit, unfit."""

import numpy as np
import pytest

from quant_assets.backtests.portfolio.construction import construct
from quant_assets_tests.backtests.portfolio.samples import by_symbol, candidates, how, targets


@pytest.mark.parametrize("held", [0.3, 0.0])
def test_what_is_halted_stays_and_takes_its_room(held: float) -> None:
    halted = ("halted", None, None)
    made = construct(
        candidates("ABC", previous=[held, 0.0, 0.0], no_buy=halted, no_sell=halted), how(names=2)
    )
    if held:
        assert targets(made) == {"A": 0.3, "B": 0.7}
        assert by_symbol(made)["A"].status == "blocked"
    else:
        assert targets(made) == {"A": 0.0, "B": 0.5, "C": 0.5}
        assert by_symbol(made)["A"].status == "cut"
    assert by_symbol(made)["A"].reasons == ("not tradable: halted",)


def test_at_its_upper_limit_a_position_is_not_enlarged() -> None:
    at_limit = ("closed at its upper limit", None)
    made = construct(candidates("AB", previous=[0.2, 0.1], no_buy=at_limit), how())
    assert targets(made) == {"A": 0.2, "B": 0.8}
    assert by_symbol(made)["A"].reasons == ("not tradable: closed at its upper limit",)


def test_a_stuck_position_leaves_less_room_to_its_sector() -> None:
    halted = ("halted", None, None)
    made = construct(
        candidates(
            "ABC",
            previous=[0.2, 0.0, 0.0],
            no_buy=halted,
            no_sell=halted,
            sectors=("oil", "oil", "rail"),
        ),
        how(limits={"sector": 0.3, "position": 0.5}),
    )
    assert targets(made) == {"A": 0.2, "B": pytest.approx(0.1), "C": 0.3}


def test_unfit_candidates_are_cut_with_their_reason() -> None:
    unfit = ("not a member of the universe", None)
    made = construct(candidates("AB", unfit=unfit, previous=[0.5, 0.0]), how())
    assert targets(made) == {"A": 0.0, "B": 1.0}
    assert by_symbol(made)["A"].reasons == ("not a member of the universe",)


def test_what_hedges_a_stuck_position_is_kept_under_the_volatility_target() -> None:
    """A cannot be sold: without shorts the portfolio would be neither neutral nor calmer."""
    halted = ("halted", None, None, None)
    alike = np.full((4, 4), 0.9)
    made = construct(
        candidates("ABCD", correlation=alike, previous=[0.3, 0, 0, -0.3], no_sell=halted),
        how(direction="dollar_neutral", names=2, volatility_target=0.02),
    )
    assert sum(order.target for order in made.orders) == pytest.approx(0.0)
    held = by_symbol(made)
    assert (held["A"].target, held["B"].target) == (0.3, 0.0)
    assert held["C"].target == pytest.approx(held["D"].target) == pytest.approx(-0.15)
    assert made.volatility < 0.03  # above the target, as what cannot be sold alone is


def test_a_stuck_short_position_stays_when_only_long_ones_are_wanted() -> None:
    halted = ("halted", None)
    made = construct(
        candidates("AB", previous=[-0.2, 0.0], no_buy=halted, prices=[np.nan, 100.0]), how()
    )
    assert targets(made) == {"A": -0.2, "B": 1.0}
    assert (by_symbol(made)["A"].status, by_symbol(made)["A"].quantity) == ("blocked", 0.0)
