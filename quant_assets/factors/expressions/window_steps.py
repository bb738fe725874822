"""How a window's sum is put together from the sums of shorter windows, and how much at a time.

Here stand the rule of how many values a window needs, the order of steps that the kernels of
windows carry out, and the pieces of work that they are given. The kernels stand in
window_kernels.py, spread_kernels.py, correlation_kernels.py and extreme_kernels.py.

A window of d sessions is reached by doubling: from k sessions to 2 k, by joining what is known of
the k sessions that end on a day with what is known of the k sessions before those, and to 2 k + 1
by adding the one session before. The binary digits of d say which. That costs about log2(d) passes
instead of d, errors grow with log2(d) only, and how values are grouped depends on d alone: a result
has the same bits wherever the range starts and however it is cut.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

Steps = np.ndarray[Any, np.dtype[np.int64]]
# The type of steps in the signature of a kernel; whoever gets them must not change them.
STEPS = "Array(int64, 2, 'C', readonly=True)"

# What a step does: a session alone; two sessions; two blocks; a block and the session before it.
ALONE, PAIR, JOIN, EXTEND = range(4)

# The columns of a step: what it does; the row on which the older part ends; the row on which the
# newer part ends, where the result goes; the first row of the older part.

_SCRATCH_BYTES = 3 << 18  # what a kernel works on stays in the second-level cache of a core
_FEWEST_SESSIONS = 32  # fewer at a time cost more in calls than the cache gives


class Room(NamedTuple):
    """What a kernel keeps of a session: so many bytes of each of so many symbols side by side."""

    symbols: int
    symbol_bytes: int


class Piece(NamedTuple):
    """Sessions that a kernel computes in one call: out[start:stop] from inputs[first:last]."""

    start: int
    stop: int
    first: int
    last: int
    steps: Steps


def needed(window: int, least: int = 1) -> int:
    """Valid values that a window of that many sessions needs: two thirds, and at least `least`."""
    return max(-(-2 * window // 3), least)


@lru_cache(maxsize=512)
def pieces(
    window: int, past: int, shape: tuple[int, int], room: Room, overlapping: bool = False
) -> tuple[Piece, ...]:
    """The pieces in which a kernel computes rows that have `past` rows before them.

    Args:
        window: sessions of the window.
        past: rows of history before the first session.
        shape: of the result, (sessions, symbols).
        room: what the kernel keeps of a session.
        overlapping: a value may be counted twice, as for a maximum: fewer steps.
    """
    sessions, symbols = shape
    row_bytes = room.symbol_bytes * max(min(symbols, room.symbols), 1)
    fitting = _SCRATCH_BYTES // row_bytes - (window - 1)
    most = max(fitting, min(window, sessions), _FEWEST_SESSIONS)
    parts = []
    for start in range(0, sessions, most):
        stop = min(start + most, sessions)
        first = max(past + start - (window - 1), 0)
        steps = _steps(window, past + start - first, stop - start, overlapping)
        parts.append(Piece(start, stop, first, past + stop, steps))
    return tuple(parts)


class _Stage(NamedTuple):
    """From windows of `length` sessions to those of length + shift, or one more if `extended`."""

    length: int
    shift: int
    extended: bool


def _stages(window: int, overlapping: bool) -> list[_Stage]:
    stages = []
    length = 1
    for digit in f"{window:b}"[1:]:
        extended = digit == "1" and not overlapping
        stages.append(_Stage(length, length, extended))
        length += length + extended
    if length < window:
        stages.append(_Stage(length, window - length, False))
    return stages


@lru_cache(maxsize=512)
def _steps(window: int, past: int, sessions: int, overlapping: bool) -> Steps:
    """The steps that complete the windows ending on the last `sessions` of past + sessions rows.

    Within a stage rows descend, so that a step reads older rows as the stage before left them. Only
    rows that a result needs are computed.
    """
    wanted = np.zeros(past + sessions, np.bool_)
    wanted[past:] = True
    stages = _stages(window, overlapping)
    parts = [_alone(np.flatnonzero(wanted))] if not stages else []
    for length, shift, extended in reversed(stages):
        rows = np.flatnonzero(wanted)[::-1]
        known = rows[rows >= shift]
        if length == 1:
            parts.append(_alone(rows[rows < shift]))
        joined = _step(PAIR if length == 1 else JOIN, known - shift, known, length)
        added = _step(EXTEND, known - 2 * length, known, 1)
        both = np.stack([joined, added], axis=1) if extended else joined[:, np.newaxis]
        parts.append(both[both[:, :, 1] >= 0])
        wanted[: max(wanted.size - shift, 0)] |= wanted[shift:]
    steps = np.concatenate(parts[::-1])
    steps.flags.writeable = False
    return steps


def _step(kind: int, older: Steps, row: Steps, length: int) -> Steps:
    first = np.maximum(older - (length - 1), 0)
    return np.stack([np.full(row.size, kind), older, row, first], axis=1)


def _alone(rows: Steps) -> Steps:
    return _step(ALONE, rows, rows, 1)
