"""When a replay writes a row: the choices, and the marks that follow from them.

Not here: what stands in a row (book.py).
"""

from dataclasses import dataclass

import numpy as np


class BookError(ValueError):
    """Events or arguments that no book can be built from."""


@dataclass(frozen=True)
class EveryChange:
    """A row after each event that changes a price or a size of the ten best levels."""


@dataclass(frozen=True)
class Every:
    """A row at each whole multiple of `nanoseconds` since 1970, from the first event on."""

    nanoseconds: int

    def __post_init__(self) -> None:
        if self.nanoseconds < 1:
            raise BookError(
                f"The 'nanoseconds' of Every must be at least 1. Got {self.nanoseconds} instead."
            )


@dataclass(frozen=True)
class At:
    """A row at each of these instants, nanoseconds since 1970, ascending."""

    instants: np.ndarray

    def __post_init__(self) -> None:
        if np.any(np.diff(self.instants) < 0):
            raise BookError("The 'instants' of At must be ascending.")


@dataclass(frozen=True)
class AfterEvents:
    """A row after each of these events, by their place among the symbol's events, ascending."""

    positions: np.ndarray

    def __post_init__(self) -> None:
        if np.any(np.diff(self.positions) <= 0):
            raise BookError("The 'positions' of AfterEvents must be ascending, each once.")


When = EveryChange | Every | At | AfterEvents


def grid(when: Every, after: int | None, times: np.ndarray) -> np.ndarray:
    """The instants of `when` that a block of events reaches, none up to `after` again."""
    step = when.nanoseconds
    first = -(-int(times[0]) // step) * step if after is None else after + step
    return np.arange(first, int(times.max()) + 1, step, dtype=np.int64)
