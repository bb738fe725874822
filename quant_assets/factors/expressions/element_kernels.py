"""Compiled arithmetic, comparison, logic by value: arrays in, arrays out, nothing checked.

Here stand the loops over one, two and three panels, and what comes before and after the functions
that numpy has vectorised itself (logarithms, powers). Operators along time or across symbols stand
in other modules.

An input has as many rows as `out`, or one row, which then holds for all. Each loop is simple enough
for vector registers and writes NaN where the result is not finite.
"""

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.rounding import LARGEST

(
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    ADD_KNOWN,  # a missing value counts as 0 if the other is there
    SUBTRACT_KNOWN,
    MULTIPLY_KNOWN,  # as 1
    MINIMUM,
    MAXIMUM,
    LESS,
    LESS_EQUAL,
    EQUAL,
    NOT_EQUAL,
    AND,
    OR,
    WHERE,  # the first where the second is true
    WITHOUT,  # the first unless it equals the second
    OR_ELSE,  # the second where the first is missing
    PAIR_CODE,
) = range(19)

(
    SIGN,
    NOT,
    IS_MISSING,
    FRACTION,
    INVERSE,
    IDENTITY,
    SQUARE,
    CUBE,
    FOURTH,
    FIFTH,
    ROOT,
    SIGNED_SQUARE,
    SIGNED_FOURTH,
    SIGNED_ROOT,
    LOGISTIC,  # of exp(-x)
) = range(15)

# Where a logarithm is defined; MAGNITUDE: that of the magnitude, everywhere, with the value's sign.
POSITIVE, ABOVE_MINUS_ONE, MAGNITUDE = range(3)


