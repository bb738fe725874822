"""Books of real days: nothing left unexplained, totals as the files have them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.order_book.book import BookBuilder, rebuild
from quant_assets.market_data.order_book.events import TRADE, level_columns
from quant_assets.market_data.order_book.rules import RULES
from quant_assets.market_data.order_book.sampling import AfterEvents
from quant_assets_tests.market_data.order_book.streams import SECOND
from quant_assets_tests.market_data.order_book.vendor import (
    apple_2012_06_21,
    bitcoin_2015_05_01,
    moutai_2023_02_01,
    shanghai_2023_07_11,
)


def test_five_stocks_of_shanghai_over_a_whole_day(test_data: Path) -> None:
    """No unknown order, no negative size, never crossed or locked in continuous trading."""
    events = shanghai_2023_07_11(test_data)
    rebuilt = rebuild(events, RULES["shanghai"])
    assert [report.symbol for report in rebuilt.reports] == [
        f"{code}.SH" for code in (600536, 600761, 600961, 601825, 605580)
    ]
    assert [report.faults for report in rebuilt.reports] == [()] * 5
    assert sum(report.events for report in rebuilt.reports) == len(events) == 258_975
    rows = rebuilt.snapshots
    assert len(rows) > 200_000
    trading = rows.filter(pc.equal(rows.column("phase"), "TRADE"))
    bid, ask = (trading.column(f"{side}_price_1").to_numpy() for side in ("bid", "ask"))
    assert np.nanmin(ask - bid) > 0
    for report in rebuilt.reports:
        own = events.filter(pc.equal(events.column("symbol"), report.symbol))
        trades = own.filter(pc.equal(own.column("kind"), TRADE))
        quantity, price = (trades.column(name).to_numpy() for name in ("quantity", "price"))
        assert report.volume == quantity.sum()
        assert abs(report.turnover - (quantity * price).sum()) < 0.005
        last = rows.filter(pc.equal(rows.column("symbol"), report.symbol)).slice(0)
        (end,) = last.slice(len(last) - 1).to_pylist()
        assert end["phase"] == "CCALL"
        assert end["bid_price_1"] < end["ask_price_1"], "the closing auction leaves nothing crossed"
        assert (end["high"], end["low"]) == (price.max(), price.min())


def test_the_opening_auction_as_the_exchange_shows_it(test_data: Path) -> None:
    """Price, volume and surplus of each snapshot stood within three seconds of its stamp."""
    events, snapshots = moutai_2023_02_01(test_data)
    rebuilt = rebuild(events, RULES["shanghai"], AfterEvents(np.arange(len(events))))
    rows, auction = rebuilt.snapshots, pc.equal(snapshots.column("phase"), "OCALL")
    theirs = snapshots.filter(auction)
    ours_at, theirs_at = (
        table.column("timestamp").cast(pa.int64()).to_numpy() for table in (rows, theirs)
    )
    names = [
        f"{side}_{what}" for side in ("bid", "ask") for what in ("price_1", "size_1", "size_2")
    ]
    ours, shown = (
        np.stack([np.nan_to_num(table.column(name).to_numpy()) for name in names], axis=1)
        for table in (rows, theirs)
    )
    first = np.searchsorted(ours_at, theirs_at - 3 * SECOND) - 1
    last = np.searchsorted(ours_at, theirs_at + 3 * SECOND)
    began = theirs_at > ours_at[0]
    found = [
        (ours[max(low, 0) : high] == each).all(axis=1).any()
        for low, high, each in zip(first, last, shown, strict=True)
    ]
    assert len(theirs) == 127
    assert began.sum() == 124
    assert np.array(found)[began].all()


def test_lobster_s_messages_give_lobster_s_book_as_far_as_they_tell_it(test_data: Path) -> None:
    """The file tells what happens in the ten best levels alone, so that what comes into them from
    below is not known: the best level is equal for the first 439 messages, in 954 of 998."""
    events, books = apple_2012_06_21(test_data)
    first, later = books.slice(0, 1), books.slice(1)
    positions = AfterEvents(np.arange(len(events)))
    builder = BookBuilder("AAPL", RULES["nasdaq"], positions, seed=first)
    rows = builder.update(events.slice(1))
    for name in ("volume", "trades"):
        assert rows.column(name).equals(later.column(name))
    assert equal_levels(rows, later, 10)[:11].all()
    best = equal_levels(rows, later, 1)
    assert best[:439].all()
    assert best.sum() == 954
    assert {fault.what: fault.count for fault in builder.report().faults} == {"unknown order": 4}


def equal_levels(ours: pa.Table, theirs: pa.Table, levels: int) -> np.ndarray:
    """Rows whose best levels are equal."""
    columns = [
        name
        for side in ("bid", "ask")
        for what in ("price", "size")
        for name in level_columns(side, what)[:levels]
    ]
    pairs = [[np.nan_to_num(t.column(name).to_numpy()) for t in (ours, theirs)] for name in columns]
    equal: np.ndarray = np.all([a == b for a, b in pairs], axis=0)
    return equal


def test_a_day_of_bitstamp_begins_without_its_book(test_data: Path) -> None:
    """Orders older than the recording are unknown; what is crossed is told, never shown."""
    events = bitcoin_2015_05_01(test_data)
    rebuilt = rebuild(events, RULES["bitstamp"])
    (report,) = rebuilt.reports
    counts = {fault.what: fault.count for fault in report.faults}
    assert counts == {"unknown order": 166, "crossed book": 312, "locked book": 53}
    rows = rebuilt.snapshots
    spread = rows.column("ask_price_1").to_numpy() - rows.column("bid_price_1").to_numpy()
    assert np.nanmin(spread) > 0
    bought = events.filter(
        pc.and_(pc.equal(events.column("kind"), TRADE), pc.greater(events.column("buy_order"), 0))
    )
    assert report.volume == pc.sum(bought.column("quantity")).as_py()
