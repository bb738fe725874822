"""Ctrl-C during a backfill, noticed also where the exception that it raises is lost.

Python raises it wherever the main thread happens to be. In a callback of the garbage collector
(SQLAlchemy has some) nobody can catch it: it is printed and forgotten. And Dagster captures it at
the ends of a run, and forgets it where no step follows. So the signal itself is looked at. What an
interrupt means for a backfill stands in backfill.py.
"""

import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from dagster._core.errors import DagsterExecutionInterruptedError

INTERRUPTS = (KeyboardInterrupt, DagsterExecutionInterruptedError)
MANY = 4096


@contextmanager
def noticed_interrupts() -> Iterator[Callable[[], bool]]:
    """Tells, inside, whether Ctrl-C was pressed, whatever became of the exception.

    Signals reach the main thread only; in another one nothing is ever noticed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    pressed = False
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        # The interpreter writes the number of each signal there before any handler is called.
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)

        def noticed() -> bool:
            nonlocal pressed
            with suppress(BlockingIOError):
                pressed = signal.SIGINT in reader.recv(MANY) or pressed
            return pressed

        try:
            with _no_word_of_lost_ones():
                yield noticed
        finally:
            signal.set_wakeup_fd(before)


@contextmanager
def _no_word_of_lost_ones() -> Iterator[None]:
    """An interrupt that nobody could catch is not printed with a stack."""
    before = sys.unraisablehook

    def hook(unraisable: "sys.UnraisableHookArgs") -> None:
        if not issubclass(unraisable.exc_type, INTERRUPTS):
            before(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before
