"""Ten-level books of five Shanghai stocks of a day, rebuilt from every order and trade.

The events are in memory in the platform's form before a time is taken, and so are the peer's in
its own; one core each. Ours is timed from the Arrow table of events to the Arrow table of rows with
their totals. Rows come every 3 s, as the exchange's snapshots do, unless a case says otherwise; of
an auction's crossed book the peer shows the levels, and those instants are left out of the
comparison. order-book keeps sorted levels in C, and is fed by a loop in Python that has the orders
in a dictionary.

Where the real files are not there, and when quick, a small simulated exchange trades; quick has
the tests' literal book as its peer, and sets up no other.
"""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.market_data.order_book.book import Rebuilt, by_symbol, rebuild
from quant_assets.market_data.order_book.event_arrays import arrays
from quant_assets.market_data.order_book.events import level_columns
from quant_assets.market_data.order_book.rules import RULES, BookRules
from quant_assets.market_data.order_book.sampling import AfterEvents, Every, EveryChange, When
from quant_assets_tests.benchmarks.harness import Result, compare, main
from quant_assets_tests.benchmarks.peers.environments import (
    ORDER_BOOK,
    Environment,
    Peer,
)
from quant_assets_tests.benchmarks.setting import prepare, say
from quant_assets_tests.market_data.order_book.reference import ReferenceBook
from quant_assets_tests.market_data.order_book.streams import table, traded_day
from quant_assets_tests.market_data.order_book.vendor import shanghai_2023_07_11

JOB = "order_book"
GRID = Every(3 * 10**9)
NONE = AfterEvents(np.zeros(0, np.int64))
_DATA = Path(__file__).parents[3] / "shared" / "data"


class Day:
    """The events of a day, ours and as arrays for a peer."""

    def __init__(self, events: pa.Table, rules: BookRules) -> None:
        self.events, self.rules = events, rules
        self.size = f"{len(events):,} events"
        self.cpu_s = float("inf")

    def rebuild(self, when: When = GRID) -> Rebuilt:
        """Our side."""
        start = time.process_time()
        rebuilt = rebuild(self.events, self.rules, when)
        self.cpu_s = min(self.cpu_s, time.process_time() - start)
        return rebuilt

    def fields(self) -> dict[str, Any]:
        """The input of a peer."""
        blocks = by_symbol(self.events)
        grid = by_symbol(self._rows())
        stamps = [pc.cast(rows.column("timestamp"), pa.int64()).to_numpy() for _, rows in grid]
        columns = [arrays(block) for _, block in blocks]
        return {
            **{name: np.concatenate([each[name] for each in columns]) for name in columns[0]},
            "bounds": np.cumsum([0, *(len(block) for _, block in blocks)]),
            "instants": np.concatenate(stamps),
            "steps": np.cumsum([0, *(len(each) for each in stamps)]),
        }

    def _rows(self) -> pa.Table:
        rows = rebuild(self.events, self.rules, GRID).snapshots
        return rows.append_column("sequence", pc.cast(rows.column("timestamp"), pa.int64()))


def levels(rebuilt: Rebuilt) -> np.ndarray:
    """(rows, 2 sides, 10, 2), price and size, as the peers have them."""
    rows = rebuilt.snapshots
    sides: np.ndarray = np.stack(
        [
            np.stack(
                [
                    np.nan_to_num(
                        np.stack(
                            [rows.column(n).to_numpy().astype(float) for n in level_columns(s, w)]
                        )
                    )
                    for w in ("price", "size")
                ]
            )
            for s in ("bid", "ask")
        ]
    )
    return sides.transpose(3, 0, 2, 1)


def same_books(rebuilt: Rebuilt, theirs: np.ndarray) -> bool:
    """Equal at every instant at which the two sides do not cross."""
    ours = levels(rebuilt)
    bid, ask = theirs[:, 0, 0, 0], theirs[:, 1, 0, 0]
    plain = (bid < ask) | (bid == 0) | (ask == 0)
    say(f"    {plain.sum():,} of {len(ours):,} instants compared, ten levels each")
    return bool(plain.mean() > 0.9) and np.array_equal(ours[plain], theirs[plain])


def against(day: Day, environment: Environment) -> Result:
    """Rows every 3 s, beside a peer."""
    with Peer(environment, day.fields()) as peer:
        result = compare(
            JOB,
            f"every 3 s, {day.size}",
            day.rebuild,
            environment.title,
            peer.run,
            lambda ours, at: same_books(ours, at.results()["levels"]),
        )
        say(f"    processor time at best: {day.cpu_s:.3f} s, {peer.cpu_s:.3f} s there")
    return result


def alone(day: Day, name: str, when: When) -> Result:
    """Ours without a peer; agrees if the book has no fault."""

    def agree(ours: Rebuilt, _: None) -> bool:
        return all(report.clean for report in ours.reports)

    day.cpu_s = float("inf")
    result = compare(JOB, f"{name}, {day.size}", lambda: day.rebuild(when), agree=agree, repeats=5)
    rate = len(day.events) / day.cpu_s / 1e6
    say(f"    {name}: {day.cpu_s:.3f} s of processor time, {rate:.1f} million events/s")
    return result


def literal(day: Day, first: bool, positions: np.ndarray) -> Result:
    """Beside the tests' dictionaries."""
    rows = day.events.to_pylist()
    for row in rows:
        row["price"] = None if row["price"] != row["price"] else round(row["price"] * 100)

    def theirs() -> np.ndarray:
        book, shown, wanted = ReferenceBook(first), [], set(positions.tolist())
        for place, row in enumerate(rows):
            book.apply(row, True)
            if place in wanted:
                sides = book.shown(True)
                shown.append([sides["bid"], sides["ask"]])
        books: np.ndarray = np.nan_to_num(np.array(shown, float)) / np.array([100.0, 1.0])
        return books

    return compare(
        JOB,
        f"after events, {day.size}",
        lambda: day.rebuild(AfterEvents(positions)),
        "dictionaries",
        theirs,
        same_books,
    )


def cases(quick: bool) -> Iterator[Result]:
    """The real day beside the peer, or a simulated one."""
    prepare()
    folder = Path(os.environ.get("QUANT_ASSETS_TEST_DATA", _DATA))
    if quick or not folder.is_dir():
        say("no peer is set up: a small simulated exchange beside the tests' literal book")
        for first in (True, False):
            exchange, books = traded_day(1, 600, first)
            positions = np.unique([book["event"] for book in books])[::20]
            yield literal(Day(table(exchange.events), BookRules(first)), first, positions)
        return
    began = datetime.now(UTC)
    day = Day(shanghai_2023_07_11(folder), RULES["shanghai"])
    say(f"read {day.size} in {(datetime.now(UTC) - began).total_seconds():.1f} s")
    yield against(day, ORDER_BOOK)
    yield alone(day, "a row every 3 s", GRID)
    yield alone(day, "a row a change", EveryChange())
    yield alone(day, "no rows", NONE)


if __name__ == "__main__":
    main(JOB, cases)
