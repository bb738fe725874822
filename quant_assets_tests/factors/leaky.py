"""Expressions that know the future, or where the range starts: the gate must stop every one.

Here stand the operators that leak, each in a way that has been seen in public code, and expressions
around them. None of them is registered but inside `leaky_operators()`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from quant_assets.factors.expressions.operators.registry import (
    Array,
    Constants,
    Contract,
    Operator,
    Parameter,
    register,
    unregister,
)
from quant_assets.factors.expressions.units import same

Function = Callable[[Array, int], Array]


def _whole_sample_z(x: Array, d: int) -> Array:
    result: Array = (x - np.nanmean(x, axis=0)) / np.nanstd(x, axis=0)
    return result


def _whole_sample_rank(x: Array, d: int) -> Array:
    result: Array = np.argsort(np.argsort(x, axis=0), axis=0) / len(x)
    return result


def _next(x: Array, d: int) -> Array:
    return np.vstack([x[d:], np.full((min(d, len(x)), x.shape[1]), np.nan)])[: len(x)]


def _centred(x: Array, d: int) -> Array:
    result: Array = (x + _next(x, d)) / 2
    return result


def _filled_backwards(x: Array, d: int) -> Array:
    filled = x.copy()
    for t in range(len(x) - 2, -1, -1):
        filled[t] = np.where(np.isnan(filled[t]), filled[t + 1], filled[t])
    return filled


def _scaled_by_the_last(x: Array, d: int) -> Array:
    result: Array = x / x[-1]
    return result


def _running_total(x: Array, d: int) -> Array:
    return np.cumsum(np.nan_to_num(x), axis=0)


def _whole_sample_maximum(x: Array, d: int) -> Array:
    result: Array = x / np.nanmax(x, axis=0)
    return result


def _reversed_mean(x: Array, d: int) -> Array:
    result: Array = np.mean([_next(x, k) for k in range(d)], axis=0)
    return result


def _smoothed_without_end(x: Array, d: int) -> Array:
    out = np.nan_to_num(x)
    for t in range(1, len(x)):
        out[t] = 0.9 * out[t - 1] + 0.1 * out[t]
    return out


FUNCTIONS: dict[str, Function] = {
    "leaky_zscore": _whole_sample_z,
    "leaky_rank": _whole_sample_rank,
    "leaky_next": _next,
    "leaky_centred": _centred,
    "leaky_fill": _filled_backwards,
    "leaky_scale": _scaled_by_the_last,
    "leaky_total": _running_total,
    "leaky_maximum": _whole_sample_maximum,
    "leaky_mean": _reversed_mean,
    "leaky_smooth": _smoothed_without_end,
}

# Put around a leak; none hides it.
_AROUND = (
    "{}",
    "rank({})",
    "ts_mean({}, 5) - close",
    "-1 * delta({}, 2)",
    "rank({}) > 0.5 ? volume : open",
)
# Prices, and what is no whole number: sums of those are exact wherever they start.
_FIELDS = ("close", "turnover", "returns", "open", "vwap") * 2
LEAKY = tuple(
    form.format(f"{name}({field}, 3)")
    for name, field in zip(FUNCTIONS, _FIELDS, strict=True)
    for form in _AROUND
)


@contextmanager
def leaky_operators() -> Iterator[tuple[str, ...]]:
    """Register all of them for a while, as operators name(x, d)."""

    def operator(name: str, function: Function) -> Operator:
        def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
            with np.errstate(all="ignore"):
                values = function(inputs[0], int(constants[0]))[past:]
            out[:] = np.where(np.isfinite(values), values, np.nan)

        parameters = (Parameter("x", "panel"), Parameter("d", "window", default=3.0, minimum=1))
        contract = Contract(missing="kept")
        return Operator(name, (), parameters, "window", compute, "leaks", "-", contract, same)

    names = tuple(register(operator(*each)).name for each in FUNCTIONS.items())
    try:
        yield names
    finally:
        for name in names:
            unregister(name)
