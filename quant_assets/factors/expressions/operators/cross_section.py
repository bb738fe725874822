"""Operators across the symbols of a session: ranks, scores, scales, limits, neutral parts.

Every result comes from the values of its own session alone. Within groups: groups.py.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from quant_assets.factors.expressions import units
from quant_assets.factors.expressions.operators.arithmetic import BRAIN, PAPER
from quant_assets.factors.expressions.operators.registry import (
    Array,
    Compute,
    Constants,
    Contract,
    Operator,
    Parameter,
    register,
)
from quant_assets.factors.expressions.units import DIMENSIONLESS, Unit, UnitRule, Units

X = Parameter("x", "panel")
GAUSSIAN, CAUCHY, UNIFORM = range(3)  # drivers of quantile

_IGNORED = "missing values are left out and stay missing"
RANKED = Contract(missing=_IGNORED, ties="get the average of their ranks")
SCORED = Contract(
    missing=f"{_IGNORED}; all are missing where there are fewer than two values",
    constant="missing where all values are the same but for rounding (1e-12 of the largest)",
)
SCALED = Contract(
    missing=_IGNORED, constant="missing where there is nothing to divide by: the total is 0"
)
STRETCHED = Contract(missing=_IGNORED, constant="missing where all values are equal")
LIMITED = Contract(missing=_IGNORED, constant="values stay as they are")


def _measure(code: str, numbers: int) -> Compute:
    """An operation of cross_section_kernels.measure_rows by the name of its code."""

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        from quant_assets.factors.expressions import cross_section_kernels as kernels

        first, second, third = (*constants[:numbers], 0.0, 0.0, 0.0)[:3]
        kernels.measure_rows(getattr(kernels, code), inputs[0], first, second, third, out)

    return compute


def _neutralize(code: str) -> Compute:
    """An operation of cross_section_kernels.neutralize_rows by the name of its code."""

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        from quant_assets.factors.expressions import cross_section_kernels as kernels

        kernels.neutralize_rows(getattr(kernels, code), inputs[0], inputs[1], out)

    return compute


def _rank(form: str) -> Compute:
    """A form of rank_kernels.rank_rows by its name."""

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        from quant_assets.factors.expressions import rank_kernels as kernels

        kernels.rank_rows(getattr(kernels, form), inputs[0], out)

    return compute


def _quantile(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from scipy.special import ndtri

    driver, sigma = constants
    _rank("UNIFORM")(inputs, constants, past, out)
    with np.errstate(all="ignore"):
        if driver == GAUSSIAN:
            ndtri(out, out=out)
        else:
            np.subtract(out, 0.5, out=out)
        if driver == CAUCHY:
            np.tan(np.multiply(out, np.pi, out=out), out=out)
        np.multiply(out, sigma, out=out)
    _keep_finite(out)


def _keep_finite(out: Array) -> None:
    from quant_assets.factors.expressions import element_kernels as kernels

    kernels.keep_finite(out)


def normal_unit(inputs: Units, constants: tuple[float, ...]) -> Unit | None:
    """A pure number where it is divided by the deviation, else the unit of the input."""
    return DIMENSIONLESS if constants[0] != 0.0 else inputs[0]


def _operator(
    name: str,
    compute: Compute,
    description: str,
    contract: Contract,
    unit: UnitRule = units.dimensionless,
    parameters: tuple[Parameter, ...] = (X,),
    source: str = BRAIN,
    aliases: tuple[str, ...] = (),
) -> None:
    register(
        Operator(
            name=name,
            aliases=aliases,
            parameters=parameters,
            scope="cross_section",
            compute=compute,
            description=description,
            source=source,
            contract=contract,
            unit=unit,
        )
    )


def _number(name: str, default: float, **limits: Any) -> Parameter:
    return Parameter(name, "number", default=default, **limits)


_operator(
    "rank",
    _rank("PERCENT"),
    "average rank over the number of values, in (0, 1]; ranks are always exact, whatever the rate",
    RANKED,
    parameters=(X, _number("rate", 2.0, minimum=0.0)),
    source=f"{PAPER}; {BRAIN}",
)
_operator(
    "quantile",
    _quantile,
    "sigma times the driver's quantile of u = 1/n + (r - 1) / (n - 1) (1 - 2/n), r the average "
    "rank of n values (u = 1/2 if n is 1); driver gaussian (0), cauchy (1), uniform (2: u - 1/2)",
    RANKED,
    parameters=(X, _number("driver", GAUSSIAN, minimum=0.0, maximum=2.0), _number("sigma", 1.0)),
)
_operator("zscore", _measure("ZSCORE", 0), "(x - mean) / standard deviation (ddof=1)", SCORED)
_operator(
    "normalize",
    _measure("NORMALIZE", 2),
    "x - mean; over the standard deviation (ddof=1) with useStd=true; kept within -limit and "
    "limit if that is above 0",
    Contract(
        missing=f"{_IGNORED}; with useStd=true all are where there are fewer than two values",
        constant="0; with useStd=true missing",
    ),
    normal_unit,
    (X, _number("useStd", 0.0), _number("limit", 0.0, minimum=0.0)),
)
_operator(
    "winsorize",
    _measure("WINSORIZE", 1),
    "x, but not farther from the mean than std standard deviations (ddof=1)",
    LIMITED,
    units.same,
    (X, _number("std", 4.0, minimum=0.0)),
)
_operator(
    "scale",
    _measure("SCALE", 3),
    "x times a number, so that the sum of |x| is scale; if longscale or shortscale is given (not "
    "0), positive values sum to longscale and negative ones to -shortscale, 1 where not given",
    SCALED,
    parameters=(
        X,
        _number("scale", 1.0),
        _number("longscale", 0.0, minimum=0.0),
        _number("shortscale", 0.0, minimum=0.0),
    ),
    source=f"{PAPER}; {BRAIN}",
)
_operator(
    "scale_down",
    _measure("SCALE_DOWN", 1),
    "(x - smallest) / (largest - smallest) - constant",
    STRETCHED,
    parameters=(X, _number("constant", 0.0)),
)
_operator(
    "truncate",
    _measure("TRUNCATE", 1),
    "x, but no larger in size than maxPercent (0.01 is one per cent) of the sum of |x|",
    LIMITED,
    units.same,
    (X, _number("maxPercent", 0.01, minimum=0.0)),
)
_operator(
    "vector_neut",
    _neutralize("VECTOR_NEUTRAL"),
    "x - (x.y / y.y) y: the part of x that is orthogonal to y",
    Contract(
        missing="symbols that lack x or y are left out and missing",
        constant="missing where y is 0 for all",
    ),
    units.same,
    (X, Parameter("y", "panel")),
)
_operator(
    "regression_neut",
    _neutralize("REGRESSION_NEUTRAL"),
    "what the regression of y on x with a constant leaves of y",
    Contract(
        missing="symbols that lack y or x are left out and missing; all are with fewer than three",
        constant="missing where x does not vary but for rounding (1e-12 of the largest)",
    ),
    units.same,
    (Parameter("y", "panel"), X),
)
_operator(
    "densify",
    _rank("DENSE"),
    "group codes numbered from 0 without gaps: how many different codes are smaller",
    Contract(missing=_IGNORED, ties="get the same number"),
    parameters=(Parameter("x", "group"),),
)
