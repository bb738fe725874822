"""Books by example: each rule of the exchanges, worked out by hand, and what is refused."""

from datetime import time

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.market_data.order_book.book import BookBuilder, rebuild
from quant_assets.market_data.order_book.events import (
    ADD,
    ADD_BEST,
    ADD_MARKET,
    CANCEL,
    SNAPSHOTS,
    TRADE,
)
from quant_assets.market_data.order_book.report import BookReport
from quant_assets.market_data.order_book.rules import RULES, BookRules
from quant_assets.market_data.order_book.sampling import AfterEvents, At, BookError, Every
from quant_assets_tests.market_data.order_book.streams import DAY, SECOND, Event, event, table

SHENZHEN, SHANGHAI = BookRules(True), BookRules(False)
AUCTION = BookRules(True, continuous=((time(12), time(13)),))
Levels = list[tuple[int, int]]


def told(*rows: Event) -> list[Event]:
    return [
        {**row, "sequence": place, "timestamp": DAY + place} for place, row in enumerate(rows, 1)
    ]


def add(number: int, side: int, price: int | None, quantity: int, kind: int = ADD) -> Event:
    return event(kind, 0, 0, order=number, side=side, price=price, quantity=quantity)


def cancel(number: int, quantity: int) -> Event:
    return event(CANCEL, 0, 0, order=number, side=1, quantity=quantity)


def trade(side: int, price: int, quantity: int, buy: int, sell: int) -> Event:
    return event(
        TRADE, 0, 0, side=side, price=price, quantity=quantity, buy_order=buy, sell_order=sell
    )


def book_after(rules: BookRules, *rows: Event) -> tuple[Levels, Levels, BookReport]:
    """(bids, asks, report) after the last event; a level without price has price 0."""
    events = table(told(*rows))
    rebuilt = rebuild(events, rules, AfterEvents(np.array([len(rows) - 1])))
    (row,) = rebuilt.snapshots.to_pylist()
    bids, asks = (
        [
            (0 if price != price else round(price * 100), row[f"{side}_size_{level}"])
            for level in range(1, 11)
            if (price := row[f"{side}_price_{level}"]) == price or row[f"{side}_size_{level}"]
        ]
        for side in ("bid", "ask")
    )
    return bids, asks, rebuilt.reports[0]


RESTING = (add(1, -1, 101, 5), add(2, -1, 102, 5), add(3, 1, 99, 4))


def test_shanghai_tells_trades_first_and_then_the_remainder() -> None:
    bids, asks, report = book_after(
        SHANGHAI, *RESTING, trade(1, 101, 5, buy=9, sell=1), add(9, 1, 101, 2)
    )
    assert (bids, asks) == ([(101, 2), (99, 4)], [(102, 5)])
    assert report.clean


def test_shanghai_needs_to_know_the_resting_order() -> None:
    *_, report = book_after(SHANGHAI, *RESTING, trade(1, 101, 5, buy=9, sell=8))
    assert [(each.what, each.count, each.sequence) for each in report.faults] == [
        ("unknown order", 1, 4)
    ]


def test_shenzhen_tells_the_order_first_and_the_book_waits_for_its_trades() -> None:
    rows = (*RESTING, add(9, 1, 101, 7))
    bids, asks, report = book_after(SHENZHEN, *rows)
    assert (bids, asks) == ([(99, 4)], [(101, 5), (102, 5)])
    assert report.clean
    bids, asks, report = book_after(SHENZHEN, *rows, trade(1, 101, 5, buy=9, sell=1))
    assert (bids, asks) == ([(101, 2), (99, 4)], [(102, 5)])
    assert report.clean


def test_shenzhen_s_order_that_crosses_without_a_trade_is_told_of() -> None:
    bids, asks, report = book_after(SHENZHEN, *RESTING, add(9, 1, 101, 7), add(10, 1, 98, 1))
    assert (bids, asks) == ([(99, 4), (98, 1)], [(101, 5), (102, 5)])
    assert [(each.what, each.sequence) for each in report.faults] == [("locked book", 5)]
    *_, report = book_after(SHENZHEN, *RESTING, add(9, 1, 105, 7), add(10, 1, 98, 1))
    assert [(each.what, each.sequence) for each in report.faults] == [("crossed book", 5)]


