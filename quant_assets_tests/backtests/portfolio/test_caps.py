"""Limits of the portfolio that is wanted: positions, sectors, correlation, volatility, sides."""

import numpy as np
import pytest

from quant_assets.backtests.portfolio.construction import construct
from quant_assets.settings_portfolio import Method
from quant_assets_tests.backtests.portfolio.samples import by_symbol, candidates, how, targets


def test_a_position_cap_gives_what_it_cuts_to_the_others() -> None:
    made = construct(
        candidates("ABC", volatility=[0.1, 0.2, 0.4]),
        how(method="inverse_volatility", limits={"position": 0.4}),
    )
    assert targets(made) == {"A": 0.4, "B": 0.4, "C": 0.2}
    orders = by_symbol(made)
    assert orders["A"].unconstrained == pytest.approx(4 / 7)
    assert orders["A"].reasons == ("position cap: 57.14% wanted, at most 40.00%",)
    assert orders["A"].status == "reduced"
    assert orders["C"].reasons == ("raised from 14.29% by what limits cut from others",)
    assert orders["C"].status == "order"


def test_a_sector_cap_binds_a_sector_as_a_whole_and_unknown_ones_not() -> None:
    made = construct(
        candidates("ABCD", sectors=("oil", "oil", "rail", None)),
        how(limits={"sector": 0.3, "position": 0.9}),
    )
    assert targets(made) == {"A": 0.15, "B": 0.15, "C": 0.3, "D": 0.4}
    orders = by_symbol(made)
    assert orders["A"].reasons == ("sector cap: 25.00% wanted, oil has at most 30%",)
    assert orders["D"].reasons == ("raised from 25.00% by what limits cut from others",)


def test_what_no_cap_leaves_room_for_stays_cash() -> None:
    made = construct(candidates("AB"), how(limits={"position": 0.3}))
    assert targets(made) == {"A": 0.3, "B": 0.3}
    assert made.cash == pytest.approx(0.4)


def test_of_two_that_move_together_the_better_ranked_is_held() -> None:
    alike = np.array([[1.0, 0.9, 0.1], [0.9, 1.0, 0.1], [0.1, 0.1, 1.0]])
    made = construct(candidates("ABC", correlation=alike), how(limits={"correlation": 0.8}))
    assert targets(made) == {"A": 0.5, "B": 0.0, "C": 0.5}
    assert by_symbol(made)["B"].reasons == ("correlation: 0.90 with A, at most 0.80 is allowed",)
    assert by_symbol(made)["B"].status == "cut"


def test_the_volatility_target_scales_all_positions_down() -> None:
    made = construct(candidates("AB"), how(volatility_target=0.1))
    assert targets(made) == {"A": pytest.approx(0.3535533906), "B": pytest.approx(0.3535533906)}
    assert made.volatility == pytest.approx(0.1)
    assert by_symbol(made)["A"].reasons == (
        "volatility: sizes times 0.71 for at most 10.0% a year",
    )
    calm = construct(candidates("AB"), how(volatility_target=0.3))
    assert targets(calm) == {"A": 0.5, "B": 0.5}


def test_dollar_neutral_is_long_the_best_and_short_the_worst() -> None:
    made = construct(
        candidates("ABCD", volatility=[0.1, 0.3, 0.2, 0.2]),
        how(direction="dollar_neutral", method="inverse_volatility", names=2),
    )
    assert targets(made) == {"A": 0.375, "B": 0.125, "C": -0.25, "D": -0.25}
    assert (made.gross, made.cash) == (pytest.approx(1.0), pytest.approx(1.0))
    assert by_symbol(made)["D"].side == "sell"


def test_dollar_neutral_takes_the_side_with_less_room() -> None:
    made = construct(
        candidates("ABCD", no_sell=(None, None, None, "not to be borrowed")),
        how(direction="dollar_neutral", names=2, limits={"position": 0.2}),
    )
    assert targets(made) == {"A": 0.1, "B": 0.1, "C": -0.2, "D": 0.0}
    assert made.cash == pytest.approx(1.0)


@pytest.mark.parametrize("method", ["minimum_variance", "black_litterman", "kelly"])
def test_methods_that_optimise_do_so_within_the_caps(method: Method) -> None:
    made = construct(
        candidates(
            "ABCD",
            volatility=[0.1, 0.2, 0.3, 0.4],
            sectors=("oil", "oil", "rail", "rail"),
            expected=[0.2, 0.3, 0.4, 0.5],
            confidences=np.full(4, 0.7),
        ),
        how(method=method, kelly_fraction=1.0, limits={"position": 0.4, "sector": 0.6}),
    )
    held = {order.symbol: order.target for order in made.orders}
    assert all(0 <= weight <= 0.4 + 1e-9 for weight in held.values())
    assert held["A"] + held["B"] <= 0.6 + 1e-9
    assert sum(held.values()) == pytest.approx(1.0)
    assert any(r.startswith(("position", "sector")) for o in made.orders for r in o.reasons)
