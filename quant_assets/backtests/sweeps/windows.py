"""Walk-forward windows: on which sessions a set is chosen, and on which it is then measured.

Here stand places of sessions only. Training windows have one length and move on by the length of a
test window, so test windows follow one another without overlap, as in trading.
"""

from dataclasses import dataclass

import numpy as np

from quant_assets.backtests.strategies.base import StrategyError

# A last test window shorter than this share of the others is left out.
_LEAST_SHARE = 0.5


@dataclass(frozen=True)
class Window:
    """Rows of the training and of the test sessions."""

    train: slice
    test: slice

    def described(self, dates: np.ndarray) -> str:
        """`2007-01-03…2009-12-31 -> 2010-01-04…2010-12-31`."""
        train, test = dates[self.train], dates[self.test]
        return f"{train[0]}…{train[-1]} -> {test[0]}…{test[-1]}"


def walk_forward(
    start: int, sessions: int, training: int, embargo: int, test: int
) -> tuple[Window, ...]:
    """The windows of a range, oldest first.

    Args:
        start: the first row that may be trained on.
        sessions: number of rows.
        training: rows of a training window.
        embargo: rows between it and its test window, which belong to neither.
        test: rows of a test window; the last one may be shorter by up to half.

    Raises:
        StrategyError: not even one window fits.
    """
    found = []
    first = start + training + embargo
    while sessions - first >= max(2, int(test * _LEAST_SHARE)):
        train = slice(first - embargo - training, first - embargo)
        found.append(Window(train, slice(first, min(first + test, sessions))))
        first += test
    if not found:
        raise StrategyError(
            f"a walk-forward search needs {training} training sessions, an embargo of {embargo} "
            f"and a test window of {test} after the look-back. Got {sessions - start} sessions: "
            "shorten training_sessions and test_sessions of the block optimization"
        )
    return tuple(found)
