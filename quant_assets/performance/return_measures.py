"""Compiled figures of one series of returns: sums, central moments, runs, fit of a line.

Arrays in, arrays out: a series comes without missing values; what is undefined is decided by the
caller. Columns of `out` are named below and given to people by `statistics.py`.
"""

import math

import numpy as np

from quant_assets.compiled import helper, helper_as_written

MOMENTS = 14
PATHS = 4
ROUNDING = 1e-13
"""By which returns differ for no reason but rounding: those of an account that earns the same
interest every day do by some 1e-16. What varies by less does not vary."""


@helper
def less(value: float, other: float) -> float:
    """The difference, 0 where it is one of rounding."""
    difference = value - other
    return difference if abs(difference) > ROUNDING else 0.0


@helper
def describe(values: np.ndarray, out: np.ndarray) -> None:
    """Moments of the values, `MOMENTS` of them; sums of powers are about the mean."""
    n = len(values)
    out[:] = math.nan
    out[0] = n
    if n == 0:
        return
    total = 0.0
    for value in values:
        total += value
    mean = total / n
    squares = cubes = fourths = 0.0
    for value in values:
        off = value - mean
        square = off * off
        squares += square
        cubes += square * off
        fourths += square * square
    lowest = highest = values[0]
    gains = losses = loss_squares = 0.0
    gain_count = loss_count = 0
    for value in values:
        lowest = min(lowest, value)
        highest = max(highest, value)
        gains += max(value, 0.0)
        losses += min(value, 0.0)
        loss_squares += min(value, 0.0) * min(value, 0.0)
        gain_count += 1 if value > 0.0 else 0
        loss_count += 1 if value < 0.0 else 0
    out[1], out[2], out[3], out[4] = mean, squares, cubes, fourths
    out[5], out[6] = lowest, highest
    out[7], out[8], out[9] = gains, losses, loss_squares
    out[10], out[11] = gain_count, loss_count
    out[12] = lagged_correlation(values, highest - lowest <= ROUNDING)
    out[13] = autocorrelation_penalty(out[12], n)


@helper
def lagged_correlation(values: np.ndarray, constant: bool) -> float:
    """Pearson correlation of the values with those of the day before; NaN if undefined."""
    n = len(values) - 1
    if n < 1 or constant:
        return math.nan
    early = late = 0.0
    for t in range(n):
        early += values[t]
        late += values[t + 1]
    early /= n
    late /= n
    both = first = second = 0.0
    for t in range(n):
        a = values[t] - early
        b = values[t + 1] - late
        both += a * b
        first += a * a
        second += b * b
    scale = math.sqrt(first * second)
    return max(-1.0, min(1.0, both / scale)) if scale > 0.0 else math.nan


@helper_as_written
def autocorrelation_penalty(correlation: float, n: int) -> float:
    """Root of 1 + 2 x the sum over lags x of (n - x) / n x |correlation| ** x; 1 if undefined."""
    if math.isnan(correlation):
        return 1.0
    size = abs(correlation)
    power = 1.0
    total = 0.0
    for lag in range(1, n):
        power *= size
        if power < 1e-20:
            break
        total += (n - lag) / n * power
    return math.sqrt(1.0 + 2.0 * total)


@helper_as_written
def follow(values: np.ndarray, out: np.ndarray) -> None:
    """What depends on the order of the days, `PATHS` figures.

    Product of 1 + r; longest runs of gains and of losses; squared correlation of the cumulative
    log return with time, NaN where capital was lost.
    """
    n = len(values)
    growth = 1.0
    wins = losses = most_wins = most_losses = 0
    for value in values:
        growth *= 1.0 + value
        wins = wins + 1 if value > 0.0 else 0
        losses = losses + 1 if value < 0.0 else 0
        most_wins = max(most_wins, wins)
        most_losses = max(most_losses, losses)
    out[:] = math.nan
    if n:
        out[0], out[1], out[2] = growth, most_wins, most_losses
        out[3] = _straightness(values)


@helper_as_written
def _straightness(values: np.ndarray) -> float:
    n = len(values)
    if n < 2:
        return math.nan
    level = total = 0.0
    for value in values:
        if value <= -1.0:
            return math.nan
        level += math.log1p(value)
        total += level
    mean = total / n
    middle = (n - 1) / 2.0
    level = along = squares = 0.0
    for t in range(n):
        level += math.log1p(values[t])
        off = level - mean
        along += (t - middle) * off
        squares += off * off
    times = n * (n * float(n) - 1.0) / 12.0
    return along * along / (squares * times) if squares > 0.0 else math.nan
