"""Windows of sums, order and pairs, written from their definitions: plain loops, one window a time.

Here stands what test_window_values.py compares the operators with. Nothing is shared with them.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Panel = np.ndarray[Any, np.dtype[np.float64]]
Window = list[tuple[float, ...]]  # the values of the inputs on each session, oldest first
Reference = Callable[[Window, Sequence[float]], float]

NAN = math.nan


def computed(name: str, inputs: Sequence[Panel], constants: Sequence[float], past: int) -> Panel:
    """The operator's result on the rows from `past` on, each from its own window."""
    rows, symbols = inputs[0].shape
    sessions = int(constants[0])
    longest = sessions + 1 if name in ("ts_delay", "ts_delta") else sessions
    out = np.empty((rows - past, symbols))
    for t in range(past, rows):
        for s in range(symbols):
            days = range(max(0, t - longest + 1), t + 1)
            window = [tuple(float(panel[k, s]) for panel in inputs) for k in days]
            value = REFERENCES[name](window, constants)
            out[t - past, s] = value if math.isfinite(value) else NAN
    return out


def valid(window: Window) -> Window:
    return [values for values in window if not any(math.isnan(v) for v in values)]


def enough(count: int, sessions: float, least: int = 1) -> bool:
    return 3 * count >= 2 * sessions and count >= least


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def squares(values: Sequence[float]) -> float:
    """Sum of squared deviations from the mean."""
    middle = mean(values)
    return math.fsum((v - middle) ** 2 for v in values)


def constant(values: Sequence[float]) -> bool:
    return squares(values) <= len(values) * (1e-12 * abs(values[-1])) ** 2


def on_valid(measure: Callable[[list[float], Sequence[float]], float], least: int = 1) -> Reference:
    """A measure of the valid values of one series."""

    def reference(window: Window, constants: Sequence[float]) -> float:
        values = [v for (v,) in valid(window)]
        return measure(values, constants) if enough(len(values), constants[0], least) else NAN

    return reference


def with_today(measure: Reference) -> Reference:
    def reference(window: Window, constants: Sequence[float]) -> float:
        return NAN if math.isnan(window[-1][0]) else measure(window, constants)

    return reference


def delay(window: Window, constants: Sequence[float]) -> float:
    return window[0][0] if len(window) == constants[0] + 1 else NAN


def delta(window: Window, constants: Sequence[float]) -> float:
    return window[-1][0] - delay(window, constants)


def product(values: list[float], constants: Sequence[float]) -> float:
    return math.prod(values)


def variance(values: list[float], constants: Sequence[float]) -> float:
    return 0.0 if constant(values) else squares(values) / (len(values) - 1)


def deviation(values: list[float], constants: Sequence[float]) -> float:
    return math.sqrt(variance(values, constants))


def score(values: list[float], constants: Sequence[float]) -> float:
    if constant(values):
        return NAN
    return difference(values, constants) / deviation(values, constants)


def difference(values: list[float], constants: Sequence[float]) -> float:
    return math.fsum(values[-1] - v for v in values) / len(values)


def scale(values: list[float], constants: Sequence[float]) -> float:
    low, high = min(values), max(values)
    if high - low <= 1e-12 * abs(values[-1]):
        return NAN
    return (values[-1] - low) / (high - low) + constants[1]


def rank(values: list[float], constants: Sequence[float]) -> float:
    less = sum(v < values[-1] for v in values)
    equal = sum(v == values[-1] for v in values)
    return (less + (equal + 1) / 2) / len(values) + constants[1]


def since(best: Callable[[list[float]], float]) -> Reference:
    def reference(window: Window, constants: Sequence[float]) -> float:
        values = [v for (v,) in window]
        if not enough(len(valid(window)), constants[0]):
            return NAN
        oldest = values.index(best([v for v in values if not math.isnan(v)]))
        return float(len(values) - 1 - oldest)

    return reference


def position(best: Callable[[list[float]], float]) -> Reference:
    def reference(window: Window, constants: Sequence[float]) -> float:
        return constants[0] - since(best)(window, constants)

    return reference


def count_nans(window: Window, constants: Sequence[float]) -> float:
    return float(sum(math.isnan(v) for (v,) in window))


def sum_if(window: Window, constants: Sequence[float]) -> float:
    chosen: Window = [(NAN if math.isnan(c) else x if c else 0.0,) for x, c in window]
    return REFERENCES["ts_sum"](chosen, constants)


def decay_linear(window: Window, constants: Sequence[float]) -> float:
    if not enough(len(valid(window)), constants[0]):
        return NAN
    total, weights = [], 0.0
    for age, (value,) in enumerate(reversed(window)):
        weight = constants[0] - age
        if not math.isnan(value):
            total.append(weight * value)
        if not math.isnan(value) or not constants[1]:
            weights += weight
    return math.fsum(total) / weights


def covariance(window: Window, constants: Sequence[float]) -> float:
    pairs = valid(window)
    if not enough(len(pairs), constants[0], 2):
        return NAN
    x, y = mean([a for a, _ in pairs]), mean([b for _, b in pairs])
    return math.fsum((a - x) * (b - y) for a, b in pairs) / (len(pairs) - 1)


def correlation(window: Window, constants: Sequence[float]) -> float:
    pairs = valid(window)
    if not enough(len(pairs), constants[0], 2):
        return NAN
    xs, ys = [a for a, _ in pairs], [b for _, b in pairs]
    if constant(xs) or constant(ys):
        return NAN
    both = math.sqrt(squares(xs)) * math.sqrt(squares(ys))
    return max(-1.0, min(1.0, covariance(window, constants) * (len(pairs) - 1) / both))


REFERENCES: dict[str, Reference] = {
    "ts_delay": delay,
    "ts_delta": delta,
    "ts_sum": on_valid(lambda values, _: math.fsum(values)),
    "ts_mean": on_valid(lambda values, _: mean(values)),
    "ts_product": on_valid(product),
    "ts_count": on_valid(lambda values, _: float(sum(v != 0.0 for v in values))),
    "ts_count_nans": count_nans,
    "ts_sum_if": sum_if,
    "ts_std_dev": on_valid(deviation, 2),
    "ts_variance": on_valid(variance, 2),
    "ts_zscore": with_today(on_valid(score, 2)),
    "ts_av_diff": with_today(on_valid(difference)),
    "ts_decay_linear": decay_linear,
    "ts_max": on_valid(lambda values, _: max(values)),
    "ts_min": on_valid(lambda values, _: min(values)),
    "ts_arg_max": since(max),
    "ts_arg_min": since(min),
    "ts_max_position": position(max),
    "ts_min_position": position(min),
    "ts_rank": with_today(on_valid(rank)),
    "ts_scale": with_today(on_valid(scale)),
    "ts_corr": correlation,
    "ts_covariance": covariance,
}
