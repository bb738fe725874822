"""Spaces of parameter sets, made from the typed parameters of a strategy.

Here stand the values of each axis, their product, and what is left out of it because it breaks a
constraint of the strategy such as fast < slow. What a set is worth is found out elsewhere.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2s
from itertools import product
from math import prod
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import numpy as np
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from quant_assets.backtests.strategies.base import Strategy, StrategyError, StrategyParameters
from quant_assets.settings_files import near_name
from quant_assets.settings_sweeps import ValueRange, Values

# Values of a range without a count or a step, in a grid.
_COUNT = 10
_MOST_CORNERS = 100_000


@dataclass(frozen=True)
class Axis:
    """A swept parameter.

    Attributes:
        name: of the parameter.
        values: each once; ascending where they are numbers.
        ordered: whether they are numbers, so that one value has a next one.
        span: low, high, step (None: any value between) and whether by ratios, where a search may
            take values between those listed; None where only these are meant.
        whole: whether the parameter is a whole number.
        description: what the parameter is.
    """

    name: str
    values: tuple[Any, ...]
    ordered: bool
    whole: bool = False
    span: tuple[float, float, float | None, bool] | None = None
    description: str = ""


@dataclass(frozen=True)
class ParameterSet:
    """One set: its place on each axis, the swept values, and all parameters of the strategy."""

    place: tuple[int, ...]
    values: Mapping[str, Any]
    parameters: StrategyParameters


@dataclass(frozen=True)
class Space:
    """The sets of a grid.

    Attributes:
        axes: the swept parameters; the last one changes fastest from set to set.
        sets: those that keep the strategy's constraints, in the order of the axes.
        left_out: reason -> how many sets break a constraint.
    """

    axes: tuple[Axis, ...]
    sets: tuple[ParameterSet, ...]
    left_out: Mapping[str, int]

    @property
    def places(self) -> np.ndarray:
        """The place of each set on each axis, int64 (S, A)."""
        return np.array([each.place for each in self.sets], np.int64).reshape(-1, len(self.axes))


def axes_of(strategy: Strategy, grid: Mapping[str, Values] | None = None) -> tuple[Axis, ...]:
    """The swept parameters and their values.

    Args:
        strategy: whose parameters they are.
        grid: parameter -> values or a range, None for all that its type allows; by default the
            strategy's own `grid`.

    Raises:
        StrategyError: an unknown parameter, a value out of its bounds, or nothing to sweep.
    """
    chosen: Mapping[str, Any] = strategy.grid if grid is None else grid
    if not chosen:
        raise StrategyError(
            f"strategy {strategy.name!r} names no values of its own to sweep: give a grid, "
            f"such as {{{next(iter(strategy.Parameters.model_fields), 'parameter')}: [..]}}"
        )
    between = grid is None  # a strategy's own values say where to look, a user's list what to try
    return tuple(_axis(strategy, name, values, between) for name, values in chosen.items())


def space(
    strategy: Strategy,
    axes: Iterable[Axis],
    fixed: Mapping[str, Any] | None = None,
    most_sets: int = 5000,
) -> Space:
    """Every combination of the axes' values that keeps the constraints of the strategy.

    Args:
        strategy: whose parameters they are.
        axes: the swept parameters.
        fixed: values of the other parameters where they differ from the strategy's defaults.
        most_sets: refuse a larger grid.

    Raises:
        StrategyError: a grid too large, a fixed value out of bounds, or no set left.
    """
    axes = tuple(axes)
    size = prod(len(axis.values) for axis in axes)
    if size > most_sets:
        sizes = " x ".join(f"{len(axis.values)} {axis.name}" for axis in axes)
        raise StrategyError(
            f"strategy {strategy.name!r}: a grid must have at most {most_sets} parameter sets. "
            f"Got {size} ({sizes}) instead: take fewer values, raise most_sets, or search"
        )
    found: list[ParameterSet] = []
    left_out: dict[str, int] = {}
    for place in product(*[range(len(axis.values)) for axis in axes]):
        values = {axis.name: axis.values[k] for axis, k in zip(axes, place, strict=True)}
        parameters = allowed(strategy, {**(fixed or {}), **values}, left_out)
        if parameters is not None:
            found.append(ParameterSet(place, values, parameters))
    if not found:
        raise StrategyError(
            f"strategy {strategy.name!r}: no set of the grid keeps its constraints: "
            f"{'; '.join(left_out)}"
        )
    return Space(axes, tuple(found), left_out)


def corners(
    strategy: Strategy, axes: Iterable[Axis], fixed: Mapping[str, Any] | None = None
) -> Space:
    """The outermost and the middle sets of a space that is searched, however many it has between.

    They name the fields and the longest look-back of all sets.

    Raises:
        StrategyError: as of `space`.
    """
    whole = tuple(axes)
    few = [
        replace(axis, values=tuple(dict.fromkeys((v[0], v[len(v) // 2], v[-1]))))
        if axis.ordered and (v := axis.values)
        else axis
        for axis in whole
    ]
    found = space(strategy, few, fixed, _MOST_CORNERS)
    return replace(found, axes=whole)


def allowed(
    strategy: Strategy, values: Mapping[str, Any], left_out: dict[str, int]
) -> StrategyParameters | None:
    """The parameters, or None, with the reason counted, where together they break a constraint.

    Raises:
        StrategyError: a value that is out of bounds by itself.
    """
    try:
        return strategy.Parameters.model_validate(dict(values))
    except ValidationError as error:
        if any(fault["loc"] for fault in error.errors()):
            strategy.parse(values)  # tells the fault in the words of a strategy
        reason = _constraint(error.errors()[0]["msg"])
        left_out[reason] = left_out.get(reason, 0) + 1
        return None


def trial_key(strategy: str, parameters: Mapping[str, Any]) -> str:
    """What a trial is counted by: a hash of the strategy and of all its parameters, 16 digits."""
    text = json.dumps([strategy, dict(parameters)], sort_keys=True, default=str)
    return blake2s(text.encode(), digest_size=8).hexdigest()


def plain(parameters: StrategyParameters) -> dict[str, Any]:
    """The parameters as values that JSON knows."""
    return parameters.model_dump(mode="json")


def _constraint(message: str) -> str:
    """The constraint without the numbers of the set that broke it."""
    words = message.removeprefix("Value error, ").split(" Got ")[0].split(" (")[0]
    return words.rstrip(".")


def _axis(strategy: Strategy, name: str, values: Any, between: bool) -> Axis:
    fields = strategy.Parameters.model_fields
    if name not in fields:
        raise StrategyError(
            f"strategy {strategy.name!r}: {name}: no such parameter{near_name(name, fields)} "
            f"(its parameters: {', '.join(fields)})"
        )
    field = fields[name]
    kinds = _kinds(field)
    numeric = bool(kinds & {int, float})
    span: tuple[float, float, float | None, bool] | None = None
    if values is None:
        values = _all_of(strategy, name, field)
    whole = numeric and float not in kinds
    listed = _spread(values, whole) if isinstance(values, ValueRange) else values
    if isinstance(values, ValueRange):
        _check_range(strategy, name, values, numeric, whole)
        if values.count is None:
            high = values.high if values.step is None else listed[-1]
            span = (values.low, high, values.step, values.log)
    for value in listed:
        _check(strategy, name, value)
    # As the parameter has them: "10" and 10 of a whole number are one value.
    typed: TypeAdapter[Any] = TypeAdapter(field.annotation or Any)
    listed = list({repr(v): v for v in map(typed.validate_python, listed)}.values())
    ordered = numeric and all(_number(v) for v in listed)
    if between and ordered and len(listed) > 1:
        span = (min(listed), max(listed), None, False)
    return Axis(
        name,
        tuple(sorted(listed)) if ordered else tuple(listed),
        ordered,
        whole,
        span,
        field.description or "",
    )


def _check_range(
    strategy: Strategy, name: str, values: ValueRange, numeric: bool, whole: bool
) -> None:
    """Refuse a range of what is no number, and fractions of whole numbers."""
    place = f"strategy {strategy.name!r}: {name}"
    if not numeric:
        raise StrategyError(
            f"{place}: a range needs a parameter that is a number; give a list of values"
        )
    given = {"low": values.low, "high": values.high, "step": values.step}
    for what, value in given.items():
        if whole and value is not None and value != int(value):
            raise StrategyError(f"{place}: {what} must be a whole number. Got {value:g} instead")


def _check(strategy: Strategy, name: str, value: Any) -> None:
    """Refuse a value that no set could have, whatever the others are."""
    try:
        strategy.Parameters.model_validate({name: value})
    except ValidationError as error:
        if any(fault["loc"] for fault in error.errors()):
            strategy.parse({name: value})


def _kinds(field: FieldInfo) -> set[type]:
    """The types that a parameter may have."""
    found: set[type] = set()

    def collect(annotation: Any) -> None:
        if get_origin(annotation) in (Union, UnionType):
            for each in get_args(annotation):
                collect(each)
        elif get_origin(annotation) is Literal:
            found.update(type(each) for each in get_args(annotation))
        elif isinstance(annotation, type):
            found.add(annotation)

    collect(field.annotation)
    return found


def _all_of(strategy: Strategy, name: str, field: FieldInfo) -> list[Any] | ValueRange:
    """Every choice of a parameter that is one of a few, the range between the bounds of a number.

    A bound that is excluded (greater than 0) is left out of the range by a thousandth of it.
    """
    if field.annotation is bool:
        return [False, True]
    if get_origin(field.annotation) is Literal:
        return list(get_args(field.annotation))
    bounds: dict[str, float] = {}
    for each in field.metadata:
        for side in ("ge", "gt", "le", "lt"):
            if getattr(each, side, None) is not None:
                bounds[side] = float(getattr(each, side))
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    if low is None or high is None:
        raise StrategyError(
            f"strategy {strategy.name!r}: {name}: has no bounds on both sides; give its values"
        )
    margin = (high - low) / 1000 if int not in _kinds(field) or float in _kinds(field) else 1.0
    return ValueRange(
        low=low if "ge" in bounds else low + margin, high=high if "le" in bounds else high - margin
    )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _spread(values: ValueRange, whole: bool) -> list[Any]:
    if values.step is not None:
        count = int((values.high - values.low) / values.step + 1e-9) + 1
        listed = values.low + values.step * np.arange(count)
    else:
        spread = np.geomspace if values.log else np.linspace
        listed = spread(values.low, values.high, values.count or _COUNT)
    if whole:
        return sorted({int(each) for each in np.rint(listed)})
    return [float(f"{each:.12g}") for each in listed]
