"""Operators that fit a line: on the sessions of a window, or on another series.

Here stand slopes, residuals, fits and errors of simple regressions, and the correlation without
what a third series explains. The kernels stand in trend_kernels.py, pair_kernels.py and
comoment_kernels.py; the market model of a security is market_model.py's.
"""

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
from quant_assets.factors.expressions.units import (
    DIMENSIONLESS,
    Unit,
    UnitRule,
    Units,
    dimensionless,
    product,
    quotient,
    same,
)
from quant_assets.factors.expressions.window_parameters import (
    PAIRS,
    SHORT_AT_START,
    X,
    Y,
    Z,
    fill,
    sessions,
)
from quant_assets.factors.expressions.window_steps import needed

_LEAST = 2  # values that a line needs
_TREND = ("ts_slope", "ts_rsquare", "ts_residual")  # by the kernel's codes
_QLIB = "qlib, qlib/data/_libs/rolling.pyx"
_BRAIN = "WorldQuant BRAIN, operators"
_SLOPE = 2  # the rettype of a slope


def _trends(wanted: Sequence[Wanted], inputs: Sequence[Array], past: int) -> None:
    from quant_assets.factors.expressions import trend_kernels

    window = int(wanted[0].constants[0])
    codes = np.array([_TREND.index(each.operator) for each in wanted])
    least = needed(window, _LEAST)
    fill(
        [each.out for each in wanted],
        lambda out: trend_kernels.trend(inputs[0], window, past, least, codes, out),
    )


_JOINT_TREND = Joint("trend", _trends)


def _trend(name: str, alias: str, description: str, contract: Contract, unit: UnitRule) -> None:
    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        _trends([Wanted(name, constants, out)], inputs, past)

    register(
        Operator(
            name=name,
            aliases=(alias,),
            parameters=(X, sessions(_LEAST)),
            scope="window",
            compute=compute,
            description=description,
            source=_QLIB,
            contract=contract,
            unit=unit,
            lookback=window_lookback,
            joint=_JOINT_TREND,
        )
    )


_PLACES_KEPT = "missing sessions are left out, the others keep their places; two thirds are needed"
_trend(
    "ts_slope",
    "slope",
    "slope of x on 1, 2, ..., d, per session",
    Contract(
        missing=_PLACES_KEPT + " (qlib: two values)",
        warm_up=SHORT_AT_START,
        constant="0 where all values are equal",
    ),
    same,
)
_trend(
    "ts_rsquare",
    "rsquare",
    "R² of x on 1, 2, ..., d",
    Contract(
        missing=_PLACES_KEPT + " (qlib: two values)",
        warm_up=SHORT_AT_START,
        constant=(
            "missing where the spread is rounding, 1e-12 of the newest value (qlib: where the "
            "standard deviation is below 2e-5, whatever the values' size)"
        ),
    ),
    dimensionless,
)
_trend(
    "ts_residual",
    "resi",
    "x less the newest point of the line of x on 1, 2, ..., d",
    Contract(
        missing=_PLACES_KEPT + " (qlib: two values), and the day's own value",
        warm_up=SHORT_AT_START,
        constant="0 where all values are equal",
    ),
    same,
)


def _regression_settings(each: Wanted) -> tuple[int, int]:
    """(lag, rettype)."""
    if each.operator == "ts_beta":
        return 0, _SLOPE
    return int(each.constants[1]), int(each.constants[2])


def _regressions(wanted: Sequence[Wanted], inputs: Sequence[Array], past: int) -> None:
    from quant_assets.factors.expressions import pair_kernels

    window = int(wanted[0].constants[0])
    least = needed(window, _LEAST)
    settings = [_regression_settings(each) for each in wanted]
    for lag in sorted({lag for lag, _ in settings}):
        chosen = [k for k, (each, _) in enumerate(settings) if each == lag]
        codes = np.array([settings[k][1] for k in chosen])

        def run(out: Array, lag: int = lag, codes: np.ndarray = codes) -> None:
            pair_kernels.regression(inputs[0], inputs[1], window, lag, past, least, codes, out)

        fill([wanted[k].out for k in chosen], run)


def _regression(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    _regressions([Wanted("ts_regression", constants, out)], inputs, past)


def _beta(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    _regressions([Wanted("ts_beta", constants, out)], inputs, past)


def _regression_lookback(constants: Constants) -> int:
    return int(constants[0]) - 1 + int(constants[1])


def _regression_unit(units: Units, constants: Constants) -> Unit | None:
    rettype = int(constants[2])
    if rettype == 6:
        return DIMENSIONLESS
    if rettype in (_SLOPE, 8):
        return quotient(units, constants)
    return product((units[0], units[0]), constants) if rettype in (4, 5, 7) else units[0]


_JOINT = Joint("regression", _regressions)
register(
    Operator(
        name="ts_regression",
        aliases=(),
        parameters=(
            Y,
            X,
            sessions(_LEAST),
            Parameter("lag", "window", default=0.0, minimum=0),
            Parameter("rettype", "number", default=0.0, minimum=0, maximum=9),
        ),
        scope="window",
        compute=_regression,
        description=(
            "y = alpha + beta x + e over the window, x as it was `lag` sessions before; rettype "
            "0 the newest e, 1 alpha, 2 beta, 3 the newest alpha + beta x, 4 SSE = sum of e², "
            "5 SST = sum of (y - mean y)², 6 R², 7 SSE / (n - 2), 8 standard error of beta, "
            "9 standard error of alpha"
        ),
        source=_BRAIN + "; 8 and 9 as in the textbooks, the page's two formulas stand swapped",
        contract=Contract(
            missing=(
                PAIRS + ", three pairs for rettype 7 to 9; rettype 0 also needs the day's own "
                "pair, 3 the day's own x"
            ),
            warm_up=SHORT_AT_START,
            constant="missing where x is constant, except SST; R² where y is; SST is 0 then",
        ),
        unit=_regression_unit,
        lookback=_regression_lookback,
        joint=_JOINT,
    )
)
register(
    Operator(
        name="ts_beta",
        aliases=("regbeta", "ts_regbeta"),
        parameters=(Y, X, sessions(_LEAST)),
        scope="window",
        compute=_beta,
        description="slope of y on x over the window: ts_regression(y, x, d, rettype=2)",
        source="GTJA (2017), 191 alphas: REGBETA",
        contract=Contract(
            missing=PAIRS, warm_up=SHORT_AT_START, constant="missing where x is constant"
        ),
        unit=quotient,
        lookback=window_lookback,
        joint=_JOINT,
    )
)


def _partial_correlation(
    inputs: Sequence[Array], constants: Constants, past: int, out: Array
) -> None:
    from quant_assets.factors.expressions import comoment_kernels

    x, y, z = inputs
    window = int(constants[0])
    comoment_kernels.partial_correlation(x, y, z, window, past, needed(window, 3), out)


register(
    Operator(
        name="ts_partial_corr",
        aliases=(),
        parameters=(X, Y, Z, sessions(3)),
        scope="window",
        compute=_partial_correlation,
        description="correlation of what regressions of x on z and of y on z leave",
        source=_BRAIN,
        contract=Contract(
            missing="sessions without all three values are left out; two thirds are needed",
            warm_up=SHORT_AT_START,
            constant=(
                "missing where one of the three is constant, and where z explains x or y but for "
                "1e-10 of its spread"
            ),
        ),
        unit=dimensionless,
        lookback=window_lookback,
    )
)
