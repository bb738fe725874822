"""A logger that hands a run's events to whoever listens in this process, and prints nothing.

Progress displays listen; what they show is theirs.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

_listeners: list[Callable[[dg.DagsterEvent], None]] = []


@contextmanager
def listening(listener: Callable[[dg.DagsterEvent], None]) -> Iterator[None]:
    """Call the listener with each event of the runs inside, which must name this logger."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


class _EventHandler(logging.Handler):
    """Hands the events of a run to whoever listens."""

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_meta", {}).get("dagster_event")
        if event is not None:
            for listener in _listeners:
                listener(event)


@dg.logger
def listener_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """A logger in place of the console's, for runs whose progress is displayed."""
    logger = logging.getLogger("quant_assets.listener")
    logger.handlers = [_EventHandler()]
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    return logger
