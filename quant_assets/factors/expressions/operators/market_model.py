"""Operators of the market model: the regression of a security's returns on the market's.

r = alpha + beta m + e over the sessions of a window that have both. One pass serves all that are
asked for over the same inputs and window. The kernel stands in market_model_kernels.py.
"""

import math
from collections.abc import Sequence

import numpy as np

from quant_assets.factors.expressions.operators.registry import (
    Array,
    Constants,
    Contract,
    Joint,
    Operator,
    Parameter,
    Wanted,
    register,
    window_lookback,
)
from quant_assets.factors.expressions.units import Unit, Units, dimensionless, quotient, same
from quant_assets.factors.expressions.window_steps import needed

_NAMES = (
    "ts_market_beta",
    "ts_residual_std_dev",
    "ts_residual_skewness",
    "ts_downside_beta",
    "ts_residual_coskewness",
    "ts_residual_momentum",
)
_LEAST = 4  # sessions: skewness divides by n - 2, the residual's spread has n - 2 degrees
_CONTRACT = Contract(
    missing="sessions without both values are left out; two thirds of the window are needed",
    warm_up="windows at the start are as short as the data; the same two thirds are needed",
    constant="missing where the market does not vary; shapes of e are missing where e is 0",
)


def _compute(
    wanted: Sequence[tuple[str, Constants, Array]], inputs: Sequence[Array], past: int
) -> None:
    from quant_assets.factors.expressions import market_model_kernels

    window = int(wanted[0][1][0])
    recents = {int(constants[1]) for name, constants, _ in wanted if name == _NAMES[5]} or {0}
    for recent in sorted(recents):
        shape = (len(_NAMES), *wanted[0][2].shape)
        results = np.full(shape, np.nan)
        minimum = needed(window, _LEAST)
        market_model_kernels.market_model(
            inputs[0],
            inputs[1],
            past,
            window,
            minimum,
            math.ceil(2 * minimum / 3) // 2,
            recent,
            needed(max(window - recent, 0), _LEAST),
            results,
        )
        results[~np.isfinite(results)] = np.nan
        for name, constants, out in wanted:
            if name != _NAMES[5] or int(constants[1]) == recent:
                out[:] = results[_NAMES.index(name)]


def _joint(wanted: Sequence[Wanted], inputs: Sequence[Array], past: int) -> None:
    _compute([(each.operator, each.constants, each.out) for each in wanted], inputs, past)


_JOINT = Joint("market_model", _joint)


def _unit_of_beta(units: Units, constants: Constants) -> Unit | None:
    return quotient(units, constants)


def _operator(place: int, description: str, source: str, extra: tuple[Parameter, ...] = ()) -> None:
    name = _NAMES[place]

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        _compute([(name, constants, out)], inputs, past)

    units = {0: _unit_of_beta, 1: same, 3: _unit_of_beta}
    register(
        Operator(
            name,
            (),
            (
                Parameter("y", "panel"),
                Parameter("x", "panel"),
                Parameter("d", "window", minimum=_LEAST),
                *extra,
            ),
            "window",
            compute,
            description,
            source,
            _CONTRACT,
            units.get(place, dimensionless),
            window_lookback,
            joint=_JOINT,
        )
    )


_operator(0, "beta of y = alpha + beta x + e", "Fama & MacBeth (1973)")
_operator(1, "standard deviation (ddof=2) of e", "Ang, Hodrick, Xing & Zhang (2006)")
_operator(2, "adjusted Fisher-Pearson skewness of e", "Boyer, Mitton & Vorkink (2010)")
_operator(
    3,
    "beta over the sessions with x below its mean of the window, a third of those needed or more",
    "Ang, Chen & Xing (2006)",
)
_operator(4, "mean of e (x - mean x)² / (sd(e) var(x))", "Harvey & Siddique (2000)")
_operator(
    5,
    "mean / standard deviation (ddof=1) of y - beta x over the window without its last sessions",
    "Blitz, Huij & Martens (2011); without the intercept, which would turn the sign",
    (Parameter("recent", "window", default=21.0, minimum=0),),
)
