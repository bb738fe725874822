"""Element-wise operators written from their definitions, one value at a time, with plain floats."""

import math
from collections.abc import Callable
from dataclasses import dataclass

MISSING = math.nan


@dataclass(frozen=True)
class Reference:
    """value(inputs, constants) for one place; strict: missing where any input is missing."""

    value: Callable[[list[float], tuple[float, ...]], float]
    inputs: int
    constants: tuple[tuple[float, ...], ...] = ((),)  # sets of constants to try
    strict: bool = True
    variadic: bool = False

    def __call__(self, inputs: list[float], constants: tuple[float, ...]) -> float:
        if self.strict and any(math.isnan(x) for x in inputs):
            return MISSING
        try:
            result = self.value(inputs, constants)
        except (OverflowError, ValueError, ZeroDivisionError):
            return MISSING
        return result if math.isfinite(result) else MISSING


def fold(step: Callable[[float, float], float]) -> Callable[..., float]:
    def value(inputs: list[float], constants: tuple[float, ...]) -> float:
        total = inputs[0]
        for x in inputs[1:]:
            total = step(total, x)
            if not math.isfinite(total):
                raise OverflowError
        return total

    return value


def filtered(step: Callable[[float, float], float], neutral: float) -> Callable[..., float]:
    """The first constant not 0: a missing input counts as neutral beside one that is there."""

    def value(inputs: list[float], constants: tuple[float, ...]) -> float:
        total = inputs[0]
        for x in inputs[1:]:
            unknown, new = math.isnan(total), math.isnan(x)
            if (unknown or new) if constants[0] == 0.0 else (unknown and new):
                total = MISSING
                continue
            total = step(neutral if unknown else total, neutral if new else x)
            if not math.isfinite(total):
                total = MISSING
        return total

    return value


def power(x: float, y: float) -> float:
    return math.pow(x, y)


def signed_power(x: float, y: float) -> float:
    return math.copysign(1.0, x) * math.pow(abs(x), y) if x != 0.0 else 0.0 * math.pow(0.0, y)


def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0.0 else math.exp(x) / (1.0 + math.exp(x))


def szudzik(a: float, b: float) -> float:
    return a * a + a + b if a >= b else b * b + a


def to_nan(x: float, value: float, reverse: float) -> float:
    if reverse != 0.0:
        return value if math.isnan(x) else x
    return MISSING if x == value else x


def of_one(function: Callable[[float], float]) -> Reference:
    return Reference(lambda inputs, constants: function(inputs[0]), 1)


def of_two(function: Callable[[float, float], float]) -> Reference:
    return Reference(lambda inputs, constants: float(function(*inputs)), 2)


def bucket(x: float, start: float, stop: float, step: float) -> float:
    k = 0
    while round(start + k * step, 9) <= stop and round(start + k * step, 9) < x:
        k += 1
    return float(k)


FILTERS = ((0.0,), (1.0,))
REFERENCES: dict[str, Reference] = {
    "add": Reference(filtered(lambda a, b: a + b, 0.0), 2, FILTERS, False, True),
    "subtract": Reference(filtered(lambda a, b: a - b, 0.0), 2, FILTERS, False, True),
    "multiply": Reference(filtered(lambda a, b: a * b, 1.0), 2, FILTERS, False, True),
    "divide": of_two(lambda a, b: a / b),
    "negate": of_one(lambda x: -x),
    "inverse": of_one(lambda x: 1.0 / x),
    "power": of_two(power),
    "signed_power": of_two(signed_power),
    "abs": of_one(abs),
    "sign": of_one(lambda x: float((x > 0.0) - (x < 0.0))),
    "sqrt": of_one(math.sqrt),
    "log": of_one(math.log),
    "log1p": of_one(math.log1p),
    "s_log_1p": of_one(lambda x: math.copysign(math.log1p(abs(x)), x)),
    "exp": of_one(math.exp),
    "tanh": of_one(math.tanh),
    "sigmoid": of_one(sigmoid),
    "min": Reference(fold(min), 2, variadic=True),
    "max": Reference(fold(max), 2, variadic=True),
    "clamp": Reference(
        lambda inputs, constants: min(max(inputs[0], constants[0]), constants[1]),
        1,
        ((-1.0, 2.0), (0.0, 0.0)),
    ),
    "round": of_one(lambda x: float(round(x))),
    "floor": of_one(lambda x: float(math.floor(x))),
    "ceiling": of_one(lambda x: float(math.ceil(x))),
    "fraction": of_one(lambda x: math.modf(x)[0]),
    "less": of_two(lambda a, b: a < b),
    "less_equal": of_two(lambda a, b: a <= b),
    "greater": of_two(lambda a, b: a > b),
    "greater_equal": of_two(lambda a, b: a >= b),
    "equal": of_two(lambda a, b: a == b),
    "not_equal": of_two(lambda a, b: a != b),
    "and": of_two(lambda a, b: bool(a) and bool(b)),
    "or": of_two(lambda a, b: bool(a) or bool(b)),
    "not": of_one(lambda x: float(not x)),
    "if_else": Reference(
        lambda inputs, constants: (
            MISSING if math.isnan(inputs[0]) else inputs[1] if inputs[0] else inputs[2]
        ),
        3,
        strict=False,
    ),
    "filter": Reference(lambda inputs, constants: inputs[0] if inputs[1] != 0.0 else MISSING, 2),
    "is_nan": Reference(lambda inputs, constants: float(math.isnan(inputs[0])), 1, strict=False),
    "to_nan": Reference(
        lambda inputs, constants: to_nan(inputs[0], *constants),
        1,
        ((0.0, 0.0), (2.0, 0.0), (-1.0, 1.0)),
        strict=False,
    ),
    "bucket": Reference(
        lambda inputs, constants: bucket(inputs[0], *constants),
        1,
        ((0.0, 1.0, 0.1), (-2.0, 3.0, 0.5), (2.0, 2.0, 1.0)),
    ),
    "digitize": Reference(
        lambda inputs, constants: float(sum(edge < inputs[0] for edge in constants)),
        1,
        ((0.0,), (-1.0, 0.5, 2.5)),
    ),
    "group_cartesian_product": of_two(szudzik),
}
