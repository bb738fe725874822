"""The universe where the exchange tells what is halted and which prices are the limits."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from quant_assets.market_data import calendars
from quant_assets.market_data.panels import date_column
from quant_assets.market_data.universe import lookback, membership
from quant_assets.settings import UniverseRules
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.examples import bars, market

NAN = float("nan")
LONG = calendars.sessions(market(start=pd.Timestamp("2022-01-03").date(), end=None))[:330]
RULES = UniverseRules(minimum_age=0, turnover_window=1, stale_sessions=2)


def status(rows: list[tuple[int, str, bool, float, float]]) -> pa.Table:
    """Rows of (position of the day, symbol, halted, upper limit, lower limit)."""
    return pa.table(
        {
            "date": date_column(LONG[[row[0] for row in rows]]),
            "symbol": pa.array([row[1] for row in rows]),
            "halted": pa.array([row[2] for row in rows]),
            "limit_up_price": pa.array([row[3] for row in rows], from_pandas=True),
            "limit_down_price": pa.array([row[4] for row in rows], from_pandas=True),
        }
    )


def universe(
    closes: dict[str, list[float]], told: pa.Table | None, rules: UniverseRules = RULES, **how: Any
) -> pd.DataFrame:
    used = LONG[: len(next(iter(closes.values())))]
    table = bars(used, closes)
    factors = table.select(["date", "symbol"]).append_column(
        "price_factor", pa.array(np.ones(table.num_rows))
    )
    window = how.get("window", Window(used[0].item(), used[-1].item()))
    found = membership(table, factors, None, LONG, rules, window, told)
    schema_of("universe").validate(found)
    frame: pd.DataFrame = found.to_pandas().set_index("symbol")
    return frame


def test_limits_are_those_of_the_status_and_a_tick_below_is_none() -> None:
    closes = {"A": [11.0, 10.99, 9.0, 9.01, 11.0]}
    told = status([(day, "A", False, 11.0, 9.0) for day in range(4)] + [(4, "A", False, NAN, NAN)])
    found = universe(closes, told)
    assert found["limit_up"].tolist() == [True, False, False, False, False]
    assert found["limit_down"].tolist() == [False, False, True, False, False]


def test_the_status_comes_before_the_markets_own_limit() -> None:
    rules = RULES.model_copy(update={"limit_move": 0.1})
    closes = {"A": [10.0, 11.0, 12.1]}
    own = universe(closes, None, rules)
    assert own["limit_up"].tolist() == [False, True, True]
    # no limit on the second day, no row on the third
    told = universe(closes, status([(0, "A", False, 11.0, 9.0), (1, "A", False, NAN, NAN)]), rules)
    assert told["limit_up"].tolist() == [False, False, True]


def test_halted_is_what_the_status_says() -> None:
    closes = {"A": [10.0, NAN, 10.0, NAN]}
    told = status([(day, "A", day == 1, 11.0, 9.0) for day in range(3)])
    found = universe(closes, told)
    assert found["halted"].tolist() == [False, True, False, True]
    assert found["member"].tolist() == [True, False, True, False]
    assert not found[["limit_up", "limit_down"]].any(axis=None)


def test_a_halt_ends_no_listing_however_long_it_is() -> None:
    closes = {"A": [10.0, *[NAN] * 8, 10.0], "B": [10.0] * 10}
    without = universe(closes, None).loc["A"]
    assert without["date"].tolist() == LONG[[0, 1, 2, 9]].tolist()
    told = status([(day, "A", day in range(1, 9), 11.0, 9.0) for day in range(10)])
    found = universe(closes, told).loc["A"]
    assert found["date"].tolist() == LONG[:10].tolist()
    assert found["halted"].tolist() == [False, *[True] * 8, False]
    assert found["age"].tolist() == list(range(1, 11))


def test_a_share_that_did_not_trade_yet_is_listed_and_no_member() -> None:
    told = status([(0, "N", True, NAN, NAN), (1, "N", True, NAN, NAN)])
    found = universe({"A": [10.0, 10.0]}, told).loc["N"]
    assert found["halted"].tolist() == [True, True]
    assert found["member"].tolist() == [False, False]
    assert found["average_turnover"].isna().all()


@pytest.mark.parametrize("position", [270, 300, 329])
def test_a_range_start_that_leaves_the_look_back_changes_nothing(position: int) -> None:
    random = np.random.default_rng(5)
    closes = {name: (10 + random.random(330)).round(2).tolist() for name in "AB"}
    for day in range(100, 329):
        closes["A"][day] = NAN
    rows = [(day, "A", 100 <= day < 329, 10.6, 10.4) for day in range(330)]
    window = Window(LONG[position].item(), LONG[position].item())
    every = universe(closes, status(rows), window=window)
    first = position - lookback(RULES)
    late = {name: [*[NAN] * first, *values[first:]] for name, values in closes.items()}
    again = universe(late, status(rows[first:]), window=window)
    pd.testing.assert_frame_equal(every, again)
    assert every.loc["A", "age"] == min(position + 1, 252)
