"""The engine: a plan carried out over blocks of sessions, by several threads.

Here stand the arrays and their reuse: which place in memory (rows.py) each value gets, and when it
is free again. A block of rows is computed through the whole graph before the next begins, so values
stay in the cache, memory is bounded by the block, and a new day is one more block: what later rows
need of earlier ones is kept. Every value is computed once, from its own window or row, so that
blocks and threads change no bit.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from quant_assets.factors.expressions.crew import Crew
from quant_assets.factors.expressions.operators.registry import Array
from quant_assets.factors.expressions.plan import Plan
from quant_assets.factors.expressions.rows import Constant, Kept, Plain, Pooled, Result, Value

DEFAULT_MEMORY = 1 << 30
# A block of a value that fits the second-level cache of a core beside its inputs.
_BLOCK_BYTES = 1 << 20
# With less than this many values in a block, handing tasks to threads costs more than it gains.
_THREADED = 1 << 14


def compute(
    plan: Plan,
    data: Mapping[str, Array],
    first: int = 0,
    thread_no: int = 1,
    memory: int = DEFAULT_MEMORY,
) -> Array:
    """The results of a plan over sessions and symbols.

    Args:
        plan: of the expressions.
        data: `plan.fields`, float64 (T, N) each, rows ascending in time, NaN for missing.
        first: the first row whose results are wanted; rows before are look-back.
        thread_no: threads.
        memory: bytes that intermediate values may take, about; results come on top.

    Returns:
        (results, T - first, N), float64; NaN where a result is not defined, never an infinity.

    Raises:
        ValueError: a field is missing or has another shape.
    """
    rows, symbols = _shape(plan, data)
    out = np.empty((len(plan.outputs), max(rows - first, 0), symbols))
    begin = max(first - plan.lookback, 0)
    with Stream(plan, symbols, first - begin, thread_no, memory) as stream:
        step = stream.block_rows
        for start in range(begin, rows, step):
            stop = min(start + step, rows)
            block = {name: values[start:stop] for name, values in data.items()}
            stream.advance(block, out[:, max(start - first, 0) : max(stop - first, 0)])
    return out


class Stream:
    """A plan that goes forward in time: each block of sessions once, on top of those before.

    Use as a context manager, or call `close`.
    """

    def __init__(
        self,
        plan: Plan,
        symbols: int,
        first: int = 0,
        thread_no: int = 1,
        memory: int = DEFAULT_MEMORY,
    ) -> None:
        """Results are wanted from row `first` on, counted from the first row ever given."""
        self.plan, self.symbols, self.first = plan, symbols, first
        preferred = max(1, _BLOCK_BYTES // (8 * max(symbols, 1)))
        self.block_rows = plan.rows_within(memory, symbols, preferred)
        self._threads = thread_no
        self._pool = ThreadPoolExecutor(thread_no) if thread_no > 1 else None
        self._row = 0  # rows given so far
        nodes = plan.graph.nodes
        self._start = {k: max(0, first - need) for k, need in plan.need.items()}
        self._values: dict[int, Value] = {}
        for k in plan.need:
            value = nodes[k].value
            if value is not None:
                self._values[k] = Constant(np.full((1, symbols), value))
            elif plan.halo.get(k):
                self._values[k] = Kept(plan.halo[k], self._start[k], symbols)
        self._places: dict[int, list[int]] = {}
        for place, k in enumerate(plan.outputs):
            self._places.setdefault(k, []).append(place)
        self._free: list[Array] = []  # arrays of one block, for values that are not kept

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *failure: Any) -> None:
        self.close()

    def close(self) -> None:
        """End the threads."""
        if self._pool:
            self._pool.shutdown()

    def advance(self, data: Mapping[str, Array], out: Array | None = None) -> Array:
        """The results of the next sessions.

        Args:
            data: `plan.fields`, (R, N) each; more than `block_rows` rows take more memory.
            out: where to, (results, wanted rows, N), each result's rows in one piece.

        Returns:
            (results, W, N): W of the R rows are wanted, all once `first` is reached.
        """
        rows, symbols = _shape(self.plan, data)
        if symbols != self.symbols:
            raise ValueError(f"the fields must have {self.symbols} symbols. Got {symbols} instead.")
        begin, end = self._row, self._row + rows
        wanted = end - max(begin, self.first)
        if out is None:
            out = np.empty((len(self.plan.outputs), max(wanted, 0), symbols))
        if rows:
            _Block(self, data, begin, end, out).run()
        self._row = end
        return out


class _Block:
    """One block of rows, begin <= row < end, on its way through the tasks."""

    def __init__(
        self, stream: Stream, data: Mapping[str, Array], begin: int, end: int, out: Array
    ) -> None:
        self.stream, self.plan, self.begin, self.end = stream, stream.plan, begin, end
        self.out, self.out_row = out, max(begin, stream.first)
        self.values: dict[int, Value] = dict(stream._values)
        self.readers = [len(each) for each in self.plan.after]
        for k in self.plan.need:
            name = self.plan.graph.nodes[k].field
            if name is not None:
                self._bring(k, _writable(data[name]))

    def run(self) -> None:
        stream = self.stream
        if stream._pool is None or (self.end - self.begin) * stream.symbols < _THREADED:
            for place in range(len(self.plan.tasks)):
                self.task(place)
                self.done(place)
        else:
            Crew(self.plan, self.task, self.done).work(stream._pool, stream._threads)
        for k, places in stream._places.items():
            self._hand_over(k, places)

    def _bring(self, k: int, given: Array) -> None:
        kept = self.values.get(k)
        if isinstance(kept, Kept):
            low = min(max(self.begin, kept.start), self.end)
            kept.room(low, self.begin, self.end)[:] = given[low - self.begin :]
        else:
            self.values[k] = Plain(given, self.begin)

    def _hand_over(self, k: int, places: list[int]) -> None:
        """Copy a value that was not made in its place among the results."""
        value = self.values.get(k)
        if value is None or isinstance(value, Result):
            return
        if self.out_row < self.end:
            for place in places:
                self.out[place] = value.rows(self.out_row, self.end)
        if isinstance(value, Pooled):
            self.stream._free.append(value.array)

    def task(self, place: int) -> None:
        """Compute the rows of a task; several threads may be at it, each with its own task."""
        task, end = self.plan.tasks[place], self.end
        low = max(self.begin, self.stream._start[task.nodes[0]])
        if low < end:
            past = min(task.lookback, low)
            first = low - past
            inputs = [self.values[k].rows(first, end) for k in task.arguments]
            if task.whole:
                inputs = [_whole(each, end - first) for each in inputs]
            task.compute(inputs, past, [self._room(k, low) for k in task.nodes])

    def done(self, place: int) -> None:
        """Set free what only this task still had to read; one thread at a time."""
        for earlier in self.plan.tasks[place].before:
            self.readers[earlier] -= 1
            if self.readers[earlier] == 0:
                self._release(earlier)
        if not self.readers[place]:
            self._release(place)

    def _room(self, k: int, low: int) -> Array:
        """Where the rows of a node from `low` on are written."""
        kept = self.stream._values.get(k)
        if isinstance(kept, Kept):
            return kept.room(low, self.begin, self.end)
        places = self.stream._places.get(k, [])
        if len(places) == 1 and low >= self.out_row and self.end > self.out_row:
            result: Array = self.out[places[0]]
            self.values[k] = Result(result, self.out_row)
            return result
        try:
            array = self.stream._free.pop()
        except IndexError:
            array = np.empty((0, self.stream.symbols))
        if len(array) < self.end - low:
            array = np.empty((max(self.end - self.begin, 1), self.stream.symbols))
        self.values[k] = Pooled(array, low)
        return array[: self.end - low]

    def _release(self, place: int) -> None:
        for k in self.plan.tasks[place].nodes:
            value = self.values.get(k)
            if isinstance(value, Pooled) and k not in self.stream._places:
                del self.values[k]
                self.stream._free.append(value.array)


def _whole(values: Array, rows: int) -> Array:
    """As many rows as wanted, where a constant has only one."""
    return values if len(values) == rows else np.repeat(values, rows, axis=0)


def _writable(values: Array) -> Array:
    """As kernels are compiled for: nothing is written, but a read-only array is another type."""
    return np.require(values, np.float64, ["C", "W"])


def _shape(plan: Plan, data: Mapping[str, Array]) -> tuple[int, int]:
    """(rows, symbols) of the fields, which must be there and agree."""
    missing = [name for name in plan.fields if name not in data]
    if missing:
        raise ValueError(
            f"the expressions read the fields {', '.join(missing)}, which are not among those "
            f"given: {', '.join(sorted(data)) or 'none'}"
        )
    shapes = {np.shape(data[name]) for name in plan.fields}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise ValueError(
            "the fields of expressions must have one shape (sessions, symbols). "
            f"Got {', '.join(str(each) for each in sorted(shapes))} instead."
        )
    rows, symbols = next(iter(shapes))
    return rows, symbols
