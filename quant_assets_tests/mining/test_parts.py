"""Splitting a library and computing its parts at once."""

import threading
from collections.abc import Callable, Sequence
from itertools import product
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.mining.parts import compute_in_parts, split

Result = TypeVar("Result")
LETTERS = [*"abcdefgh"]


def test_without_weights_parts_are_of_one_size() -> None:
    assert split(LETTERS, 3) == [["a", "d", "g"], ["b", "e", "h"], ["c", "f"]]
    assert split(LETTERS, 1) == [LETTERS]
    assert split(["a", "b"], 5) == [["a"], ["b"]]
    assert split([], 3) == []


def test_heavy_factors_stand_alone() -> None:
    weights = {"a": 10.0, "b": 1.0, "c": 1.0, "d": 1.0}
    assert split([*"dcba"], 2, weights) == [["a"], ["d", "c", "b"]]
    # one without a weight counts as the mean of the others
    assert split([*"abcx"], 2, {"a": 4.0, "b": 1.0, "c": 1.0}) == [["a"], ["b", "c", "x"]]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=8), st.integers(1, 4))
def test_parts_are_a_partition_and_near_the_best_one(weights: list[float], parts: int) -> None:
    names = [f"f{k}" for k in range(len(weights))]
    weight = dict(zip(names, weights, strict=True))
    found = split(names, parts, weight)
    assert sorted(name for part in found for name in part) == names
    assert len(found) <= parts
    assert all(found)
    if len(weights) > 6:
        return  # too many ways to try them all
    heaviest = max(sum(weight[name] for name in part) for part in found)
    best = min(
        max(sum(w for w, at in zip(weights, places, strict=True) if at == p) for p in range(parts))
        for places in product(range(parts), repeat=len(weights))
    )
    assert heaviest <= 4 / 3 * best + 1e-9


def test_what_cannot_be_split() -> None:
    with pytest.raises(ValueError, match=r"'parts' parameter of split must be at least 1. Got 0"):
        split(LETTERS, 0)
    with pytest.raises(ValueError, match=r"'factors' of split must differ. Got 'a' twice"):
        split(["a", "b", "a"], 2)
    with pytest.raises(ValueError, match=r"weight of 'a' must be 0 or more. Got -1.0"):
        split(["a"], 2, {"a": -1.0})
    with pytest.raises(ValueError, match=r"weight of 'a' must be 0 or more. Got nan"):
        split(["a"], 2, {"a": float("nan")})


def upper(factors: Sequence[str], thread_no: int) -> dict[str, tuple[str, int]]:
    return {name: (name.upper(), thread_no) for name in factors}


@pytest.mark.parametrize("parallel_m", [1, 2, 3, 20])
@pytest.mark.parametrize("parts", [None, 1, 4, 20])
def test_the_knobs_change_nothing_of_the_results(parallel_m: int, parts: int | None) -> None:
    results = compute_in_parts(LETTERS, upper, 5, parallel_m, parts=parts)
    assert len(results) == min(parts or parallel_m, len(LETTERS))
    merged = {name: value for result in results for name, value in result.items()}
    assert merged == {name: (name.upper(), 5) for name in LETTERS}
    assert [list(r) for r in results] == split(LETTERS, parts or parallel_m)


def test_so_many_parts_run_at_once_and_no_more() -> None:
    together = threading.Barrier(3, timeout=20)
    lock = threading.Lock()
    running, most = [0], [0]

    def compute(factors: Sequence[str], thread_no: int) -> str:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        together.wait()  # passes only when three are here
        with lock:
            running[0] -= 1
        return factors[0]

    assert compute_in_parts([*"abcdef"], compute, 1, 3, parts=6) == [*"abcdef"]
    assert most == [3]


def test_one_part_runs_in_the_thread_of_the_caller() -> None:
    def compute(factors: Sequence[str], thread_no: int) -> int:
        return threading.get_ident()

    assert compute_in_parts(LETTERS, compute, 1, 1, parts=3) == [threading.get_ident()] * 3
    assert compute_in_parts(LETTERS, compute, 1, 8, parts=1) == [threading.get_ident()]


class Watcher:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int, str]] = []
        self._lock = threading.Lock()

    def measured(self, part: int, factors: Sequence[str], work: Callable[[], Result]) -> Result:
        with self._lock:
            self.told.append(("ran", part, "".join(factors)))
        return work()

    def left_out(self, part: int, factors: Sequence[str]) -> None:
        with self._lock:
            self.told.append(("left out", part, "".join(factors)))


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_one_at_a_time_the_parts_after_a_failure_are_left_out(fault: type[BaseException]) -> None:
    def compute(factors: Sequence[str], thread_no: int) -> None:
        if "b" in factors:
            raise fault("no memory")

    watcher = Watcher()
    with pytest.raises(fault, match="no memory") as caught:
        compute_in_parts([*"abcd"], compute, 1, 1, parts=4, observer=watcher)
    assert caught.value.__notes__ == ["in part 2 of 4: b"]
    assert watcher.told == [
        ("ran", 1, "a"),
        ("ran", 2, "b"),
        ("left out", 3, "c"),
        ("left out", 4, "d"),
    ]


def test_at_once_running_parts_end_and_the_others_are_left_out() -> None:
    both = threading.Barrier(2, timeout=20)
    ended: list[str] = []
    failed = threading.Event()

    def compute(factors: Sequence[str], thread_no: int) -> None:
        if factors[0] in "ab":
            both.wait()
        if factors[0] == "a":
            failed.set()
            raise RuntimeError("no memory")
        failed.wait(20)
        ended.append(factors[0])

    watcher = Watcher()
    with pytest.raises(RuntimeError, match="no memory") as caught:
        compute_in_parts([*"abcdef"], compute, 1, 2, parts=6, observer=watcher)
    assert caught.value.__notes__ == ["in part 1 of 6: a"]
    assert "b" in ended
    ran = {name for what, _, name in watcher.told if what == "ran"}
    left = {name for what, _, name in watcher.told if what == "left out"}
    assert ran | left == {*"abcdef"}
    assert not ran & left
    assert left >= {*"ef"}
    assert set(ended) == ran - {"a"}


def test_of_several_errors_the_first_parts_is_raised() -> None:
    both = threading.Barrier(2, timeout=20)

    def compute(factors: Sequence[str], thread_no: int) -> None:
        both.wait()
        raise RuntimeError(f"{factors[0]} failed")

    with pytest.raises(RuntimeError, match="a failed"):
        compute_in_parts([*"ab"], compute, 1, 2)


@pytest.mark.parametrize(("thread_no", "parallel_m"), [(0, 1), (1, 0), (1, -2)])
def test_knobs_below_one(thread_no: int, parallel_m: int) -> None:
    name = "thread_no" if thread_no < 1 else "parallel_m"
    with pytest.raises(ValueError, match=f"The '{name}' parameter .* must be at least 1"):
        compute_in_parts(LETTERS, upper, thread_no, parallel_m)
