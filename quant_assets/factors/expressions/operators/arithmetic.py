"""Arithmetic on panels, value by value: sums to powers, logarithms, extremes, rounding.

Comparison, logic and choices stand in logic.py. How the values are computed stands in
elementwise.py.
"""

import numpy as np

from quant_assets.factors.expressions import elementwise as by
from quant_assets.factors.expressions import units
from quant_assets.factors.expressions.operators.registry import (
    Compute,
    Contract,
    Operator,
    Parameter,
    register,
)
from quant_assets.factors.expressions.units import DIMENSIONLESS, Unit, UnitRule, Units

BRAIN = "WorldQuant BRAIN, operators"
PAPER = "Kakushadze (2016), 101 Formulaic Alphas, appendix A"

X, Y = Parameter("x", "panel"), Parameter("y", "panel")
FILTER = Parameter("filter", "number", default=0.0)

ELEMENT = Contract(missing="missing where any input is missing")
FILTERED = Contract(
    missing=(
        "missing where any input is missing; with filter=true a missing input counts as 0 (1 in a "
        "product) as long as another is there"
    )
)
DOMAIN = Contract(
    missing="missing where an input is missing",
    infinite="missing where it is not defined, and where the result is not finite",
)


def known(inputs: Units, constants: tuple[float, ...]) -> Unit | None:
    """The unit of the first input whose unit is known: the others should have the same."""
    return next((unit for unit in inputs if unit is not None), None)


def reciprocal(inputs: Units, constants: tuple[float, ...]) -> Unit | None:
    """One over the unit of the first input."""
    return units.quotient((DIMENSIONLESS, *inputs), constants)


def root(inputs: Units, constants: tuple[float, ...]) -> Unit | None:
    """Half the powers of the first input's unit."""
    first = inputs[0]
    return None if first is None else Unit(0.5 * first.price, 0.5 * first.shares)


def _operator(
    name: str,
    parameters: tuple[Parameter, ...],
    compute: Compute,
    description: str,
    unit: UnitRule,
    contract: Contract = ELEMENT,
    aliases: tuple[str, ...] = (),
    source: str = BRAIN,
    variadic: bool = False,
) -> None:
    register(
        Operator(
            name=name,
            aliases=aliases,
            parameters=parameters,
            scope="element",
            compute=compute,
            description=description,
            source=source,
            contract=contract,
            unit=unit,
            variadic=variadic,
        )
    )


_operator(
    "add",
    (X, Y, FILTER),
    by.fold("ADD", "ADD_KNOWN"),
    "x + y + ...",
    known,
    FILTERED,
    variadic=True,
)
_operator(
    "subtract",
    (X, Y, FILTER),
    by.fold("SUBTRACT", "SUBTRACT_KNOWN"),
    "x - y - ..., from left to right",
    known,
    FILTERED,
    variadic=True,
)
_operator(
    "multiply",
    (X, Y, FILTER),
    by.fold("MULTIPLY", "MULTIPLY_KNOWN"),
    "x * y * ...; BRAIN's pages disagree on whether filter=true takes a missing input as 1 or as "
    "0: it is 1 here, which leaves the other inputs as they are",
    units.product,
    FILTERED,
    variadic=True,
)
_operator("divide", (X, Y), by.fold("DIVIDE"), "x / y, missing where y is 0", units.quotient)
_operator("negate", (X,), by.function(np.negative), "minus x", units.same, aliases=("reverse",))
_operator(
    "inverse", (X,), by.one("INVERSE"), "1 / x, missing where x is 0", reciprocal, contract=DOMAIN
)
_operator(
    "power",
    (X, Y),
    by.power(signed=False),
    "x ^ y; a negative x has a power where y is a whole number; 0 ^ 0 is 1; exponents 1 to 5, 0.5 "
    "and -1 are taken as products, root and inverse",
    units.unknown,
    DOMAIN,
    aliases=("pow",),
)
_operator(
    "signed_power",
    (X, Y),
    by.power(signed=True),
    "sign(x) * |x| ^ y",
    units.unknown,
    DOMAIN,
    aliases=("signedpower",),
    source=f"{BRAIN}; the paper prints x ^ a, its name and use say the sign is kept",
)
_operator("abs", (X,), by.function(np.absolute), "|x|, the size of x", units.same)
_operator(
    "sign", (X,), by.one("SIGN"), "1, 0 or -1 as x is above, at or below 0", units.dimensionless
)
_operator(
    "sqrt",
    (X,),
    by.function(np.sqrt),
    "square root, missing where x is negative; signed_power(x, 0.5) keeps signs",
    root,
    DOMAIN,
)
_operator(
    "log",
    (X,),
    by.logarithm(np.log, "POSITIVE"),
    "natural logarithm, missing where x is not positive",
    units.dimensionless,
    DOMAIN,
    aliases=("ln",),
)
_operator(
    "log1p",
    (X,),
    by.logarithm(np.log1p, "ABOVE_MINUS_ONE"),
    "log(1 + x), exact for small x, missing where x is not above -1",
    units.dimensionless,
    DOMAIN,
    source="numpy.log1p",
)
_operator(
    "s_log_1p",
    (X,),
    by.logarithm(np.log1p, "MAGNITUDE"),
    "sign(x) * log(1 + |x|): draws tails in and keeps signs",
    units.dimensionless,
)
_operator(
    "exp",
    (X,),
    by.function(np.exp, finite=False),
    "e ^ x, missing where it is too large for a float",
    units.dimensionless,
    DOMAIN,
)
_operator("tanh", (X,), by.function(np.tanh), "hyperbolic tangent, in (-1, 1)", units.dimensionless)
_operator("sigmoid", (X,), by.sigmoid, "1 / (1 + exp(-x)), in (0, 1)", units.dimensionless)
_operator("min", (X, Y), by.fold("MINIMUM"), "smallest of the inputs", known, variadic=True)
_operator("max", (X, Y), by.fold("MAXIMUM"), "largest of the inputs", known, variadic=True)
_operator(
    "clamp",
    (X, Parameter("lower", "number"), Parameter("upper", "number")),
    by.clamp,
    "x, but not below lower and not above upper; upper where lower is above it",
    units.same,
)
_operator(
    "round", (X,), by.function(np.rint), "nearest whole number, halves to the even one", units.same
)
_operator("floor", (X,), by.function(np.floor), "largest whole number up to x", units.same)
_operator(
    "ceiling",
    (X,),
    by.function(np.ceil),
    "smallest whole number from x on",
    units.same,
    aliases=("ceil",),
)
_operator(
    "fraction",
    (X,),
    by.one("FRACTION"),
    "what stands behind the decimal point, with the sign of x",
    units.same,
)
