"""The universe: a literal reference, every rule, no knowledge of the future."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from quant_assets.market_data import calendars
from quant_assets.market_data.universe import MAXIMUM_AGE, lookback, membership
from quant_assets.settings import UniverseRules
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.examples import bars, market, symbols, within
from quant_assets_tests.prefix import PanelInputs, check_prefix

NAN = float("nan")
LONG = calendars.sessions(market(start=date(2022, 1, 3), end=date(2024, 12, 31)))[:360]
RULES = UniverseRules(
    minimum_age=3, minimum_turnover=500.0, minimum_price=5.0, turnover_window=3, stale_sessions=2
)
QUIET = UniverseRules(minimum_age=0, turnover_window=1, stale_sessions=2)


def whole(days: np.ndarray) -> Window:
    return Window(days[0].item(), days[-1].item())


def factors(table: pa.Table, factor: dict[tuple[date, str], float] | None = None) -> pa.Table:
    """Price factors of 1, but for the given ones."""
    keys = zip(table["date"].to_pylist(), table["symbol"].to_pylist(), strict=True)
    column = pa.array([(factor or {}).get(key, 1.0) for key in keys], pa.float64())
    return table.select(["date", "symbol"]).append_column("price_factor", column)


def universe(
    closes: dict[str, list[float]],
    rules: UniverseRules = QUIET,
    listed: pa.Table | None = None,
    days: np.ndarray | None = None,
    volume: float = 100.0,
) -> pd.DataFrame:
    days = LONG if days is None else days
    used = days[: len(next(iter(closes.values())))]
    table = bars(used, closes, volume)
    found = membership(table, factors(table), listed, days, rules, whole(used))
    schema_of("universe").validate(found)
    frame: pd.DataFrame = found.to_pandas().set_index("symbol")
    return frame


def test_a_symbol_is_listed_from_its_first_bar_to_some_days_after_its_last() -> None:
    found = universe({"A": [NAN, 1, 1, NAN, NAN, NAN, NAN], "B": [1] * 7}).loc["A"]
    assert found["date"].tolist() == LONG[1:5].tolist()
    assert found["halted"].tolist() == [False, False, True, True]
    assert found["member"].tolist() == [True, True, False, False]


def test_age_counts_sessions_from_the_first_bar() -> None:
    found = universe({"A": [NAN, 1, NAN, 1, 1], "B": [1] * 5})
    assert found.loc["A"]["age"].tolist() == [1, 2, 3, 4]
    assert found.loc["B"]["age"].tolist() == [1, 2, 3, 4, 5]


def test_age_counts_from_the_list_if_it_knows_better() -> None:
    first = {"A": LONG[0].item(), "B": date(2021, 12, 30), "C": LONG[4].item()}
    closes = {"A": [NAN, NAN, 1, 1], "B": [NAN, NAN, 1, 1], "C": [NAN, NAN, 1, 1]}
    found = universe(closes, listed=symbols("A", "B", "C", first=first))
    assert found.loc["A"]["age"].tolist() == [3, 4]
    # Thursday and Friday before the market's first session count as well
    assert found.loc["B"]["age"].tolist() == [5, 6]
    # traded before the list says so: the bars are right
    assert found.loc["C"]["age"].tolist() == [1, 2]


def test_age_is_capped_and_survives_a_halt_at_the_cap() -> None:
    prices = [1.0] * 300
    prices[20] = NAN
    found = universe({"A": prices})
    assert found["age"].tolist()[:3] == [1, 2, 3]
    assert found["age"].max() == MAXIMUM_AGE
    assert set(found["age"].tolist()[MAXIMUM_AGE:]) == {MAXIMUM_AGE}


def test_a_symbol_that_comes_back_after_the_look_back_is_young_again() -> None:
    away = lookback(QUIET) + 1
    found = universe({"A": [1.0, *[NAN] * away, 1.0]})
    assert found["age"].tolist()[-1] == 1
    assert universe({"A": [1.0, *[NAN] * (away - 2), 1.0]})["age"].tolist()[-1] == MAXIMUM_AGE


def test_average_turnover_is_the_mean_over_the_bars_of_the_window() -> None:
    rules = UniverseRules(minimum_age=0, turnover_window=3, stale_sessions=5)
    found = universe({"A": [1, 2, NAN, 4, NAN, NAN, NAN]}, rules)
    assert found["average_turnover"].tolist()[:6] == [100, 150, 150, 300, 400, 400]
    assert np.isnan(found["average_turnover"].iloc[6])


@pytest.mark.parametrize(
    ("rules", "members"),
    [
        ({"minimum_age": 3}, [False, False, True, True]),
        ({"minimum_turnover": 750.0, "turnover_window": 2}, [False, True, True, True]),
        ({"minimum_price": 7.5}, [False, True, True, True]),
        ({"minimum_price": 8.0}, [False, True, True, True]),  # the bound itself is enough
    ],
)
def test_each_rule_of_membership(rules: dict[str, float], members: list[bool]) -> None:
    base = {"minimum_age": 0, "turnover_window": 1, "stale_sessions": 2}
    found = universe({"A": [7, 8, 8, 8]}, UniverseRules.model_validate(base | rules))
    assert found["member"].tolist() == members


def test_sector_and_industry_come_from_the_list_or_are_missing() -> None:
    found = universe({"A": [1], "B": [1]}, listed=symbols("A"))
    assert found["sector"].tolist() == ["S", None]
    assert found["industry"].tolist() == ["I", None]
    assert universe({"A": [1]})["sector"].tolist() == [None]


def test_limits_are_reached_from_the_last_close_made_ex_right() -> None:
    rules = QUIET.model_copy(update={"limit_move": 0.1})
    # +10 %, rounded to the tick; -10 %; split in two and +10 %; halted; +9 %; back after too long
    closes = [10.03, 11.03, 9.93, 5.46, NAN, 5.95, NAN, NAN, NAN, 9.0]
    days = LONG[: len(closes)]
    table = bars(days, {"A": closes})
    split = {(day, "A"): 2.0 for day in days[3:].tolist()}
    found = membership(table, factors(table, split), None, LONG, rules, whole(days))
    found = found.filter(pa.array([not halted for halted in found["halted"].to_pylist()]))
    assert found["limit_up"].to_pylist() == [False, True, False, True, False, False]
    assert found["limit_down"].to_pylist() == [False, False, True, False, False, False]


def test_without_a_limit_nothing_is_at_it() -> None:
    found = universe({"A": [1, 100]})
    assert not found["limit_up"].any()
    assert not found["limit_down"].any()


def literal(closes: dict[str, list[float]], rules: UniverseRules) -> list[tuple[object, ...]]:
    """Day by day and symbol by symbol, from lists."""
    rows: list[tuple[object, ...]] = []
    for t in range(len(next(iter(closes.values())))):
        for symbol in sorted(closes):
            known = closes[symbol][: t + 1]
            seen = [i for i, price in enumerate(known) if not np.isnan(price)]
            if not seen or t - seen[-1] > rules.stale_sessions:
                continue
            recent = [i for i in seen if i >= t - MAXIMUM_AGE - rules.stale_sessions]
            age = min(t - recent[0] + 1, MAXIMUM_AGE)
            window = [known[i] * 100 for i in seen if i > t - rules.turnover_window]
            average = sum(window) / len(window) if window else NAN
            traded = seen[-1] == t
            member = (
                traded
                and age >= rules.minimum_age
                and average >= rules.minimum_turnover
                and known[-1] >= rules.minimum_price
            )
            rows.append((symbol, age, average, not traded, member))
    return rows


def noisy(count: int, seed: int) -> dict[str, list[float]]:
    """Prices with missing days, late listings and delistings."""
    random = np.random.default_rng(seed)
    closes = {}
    for number in range(6):
        prices = 6 * np.exp(random.normal(0, 0.05, count).cumsum())
        prices[random.random(count) < 0.2] = NAN
        first, last = sorted(random.integers(0, count, 2)) if number else (0, count)
        prices[:first] = NAN
        prices[last:] = NAN
        closes[f"S{number}"] = prices.tolist()
    return closes


@pytest.mark.parametrize("seed", range(4))
def test_the_universe_is_that_of_the_literal_reference(seed: int) -> None:
    closes = noisy(300, seed)
    found = universe(closes, RULES).reset_index()
    expected = literal(closes, RULES)
    assert len(found) == len(expected) > 300
    names = ["symbol", "age", "average_turnover", "halted", "member"]
    for name, values in zip(names, zip(*expected, strict=True), strict=True):
        if name == "average_turnover":
            np.testing.assert_allclose(found[name], values, rtol=1e-12)
        else:
            assert found[name].tolist() == list(values)
    assert 0 < found["member"].sum() < len(found)


@pytest.mark.parametrize("limit_move", [None, 0.1])
def test_the_universe_knows_no_future_and_no_range_start(limit_move: float | None) -> None:
    rules = RULES.model_copy(update={"limit_move": limit_move})
    closes = {name: np.array(prices) for name, prices in noisy(len(LONG), 9).items()}
    names = np.array(sorted(closes), dtype=object)
    panel = np.stack([closes[name] for name in names], axis=1)
    listed = symbols("S1", "S2", first={"S1": LONG[2].item()})

    def rows(data: PanelInputs) -> pa.Table:
        prices = {
            str(name): data.fields["close"][:, i].tolist() for i, name in enumerate(data.symbols)
        }
        table = bars(data.dates, prices)
        return membership(table, factors(table), listed, LONG, rules, whole(data.dates))

    check_prefix(rows, PanelInputs(LONG, names, {"close": panel}), lookback(rules))


def test_too_short_a_look_back_is_noticed() -> None:
    """The test above can fail: one session less than the look-back changes an age."""
    closes = {"A": [1.0] * (MAXIMUM_AGE + 1)}
    table = bars(LONG[: MAXIMUM_AGE + 1], closes)
    day = LONG[MAXIMUM_AGE - 1].item()
    for cut, age in ((0, MAXIMUM_AGE), (1, MAXIMUM_AGE - 1)):
        seen = within(table, LONG[cut].item(), day)
        found = membership(seen, factors(seen), None, LONG, QUIET, Window(day, day))
        assert found["age"].to_pylist() == [age]
