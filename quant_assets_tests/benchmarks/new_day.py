"""One new day of every library on 650 symbols, against computing all days again.

Two ways to a new day: `compute` from the bars that the look-back needs, as the graph does for a
daily partition; and `Stream.advance`, which has kept what the day before left. Both must give the
bits of the full computation. Bars are missing here and there, and some securities start late.

`--quick` is the same on 24 symbols.
"""

from collections.abc import Iterator

import numpy as np

from quant_assets.factors.catalogue import built_in
from quant_assets.factors.expressions.engine import Stream, compute
from quant_assets.factors.expressions.plan import plan
from quant_assets_tests.benchmarks.harness import Result, compare, main
from quant_assets_tests.benchmarks.panels import Array, market
from quant_assets_tests.benchmarks.setting import THREADS, prepare, say

JOB = "new_day"
PEER = "full computation"
MISSING = 0.01
NEW_DAYS = 3  # of the stream, each timed


def cases(quick: bool) -> Iterator[Result]:
    """Each library, and all of them at once; quick: on few symbols."""
    prepare()
    symbols = 24 if quick else 650
    every: dict[str, str] = {}
    for library in built_in():
        every.update(library.expressions)
    for name, expressions in (
        *((library.name, library.expressions) for library in built_in()),
        ("all", every),
    ):
        yield from _cases(name, expressions, symbols)


def _cases(name: str, expressions: dict[str, str], symbols: int) -> Iterator[Result]:
    made = plan(expressions)
    lookback = made.lookback
    days = lookback + 60 + NEW_DAYS
    fields = {
        field: values
        for field, values in market(days, symbols, MISSING).items()
        if field in made.fields
    }
    last = {field: values[-lookback - 1 :].copy() for field, values in fields.items()}
    title = f"{name}, {len(expressions)} x {symbols}"
    say(f"{title}: look-back {lookback}, {len(made.tasks)} tasks, {days} days in full")

    def full() -> Array:
        return compute(made, fields, thread_no=THREADS)

    def same_day(ours: Array, everything: Array) -> bool:
        return np.array_equal(ours[:, -1], everything[:, -1], equal_nan=True)

    yield compare(
        JOB,
        f"{title}, from bars",
        lambda: compute(made, last, lookback, THREADS),
        PEER,
        full,
        same_day,
    )
    with Stream(made, symbols, thread_no=THREADS) as stream:
        history = days - NEW_DAYS
        for start in range(0, history, stream.block_rows):
            rows = slice(start, min(start + stream.block_rows, history))
            stream.advance({field: values[rows] for field, values in fields.items()})
        new = iter(range(history, days))

        def next_day() -> Array:
            row = next(new)
            return stream.advance({field: v[row : row + 1] for field, v in fields.items()})

        yield compare(JOB, f"{title}, stream", next_day, PEER, full, same_day, NEW_DAYS)


if __name__ == "__main__":
    main(JOB, cases)
