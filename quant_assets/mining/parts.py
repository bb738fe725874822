"""A set of factors computed in parts, several at once.

Two knobs: `thread_no`, the threads inside a part, and `parallel_m`, the parts at once; so many
threads as their product are at work together. Parts run in threads of one process and not in
processes of their own: compiled kernels, NumPy and Arrow release the interpreter's lock, panels are
shared instead of copied, and nothing is imported or warmed up again.

Belongs here: splitting and running. Not here: what a part computes (the caller's function), what a
run costs (measurement.py), the record of it (recording.py).
"""

import heapq
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from typing import Any, Protocol, TypeVar, cast

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class Compute(Protocol[Result_co]):
    """Computes some factors with so many threads."""

    def __call__(self, factors: Sequence[str], thread_no: int, /) -> Result_co:
        """The result of one part."""


class Observer(Protocol):
    """Is told of each part: `measured` runs it, and has to give back what it gives."""

    def measured(self, part: int, factors: Sequence[str], work: Callable[[], Result]) -> Result:
        """Runs the work of part 1, 2, …, in the part's own thread."""

    def left_out(self, part: int, factors: Sequence[str]) -> None:
        """A part that was not begun, because another one failed."""


def split(
    factors: Sequence[str], parts: int, weights: Mapping[str, float] | None = None
) -> list[list[str]]:
    """The factors in at most so many parts of about equal weight.

    The heaviest factor goes first, each to the lightest part so far (the longest-processing-time
    rule of Graham 1969: the heaviest part is at most 4/3 of the best possible). Within a part the
    order of `factors` is kept; equal input gives equal parts.

    Args:
        factors: names, each once.
        parts: at most so many; fewer where there are fewer factors.
        weights: what each is expected to cost, seconds of past runs for instance; one without a
            weight counts as the mean of the others. By default all are alike.

    Raises:
        ValueError: `parts` is below 1, a name stands twice, a weight is negative or not a number.
    """
    if parts < 1:
        raise ValueError(f"The 'parts' parameter of split must be at least 1. Got {parts} instead.")
    if len(set(factors)) < len(factors):
        twice = next(name for name in factors if factors.count(name) > 1)
        raise ValueError(f"The 'factors' of split must differ. Got {twice!r} twice instead.")
    weight = _weights(factors, weights or {})
    place = {name: position for position, name in enumerate(factors)}
    filled: list[list[str]] = [[] for _ in range(min(parts, len(factors)))]
    lightest = [(0.0, number) for number in range(len(filled))]
    for name in sorted(factors, key=lambda name: (-weight[name], place[name])):
        load, number = heapq.heappop(lightest)
        filled[number].append(name)
        heapq.heappush(lightest, (load + weight[name], number))
    return [sorted(part, key=place.__getitem__) for part in filled if part]


def compute_in_parts(
    factors: Sequence[str],
    compute: Compute[Result],
    thread_no: int,
    parallel_m: int,
    *,
    parts: int | None = None,
    weights: Mapping[str, float] | None = None,
    observer: Observer | None = None,
) -> list[Result]:
    """The results of all parts, in the order of the parts.

    With one part, or `parallel_m` 1, everything runs in the caller's thread. When a part fails, the
    parts that run are waited for, the others are not begun, and the error is raised with a note
    that names the part's factors; of several errors the first part's. So it is with Ctrl-C.

    Args:
        factors: names, each once.
        compute: called with the names of a part and `thread_no`, from several threads at once.
        thread_no: threads in a part.
        parallel_m: parts at once.
        parts: number of parts; by default `parallel_m`. More parts than run at once bound memory.
        weights: see `split`.
        observer: is told of each part.

    Raises:
        ValueError: a knob is below 1.
        Exception: whatever `compute` raises.
    """
    for knob, value in (("thread_no", thread_no), ("parallel_m", parallel_m)):
        if value < 1:
            raise ValueError(
                f"The '{knob}' parameter of compute_in_parts must be at least 1. "
                f"Got {value} instead."
            )
    chosen = split(factors, parallel_m if parts is None else parts, weights)

    def run(number: int) -> Result:
        names = chosen[number]

        def work() -> Result:
            return compute(names, thread_no)

        try:
            return observer.measured(number + 1, names, work) if observer is not None else work()
        except BaseException as error:
            error.add_note(f"in part {number + 1} of {len(chosen)}: {', '.join(names)}")
            raise

    stop = threading.Event()

    def begin(number: int) -> Result | None:
        """The part's result, unless another part has failed before it began."""
        if stop.is_set():
            if observer is not None:
                observer.left_out(number + 1, chosen[number])
            return None
        try:
            return run(number)
        except BaseException:
            stop.set()
            raise

    with _executor(min(parallel_m, len(chosen))) as executor:
        futures = [executor.submit(begin, number) for number in range(len(chosen))]
        try:
            wait(futures)
        except BaseException:
            stop.set()
            raise
    for future in futures:
        if (error := future.exception()) is not None:
            raise error
    return [cast(Result, future.result()) for future in futures]


def _executor(threads: int) -> Executor:
    if threads > 1:
        return ThreadPoolExecutor(threads, thread_name_prefix="part")
    return _Caller()


class _Caller(Executor):
    """Runs what is submitted at once, in the thread that submits it."""

    def submit(self, work: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        """See Executor."""
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments, **named))
        except BaseException as error:
            future.set_exception(error)
        return future


def _weights(factors: Sequence[str], given: Mapping[str, float]) -> dict[str, float]:
    known = {name: float(given[name]) for name in factors if name in given}
    for name, value in known.items():
        if not 0.0 <= value < float("inf"):
            raise ValueError(f"The weight of {name!r} must be 0 or more. Got {value} instead.")
    usual = sum(known.values()) / len(known) if known else 1.0
    return {name: known.get(name, usual) for name in factors}