def test_shenzhen_s_aggressor_must_be_known() -> None:
    *_, report = book_after(SHENZHEN, *RESTING, trade(1, 101, 5, buy=9, sell=1))
    assert [(each.what, each.sequence) for each in report.faults] == [("unknown order", 4)]


def test_what_is_left_of_a_market_order_rests_at_its_last_price_unless_it_is_cancelled() -> None:
    rows = (*RESTING, add(9, 1, None, 8, ADD_MARKET), trade(1, 101, 5, buy=9, sell=1))
    assert book_after(SHENZHEN, *rows)[:2] == ([(99, 4)], [(102, 5)])
    bids, _, report = book_after(SHENZHEN, *rows, add(10, -1, 103, 1))
    assert bids == [(101, 3), (99, 4)]
    assert report.clean
    bids, _, report = book_after(SHENZHEN, *rows, cancel(9, 3), add(10, -1, 103, 1))
    assert bids == [(99, 4)]
    assert report.clean


def test_an_order_at_the_best_price_of_its_own_side() -> None:
    bids, asks, _ = book_after(
        SHENZHEN, *RESTING, add(9, 1, None, 8, ADD_BEST), add(10, -1, None, 1, ADD_BEST)
    )
    assert (bids, asks) == ([(99, 12)], [(101, 6), (102, 5)])
    rows = (add(1, 1, None, 8, ADD_BEST), add(2, 1, 98, 1))
    bids, _, report = book_after(SHENZHEN, *rows, cancel(1, 8))
    assert bids == [(98, 1)], "with none on its side it has no price, and is cancelled"
    assert report.clean


def test_cancels_of_a_part_of_all_and_of_more_than_is_left() -> None:
    assert book_after(SHANGHAI, *RESTING, cancel(3, 3))[0] == [(99, 1)]
    assert book_after(SHANGHAI, *RESTING, cancel(3, 0))[0] == []
    bids, _, report = book_after(SHANGHAI, *RESTING, cancel(3, 5))
    assert bids == []
    assert [(each.what, each.sequence) for each in report.faults] == [("more than is left", 4)]
    assert not report.clean


def test_a_trade_that_both_orders_tell_of_counts_once() -> None:
    rows = (*RESTING, trade(0, 101, 4, buy=3, sell=0), trade(0, 101, 4, buy=0, sell=1))
    *_, report = book_after(SHENZHEN, *rows)
    assert (report.volume, report.turnover) == (4, 4.04)


def test_an_auction_shows_what_would_trade() -> None:
    rows = (add(1, 1, 105, 3), add(2, 1, 103, 4), add(3, -1, 100, 2), add(4, -1, 103, 3))
    # At 103 seven would buy and five would sell; at 105 three, at 100 two.
    assert book_after(AUCTION, *rows)[:2] == ([(103, 5), (0, 2)], [(103, 5)])
    sold = trade(0, 103, 2, buy=1, sell=3), trade(0, 103, 1, 1, 4), trade(0, 103, 2, 2, 4)
    bids, asks, report = book_after(AUCTION, *rows, *sold)
    assert (bids, asks) == ([(103, 2)], []), "the book that is left"
    assert report.clean
    assert report.volume == 5


@pytest.mark.parametrize(
    ("orders", "price", "matched", "surplus"),
    [
        # Equal at both order prices and nothing left over: the middle, rounded up.
        ((add(1, 1, 104, 5), add(2, -1, 101, 5)), 103, 5, 0),
        # The most would trade at 101 and 104; at 101 less is left over.
        ((add(1, 1, 104, 5), add(2, -1, 101, 5), add(3, -1, 102, 1)), 101, 5, 0),
        # What is left over stands at the price itself: the sellers' at the lowest, the buyers' at
        # the highest.
        ((add(1, 1, 104, 5), add(2, -1, 101, 9)), 101, 5, -4),
        ((add(1, 1, 104, 9), add(2, -1, 101, 5)), 104, 5, 4),
        # The sellers' surplus is told on their side.
        ((add(1, 1, 104, 5), add(2, -1, 104, 9)), 104, 5, -4),
    ],
)
def test_the_price_of_an_auction(
    orders: tuple[Event, ...], price: int, matched: int, surplus: int
) -> None:
    bids, asks, _ = book_after(AUCTION, *orders)
    assert bids == [(price, matched)] + [(0, surplus)] * (surplus > 0)
    assert asks == [(price, matched)] + [(0, -surplus)] * (surplus < 0)


