"""What a strategy decides over a range, and whether it could have known it on the day.

Shipped strategies are put to the prefix test by the test suite; a plugin from a folder of the user
is not, so every backtest looks for itself. Here stands that look, and how an error in the code of a
plugin is told. How decisions are traded stands in `simulation.py`.
"""

import sys
import traceback

import numpy as np

from quant_assets.backtests.strategies.base import (
    Strategy,
    StrategyData,
    StrategyError,
    StrategyParameters,
)
from quant_assets.settings_files import ConfigError

# Sessions before and after the day that is looked at, beyond the look-back: a quarter, so that
# decisions by months lie on both sides.
_AROUND = 66
# Relative difference of weights that is no look ahead: sums of other lengths round differently.
_ROUNDING = 1e-9


def decide(strategy: Strategy, data: StrategyData, parameters: StrategyParameters) -> np.ndarray:
    """The target weights of a strategy, C-contiguous float64; their shape is not looked at.

    Raises:
        StrategyError: its code fails; the message names the line.
    """
    try:
        weights = strategy.target_weights(data, parameters)
        return np.ascontiguousarray(weights, np.float64)
    except ConfigError:
        raise
    except Exception as error:
        raise StrategyError(
            f"strategy {strategy.name!r}: {type(error).__name__}: {error}{_line(error, strategy)}"
        ) from error


def hold_to_the_past(
    strategy: Strategy, data: StrategyData, parameters: StrategyParameters, weights: np.ndarray
) -> None:
    """Decide anew on the sessions around the last decision, with and without what follows it.

    Once cut on the day and once a session later: what takes the last row it is given for the end of
    a month shows only so.

    Args:
        strategy: the plugin.
        data: what it decided on.
        parameters: with which it did.
        weights: its decisions, shape (T, N).

    Raises:
        StrategyError: a decision changes when what comes after it is cut off.
    """
    decided = np.flatnonzero(np.nan_to_num(weights[:-2]).any(axis=1))
    if not len(decided):
        return
    day = int(decided[-1])
    first = max(day - strategy.lookback(parameters) - _AROUND, 0)
    whole = decide(strategy, _between(data, first, day + 2 + _AROUND), parameters)
    for last in (day, day + 1):
        cut = decide(strategy, _between(data, first, last + 1), parameters)
        seen = whole[: last + 1 - first]
        same = np.isclose(cut, seen, rtol=_ROUNDING, atol=_ROUNDING, equal_nan=True)
        if not same.all():
            row, symbol = np.argwhere(~same)[0]
            raise StrategyError(
                f"strategy {strategy.name!r} knows the future: its weight of "
                f"{data.symbols[symbol]} on {data.dates[first + row]} is {seen[row, symbol]:g}, "
                f"and {cut[row, symbol]:g} where nothing after {data.dates[last]} is given. "
                f"Row t of its weights may depend on rows up to t only: {_file_of(strategy)}"
            )


def _between(data: StrategyData, start: int, stop: int) -> StrategyData:
    """The sessions start <= t < stop, copied."""
    fields = {name: values[start:stop].copy() for name, values in data.fields.items()}
    return StrategyData(data.dates[start:stop].copy(), data.symbols, fields)


def _line(error: Exception, strategy: Strategy) -> str:
    """` (file, line 12)` of the plugin's code that the error came from; nothing if it did not."""
    file = _file_of(strategy)
    lines = [e.lineno for e in traceback.extract_tb(error.__traceback__) if e.filename == file]
    return f" ({file}, line {lines[-1]})" if lines else ""


def _file_of(strategy: Strategy) -> str:
    return str(sys.modules[type(strategy).__module__].__file__)
