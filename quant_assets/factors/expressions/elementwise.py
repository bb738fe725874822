"""Operators that work value by value: from the kernels and numpy's functions to `compute`.

Here stand the ways from inputs to results that several operators share; the operators themselves,
with names and contracts, stand in operators/. A result has the same bits wherever its value stands
and however many rows are computed at once; numpy's vectorised functions keep to that on contiguous
arrays, and the tests hold them to it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from quant_assets.factors.expressions.operators.registry import Array, Compute, Constants

_CHUNK = 65536  # values that go through several loops at once: they stay in the second-level cache

# Exponents whose powers are products, roots or inverses; names of codes, of powers with sign, too.
_SIMPLE = {
    1.0: ("IDENTITY", "IDENTITY"),
    2.0: ("SQUARE", "SIGNED_SQUARE"),
    3.0: ("CUBE", "CUBE"),
    4.0: ("FOURTH", "SIGNED_FOURTH"),
    5.0: ("FIFTH", "FIFTH"),
    0.5: ("ROOT", "SIGNED_ROOT"),
    -1.0: ("INVERSE", "INVERSE"),
}


def function(numpys: np.ufunc, finite: bool = True) -> Compute:
    """A function of numpy's; finite: of finite values it is never infinite."""

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        with np.errstate(all="ignore"):
            numpys(inputs[0], out=out)
        if not finite:
            _kernels().keep_finite(out)

    return compute


def one(code: str) -> Compute:
    """An operation of one panel, by the name of its code in element_kernels."""

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        kernels = _kernels()
        kernels.one_panel(getattr(kernels, code), inputs[0], out)

    return compute


def fold(code: str, filtering: str = "") -> Compute:
    """An operation of two panels, or of more from left to right.

    filtering: the code where the first constant, if there is one, is not 0.
    """

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        kernels = _kernels()
        chosen = getattr(kernels, filtering if filtering and constants[0] != 0.0 else code)
        kernels.two_panels(chosen, inputs[0], inputs[1], out)
        for more in inputs[2:]:
            kernels.two_panels(chosen, out, more, out)

    return compute


def swapped(code: str) -> Compute:
    """An operation of two panels, the second before the first: greater by way of less."""

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        kernels = _kernels()
        kernels.two_panels(getattr(kernels, code), inputs[1], inputs[0], out)

    return compute


def logarithm(numpys: np.ufunc, domain: str) -> Compute:
    """A logarithm, missing outside its domain (a name of element_kernels)."""

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        kernels = _kernels()
        where = getattr(kernels, domain)
        for (x,), part in _parts(inputs, out):
            kernels.begin_logarithms(where, x, part)
            numpys(part, out=part)
            kernels.finish_logarithms(where, x, part)

    return compute


def power(signed: bool) -> Compute:
    """x to the power of y; signed: |x| to the power of y with the sign of x.

    Which exponents are simple is decided by value: a panel that holds a 2 gives the square's bits.
    """

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        kernels = _kernels()
        simple = _simple(inputs[1], signed)
        if simple:
            kernels.one_panel(getattr(kernels, simple), inputs[0], out)
            return
        for (x, y), part in _parts(inputs, out):
            exponent = np.empty(part.shape)
            kernels.begin_powers(x, y, part, exponent)
            with np.errstate(all="ignore"):
                np.power(part, exponent, out=part)
            kernels.finish_powers(signed, x, y, part)

    return compute


def sigmoid(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    """1 / (1 + exp(-x))."""
    kernels = _kernels()
    with np.errstate(all="ignore"):
        for (x,), part in _parts(inputs, out):
            np.negative(x, out=part)
            np.exp(part, out=part)
            kernels.one_panel(kernels.LOGISTIC, part, part)


def clamp(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    """Not below the first constant, then not above the second."""
    np.maximum(inputs[0], constants[0], out=out)
    np.minimum(out, constants[1], out=out)


def to_nan(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    """The first constant becomes missing; the other way round if the second is not 0."""
    kernels = _kernels()
    value = np.full((1, out.shape[1]), constants[0])
    code = kernels.WITHOUT if constants[1] == 0.0 else kernels.OR_ELSE
    kernels.two_panels(code, inputs[0], value, out)


def choose(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    """The second input where the first is true, the third where it is not."""
    _kernels().choose(inputs[0], inputs[1], inputs[2], out)


def _kernels() -> Any:
    from quant_assets.factors.expressions import element_kernels

    return element_kernels


def _simple(exponent: Array, signed: bool) -> str:
    """The code of a power with one simple exponent for all, or nothing."""
    first = float(exponent[0, 0]) if exponent.size else np.nan
    if exponent.shape[0] > 1 or first not in _SIMPLE or not (exponent == first).all():
        return ""
    return _SIMPLE[first][signed]


def _parts(inputs: Sequence[Array], out: Array) -> Iterator[tuple[list[Array], Array]]:
    """Some rows of the inputs and of out at a time; one row that holds for all goes with each."""
    rows = max(_CHUNK // max(out.shape[1], 1), 1)
    for first in range(0, len(out), rows):
        part = slice(first, first + rows)
        yield [each if len(each) == 1 else each[part] for each in inputs], out[part]
