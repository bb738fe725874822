"""Operators within the groups of a session, and operators that make groups.

A group is the symbols whose codes are the same number; codes are whole numbers from 0 on as a rule,
but any number tells groups apart. A symbol without a code belongs to no group and gets nothing.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from quant_assets.factors.expressions import units
from quant_assets.factors.expressions.operators.arithmetic import BRAIN, ELEMENT, PAPER
from quant_assets.factors.expressions.operators.registry import (
    Array,
    Compute,
    Constants,
    Contract,
    Operator,
    Parameter,
    Scope,
    register,
    window_lookback,
)
from quant_assets.factors.expressions.units import UnitRule

X, GROUP = Parameter("x", "panel"), Parameter("group", "group")
NUMBER_OF_BUCKETS = 10_000

_IGNORED = "missing values are left out and stay missing, so does a symbol without a group"
WITHIN = Contract(missing=_IGNORED)
OF_GROUP = Contract(
    missing="missing values are left out; every symbol of the group gets the result, also one "
    "whose own value is missing; a group without values gets a missing one"
)

Labels = tuple[np.ndarray[Any, np.dtype[np.int32]], np.ndarray[Any, np.dtype[np.int32]]]


def _labelled(groups: Array) -> Labels:
    """Labels (R, N) of the groups, and how many there are in each row; see group_kernels."""
    from quant_assets.factors.expressions import group_kernels, rank_kernels

    labels, sizes = np.empty(groups.shape, np.int32), np.empty(len(groups), np.int32)
    if not group_kernels.label_rows(groups, labels, sizes):
        codes = np.empty(groups.shape)
        rank_kernels.rank_rows(rank_kernels.DENSE, groups, codes)
        group_kernels.label_rows(codes, labels, sizes)
    return labels, sizes


def _measure(code: str) -> Compute:
    """An operation of group_kernels.measure_groups by the name of its code.

    The first input has the values, the last one the groups, one between them the weights.
    """

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        from quant_assets.factors.expressions import group_kernels as kernels

        values, weights, groups = inputs[0], inputs[-2], inputs[-1]
        labels, sizes = _labelled(groups)
        kernels.measure_groups(getattr(kernels, code), values, weights, labels, sizes, out)

    return compute


def _order(code: str) -> Compute:
    """An operation of rank_kernels.group_order_rows by the name of its code."""

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        from quant_assets.factors.expressions import rank_kernels as kernels

        labels, sizes = _labelled(inputs[1])
        kernels.group_order_rows(getattr(kernels, code), inputs[0], labels, sizes, out)

    return compute


def _backfill(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions import group_kernels as kernels

    window, reach = int(constants[0]), float(constants[1])
    labels, sizes = _labelled(inputs[1][past:])
    kernels.backfill_groups(inputs[0], labels, sizes, window, reach, past, out)


def _bucket(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions import element_kernels as kernels

    kernels.count_below(inputs[0], np.array(edges(*constants)), out)


def _digitize(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions import element_kernels as kernels

    kernels.count_below(inputs[0], np.array(constants), out)


def _pair(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions import element_kernels as kernels

    kernels.two_panels(kernels.PAIR_CODE, inputs[0], inputs[1], out)


@lru_cache(maxsize=64)
def edges(start: float, stop: float, step: float) -> tuple[float, ...]:
    """start, start + step, ... up to stop, each to 12 digits: 0.3, not 0.30000000000000004.

    Raises:
        ValueError: step is not positive, stop is below start, or there are too many.
    """
    if not (step > 0.0 and stop >= start and (stop - start) / step < NUMBER_OF_BUCKETS):
        raise ValueError(
            "The range of bucket must be start, stop, step with start <= stop, 0 < step and fewer "
            f"than {NUMBER_OF_BUCKETS} steps. Got {start:g}, {stop:g}, {step:g} instead."
        )
    count = int((stop - start) / step + 1e-9) + 1
    return tuple(float(f"{start + k * step:.12g}") for k in range(count))


def _operator(
    name: str,
    parameters: tuple[Parameter, ...],
    compute: Compute,
    description: str,
    contract: Contract,
    unit: UnitRule = units.same,
    scope: Scope = "cross_section",
    source: str = BRAIN,
    aliases: tuple[str, ...] = (),
    **more: Any,
) -> None:
    register(
        Operator(
            name=name,
            aliases=aliases,
            parameters=parameters,
            scope=scope,
            compute=compute,
            description=description,
            source=source,
            contract=contract,
            unit=unit,
            **more,
        )
    )


_operator(
    "group_neutralize",
    (X, GROUP),
    _measure("NEUTRALIZE"),
    "x - mean of the group",
    WITHIN,
    source=f"{PAPER}, IndNeutralize; {BRAIN}",
    aliases=("indneutralize",),
)
_operator(
    "group_zscore",
    (X, GROUP),
    _measure("ZSCORE"),
    "(x - mean) / standard deviation (ddof=1) of the group",
    Contract(
        missing=f"{_IGNORED}; so do groups of fewer than two values",
        constant="missing where a group's values are the same but for rounding",
    ),
    units.dimensionless,
)
_operator(
    "group_scale",
    (X, GROUP),
    _measure("SCALE"),
    "(x - smallest) / (largest - smallest) of the group",
    Contract(missing=_IGNORED, constant="missing where a group's values are equal"),
    units.dimensionless,
)
_operator(
    "group_rank",
    (X, GROUP),
    _order("GROUP_RANK"),
    "average rank in the group over the number of its values, in (0, 1]",
    Contract(missing=_IGNORED, ties="get the average of their ranks"),
    units.dimensionless,
)
_operator(
    "group_mean",
    (X, Parameter("weight", "panel"), GROUP),
    _measure("MEAN"),
    "sum of weight * x over sum of weight, of the group's symbols that have both; weight 1 gives "
    "the mean; missing where the weights sum to 0",
    OF_GROUP,
)
_operator("group_sum", (X, GROUP), _measure("SUM"), "sum of the group", OF_GROUP)
_operator(
    "group_count",
    (X, GROUP),
    _measure("COUNT"),
    "how many symbols of the group have a value",
    Contract(missing="missing for a symbol without a group; 0 for a group without values"),
    units.dimensionless,
)
_operator("group_min", (X, GROUP), _measure("MINIMUM"), "smallest value of the group", OF_GROUP)
_operator("group_max", (X, GROUP), _measure("MAXIMUM"), "largest value of the group", OF_GROUP)
_operator(
    "group_median",
    (X, GROUP),
    _order("GROUP_MEDIAN"),
    "median of the group, the mean of the middle two where their number is even",
    OF_GROUP,
)
_operator(
    "group_std_dev",
    (X, GROUP),
    _measure("DEVIATION"),
    "standard deviation (ddof=1) of the group",
    Contract(
        missing=f"{OF_GROUP.missing}, as does one of a single value",
        constant="0 where a group's values are the same but for rounding (1e-12 of the largest)",
    ),
)
_operator(
    "group_backfill",
    (
        X,
        GROUP,
        Parameter("d", "window", minimum=1.0),
        Parameter("std", "number", default=4.0, minimum=0.0),
    ),
    _backfill,
    "x; where it is missing, the mean of the group's values over d sessions, each taken no "
    "farther from their mean than std standard deviations (ddof=1); the group is that of the day",
    Contract(
        missing="one value in the group and window is enough; missing without any, or without a "
        "group",
        warm_up="windows are as short as the data",
        constant="the value itself",
    ),
    scope="window",
    lookback=window_lookback,
)
_operator(
    "bucket",
    (X, Parameter("start", "number"), Parameter("stop", "number"), Parameter("step", "number")),
    _bucket,
    "group code: how many of start, start + step, ... stop are below x; range='start,stop,step'",
    Contract(missing="missing stays missing", ties="a value on an edge falls below it"),
    units.dimensionless,
    scope="element",
)
_operator(
    "digitize",
    (X, Parameter("edge", "number")),
    _digitize,
    "group code: how many of the edges, one or more of them, are below x; bucket with "
    "buckets='edge,edge,...'",
    Contract(missing="missing stays missing", ties="a value on an edge falls below it"),
    units.dimensionless,
    scope="element",
)
_operator(
    "group_cartesian_product",
    (Parameter("g1", "group"), Parameter("g2", "group")),
    _pair,
    "a group code for each pair of codes (Szudzik's pairing: the same pair has the same code in "
    "every session)",
    ELEMENT,
    units.dimensionless,
    scope="element",
)
