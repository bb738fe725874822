"""Literal references of the operators that look something up in the history of a series."""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from quant_assets_tests.factors.expressions.operators.references_exact import (
    MISSING,
    Expected,
    Window,
    constant,
    enough,
    exact,
    products,
    root,
    valid,
)


def ts_backfill(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    now = windows[0][-1]
    return kth_element(windows, constants) if math.isnan(now) else Expected(now)


def kth_element(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    found, k = valid(windows[0]), int(constants[1])
    return Expected(found[-k]) if len(found) >= k else MISSING


def last_diff_value(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    now = windows[0][-1]
    others = [x for x in valid(windows[0]) if x != now]
    return Expected(others[-1]) if others and not math.isnan(now) else MISSING


def days_from_last_change(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    window = windows[0]
    found = [(ago, x) for ago, x in enumerate(reversed(window)) if not math.isnan(x)]
    if math.isnan(window[-1]):
        return MISSING
    for (ago, x), (_, before) in pairwise(found):
        if x != before:
            return Expected(float(ago))
    return MISSING


def ts_returns(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    d, mode = (int(c) for c in constants)
    if len(windows[0]) <= d:
        return MISSING
    before, now = windows[0][0], windows[0][-1]
    base = before if mode == 1 else (now + before) / 2.0
    return Expected((now - before) / base) if base != 0.0 else MISSING


def jump_decay(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    d, sensitivity, force, by_deviation = constants
    values = exact(valid(windows[0]))
    if len(windows[0]) < 2 or math.isnan(windows[0][-1]) or math.isnan(windows[0][-2]):
        return MISSING
    if by_deviation and not enough(len(values), d, 2):
        return MISSING
    before, now = windows[0][-2:]
    squares = Fraction(0) if constant(values) else products(values, values)
    unit = root(squares / (len(values) - 1)) if by_deviation else 1.0
    jumps = abs(now - before) > sensitivity * unit
    return Expected(before + force * (now - before) if jumps else now)


def from_extremes(window: Window, d: float, low: float, high: float) -> Expected:
    values, now = valid(window), window[-1]
    if not enough(len(values), d) or math.isnan(now):
        return MISSING
    return Expected(now - (low * min(values) + high * max(values)), abs(now))


def ts_max_diff(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    return from_extremes(windows[0], constants[0], 0.0, 1.0)


def ts_min_diff(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    return from_extremes(windows[0], constants[0], 1.0, 0.0)


def ts_min_max_diff(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    return from_extremes(windows[0], constants[0], constants[1], constants[1])
