"""Where the rows of a value lie while a block of sessions is computed.

Here stand the kinds of places and how one is read; which value gets which place, and for how long,
is engine.py's.
"""

import numpy as np

from quant_assets.factors.expressions.operators.registry import Array


class Value:
    """Rows of a node: those from `base` on lie in `array` from its first row on."""

    def __init__(self, array: Array, base: int = 0) -> None:
        self.array, self.base = array, base

    def rows(self, low: int, high: int) -> Array:
        """The rows low <= row < high."""
        return self.array[low - self.base : high - self.base]


class Plain(Value):
    """A field as it was given."""


class Result(Value):
    """Computed right where the results are handed out."""


class Pooled(Value):
    """In an array that is used again when all have read it."""


class Constant(Value):
    """One number, a row of it."""

    def rows(self, low: int, high: int) -> Array:
        """The one row, whichever are asked for."""
        return self.array


class Kept(Value):
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
