"""The engine: a plan carried out over blocks of sessions, by several threads.

Here stand the arrays and their reuse, and the threads. A block of rows is computed through the
whole graph before the next begins, so values stay in the cache, memory is bounded by the block, and
a new day is one more block: what later rows need of earlier ones is kept. Every value is computed
once, from its own window or row, so that blocks and threads change no bit.
"""

import heapq
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from quant_assets.factors.expressions.operators.registry import Array, Wanted
from quant_assets.factors.expressions.plan import Plan

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
        self._values: dict[int, _Value] = {}
        for k in plan.need:
            value = nodes[k].value
            if value is not None:
                self._values[k] = _Constant(np.full((1, symbols), value))
            elif plan.halo.get(k):
                self._values[k] = _Kept(plan.halo[k], self._start[k], symbols)
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
        self.values: dict[int, _Value] = dict(stream._values)
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
            _Crew(self).work(stream._pool, stream._threads)
        for k, places in stream._places.items():
            self._hand_over(k, places)

    def _bring(self, k: int, given: Array) -> None:
        kept = self.values.get(k)
        if isinstance(kept, _Kept):
            low = min(max(self.begin, kept.start), self.end)
            kept.room(low, self.begin, self.end)[:] = given[low - self.begin :]
        else:
            self.values[k] = _Plain(given, self.begin)

    def _hand_over(self, k: int, places: list[int]) -> None:
        """Copy a value that was not made in its place among the results."""
        value = self.values.get(k)
        if value is None or isinstance(value, _Result):
            return
        if self.out_row < self.end:
            for place in places:
                self.out[place] = value.rows(self.out_row, self.end)
        if isinstance(value, _Pooled):
            self.stream._free.append(value.array)

    def task(self, place: int) -> None:
        """Compute the rows of a task; several threads may be at it, each with its own task."""
        task = self.plan.tasks[place]
        low = max(self.begin, self.stream._start[task.nodes[0]])
        if low < self.end:
            past = min(task.lookback, low)
            scope = self._operator(task.nodes[0]).scope
            inputs = [self._input(k, scope, low - past) for k in task.arguments]
            outs = [self._room(k, low) for k in task.nodes]
            self._compute(task.nodes, inputs, past, outs)

    def done(self, place: int) -> None:
        """Set free what only this task still had to read; one thread at a time."""
        for earlier in self.plan.tasks[place].before:
            self.readers[earlier] -= 1
            if self.readers[earlier] == 0:
                self._release(earlier)
        if not self.readers[place]:
            self._release(place)

    def _compute(
        self, nodes: tuple[int, ...], inputs: list[Array], past: int, outs: list[Array]
    ) -> None:
        joint = self._operator(nodes[0]).joint
        if joint is None or len(nodes) == 1:
            for k, out in zip(nodes, outs, strict=True):
                constants = self.plan.graph.nodes[k].constants
                self._operator(k).compute(inputs, constants, past, out)
            return
        wanted = [
            Wanted(self._operator(k).name, self.plan.graph.nodes[k].constants, out)
            for k, out in zip(nodes, outs, strict=True)
        ]
        joint.compute(wanted, inputs, past)

    def _operator(self, k: int) -> Any:
        return self.plan.graph.nodes[k].operator

    def _input(self, k: int, scope: str, low: int) -> Array:
        value = self.values[k]
        if isinstance(value, _Constant) and scope != "element":
            full: Array = np.repeat(value.array, self.end - low, axis=0)
            return full
        return value.rows(low, self.end)

    def _room(self, k: int, low: int) -> Array:
        """Where the rows of a node from `low` on are written."""
        kept = self.stream._values.get(k)
        if isinstance(kept, _Kept):
            return kept.room(low, self.begin, self.end)
        places = self.stream._places.get(k, [])
        if len(places) == 1 and low >= self.out_row and self.end > self.out_row:
            result: Array = self.out[places[0]]
            self.values[k] = _Result(result, self.out_row)
            return result
        try:
            array = self.stream._free.pop()
        except IndexError:
            array = np.empty((0, self.stream.symbols))
        if len(array) < self.end - low:
            array = np.empty((max(self.end - self.begin, 1), self.stream.symbols))
        self.values[k] = _Pooled(array, low)
        return array[: self.end - low]

    def _release(self, place: int) -> None:
        for k in self.plan.tasks[place].nodes:
            value = self.values.get(k)
            if isinstance(value, _Pooled) and k not in self.stream._places:
                del self.values[k]
                self.stream._free.append(value.array)


class _Crew:
    """Threads that take the tasks whose arguments are there, the earliest of the plan first."""

    def __init__(self, block: _Block) -> None:
        self.block, self.plan = block, block.plan
        self.waiting = [len(each.before) for each in self.plan.tasks]
        self.ready = [place for place, count in enumerate(self.waiting) if count == 0]
        self.left = len(self.plan.tasks)
        self.idle = 0
        self.failure: BaseException | None = None
        self.changed = threading.Condition()

    def work(self, pool: ThreadPoolExecutor, threads: int) -> None:
        for each in [pool.submit(self._worker) for _ in range(threads)]:
            each.result()
        if self.failure:
            raise self.failure

    def _worker(self) -> None:
        place = self._next(None)
        while place is not None:
            try:
                self.block.task(place)
            except BaseException as failure:
                with self.changed:
                    self.failure, self.left = self.failure or failure, 0
                    self.changed.notify_all()
                return
            place = self._next(place)

    def _next(self, done: int | None) -> int | None:
        with self.changed:
            if done is not None:
                self._finish(done)
            while not self.ready and self.left > 0:
                self.idle += 1
                self.changed.wait()
                self.idle -= 1
            return heapq.heappop(self.ready) if self.left > 0 else None

    def _finish(self, done: int) -> None:
        self.block.done(done)
        self.left -= 1
        for later in self.plan.after[done]:
            self.waiting[later] -= 1
            if self.waiting[later] == 0:
                heapq.heappush(self.ready, later)
        if self.idle and (self.left <= 0 or len(self.ready) > 1):
            self.changed.notify_all()


class _Value:
    """Rows of a node: those from `base` on lie in `array` from its first row on."""

    def __init__(self, array: Array, base: int = 0) -> None:
        self.array, self.base = array, base

    def rows(self, low: int, high: int) -> Array:
        return self.array[low - self.base : high - self.base]


class _Plain(_Value):
    """A field as it was given."""


class _Result(_Value):
    """Computed right where the results are handed out."""


class _Pooled(_Value):
    """In an array that is used again when all have read it."""


class _Constant(_Value):
    """One number, a row of it."""

    def rows(self, low: int, high: int) -> Array:
        return self.array


class _Kept(_Value):
    """A value whose last `halo` rows stay for the next block; nothing before row `start`."""

    def __init__(self, halo: int, start: int, symbols: int) -> None:
        super().__init__(np.empty((0, symbols)), start)
        self.halo, self.start = halo, start

    def room(self, low: int, begin: int, end: int) -> Array:
        """Rows low to end, after moving what is kept of the rows before `begin` to the front."""
        kept = min(self.halo, max(begin - self.start, 0))
        before = self.rows(begin - kept, begin) if kept else self.array[:0]
        base = low - kept
        if len(self.array) < end - base:
            fresh = np.empty((self.halo + end - low, self.array.shape[1]))
            fresh[:kept] = before
            self.array = fresh
        elif kept and base != self.base:
            self.array[:kept] = before
        self.base = base
        return self.rows(low, end)


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
