"""Literal references of regressions and smoothing, and of their kin, from their definitions.

REFERENCES has those of distributions and history, too; how they are written is told in
references_exact.py.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

from quant_assets_tests.factors.expressions.operators import (
    references_distributions as distributions,
)
from quant_assets_tests.factors.expressions.operators import references_history as history
from quant_assets_tests.factors.expressions.operators.references_exact import (
    MISSING,
    Expected,
    Reference,
    Window,
    constant,
    enough,
    exact,
    mean,
    products,
    root,
    spread,
    tuples,
)

# On the sessions of the window


def line_of(window: Window, d: float) -> tuple[list[Fraction], list[Fraction]] | None:
    """(places 1 to d, values) of what is valid."""
    first = int(d) - len(window) + 1
    found = [(first + k, x) for k, x in enumerate(window) if not math.isnan(x)]
    if not enough(len(found), d, 2):
        return None
    return [Fraction(k) for k, _ in found], exact([x for _, x in found])


def ts_slope(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    line = line_of(windows[0], constants[0])
    if line is None:
        return MISSING
    places, values = line
    return Expected(float(products(places, values) / products(places, places)), spread(values))


def ts_rsquare(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    line = line_of(windows[0], constants[0])
    if line is None or constant(line[1]):
        return MISSING
    places, values = line
    explained = products(places, values) ** 2
    return Expected(float(explained / products(places, places) / products(values, values)), 1.0)


def ts_residual(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    line = line_of(windows[0], constants[0])
    if line is None or math.isnan(windows[0][-1]):
        return MISSING
    places, values = line
    slope = products(places, values) / products(places, places)
    fitted = mean(values) + slope * (places[-1] - mean(places))
    return Expected(float(values[-1] - fitted), spread(values))


# On another series


def ts_regression(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    d, lag, rettype = (int(c) for c in constants)
    y_window, x_window = list(windows[0]), list(windows[1])
    pairs = [
        (y_window[k], x_window[k - lag]) for k in range(max(len(y_window) - d, lag), len(y_window))
    ]
    found_y, found_x = tuples([[p[0] for p in pairs], [p[1] for p in pairs]])
    n = len(found_y)
    if not enough(n, d, 2):
        return MISSING
    y, x = exact(found_y), exact(found_x)
    total = products(y, y)
    if rettype == 5:
        return Expected(float(total), 0.0)
    if constant(x):
        return MISSING
    xx = products(x, x)
    beta = products(x, y) / xx
    alpha = mean(y) - beta * mean(x)
    errors = sum(((b - alpha - beta * a) ** 2 for a, b in zip(x, y, strict=True)), Fraction(0))
    now_y, now_x = y_window[-1], x_window[len(x_window) - 1 - lag]
    large = float(abs(mean(y)) + abs(beta * mean(x)))
    if rettype == 0:
        if math.isnan(now_y) or math.isnan(now_x):
            return MISSING
        return Expected(float(Fraction(now_y) - alpha - beta * Fraction(now_x)), spread(y))
    if rettype == 1:
        return Expected(float(alpha), large)
    if rettype == 2:
        return Expected(float(beta), root(total / xx))
    if rettype == 3:
        if math.isnan(now_x):
            return MISSING
        far = float(abs(beta * (Fraction(now_x) - mean(x))))
        return Expected(float(alpha + beta * Fraction(now_x)), far)
    if rettype == 4:
        return Expected(float(errors), float(total))
    if rettype == 6:
        return MISSING if constant(y) else Expected(float(1 - errors / total), 1.0)
    if n < 3:
        return MISSING
    variance = errors / (n - 2)
    if rettype == 7:
        return Expected(float(variance), float(total))
    share = 1 / xx if rettype == 8 else Fraction(1, n) + mean(x) ** 2 / xx
    return Expected(root(variance * share), root(total * share))


def ts_beta(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    return ts_regression(windows, (constants[0], 0.0, 2.0))


def ts_partial_corr(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    found = tuples(windows)
    if not enough(len(found[0]), constants[0], 3):
        return MISSING
    x, y, z = (exact(each) for each in found)
    if constant(x) or constant(y) or constant(z):
        return MISSING
    rests = []
    for values in (x, y):
        slope = products(values, z) / products(z, z)
        rests.append([v - slope * w for v, w in zip(values, z, strict=True)])
        if products(rests[-1], rests[-1]) <= Fraction(1, 10**20) * products(values, values):
            return MISSING
    u, v = rests
    return Expected(float(products(u, v)) / root(products(u, u) * products(v, v)), 1.0)


# Smoothing


def weighted(window: Window, weight: float, d: int) -> tuple[float, float, float, int]:
    """(weighted sum, its size, weight of the valid sessions, their number)."""
    newest_first = list(reversed(window))[:d]
    terms = [(weight**k, x) for k, x in enumerate(newest_first) if not math.isnan(x)]
    total = math.fsum(w * x for w, x in terms)
    size = math.fsum(abs(w * x) for w, x in terms)
    return total, size, math.fsum(w for w, _ in terms), len(terms)


def ts_ewm(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    n, m = constants
    weight, d = 1.0 - m / n, 1
    while weight**d >= 1e-6:
        d += 1
    total, size, known, _ = weighted(windows[0], weight, d)
    whole = math.fsum(weight**k for k in range(d))
    if known < (2.0 / 3.0 - 1e-6) * whole:
        return MISSING
    return Expected(total / known, size / known)


def decayed(window: Window, weight: float, d: int) -> Expected:
    total, size, known, n = weighted(window, weight, d)
    return Expected(total / known, size / known) if enough(n, d) and known > 0.0 else MISSING


def ts_wma(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    return decayed(windows[0], 0.9, int(constants[0]))


def ts_decay_exp_window(windows: Sequence[Window], constants: Sequence[float]) -> Expected:
    return decayed(windows[0], constants[1], int(constants[0]))


REFERENCES: dict[str, Reference] = {
    each.__name__: each
    for each in (
        ts_slope,
        ts_rsquare,
        ts_residual,
        ts_regression,
        ts_beta,
        ts_partial_corr,
        ts_ewm,
        ts_wma,
        ts_decay_exp_window,
        distributions.ts_skewness,
        distributions.ts_kurtosis,
        distributions.ts_moment,
        distributions.ts_ir,
        distributions.ts_co_skewness,
        distributions.ts_co_kurtosis,
        distributions.ts_percentile,
        distributions.ts_median,
        distributions.ts_quantile,
        distributions.ts_entropy,
        history.ts_backfill,
        history.kth_element,
        history.last_diff_value,
        history.days_from_last_change,
        history.ts_returns,
        history.jump_decay,
        history.ts_max_diff,
        history.ts_min_diff,
        history.ts_min_max_diff,
    )
}
