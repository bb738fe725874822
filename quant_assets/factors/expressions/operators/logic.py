"""Truths and choices, value by value: comparison, logic, conditions, missing values.

A truth is 1 or 0; whatever is not 0 is true. Arithmetic stands in arithmetic.py.
"""

from quant_assets.factors.expressions import elementwise as by
from quant_assets.factors.expressions import units
from quant_assets.factors.expressions.operators.arithmetic import BRAIN, ELEMENT, known
from quant_assets.factors.expressions.operators.registry import (
    Compute,
    Contract,
    Operator,
    Parameter,
    register,
)
from quant_assets.factors.expressions.units import Unit, UnitRule, Units

X, Y = Parameter("x", "panel"), Parameter("y", "panel")
CONDITION = Parameter("condition", "panel")


def branches(inputs: Units, constants: tuple[float, ...]) -> Unit | None:
    """The unit of the choices: the condition's does not matter."""
    return known(inputs[1:], constants)


def _operator(
    name: str,
    parameters: tuple[Parameter, ...],
    compute: Compute,
    description: str,
    contract: Contract = ELEMENT,
    unit: UnitRule = units.dimensionless,
    source: str = BRAIN,
) -> None:
    register(
        Operator(
            name=name,
            aliases=(),
            parameters=parameters,
            scope="element",
            compute=compute,
            description=description,
            source=source,
            contract=contract,
            unit=unit,
        )
    )


_operator("less", (X, Y), by.fold("LESS"), "1 where x < y, else 0")
_operator("less_equal", (X, Y), by.fold("LESS_EQUAL"), "1 where x <= y, else 0")
_operator("greater", (X, Y), by.swapped("LESS"), "1 where x > y, else 0")
_operator("greater_equal", (X, Y), by.swapped("LESS_EQUAL"), "1 where x >= y, else 0")
_operator("equal", (X, Y), by.fold("EQUAL"), "1 where x and y are the same number, else 0")
_operator("not_equal", (X, Y), by.fold("NOT_EQUAL"), "1 where x and y differ, else 0")
_operator("and", (X, Y), by.fold("AND"), "1 where both are true, else 0")
_operator("or", (X, Y), by.fold("OR"), "1 where one or both are true, else 0")
_operator("not", (X,), by.one("NOT"), "1 where x is 0, else 0")
_operator(
    "if_else",
    (CONDITION, X, Y),
    by.choose,
    "x where the condition is true, y where it is not",
    Contract(missing="missing where the condition or the chosen value is missing"),
    branches,
)
_operator(
    "filter",
    (X, CONDITION),
    by.fold("WHERE"),
    "x where the condition is true, missing elsewhere",
    unit=units.same,
    source="Guotai Junan (2017), 191 alphas, FILTER",
)
_operator(
    "is_nan",
    (X,),
    by.one("IS_MISSING"),
    "1 where x is missing, else 0",
    Contract(missing="never missing; a symbol without any data counts, too"),
)
_operator(
    "to_nan",
    (X, Parameter("value", "number", default=0.0), Parameter("reverse", "number", default=0.0)),
    by.to_nan,
    "x, missing where it equals value; with reverse=true the value where x is missing",
    Contract(missing="missing stays missing; with reverse=true it becomes the value"),
    units.same,
)
