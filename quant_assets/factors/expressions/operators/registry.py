"""The registry of operators: what an operator is, how it is registered, how it is found by name.

Here stand the description of an operator and the look-up. The operators stand in the modules of
this package; by being registered an operator can be written in expressions, is documented, and is
put to the tests that hold for all: its reference, and the prefix test.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np

from quant_assets.factors.expressions.units import UnitRule

Array = np.ndarray[Any, np.dtype[np.float64]]
Constants = tuple[float, ...]
Scope = Literal["element", "window", "cross_section"]
Kind = Literal["panel", "group", "window", "number"]

# compute(inputs, constants, past, out): see Operator.
Compute = Callable[[Sequence[Array], Constants, int, Array], None]


# Operators of BRAIN that are known and left out: name -> why.
_UNBOUNDED = "its memory is unbounded, so no window holds exactly the history that it needs"
_VECTOR = "it needs fields with many values a day, and daily panels have one"
_TURNOVER = "it optimises turnover over the whole sample, which a day cannot know"
UNSUPPORTED = {
    "hump": _UNBOUNDED,
    "trade_when": _UNBOUNDED,
    "ts_step": _UNBOUNDED,
    "ts_target_tvr_decay": _TURNOVER,
    "ts_target_tvr_hump": _TURNOVER,
    "ts_target_tvr_delta_limit": _TURNOVER,
    **dict.fromkeys(("vec_avg", "vec_max", "vec_min", "vec_sum", "vec_count"), _VECTOR),
}


class UnknownOperatorError(KeyError):
    """No operator of that name; `near` are the nearest names."""

    def __init__(self, name: str, near: Sequence[str]) -> None:
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        super().__init__(f"no operator {name!r}{hint}")
        self.near = tuple(near)

    def __str__(self) -> str:  # KeyError would show the message in quotes
        return str(self.args[0])


@dataclass(frozen=True)
class Parameter:
    """One argument of an operator.

    Attributes:
        name: as a keyword argument names it.
        kind: "panel", an expression; "group", an expression of group codes (sector, industry, a
            bucket); "window", a number of sessions, written as a number, fractions are floored;
            "number", a constant.
        default: the value of a window or number that may be left out; None: must be given.
        minimum: the smallest window or number allowed.
        maximum: the largest number allowed.
    """

    name: str
    kind: Kind
    default: float | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Contract:
    """What an operator does with values that are not ordinary; a sentence each."""

    missing: str
    ties: str = "do not matter"
    warm_up: str = "none"
    constant: str = "nothing special"
    infinite: str = "inputs are finite; a result that is not finite is missing"


@dataclass(frozen=True)
class Wanted:
    """One result that a joint computation must write."""

    operator: str
    constants: Constants
    out: Array


@dataclass(frozen=True)
class Joint:
    """Operators that share their work over the same inputs and the same first constant (window).

    compute(wanted, inputs, past) writes every `out`; each has the same bits as when computed alone.
    """

    name: str
    compute: Callable[[Sequence[Wanted], Sequence[Array], int], None]


def no_lookback(constants: Constants) -> int:
    """The day itself is enough."""
    return 0


def window_lookback(constants: Constants) -> int:
    """The first constant is a window of d sessions that ends on the day: d - 1 before it."""
    return int(constants[0]) - 1


def delay_lookback(constants: Constants) -> int:
    """The first constant is a number of sessions back."""
    return int(constants[0])


@dataclass(frozen=True)
class Operator:
    """One operator.

    `compute(inputs, constants, past, out)`: `out` is C-contiguous float64 (R, N), R sessions of N
    symbols, and every place of it is written. `inputs` are the panel and group arguments in order,
    C-contiguous float64. NaN is missing; groups are whole codes from 0 on, NaN for none; truths are
    1.0 and 0.0. `constants` are the window and number arguments in order, defaults filled in.

    - scope "element": inputs have R rows, or one row if the argument is a constant; past is 0.
    - scope "cross_section": inputs have R rows; past is 0; a row is computed from that row alone.
    - scope "window": every input has past + R rows; row past + r is the session of out row r. There
      are min(lookback, sessions known) rows of history: fewer than the look-back only at the start
      of the data, where windows are as short as the data.

    The bits of a result depend on nothing but the values of its own window (or row): not on R, on
    past, on N, on neighbours or the memory's alignment. Equal windows give equal bits.

    Attributes:
        name: canonical name, lower case.
        aliases: other spellings in use, lower case; names are not case-sensitive.
        parameters: in order of position.
        scope: see above.
        compute: see above.
        description: one line: what it is, as a formula where there is one.
        source: where the definition comes from.
        contract: missing values, ties, warm-up, constants, infinities.
        unit: of the result, from the units of the panel arguments.
        lookback: sessions before the day that it reads, from the constants; exact.
        variadic: the last panel parameter may be given more than once.
        joint: the computation shared with others, if any.
    """

    name: str
    aliases: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    scope: Scope
    compute: Compute
    description: str
    source: str
    contract: Contract
    unit: UnitRule
    lookback: Callable[[Constants], int] = field(default=no_lookback)
    variadic: bool = False
    joint: Joint | None = None


_OPERATORS: dict[str, Operator] = {}
_NAMES: dict[str, str] = {}  # every spelling -> canonical name


def register(new: Operator) -> Operator:
    """Add an operator; all its spellings must be new."""
    for name in (new.name, *new.aliases):
        if name != name.lower() or name in _NAMES:
            raise ValueError(
                f"operator {new.name!r}: the name {name!r} is taken or not in lower case"
            )
    _OPERATORS[new.name] = new
    _NAMES.update(dict.fromkeys((new.name, *new.aliases), new.name))
    return new


def unregister(name: str) -> None:
    """Take an operator out again, by its canonical name."""
    removed = _OPERATORS.pop(name)
    for spelling in (removed.name, *removed.aliases):
        del _NAMES[spelling]


def operators() -> tuple[Operator, ...]:
    """Every operator, by name."""
    _load()
    return tuple(_OPERATORS[name] for name in sorted(_OPERATORS))


def operator(name: str) -> Operator:
    """The operator of that name or alias, in any case.

    Raises:
        UnknownOperatorError: no such operator.
    """
    _load()
    try:
        return _OPERATORS[_NAMES[name.lower()]]
    except KeyError:
        near = difflib.get_close_matches(name.lower(), sorted(_NAMES), n=3)
        raise UnknownOperatorError(name, near) from None


@cache
def _load() -> None:
    """Import every module of this package once; importing registers."""
    package = importlib.import_module("quant_assets.factors.expressions.operators")
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