@helper_as_written
def _arithmetic(code: int, x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    if code == ADD:
        for i in range(out.size):
            v = x[i] + y[i]
            out[i] = v if abs(v) <= LARGEST else np.nan
    elif code == SUBTRACT:
        for i in range(out.size):
            v = x[i] - y[i]
            out[i] = v if abs(v) <= LARGEST else np.nan
    elif code == MULTIPLY:
        for i in range(out.size):
            v = x[i] * y[i]
            out[i] = v if abs(v) <= LARGEST else np.nan
    elif code == DIVIDE:
        for i in range(out.size):
            v = x[i] / y[i]
            out[i] = v if abs(v) <= LARGEST else np.nan
    else:
        neutral = 1.0 if code == MULTIPLY_KNOWN else 0.0
        for i in range(out.size):
            a = x[i] if x[i] == x[i] else neutral
            b = y[i] if y[i] == y[i] else neutral
            v = a * b if code == MULTIPLY_KNOWN else a + b if code == ADD_KNOWN else a - b
            there = (x[i] == x[i]) | (y[i] == y[i])
            out[i] = v if there & (abs(v) <= LARGEST) else np.nan


@helper_as_written
def _comparison(code: int, x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    if code == MINIMUM:
        for i in range(out.size):
            v = x[i] if x[i] < y[i] else y[i]
            out[i] = v if x[i] == x[i] else np.nan
    elif code == MAXIMUM:
        for i in range(out.size):
            v = x[i] if x[i] > y[i] else y[i]
            out[i] = v if x[i] == x[i] else np.nan
    elif code == LESS:
        for i in range(out.size):
            v = 1.0 if x[i] < y[i] else 0.0
            out[i] = v if (x[i] == x[i]) & (y[i] == y[i]) else np.nan
    elif code == LESS_EQUAL:
        for i in range(out.size):
            v = 1.0 if x[i] <= y[i] else 0.0
            out[i] = v if (x[i] == x[i]) & (y[i] == y[i]) else np.nan
    elif code == EQUAL:
        for i in range(out.size):
            v = 1.0 if x[i] == y[i] else 0.0
            out[i] = v if (x[i] == x[i]) & (y[i] == y[i]) else np.nan
    else:
        for i in range(out.size):
            v = 1.0 if x[i] != y[i] else 0.0
            out[i] = v if (x[i] == x[i]) & (y[i] == y[i]) else np.nan


@helper_as_written
def _choice(code: int, x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    if code == AND:
        for i in range(out.size):
            v = 1.0 if (x[i] != 0.0) & (y[i] != 0.0) else 0.0
            out[i] = v if (x[i] == x[i]) & (y[i] == y[i]) else np.nan
    elif code == OR:
        for i in range(out.size):
            v = 1.0 if (x[i] != 0.0) | (y[i] != 0.0) else 0.0
            out[i] = v if (x[i] == x[i]) & (y[i] == y[i]) else np.nan
    elif code == WHERE:
        for i in range(out.size):
            out[i] = x[i] if (y[i] != 0.0) & (y[i] == y[i]) else np.nan
    elif code == WITHOUT:
        for i in range(out.size):
            out[i] = x[i] if x[i] != y[i] else np.nan
    elif code == OR_ELSE:
        for i in range(out.size):
            out[i] = x[i] if x[i] == x[i] else y[i]
    else:  # Szudzik's pairing: one number for each pair of numbers, in whatever panel
        for i in range(out.size):
            v = x[i] * x[i] + x[i] + y[i] if x[i] >= y[i] else y[i] * y[i] + x[i]
            out[i] = v if abs(v) <= LARGEST else np.nan


@kernel("void(int64, float64[:,::1], float64[:,::1], float64[:,::1])", regrouped=False)
def two_panels(code: int, x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    """One of the operations ADD .. PAIR_CODE."""
    for r in range(out.shape[0]):
        a, b = x[min(r, x.shape[0] - 1)], y[min(r, y.shape[0] - 1)]
        if code <= MULTIPLY_KNOWN:
            _arithmetic(code, a, b, out[r])
        elif code <= NOT_EQUAL:
            _comparison(code, a, b, out[r])
        else:
            _choice(code, a, b, out[r])


@helper_as_written
def _one(code: int, x: np.ndarray, out: np.ndarray) -> None:
    if code == SIGN:
        for i in range(out.size):
            v = 1.0 if x[i] > 0.0 else -1.0 if x[i] < 0.0 else 0.0
            out[i] = v if x[i] == x[i] else np.nan
    elif code == NOT:
        for i in range(out.size):
            v = 1.0 if x[i] == 0.0 else 0.0
            out[i] = v if x[i] == x[i] else np.nan
    elif code == IS_MISSING:
        for i in range(out.size):
            out[i] = 0.0 if x[i] == x[i] else 1.0
    elif code == FRACTION:
        for i in range(out.size):
            out[i] = x[i] - np.trunc(x[i])
    elif code == LOGISTIC:
        for i in range(out.size):
            out[i] = 1.0 / (1.0 + x[i])
    elif code == INVERSE:
        for i in range(out.size):
            v = 1.0 / x[i]
            out[i] = v if abs(v) <= LARGEST else np.nan


# Powers add 0, which makes a minus zero plus zero: the ways to a power must agree in every bit.
@helper_as_written
def _power(code: int, x: np.ndarray, out: np.ndarray) -> None:
    """Powers to simple exponents; `finish_powers` multiplies in the same order."""
    if code == IDENTITY:
        for i in range(out.size):
            out[i] = x[i] + 0.0
    elif code == SQUARE:
        for i in range(out.size):
            v = x[i] * x[i]
            out[i] = v if v <= LARGEST else np.nan
    elif code == CUBE:
        for i in range(out.size):
            v = x[i] * x[i] * x[i] + 0.0
            out[i] = v if abs(v) <= LARGEST else np.nan
    elif code == FOURTH:
        for i in range(out.size):
            v = (x[i] * x[i]) * (x[i] * x[i])
            out[i] = v if v <= LARGEST else np.nan
    elif code == FIFTH:
        for i in range(out.size):
            v = (x[i] * x[i]) * (x[i] * x[i]) * x[i] + 0.0
            out[i] = v if abs(v) <= LARGEST else np.nan
    elif code == ROOT:
        for i in range(out.size):
            out[i] = np.sqrt(x[i]) + 0.0
    elif code == SIGNED_SQUARE:
        for i in range(out.size):
            v = x[i] * abs(x[i]) + 0.0
            out[i] = v if abs(v) <= LARGEST else np.nan
    elif code == SIGNED_FOURTH:
        for i in range(out.size):
            v = (x[i] * x[i]) * (x[i] * x[i])
            v = 0.0 - v if x[i] < 0.0 else v
            out[i] = v if abs(v) <= LARGEST else np.nan
    elif code == SIGNED_ROOT:
        for i in range(out.size):
            v = np.sqrt(abs(x[i]))
            out[i] = -v if x[i] < 0.0 else v


@kernel("void(int64, float64[:,::1], float64[:,::1])", regrouped=False)
def one_panel(code: int, x: np.ndarray, out: np.ndarray) -> None:
    """One of the operations SIGN .. LOGISTIC."""
    for r in range(out.shape[0]):
        a = x[min(r, x.shape[0] - 1)]
        if IDENTITY <= code <= SIGNED_ROOT:
            _power(code, a, out[r])
        else:
            _one(code, a, out[r])


@kernel("void(float64[:,::1], float64[:,::1], float64[:,::1], float64[:,::1])", regrouped=False)
def choose(truth: np.ndarray, x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    """x where it is true, y where it is not, missing where that is not known."""
    for r in range(out.shape[0]):
        c = truth[min(r, truth.shape[0] - 1)]
        a, b = x[min(r, x.shape[0] - 1)], y[min(r, y.shape[0] - 1)]
        line = out[r]
        for i in range(line.size):
            v, w = a[i], b[i]
            v = v if c[i] != 0.0 else w
            line[i] = v if c[i] == c[i] else np.nan


@kernel("void(float64[:,::1], float64[::1], float64[:,::1])", regrouped=False)
def count_below(x: np.ndarray, edges: np.ndarray, out: np.ndarray) -> None:
    """How many of the edges are smaller than the value."""
    for r in range(out.shape[0]):
        a, line = x[min(r, x.shape[0] - 1)], out[r]
        for i in range(line.size):
            line[i] = 0.0 if a[i] == a[i] else np.nan
        for edge in edges:
            for i in range(line.size):
                line[i] += 1.0 if a[i] > edge else 0.0


@kernel("void(float64[:,::1])", regrouped=False)
def keep_finite(out: np.ndarray) -> None:
    """Infinities become missing, in place."""
    for r in range(out.shape[0]):
        line = out[r]
        for i in range(line.size):
            line[i] = line[i] if abs(line[i]) <= LARGEST else np.nan


@helper_as_written
def _defined(domain: int, x: np.ndarray, inside: np.ndarray) -> None:
    if domain == POSITIVE:
        for i in range(x.size):
            inside[i] = x[i] if x[i] > 0.0 else 1.0
    elif domain == ABOVE_MINUS_ONE:
        for i in range(x.size):
            inside[i] = x[i] if x[i] > -1.0 else 1.0
    else:
        for i in range(x.size):
            inside[i] = abs(x[i]) if x[i] == x[i] else 1.0


@kernel("void(int64, float64[:,::1], float64[:,::1])", regrouped=False)
def begin_logarithms(domain: int, x: np.ndarray, out: np.ndarray) -> None:
    """Values where the logarithm is defined, 1 elsewhere: numpy is slow where it is not."""
    for r in range(out.shape[0]):
        _defined(domain, x[min(r, x.shape[0] - 1)], out[r])


@kernel("void(int64, float64[:,::1], float64[:,::1])", regrouped=False)
def finish_logarithms(domain: int, x: np.ndarray, out: np.ndarray) -> None:
    """Logarithms become missing where they are not defined, and get the sign if of magnitudes."""
    lowest = 0.0 if domain == POSITIVE else -1.0
    for r in range(out.shape[0]):
        a, line = x[min(r, x.shape[0] - 1)], out[r]
        if domain == MAGNITUDE:
            for i in range(line.size):
                v = -line[i] if a[i] < 0.0 else line[i]
                line[i] = v if a[i] == a[i] else np.nan
        else:
            for i in range(line.size):
                line[i] = line[i] if a[i] > lowest else np.nan


@kernel(
    "void(float64[:,::1], float64[:,::1], float64[:,::1], float64[:,::1])",
    regrouped=False,
)
def begin_powers(x: np.ndarray, y: np.ndarray, base: np.ndarray, exponent: np.ndarray) -> None:
    """Magnitudes and exponents, both 1 where either is missing or the base is 0."""
    for r in range(base.shape[0]):
        a, b = x[min(r, x.shape[0] - 1)], y[min(r, y.shape[0] - 1)]
        magnitudes, exponents = base[r], exponent[r]
        for i in range(a.size):
            ordinary = (a[i] == a[i]) & (a[i] != 0.0) & (b[i] == b[i])
            magnitudes[i] = abs(a[i]) if ordinary else 1.0
            exponents[i] = b[i] if ordinary else 1.0


@kernel("void(boolean, float64[:,::1], float64[:,::1], float64[:,::1])", regrouped=False)
def finish_powers(signed: bool, x: np.ndarray, y: np.ndarray, out: np.ndarray) -> None:
    """Powers of the magnitudes to powers: signs, simple exponents as `one_panel` has them, zeros.

    A negative base has a power where the exponent is whole; `signed` gives the power its sign.
    """
    for r in range(out.shape[0]):
        a, b, line = x[min(r, x.shape[0] - 1)], y[min(r, y.shape[0] - 1)], out[r]
        for i in range(line.size):
            base, exponent = abs(a[i]), b[i]
            square = base * base
            v = line[i]
            v = base if exponent == 1.0 else v
            v = square if exponent == 2.0 else v
            v = square * base if exponent == 3.0 else v
            v = square * square if exponent == 4.0 else v
            v = square * square * base if exponent == 5.0 else v
            v = np.sqrt(base) if exponent == 0.5 else v
            v = 1.0 / base if exponent == -1.0 else v
            at_zero = 1.0 if (exponent == 0.0) & (not signed) else 0.0
            v = v if base != 0.0 else at_zero if exponent >= 0.0 else np.nan
            half = 0.5 * exponent
            whole = np.floor(exponent) == exponent
            odd = whole & (np.floor(half) != half)
            v = -v if (a[i] < 0.0) & (odd | signed) else v
            defined = (a[i] >= 0.0) | ((a[i] < 0.0) & (whole | signed))
            defined = defined & (exponent == exponent) & (abs(v) <= LARGEST)
            line[i] = v + 0.0 if defined else np.nan
