"""Books by properties: against a literal book, against a small exchange, in blocks, anew."""

from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.order_book.book import BookBuilder, Rebuilt, rebuild
from quant_assets.market_data.order_book.events import (
    LEVELS,
    SNAPSHOTS,
    TRADE,
    level_columns,
    validate,
)
from quant_assets.market_data.order_book.rules import BookRules
from quant_assets.market_data.order_book.sampling import (
    AfterEvents,
    At,
    Every,
    EveryChange,
    When,
)
from quant_assets_tests.market_data.order_book.reference import ReferenceBook
from quant_assets_tests.market_data.order_book.streams import (
    DAY,
    FIRST_LISTED,
    LAST_LISTED,
    SECOND,
    Event,
    any_events,
    is_continuous,
    table,
    traded_day,
)

BOTH = pytest.mark.parametrize("rules", [FIRST_LISTED, LAST_LISTED], ids=["first", "last"])
few = settings(deadline=None, max_examples=40)


def reference(events: list[Event], rules: BookRules) -> tuple[ReferenceBook, list[dict[str, Any]]]:
    """The literal book at the end, and what is to be shown after each event."""
    book, rows = ReferenceBook(rules.aggressor_added_first), []
    for event in events:
        continuous = is_continuous(event["timestamp"])
        book.apply(event, continuous)
        rows.append(row_of(book, event["timestamp"]))
    return book, rows


def row_of(book: ReferenceBook, timestamp: int) -> dict[str, Any]:
    prices = [price for price, _ in book.trades]
    row: dict[str, Any] = {
        "symbol": "A",
        "timestamp": timestamp,
        "last": prices[-1] / 100 if prices else np.nan,
        "open": prices[0] / 100 if prices else np.nan,
        "high": max(prices) / 100 if prices else np.nan,
        "low": min(prices) / 100 if prices else np.nan,
        "previous_close": np.nan,
        "volume": sum(quantity for _, quantity in book.trades),
        "turnover": sum(price * quantity for price, quantity in book.trades) / 100,
        "trades": len(prices),
        "phase": phase_of(timestamp),
    }
    for side, levels in book.shown(is_continuous(timestamp)).items():
        for name, (price, _) in zip(level_columns(side, "price"), levels, strict=True):
            row[name] = price / 100
        for name, (_, size) in zip(level_columns(side, "size"), levels, strict=True):
            row[name] = size
    return row


def phase_of(timestamp: int) -> str:
    second = (timestamp - DAY) / SECOND
    return ["OCALL", "TRADE", "BREAK", "TRADE", "CCALL"][
        np.searchsorted([10, 25, 30, 50], second, "right")
    ]


def rows_of(snapshots: pa.Table) -> list[dict[str, Any]]:
    validate(snapshots, SNAPSHOTS)
    stamps = snapshots.column("timestamp").cast(pa.int64())
    rows: list[dict[str, Any]] = snapshots.set_column(1, "timestamp", stamps).to_pylist()
    return rows


