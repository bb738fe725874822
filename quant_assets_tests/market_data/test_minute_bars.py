"""Minute bars: the exchange's hours, the facts of a bar, and the bar of the day."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.market_data import minute_bars
from quant_assets.market_data.minute_bars import RAW_MINUTES, Screened, screen, within_daily_bars
from quant_assets.settings import Market
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.market_data import examples
from quant_assets_tests.market_data.baostock import market

DAY, NEXT = date(2024, 1, 2), date(2024, 1, 3)
CHINA = market("x")
NAN = float("nan")


def minute(at: str, zone: str = "Asia/Shanghai", **over: Any) -> dict[str, Any]:
    stamp = datetime.fromisoformat(f"{over.pop('on', DAY)} {at}").replace(tzinfo=ZoneInfo(zone))
    row = {"session": DAY, "date": DAY, "symbol": "A", "exchange": None, "timestamp": stamp}
    prices = {"open": 10.0, "high": 10.2, "low": 9.9, "close": 10.1}
    return row | prices | {"volume": 100.0, "turnover": 1000.0, "file": "m.csv"} | over


def screened(*rows: dict[str, Any], of: Market = CHINA) -> Screened:
    numbered = [row | {"row": place} for place, row in enumerate(rows, 1)]
    found = screen(pa.Table.from_pylist(numbered, schema=RAW_MINUTES), of)
    schema_of("minute_bars").validate(found.bars)
    schema_of("minute_quarantine").validate(found.quarantine)
    assert found.bars.num_rows + found.quarantine.num_rows == len(rows)
    return found


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        ("09:15", False),  # the auction has begun, nothing is matched yet
        ("09:25", True),
        ("09:30", True),
        ("09:31", True),
        ("11:30", True),
        ("11:31", False),
        ("12:15", False),
        ("13:00", False),  # nothing ends before the first minute of the afternoon has passed
        ("13:01", True),
        ("14:57", True),
        ("15:00", True),
        ("15:01", False),
        ("15:30", False),
    ],
)
def test_the_exchanges_hours(at: str, kept: bool) -> None:
    found = screened(minute(at))
    assert found.bars.num_rows == int(kept)
    if not kept:
        assert found.quarantine["reason"].to_pylist() == ["outside_hours"]


def test_an_exchange_without_a_lunch_break_trades_through() -> None:
    new_york = examples.market()
    rows = [minute(at, "America/New_York") for at in ("09:31", "12:15", "16:00", "16:01")]
    found = screened(*rows, of=new_york)
    assert found.bars.num_rows == 3


@pytest.mark.parametrize(
    ("over", "reason"),
    [
        ({"symbol": None}, "missing_symbol"),
        ({"date": date(2024, 1, 1)}, "off_calendar"),
        ({"close": None}, "missing_price"),
        ({"low": float("inf")}, "missing_price"),
        ({"low": 0.0}, "non_positive_price"),
        ({"high": 10.05}, "inconsistent_ohlc"),
        ({"low": 10.05}, "inconsistent_ohlc"),
        ({"volume": None}, "missing_volume"),
        ({"volume": -1.0}, "negative_volume"),
        ({"turnover": -1.0}, "negative_volume"),
    ],
)
def test_the_facts_of_a_bar(over: dict[str, Any], reason: str) -> None:
    found = screened(minute("10:00"), minute("10:01", **over))
    assert found.bars.num_rows == 1
    (row,) = found.quarantine.to_pylist()
    assert (row["reason"], row["file"], row["row"]) == (reason, "m.csv", 2)


def test_minutes_without_trades_and_without_turnover_are_bars() -> None:
    assert screened(minute("14:58", volume=0.0, turnover=None)).bars.num_rows == 1


def test_copies_count_once_and_rows_that_disagree_not_at_all() -> None:
    found = screened(
        minute("10:00"),
        minute("10:00"),
        minute("10:01"),
        minute("10:01", close=10.0),
        minute("10:01", symbol="B"),
    )
    assert found.bars["symbol"].to_pylist() == ["A", "B"]
    assert found.quarantine["row"].to_pylist() == [2, 3, 4]
    assert found.quarantine["reason"].to_pylist() == [
        "duplicate_key",
        "conflicting_duplicate",
        "conflicting_duplicate",
    ]


def test_bars_are_sorted_and_no_rows_are_no_bars() -> None:
    found = screened(minute("10:01", symbol="B"), minute("10:01"), minute("10:00", symbol="B"))
    assert found.bars["symbol"].to_pylist() == ["A", "B", "B"]
    assert found.bars["timestamp"][1].as_py() < found.bars["timestamp"][2].as_py()
    assert screened().bars.num_rows == 0


def daily(**over: Any) -> pa.Table:
    row = {"date": DAY, "symbol": "A", "open": 10.0, "high": 10.2, "low": 9.9, "close": 10.1}
    row |= {"volume": 200.0, "turnover": 2000.0, "flags": ""}
    return pa.Table.from_pylist([row | over], schema=schema_of("bars").arrow)


def two_minutes(**over: Any) -> pa.Table:
    return screened(minute("09:31"), minute("15:00", **over), minute("14:59", volume=0.0)).bars


def test_minutes_that_fit_their_day() -> None:
    assert within_daily_bars(two_minutes(), daily()).violations == 0
    # the auction and single trades may lack, a little of the volume too
    wider = daily(open=9.7, high=10.4, low=9.7, volume=203.0, turnover=2030.0)
    assert within_daily_bars(two_minutes(), wider).violations == 0
    assert within_daily_bars(two_minutes(turnover=None), daily()).violations == 1


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"high": 10.1}, "high 10.2 against 10.1"),
        ({"low": 10.0}, "low 9.9 against 10"),
        ({"close": 10.0}, "close 10.1 against 10"),
        ({"volume": 199.0}, "volume 200 against 199"),
        ({"volume": 210.0}, "volume 200 against 210"),
        ({"turnover": 1999.0}, "turnover 2000 against 1999"),
    ],
)
def test_minutes_that_contradict_their_day(over: dict[str, float], said: str) -> None:
    found = within_daily_bars(two_minutes(), daily(**over))
    assert (found.checked, found.violations) == (1, 1)
    assert found.examples == (f"2024-01-02 A: minutes against the day: {said}",)


def test_days_and_symbols_without_minutes_are_not_judged() -> None:
    assert within_daily_bars(two_minutes(), daily(symbol="B")).checked == 0
    assert within_daily_bars(two_minutes(), daily(date=NEXT)).checked == 0
    assert within_daily_bars(screened().bars, daily()).checked == 0


def test_every_rule_looks_at_every_value_it_names() -> None:
    values = {name: np.array([1.0, NAN]) for name in minute_bars.VALUES}
    for name, rule in minute_bars.RULES.items():
        with np.errstate(invalid="ignore"):
            assert rule(values).tolist() == [False, name.startswith("missing")]
