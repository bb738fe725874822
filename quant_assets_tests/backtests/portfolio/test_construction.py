"""From candidates to orders: what is bought and sold without limits; limits all together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.backtests.portfolio.candidates import Candidates
from quant_assets.backtests.portfolio.construction import construct
from quant_assets.settings_portfolio import Limits, Method, PortfolioSettings
from quant_assets_tests.backtests.portfolio.samples import (
    by_symbol,
    candidates,
    factor_returns,
    how,
    targets,
)


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


def test_what_strategies_want_short_is_not_bought_nor_the_other_way_round() -> None:
    """A blend's scores are weights, so their sign is a side; a model's only rank."""
    blend = {"source": "strategies", "strategies": {"pairs": 1.0}}
    given_candidates = candidates("ABC", scores=[0.3, 0.1, -0.4])
    made = construct(given_candidates, how(**blend))
    assert targets(made) == {"A": 0.5, "B": 0.5, "C": 0.0}
    assert by_symbol(made)["C"].reasons == ("score: the strategies want it short",)
    neutral = construct(given_candidates, how(**blend, direction="dollar_neutral", names=2))
    assert targets(neutral) == {"A": 0.25, "B": 0.25, "C": -0.5}
    by_model = construct(given_candidates, how())
    assert [order.target for order in by_model.orders] == pytest.approx([1 / 3] * 3)


def test_what_is_not_ranked_is_sold() -> None:
    made = construct(
        candidates("AB", ranks=np.array([1, 0]), previous=[0.5, 0.5], scores=[1.0, np.nan]), how()
    )
    assert targets(made) == {"A": 1.0, "B": 0.0}
    sold = by_symbol(made)["B"]
    assert (sold.rank, sold.side, sold.status) == (None, "sell", "order")
    assert sold.reasons == ("no score",)
    assert made.orders[-1] is sold


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
        np.where(random.random(count) < 0.8, random.lognormal(20, 2, count), np.nan),
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
        if abs(order.target - order.unconstrained) > 2e-4:
            assert order.reasons, order
        assert order.status != "blocked" or order.quantity == 0
        if lot and order.target > order.previous >= 0:
            assert order.quantity % lot == 0
