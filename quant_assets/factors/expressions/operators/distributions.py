"""Operators on the distribution of a window: moments, quantiles, the day's place in it, entropy.

The kernels stand in moment_kernels.py, comoment_kernels.py, quantile_kernels.py and
distribution_kernels.py. Means, standard deviations, ranks and correlations are other modules'.
"""

from collections.abc import Callable, Sequence

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
from quant_assets.factors.expressions.units import Unit, UnitRule, Units, dimensionless, same
from quant_assets.factors.expressions.window_parameters import (
    PAIRS,
    SHORT_AT_START,
    TWO_THIRDS,
    X,
    Y,
    fill,
    sessions,
)
from quant_assets.factors.expressions.window_steps import needed

_BRAIN = "WorldQuant BRAIN, operators"
_GAUSSIAN, _CAUCHY, _UNIFORM = range(3)

_Shared = Callable[[Sequence[Wanted], Sequence[Array], int], None]


def _operator(
    name: str,
    aliases: tuple[str, ...],
    parameters: tuple[Parameter, ...],
    joint: Joint,
    description: str,
    source: str,
    contract: Contract,
    unit: UnitRule,
) -> None:
    """Register an operator whose computation is shared with others."""

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        joint.compute([Wanted(name, constants, out)], inputs, past)

    register(
        Operator(
            name=name,
            aliases=aliases,
            parameters=parameters,
            scope="window",
            compute=compute,
            description=description,
            source=source,
            contract=contract,
            unit=unit,
            lookback=window_lookback,
            joint=joint,
        )
    )


def _moment_code(each: Wanted) -> int:
    from quant_assets.factors.expressions import moment_kernels

    codes = {
        "ts_skewness": moment_kernels.SKEWNESS,
        "ts_kurtosis": moment_kernels.KURTOSIS,
        "ts_ir": moment_kernels.RATIO,
    }
    if each.operator in codes:
        return codes[each.operator]
    return moment_kernels.MOMENT + int(each.constants[1])


def _moments(wanted: Sequence[Wanted], inputs: Sequence[Array], past: int) -> None:
    from quant_assets.factors.expressions import moment_kernels

    window = int(wanted[0].constants[0])
    codes = np.array([_moment_code(each) for each in wanted])
    fill(
        [each.out for each in wanted],
        lambda out: moment_kernels.moments(inputs[0], window, past, needed(window), codes, out),
    )


def _moment_unit(units: Units, constants: Constants) -> Unit | None:
    k = int(constants[1])
    return None if units[0] is None else Unit(k * units[0].price, k * units[0].shares)


_MOMENTS = Joint("moments", _moments)
_operator(
    "ts_skewness",
    ("skewness", "skew", "ts_skew"),
    (X, sessions(3)),
    _MOMENTS,
    "adjusted Fisher-Pearson skewness G1 = sqrt(n (n - 1)) / (n - 2) m3 / m2^1.5",
    "Joanes & Gill (1998), as in pandas",
    Contract(
        missing=TWO_THIRDS + ", and three values",
        warm_up=SHORT_AT_START,
        constant="missing",
    ),
    dimensionless,
)
_operator(
    "ts_kurtosis",
    ("kurtosis", "kurt", "ts_kurt"),
    (X, sessions(4)),
    _MOMENTS,
    "unbiased excess kurtosis G2 = (n - 1) / ((n - 2) (n - 3)) ((n + 1) m4 / m2² - 3 (n - 1))",
    "Joanes & Gill (1998), as in pandas",
    Contract(
        missing=TWO_THIRDS + ", and four values",
        warm_up=SHORT_AT_START,
        constant="missing",
    ),
    dimensionless,
)
_operator(
    "ts_moment",
    (),
    (X, sessions(), Parameter("k", "number", minimum=1, maximum=16)),
    _MOMENTS,
    "central moment: the mean of (x - mean x)^k; a fractional k is floored",
    _BRAIN,
    Contract(missing=TWO_THIRDS, warm_up=SHORT_AT_START, constant="0 where all values are equal"),
    _moment_unit,
)
_operator(
    "ts_ir",
    (),
    (X, sessions(2)),
    _MOMENTS,
    "information ratio: mean / standard deviation (ddof=1)",
    _BRAIN,
    Contract(missing=TWO_THIRDS + ", and two values", warm_up=SHORT_AT_START, constant="missing"),
    dimensionless,
)


