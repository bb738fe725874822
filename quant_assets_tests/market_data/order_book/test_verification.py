"""Verification: 600519's snapshots are equal, and what is made unequal is found."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.market_data.order_book.book import rebuild
from quant_assets.market_data.order_book.rules import RULES, BookRules
from quant_assets.market_data.order_book.sampling import AfterEvents, BookError
from quant_assets.market_data.order_book.verification import (
    BY_CLOCK,
    BY_SEARCH,
    NOT_EQUAL,
    ONE_STATE,
    verify,
)
from quant_assets_tests.market_data.order_book.streams import SECOND, table, traded_day
from quant_assets_tests.market_data.order_book.vendor import moutai_2023_02_01

RULES_HERE = BookRules(False)
EQUAL = ("top 5", "top 10", "volume", "turnover", "last")


def test_600519_until_half_past_ten(test_data: Path) -> None:
    """Every snapshot of continuous trading can be aligned, and is equal in all ten levels."""
    (found,) = verify(*moutai_2023_02_01(test_data), RULES["shanghai"])
    assert (found.symbol, found.key) == ("600519.SH", "trades")
    assert (found.snapshots, found.continuous, found.aligned) == (1364, 1202, 1202)
    assert found.equal == dict.fromkeys(EQUAL, 1202)
    assert found.chosen == {ONE_STATE: 273, BY_CLOCK: 745, BY_SEARCH: 184, NOT_EQUAL: 0}
    assert found.unaligned == found.differences == found.report.faults == ()
    assert found.passed(5)
    assert found.passed(10)


@pytest.fixture(scope="module")
def day() -> tuple[pa.Table, pa.Table]:
    """Events ten milliseconds apart, and snapshots of every 50th, cut to the second."""
    exchange, books = traded_day(5, 900, False)
    events = table(exchange.events)
    positions = np.array([book["event"] for book in books])[20::50]
    snapshots = rebuild(events, RULES_HERE, AfterEvents(positions)).snapshots
    return events, changed(snapshots, "timestamp", lambda stamps: stamps // SECOND * SECOND)


def changed(snapshots: pa.Table, name: str, change: Callable[[np.ndarray], np.ndarray]) -> pa.Table:
    """Snapshots with a column changed."""
    place = snapshots.schema.get_field_index(name)
    column, kind = snapshots.column(name), snapshots.schema.field(name).type
    plain = column.cast(pa.int64()) if name == "timestamp" else column
    values = pa.array(change(plain.to_numpy().copy())).cast(kind)
    return snapshots.set_column(place, snapshots.schema.field(name), values)


def at(row: int, value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(values: np.ndarray) -> np.ndarray:
        values[row] = value
        return values

    return change


def test_snapshots_of_the_book_itself_are_equal(day: tuple[pa.Table, pa.Table]) -> None:
    events, snapshots = day
    (found,) = verify(events, snapshots, RULES_HERE)
    assert found.aligned == found.continuous == found.snapshots == len(snapshots) > 10
    assert set(found.equal.values()) == {found.aligned}
    assert sum(found.chosen.values()) == found.aligned
    assert found.chosen[NOT_EQUAL] == 0
    assert found.states > 1
    assert found.passed(10)


@pytest.mark.parametrize(
    ("name", "value", "unequal"),
    [
        ("bid_size_1", 99_999, {"top 5", "top 10"}),
        ("ask_price_5", 77.77, {"top 5", "top 10"}),
        ("bid_size_6", 99_999, {"top 10"}),
        ("ask_price_10", np.nan, {"top 10"}),
        ("volume", 12_345, {"volume"}),
        ("turnover", 12_345.0, {"turnover"}),
        ("last", 12.5, {"last"}),
    ],
)
def test_one_value_that_differs_is_found(
    day: tuple[pa.Table, pa.Table], name: str, value: float, unequal: set[str]
) -> None:
    events, snapshots = day
    row = len(snapshots) - 2
    (found,) = verify(events, changed(snapshots, name, at(row, value)), RULES_HERE)
    assert found.aligned == len(snapshots)
    assert {what for what, number in found.equal.items() if number == found.aligned - 1} == unequal
    assert {what for what, number in found.equal.items() if number == found.aligned} == set(
        EQUAL
    ) - unequal
    difference = [each for each in found.differences if each.column == name]
    assert len(difference) == 1
    assert difference[0].timestamp == snapshots.column("timestamp")[row].value
    assert difference[0].vendor == value or np.isnan(value)
    assert found.passed(5) is ("top 5" not in unequal and "top 10" in unequal)
    assert not found.passed(10)


def test_a_wrong_price_is_not_searched_away(day: tuple[pa.Table, pa.Table]) -> None:
    events, snapshots = day
    higher = changed(snapshots, "bid_price_1", lambda prices: prices + 0.01)
    (found,) = verify(events, higher, RULES_HERE)
    assert found.equal["top 5"] == 0
    assert found.chosen[NOT_EQUAL] == found.aligned


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("trades", 10**6, r"the events end before trades 1000000"),
        (
            "timestamp",
            3600 * SECOND,
            r"the events come to trades \d+ \+\d+\.\d{3} s from the stamp",
        ),
    ],
)
def test_a_snapshot_without_a_state_is_told_of(
    day: tuple[pa.Table, pa.Table], name: str, value: int, reason: str
) -> None:
    import re

    events, snapshots = day
    (found,) = verify(events, changed(snapshots, name, at(3, value)), RULES_HERE)
    assert found.aligned == len(snapshots) - 1
    (missing,) = found.unaligned
    assert re.fullmatch(reason, missing.reason)
    assert found.passed(10), "what is aligned is equal"


def test_a_volume_that_the_events_step_over(day: tuple[pa.Table, pa.Table]) -> None:
    """Without numbers of trades the volume aligns."""
    events, snapshots = day
    untold = changed(snapshots, "trades", np.zeros_like)
    (found,) = verify(events, untold, RULES_HERE)
    assert found.key == "volume"
    assert found.equal["top 10"] == found.aligned == len(snapshots)
    volume = snapshots.column("volume").to_numpy()
    assert volume[-1] > 0
    (found,) = verify(events, changed(untold, "volume", at(0, -1)), RULES_HERE)
    assert [each.reason for each in found.unaligned] == ["the events never have volume -1"]


def test_faults_of_the_book_fail_the_day(day: tuple[pa.Table, pa.Table]) -> None:
    events, snapshots = day
    (found,) = verify(events, snapshots, BookRules(True))
    assert not found.report.clean
    assert not found.passed(5)


def test_nothing_to_compare(day: tuple[pa.Table, pa.Table]) -> None:
    events, snapshots = day
    other = snapshots.set_column(0, snapshots.schema.field(0), pa.array(["B"] * len(snapshots)))
    with pytest.raises(BookError, match=r"no symbol has both .* of \['A'\], snapshots of \['B'\]"):
        verify(events, other, RULES_HERE)
    closed = BookRules(False, continuous=RULES["shanghai"].continuous)
    (found,) = verify(events, snapshots, closed)
    assert (found.continuous, found.aligned) == (0, 0)
    assert not found.passed(5)