def test_the_sessions_of_china() -> None:
    nine_thirty = np.datetime64("2023-07-11T01:30", "ns").astype(np.int64).item()
    minutes = [-1, 0, 119, 120, 210, 326, 327, 400]
    stamps = np.array([nine_thirty + minute * 60 * SECOND for minute in minutes])
    builder = BookBuilder("A", RULES["shanghai"], At(stamps), previous_close=9.5)
    builder.update(table([{**add(1, 1, 100, 1), "timestamp": nine_thirty - 9 * 60 * SECOND}]))
    rows = builder.finish().to_pylist()
    phases = ["OCALL", "TRADE", "TRADE", "BREAK", "TRADE", "TRADE", "CCALL", "CCALL"]
    assert [row["phase"] for row in rows] == phases
    assert {row["previous_close"] for row in rows} == {9.5}


def test_a_book_that_begins_in_the_middle_of_a_day() -> None:
    events = table(told(*RESTING))
    seed = rebuild(events, SHANGHAI, AfterEvents(np.array([2]))).snapshots
    builder = BookBuilder("A", SHANGHAI, AfterEvents(np.arange(9)), seed=seed)
    later = told(
        cancel(3, 1) | {"price": 99},  # an order of the seed: its price tells the level
        trade(1, 101, 2, buy=9, sell=1),
        add(20, -1, 101, 6),
        cancel(20, 6) | {"side": -1},
        cancel(77, 9) | {"price": 99},  # more than the level has
    )
    rows = builder.update(table(later)).to_pylist()
    assert [row["bid_size_1"] for row in rows] == [3, 3, 3, 3, 3]
    assert [row["ask_size_1"] for row in rows] == [5, 3, 9, 3, 3]
    assert [(each.what, each.sequence) for each in builder.report().faults] == [
        ("unknown order", 5)
    ]
    with pytest.raises(BookError, match=r"must be one row of SNAPSHOTS. Got 0 instead"):
        BookBuilder("A", SHANGHAI, seed=SNAPSHOTS.empty_table())


def test_events_that_make_no_sense_are_counted_and_left_out() -> None:
    bids, asks, report = book_after(
        SHANGHAI,
        add(1, 1, 99, 0),
        add(2, 1, None, 3),
        add(3, 0, 99, 3),
        add(4, 1, 99, 3),
        add(4, 1, 99, 3),
        trade(1, 99, 0, 4, 0),
    )
    assert (bids, asks) == ([(99, 3)], [])
    assert {each.what: (each.count, each.sequence) for each in report.faults} == {
        "malformed event": (4, 1),
        "order twice": (1, 5),
    }


def test_prices_between_ticks_are_refused() -> None:
    events = table([add(1, 1, 1005, 3) | {"sequence": 17}], ticks_per_unit=1000)
    with pytest.raises(
        BookError,
        match=r"price 1\.005 of A, sequence 17, lies between two ticks of 1/100; give rules with "
        "more ticks_per_unit",
    ):
        rebuild(events, SHANGHAI)
    finer = BookRules(False, ticks_per_unit=1000)
    assert rebuild(events, finer).snapshots.column("bid_price_1").to_pylist() == [1.005]


def test_blocks_must_come_in_order() -> None:
    events = table(told(*RESTING))
    with pytest.raises(BookError, match=r"events of A must ascend by sequence. Got 1 in row 1"):
        BookBuilder("A", SHANGHAI).update(events.take(pa.array([1, 0, 2])))
    builder = BookBuilder("A", SHANGHAI)
    builder.update(events.slice(2))
    with pytest.raises(BookError, match=r"must ascend by sequence. Got 1 in row 0 after a higher"):
        builder.update(events)


def test_samplings_that_make_no_sense() -> None:
    with pytest.raises(BookError, match=r"'nanoseconds' of Every must be at least 1. Got 0"):
        Every(0)
    with pytest.raises(BookError, match=r"'instants' of At must be ascending"):
        At(np.array([2, 1]))
    with pytest.raises(BookError, match=r"'positions' of AfterEvents must be ascending, each once"):
        AfterEvents(np.array([1, 1]))