def assert_same(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        for name in SNAPSHOTS.names:
            same = mine[name] == other[name] or (
                mine[name] != mine[name] and other[name] != other[name]
            )
            assert same, (name, mine[name], other[name], mine["timestamp"] - DAY)


def visible(row: dict[str, Any]) -> list[Any]:
    names = [c for s in ("bid", "ask") for w in ("price", "size") for c in level_columns(s, w)]
    return [None if row[name] != row[name] else row[name] for name in names]


@BOTH
@few
@given(events=any_events())
def test_every_state_and_every_fault_is_the_literal_book_s(
    rules: BookRules, events: list[Event]
) -> None:
    book, rows = reference(events, rules)
    rebuilt = rebuild(table(events), rules, AfterEvents(np.arange(len(events))))
    assert_same(rows_of(rebuilt.snapshots), rows)
    if events:
        (report,) = rebuilt.reports
        assert {each.what: each.count for each in report.faults} == dict(book.faults)
        assert {each.what: each.sequence for each in report.faults} == book.first
        assert report.clean is not bool(book.faults)
        assert (report.events, report.orders) == (len(events), len(book.orders))
        assert (report.volume, report.turnover) == (rows[-1]["volume"], rows[-1]["turnover"])


@BOTH
@few
@given(events=any_events())
def test_a_row_is_written_where_the_ten_best_change_and_nowhere_else(
    rules: BookRules, events: list[Event]
) -> None:
    book, changed = ReferenceBook(rules.aggressor_added_first), []
    seen = visible(row_of(book, DAY))
    for event in events:
        continuous = is_continuous(event["timestamp"])
        book.apply(event, continuous)
        if event["kind"] == TRADE and not continuous and book.sides_cross():
            continue  # amid an auction's own trades
        row = row_of(book, event["timestamp"])
        if visible(row) != seen:
            changed.append(row)
            seen = visible(row)
    written = rows_of(rebuild(table(events), rules, EveryChange()).snapshots)
    assert_same(written, changed)


@BOTH
@few
@given(events=any_events(), step=st.integers(1, 3 * SECOND))
def test_rows_on_a_grid_and_at_instants(rules: BookRules, events: list[Event], step: int) -> None:
    step = max(step, SECOND // 10)
    if not events:
        return
    first, last = events[0]["timestamp"], events[-1]["timestamp"]
    instants = np.arange(-(-first // step) * step, last + step, step)
    book, rows, coming = ReferenceBook(rules.aggressor_added_first), [], list(events)
    for instant in instants.tolist():
        while coming and coming[0]["timestamp"] <= instant:
            event = coming.pop(0)
            book.apply(event, is_continuous(event["timestamp"]))
        rows.append(row_of(book, instant))
    assert_same(rows_of(rebuild(table(events), rules, Every(step)).snapshots), rows)
    assert_same(rows_of(rebuild(table(events), rules, At(instants)).snapshots), rows)


@BOTH
@few
@given(events=any_events(), cuts=st.lists(st.integers(0, 60), max_size=5), which=st.integers(0, 3))
def test_blocks_give_what_the_whole_gives(
    rules: BookRules, events: list[Event], cuts: list[int], which: int
) -> None:
    at = DAY + np.arange(0, 60, 2) * SECOND
    when: When = (EveryChange(), Every(SECOND), At(at), AfterEvents(np.arange(0, 60, 3)))[which]
    whole = rebuild(table(events), rules, when)
    builder = BookBuilder("A", rules, when)
    bounds = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    parts = [
        builder.update(table(events).slice(start, stop - start)) for start, stop in pairwise(bounds)
    ]
    together = pa.concat_tables([*parts, builder.finish()])
    if events:
        assert_same(rows_of(together), rows_of(whole.snapshots))
        assert builder.report() == whole.reports[0]


@pytest.mark.parametrize("first", [True, False], ids=["Shenzhen", "Shanghai"])
@pytest.mark.parametrize("seed", range(4))
def test_an_exchange_s_book_is_rebuilt_from_what_it_publishes(first: bool, seed: int) -> None:
    exchange, books = traded_day(seed, 700, first)
    rules = BookRules(first)
    positions = np.array([book["event"] for book in books])
    assert len(books) > 400
    keep = np.append(np.diff(positions) > 0, [True])
    rebuilt = rebuild(table(exchange.events), rules, AfterEvents(positions[keep]))
    assert rebuilt.reports[0].faults == ()
    rows = rows_of(rebuilt.snapshots)
    for row, book in zip(rows, np.array(books, object)[keep], strict=True):
        for side in ("bid", "ask"):
            prices = [row[name] for name in level_columns(side, "price")]
            sizes = [row[name] for name in level_columns(side, "size")]
            shown = [(round(p * 100), s) for p, s in zip(prices, sizes, strict=True) if s]
            assert shown == book[side][:LEVELS]


def test_a_replay_is_the_same_whenever_and_in_whatever_order() -> None:
    exchange, _ = traded_day(9, 400, True)
    one, other = table(exchange.events, "A"), table(exchange.events[::2], "B")
    shuffled = pa.concat_tables([one, other]).take(
        pa.array(np.random.default_rng(1).permutation(len(one) + len(other)))
    )
    again = [rebuild(shuffled, BookRules(True)) for _ in range(2)]
    assert_same(*(rows_of(each.snapshots) for each in again))
    assert [each.symbol for each in again[0].reports] == ["A", "B"]
    alone = rebuild(one, BookRules(True))
    mine = [row for row in rows_of(again[0].snapshots) if row["symbol"] == "A"]
    assert_same(mine, rows_of(alone.snapshots))
    assert len(alone.snapshots) > 200


def test_more_rows_than_a_block_of_output_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange, _ = traded_day(3, 500, False)
    events = table(exchange.events)
    whole = {
        when: rebuild(events, BookRules(False), when) for when in (EveryChange(), Every(10**6))
    }
    monkeypatch.setattr("quant_assets.market_data.order_book.book._ROWS", 7)
    for when, rebuilt in whole.items():
        small: Rebuilt = rebuild(events, BookRules(False), when)
        assert_same(rows_of(small.snapshots), rows_of(rebuilt.snapshots))
        assert len(small.snapshots) > 300


def test_no_events_give_no_rows() -> None:
    assert rebuild(table([]), FIRST_LISTED).snapshots.equals(SNAPSHOTS.empty_table())
    assert rebuild(table([]), FIRST_LISTED).reports == ()
    builder = BookBuilder("A", FIRST_LISTED, Every(SECOND))
    assert len(builder.update(table([]))) == len(builder.finish()) == 0
    early = BookBuilder("A", FIRST_LISTED, At(np.array([DAY + 5])))
    (row,) = rows_of(early.finish())
    assert (row["volume"], row["bid_size_1"], row["phase"]) == (0, 0, "OCALL")
