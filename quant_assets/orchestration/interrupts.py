"""Ctrl-C during a backfill, noticed also where the exception that it raises is lost.

Python raises it wherever the main thread happens to be. In a callback of the garbage collector
(SQLAlchemy has some) nobody can catch it: it is printed and forgotten. What an interrupt means for
a backfill stands in backfill.py.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dagster._core.errors import DagsterExecutionInterruptedError

INTERRUPTS = (KeyboardInterrupt, DagsterExecutionInterruptedError)


@contextmanager
def lost_interrupts() -> Iterator[Callable[[], bool]]:
    """Tells, inside, whether an interrupt was lost; it is not printed then."""
    before, lost = sys.unraisablehook, False

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        nonlocal lost
        if issubclass(unraisable.exc_type, INTERRUPTS):
            lost = True
        else:
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield lambda: lost
    finally:
        sys.unraisablehook = before
