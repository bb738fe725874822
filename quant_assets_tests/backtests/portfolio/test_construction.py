"""From candidates to orders: literal cases of every limit, then all limits on random candidates."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.backtests.portfolio.candidates import Candidates
from quant_assets.backtests.portfolio.checks import AllocationError
from quant_assets.backtests.portfolio.construction import Construction, Order, construct
from quant_assets.settings_portfolio import Limits, Method, PortfolioSettings
from quant_assets_tests.backtests.portfolio.samples import candidates, factor_returns

NO_LIMITS = {"position": 1.0, "sector": 1.0, "correlation": 1.0, "turnover": 4.0}


def how(**changes: Any) -> PortfolioSettings:
    """Equal weights without any limit, but for what is changed; `limits` by name."""
    limits = {**NO_LIMITS, "smallest_change": 0.0, **changes.pop("limits", {})}
    values = {"method": "equal", "names": 4, "volatility_target": None, **changes}
    return PortfolioSettings(limits=Limits(**limits), **values)


def by_symbol(made: Construction) -> dict[str, Order]:
    return {order.symbol: order for order in made.orders}


def targets(made: Construction) -> dict[str, Any]:
    return {order.symbol: pytest.approx(order.target, abs=1e-12) for order in made.orders}


def test_without_limits_the_best_ranked_are_bought_as_the_method_sizes_them() -> None:
    made = construct(candidates("ABCD"), how(names=2))
    assert targets(made) == {"A": 0.5, "B": 0.5}
    first = by_symbol(made)["A"]
    assert (first.status, first.side, first.quantity) == ("order", "buy", pytest.approx(5000.0))
    assert first.reasons == ()
    assert (made.turnover, made.gross) == (pytest.approx(1.0), pytest.approx(1.0))
    assert made.cash == pytest.approx(0.0)
    assert made.volatility == pytest.approx(0.2 / np.sqrt(2))


def test_sizes_follow_volatility_and_confidence() -> None:
    given_candidates = candidates("AB", volatility=[0.1, 0.3], confidences=[0.5, 1.0])
    made = construct(given_candidates, how(method="inverse_volatility"))
    # 1/0.1 x 0.5 = 5 and 1/0.3 x 1 = 3.33
    assert targets(made) == {"A": 0.6, "B": 0.4}
    without = construct(given_candidates, how(method="inverse_volatility", confidence_power=0.0))
    assert targets(without) == {"A": 0.75, "B": 0.25}


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


def test_what_is_not_ranked_is_sold() -> None:
    made = construct(
        candidates("AB", ranks=np.array([1, 0]), previous=[0.5, 0.5], scores=[1.0, np.nan]), how()
    )
    assert targets(made) == {"A": 1.0, "B": 0.0}
    sold = by_symbol(made)["B"]
    assert (sold.rank, sold.side, sold.status) == (None, "sell", "order")
    assert sold.reasons == ("no score",)
    assert made.orders[-1] is sold


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


def test_what_a_method_gives_nothing_is_told() -> None:
    alike = np.array([[1.0, 0.95], [0.95, 1.0]])
    made = construct(
        candidates("AB", volatility=[0.1, 0.4], correlation=alike), how(method="minimum_variance")
    )
    assert by_symbol(made)["B"].reasons == ("method: minimum_variance gives it no weight",)


def test_nothing_to_hold_is_all_cash() -> None:
    made = construct(candidates("A", unfit=("too young",)), how())
    assert made.cash == 1.0
    assert [order.status for order in made.orders] == ["cut"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"previous": [0.1]}, r"previous of the candidates must have the shape \(2,\)"),
        ({"sectors": (None,)}, "sectors must be given for each of the 2 candidates. Got 1"),
        ({"previous": [0.1, np.nan]}, "B: its previous weight must be finite. Got nan"),
        ({"covariance": np.full((2, 2), np.nan)}, "A: its variance is not known"),
    ],
)
def test_candidates_that_cannot_be_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(AllocationError, match=message):
        candidates("AB", **change)


def test_a_symbol_stands_once() -> None:
    with pytest.raises(AllocationError, match="a symbol stands twice"):
        candidates("AA")


METHODS: tuple[Method, ...] = (
    *("equal", "inverse_volatility", "equal_risk_contribution", "hierarchical_risk_parity"),
    *("minimum_variance", "black_litterman", "kelly"),
)


def anything(random: np.random.Generator, short: bool) -> Candidates:
    """Candidates of every kind: halted, at a limit, unfit, without score, held and not."""
    count = int(random.integers(1, 20))
    covariance = np.cov(factor_returns(int(random.integers(1 << 30)), 80, count).T) * 252
    covariance = covariance.reshape(count, count)
    sigma = np.sqrt(covariance.diagonal())
    unscored = random.random(count) < 0.1
    ranks = np.where(unscored, 0, random.permutation(count) + 1)
    previous = np.where(random.random(count) < 0.4, random.random(count), 0.0)
    previous *= random.random() / max(previous.sum(), 1e-9)
    halted = random.random(count) < 0.08

    def some(chance: float, reason: str) -> list[str | None]:
        return [reason if random.random() < chance else None for _ in range(count)]

    return Candidates(
        tuple(f"S{k:02d}" for k in range(count)),
        ranks,
        np.where(unscored, np.nan, -1.0 * ranks),
        np.where(unscored, np.nan, random.random(count)),
        random.normal(size=count) * 0.1,
        covariance,
        covariance / sigma / sigma[:, None],
        tuple(("oil", "rail", "tea", None)[k] for k in random.integers(0, 4, count)),
        previous * (random.choice([-1.0, 1.0], count) if short else 1.0),
        random.uniform(5, 200, count),
        tuple(some(0.05, "not a member")),
        tuple("halted" if h else r for h, r in zip(halted, some(0.04, "limit"), strict=True)),
        tuple("halted" if h else r for h, r in zip(halted, some(0.04, "limit"), strict=True)),
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from(METHODS), st.booleans())
@settings(deadline=None, max_examples=60)
def test_every_limit_is_kept_or_was_broken_before(seed: int, method: Method, short: bool) -> None:
    random = np.random.default_rng(seed)
    given_candidates = anything(random, short)
    lot, limits = (
        int(random.choice([0, 1, 100])),
        Limits(
            position=float(random.choice([0.05, 0.1, 0.3])),
            sector=float(random.choice([0.1, 0.3, 1.0])),
            correlation=float(random.choice([0.3, 0.8, 1.0])),
            turnover=float(random.choice([0.05, 0.3, 0.5, 2.0])),
            smallest_change=float(random.choice([0.0, 0.005])),
        ),
    )
    chosen = PortfolioSettings(
        method=method,
        names=int(random.integers(1, 12)),
        direction="dollar_neutral" if short else "long_only",
        volatility_target=float(random.choice([0.05, 0.15, 1.0])),
        limits=limits,
    )
    made = construct(given_candidates, chosen, lot)
    assert repr(construct(given_candidates, chosen, lot)) == repr(made)  # to the last bit
    before = dict(zip(given_candidates.symbols, given_candidates.previous, strict=True))
    after = {**before, **{order.symbol: order.target for order in made.orders}}
    stuck = {s for k, s in enumerate(given_candidates.symbols) if given_candidates.stuck(k)}
    assert made.turnover <= limits.turnover + 1e-9
    for place, symbol in enumerate(given_candidates.symbols):
        change = after[symbol] - before[symbol]
        assert not (change > 0 and given_candidates.no_buy[place])
        assert not (change < 0 and given_candidates.no_sell[place])
        assert symbol not in stuck or change == 0
        assert abs(after[symbol]) <= max(limits.position, abs(before[symbol])) + 1e-9
        assert short or after[symbol] >= 0
    for sector in ("oil", "rail", "tea"):
        for sign in (1, -1):
            inside = [
                s
                for k, s in enumerate(given_candidates.symbols)
                if given_candidates.sectors[k] == sector
            ]
            now, was = (
                sum(max(sign * weights[s], 0.0) for s in inside) for weights in (after, before)
            )
            assert now <= max(limits.sector, was) + 1e-9
    if not short:
        assert sum(after.values()) <= max(1.0, sum(before.values())) + 1e-9
    for order in made.orders:
        if order.status in ("reduced", "cut", "blocked"):
            assert order.reasons, order
        if lot and order.target > order.previous >= 0:
            assert order.quantity % lot == 0
