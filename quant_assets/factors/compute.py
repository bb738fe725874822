"""Computing a library of factors: tables in, wide tables out, block by block.

Here stand the way from a library to its plan and from results to rows. What an expression means and
how it is computed stands in `expressions/`, where fields come from in market_fields.py.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from functools import lru_cache

import numpy as np
import pyarrow as pa

from quant_assets import compiled
from quant_assets.factors.expressions import engine
from quant_assets.factors.expressions.plan import Plan, plan
from quant_assets.factors.market_fields import Array, MarketFields
from quant_assets.market_data.panels import date_column
from quant_assets.warehouse.window import Window

# Calls its argument with the place of each part, and gives the results in that order.
Run = Callable[[Callable[[int], Array]], Sequence[Array]]
# Of the results that are held at once, in bytes.
_TABLE_BYTES = 256 << 20


def plan_of(expressions: Mapping[str, str], definitions: Mapping[str, str]) -> Plan:
    """The plan of named expressions; the same one for the same texts, for planning takes a while.

    Raises:
        ExpressionError: a text is not a sound expression.
    """
    return _plan(tuple(expressions.items()), tuple(definitions.items()))


@lru_cache(maxsize=32)
def _plan(
    expressions: tuple[tuple[str, str], ...], definitions: tuple[tuple[str, str], ...]
) -> Plan:
    return plan(dict(expressions), dict(definitions))


def compute(
    plans: Sequence[Plan],
    market: MarketFields,
    window: Window,
    thread_no: int = 1,
    memory: int = engine.DEFAULT_MEMORY,
    run: Run | None = None,
) -> Iterator[tuple[Window, pa.Table]]:
    """The results of plans over a window, in blocks of days, oldest first.

    Args:
        plans: of the expressions; one, or several for parts that are computed apart.
        market: its fields, of the window and the largest look-back before it; with fewer sessions
            before it, as at a market's start, windows are as short as the data.
        window: the days of the result.
        thread_no: threads in a part.
        memory: bytes that intermediate values of all parts may take, about.
        run: computes the parts of a block, by default one after the other.

    Yields:
        (days, rows): windows without gap or overlap that together are `window`; date, symbol and a
        float64 column a result, null where it is not defined; a row for every bar, by date and
        symbol.
    """
    compiled.warm_up_all()
    first, stop = market.rows(window)
    names = [name for each in plans for name in each.names]
    rows = max(1, _TABLE_BYTES // (8 * max(len(market.symbols) * len(names), 1)))
    start = window.start
    with ExitStack() as stack:
        parts = [
            stack.enter_context(_Part(each, market, first, thread_no, memory // len(plans)))
            for each in plans
        ]
        for row in range(first, max(stop, first + 1), rows):
            end = min(row + rows, stop)

            def work(place: int, row: int = row, end: int = end) -> Array:
                return parts[place].results(row, end)

            found = run(work) if run else [work(place) for place in range(len(parts))]
            last = window.end if end >= stop else market.dates[end - 1].item()
            results = dict(zip(names, (each for part in found for each in part), strict=True))
            yield Window(start, last), _table(market, row, end, results)
            start = last + timedelta(days=1)


class _Part:
    """A plan on its way through the sessions of a market."""

    def __init__(
        self, chosen: Plan, market: MarketFields, first: int, thread_no: int, memory: int
    ) -> None:
        self._row = max(first - chosen.lookback, 0)
        self._data = {name: market.fields[name] for name in chosen.fields}
        self._shape = len(chosen.names), len(market.symbols)
        symbols = len(market.symbols)
        self._stream = engine.Stream(chosen, symbols, first - self._row, thread_no, memory)

    def __enter__(self) -> "_Part":
        return self

    def __exit__(self, *failure: object) -> None:
        self._stream.close()

    def results(self, first: int, stop: int) -> Array:
        """Results of the sessions from `first` to before `stop`, each (sessions, symbols)."""
        results, symbols = self._shape
        out = np.empty((results, stop - first, symbols))
        while self._row < stop:
            low, high = self._row, min(self._row + self._stream.block_rows, stop)
            block = {name: values[low:high] for name, values in self._data.items()}
            self._stream.advance(block, out[:, max(low - first, 0) : max(high - first, 0)])
            self._row = high
        return out


def _table(market: MarketFields, first: int, stop: int, results: Mapping[str, Array]) -> pa.Table:
    """Rows of the places that have a bar."""
    present = market.present[first:stop]
    sessions, columns = np.nonzero(present)
    symbols = pa.array(market.symbols.astype(object), pa.string())
    data = {
        "date": date_column(market.dates[first:stop][sessions]),
        "symbol": symbols.take(pa.array(columns)),
    }
    for name, values in results.items():
        data[name] = pa.array(values[present], from_pandas=True)
    return pa.table(data)