def _comoments(wanted: Sequence[Wanted], inputs: Sequence[Array], past: int) -> None:
    from quant_assets.factors.expressions import comoment_kernels as kernels

    window = int(wanted[0].constants[0])
    names = {"ts_co_skewness": kernels.SKEWNESS, "ts_co_kurtosis": kernels.KURTOSIS}
    codes = np.array([names[each.operator] for each in wanted])
    least = needed(window, 2)
    fill(
        [each.out for each in wanted],
        lambda out: kernels.comoments(inputs[0], inputs[1], window, past, least, codes, out),
    )


_COMOMENTS = Joint("comoments", _comoments)
_OF_PAIRS = Contract(
    missing=PAIRS + ", and two pairs",
    warm_up=SHORT_AT_START,
    constant="missing where either is constant",
)
_operator(
    "ts_co_skewness",
    (),
    (Y, X, sessions(2)),
    _COMOMENTS,
    "mean of (y - mean y) (x - mean x)² / (sd(y) var(x)), with ddof=0",
    _BRAIN,
    _OF_PAIRS,
    dimensionless,
)
_operator(
    "ts_co_kurtosis",
    (),
    (Y, X, sessions(2)),
    _COMOMENTS,
    "mean of (y - mean y) (x - mean x)³ / (sd(y) sd(x)³), with ddof=0",
    _BRAIN,
    _OF_PAIRS,
    dimensionless,
)


def _quantiles(wanted: Sequence[Wanted], inputs: Sequence[Array], past: int) -> None:
    from quant_assets.factors.expressions import quantile_kernels

    window = int(wanted[0].constants[0])
    levels = np.array(
        [0.5 if each.operator == "ts_median" else each.constants[1] for each in wanted]
    )
    fill(
        [each.out for each in wanted],
        lambda out: quantile_kernels.quantiles(
            inputs[0], window, past, needed(window), levels, out
        ),
    )


_QUANTILES = Joint("quantiles", _quantiles)
_SORTED = Contract(
    missing=TWO_THIRDS, ties="stand side by side", warm_up=SHORT_AT_START, constant="the constant"
)
_operator(
    "ts_percentile",
    ("ts_percentage",),
    (X, sessions(), Parameter("percentage", "number", default=0.5, minimum=0.0, maximum=1.0)),
    _QUANTILES,
    "quantile at `percentage`, from 0 to 1: of n sorted values, counted from 0, the one at place "
    "percentage (n - 1), linear between two",
    "qlib: Quantile; pandas: rolling.quantile",
    _SORTED,
    same,
)
_operator(
    "ts_median",
    ("median", "med"),
    (X, sessions()),
    _QUANTILES,
    "median",
    _BRAIN,
    _SORTED,
    same,
)


def _driven(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from scipy.special import ndtri

    from quant_assets.factors.expressions import distribution_kernels

    window, driver = int(constants[0]), int(constants[1])
    distribution_kernels.probabilities(inputs[0], window, past, needed(window), out)
    if driver == _GAUSSIAN:
        ndtri(out, out=out)
        return
    np.subtract(out, 0.5, out=out)
    if driver == _CAUCHY:
        np.multiply(out, np.pi, out=out)
        np.tan(out, out=out)


register(
    Operator(
        name="ts_quantile",
        aliases=(),
        parameters=(
            X,
            sessions(),
            Parameter("driver", "number", default=0.0, minimum=0, maximum=2),
        ),
        scope="window",
        compute=_driven,
        description=(
            "quantile of a standard distribution at p = 1 / n + R (1 - 2 / n), R the day's rank in "
            "its window from 0 to 1, n the number of values; driver 0 gaussian, 1 cauchy, "
            "2 uniform: p - 1/2"
        ),
        source=_BRAIN + ", the shift as for quantile",
        contract=Contract(
            missing=TWO_THIRDS + ", and the day's own value",
            ties="get their average rank",
            warm_up=SHORT_AT_START,
            constant="0, the middle",
        ),
        unit=dimensionless,
        lookback=window_lookback,
    )
)


def _entropy(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions import distribution_kernels

    window, buckets = int(constants[0]), int(constants[1])
    distribution_kernels.entropy(inputs[0], window, past, needed(window), buckets, out)


register(
    Operator(
        name="ts_entropy",
        aliases=(),
        parameters=(
            X,
            sessions(),
            Parameter("buckets", "number", default=10.0, minimum=1, maximum=1000),
        ),
        scope="window",
        compute=_entropy,
        description=(
            "entropy -sum p ln p of a histogram with equally wide buckets from the smallest to "
            "the largest value, x in bucket floor((x - smallest) buckets / (largest - smallest)), "
            "the largest in the last"
        ),
        source=_BRAIN,
        contract=Contract(missing=TWO_THIRDS, warm_up=SHORT_AT_START, constant="0: one bucket"),
        unit=dimensionless,
        lookback=window_lookback,
    )
)
