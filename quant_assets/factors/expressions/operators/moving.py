"""Operators on sums over a window: sums, means, products, counts, spreads.

The kernels stand in window_kernels.py and spread_kernels.py. Order within a window is the matter of
extremes.py, other moments that of distributions.py, other weights that of smoothing.py.
"""

from collections.abc import Sequence

import numpy as np

from quant_assets.factors.expressions.operators.registry import (
    Array,
    Compute,
    Constants,
    Contract,
    Operator,
    Parameter,
    register,
    window_lookback,
)
from quant_assets.factors.expressions.units import (
    Unit,
    UnitRule,
    Units,
    dimensionless,
    same,
)
from quant_assets.factors.expressions.window_parameters import (
    SHORT_AT_START,
    TWO_THIRDS,
    X,
    sessions,
)
from quant_assets.factors.expressions.window_steps import needed, pieces

# By the codes of the kernels.
_FOLDS = ("ts_sum", "ts_mean", "ts_product", "ts_count", "ts_count_nans")
_SPREADS = ("ts_std_dev", "ts_variance", "ts_zscore", "ts_av_diff")

_BRAIN = "WorldQuant BRAIN, operators"
_PAPER = "Kakushadze (2016), 101 Formulaic Alphas"
_GTJA = "GTJA (2017), 191 alphas"
_TODAY = TWO_THIRDS + ", and today's value"
_CONDITION = Parameter("condition", "panel")


def _fold(name: str) -> Compute:
    code = _FOLDS.index(name)

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        from quant_assets.factors.expressions.window_kernels import FOLD_ROOM, fold

        window = int(constants[0])
        least = 0.0 if name == "ts_count_nans" else float(needed(window))
        for start, stop, first, last, steps in pieces(window, past, out.shape, FOLD_ROOM):
            fold(code, inputs[0][first:last], steps, window, least, out[start:stop])

    return compute


def _spread(name: str) -> Compute:
    code = _SPREADS.index(name)

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        from quant_assets.factors.expressions.spread_kernels import SPREAD_ROOM, spread

        window = int(constants[0])
        least = float(needed(window, 1 if name == "ts_av_diff" else 2))
        for start, stop, first, last, steps in pieces(window, past, out.shape, SPREAD_ROOM):
            spread(code, inputs[0][first:last], steps, window, least, out[start:stop])

    return compute


def _decay(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions.window_kernels import DECAY_ROOM, decay

    window, dense = int(constants[0]), constants[1] != 0.0
    least = float(needed(window))
    for start, stop, first, last, steps in pieces(window, past, out.shape, DECAY_ROOM):
        decay(inputs[0][first:last], steps, window, least, dense, out[start:stop])


_sum = _fold("ts_sum")


def _sum_if(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    x, condition = inputs
    chosen = np.where(condition != 0.0, x, 0.0)
    chosen[np.isnan(condition)] = np.nan
    _sum([chosen], constants, past, out)


def _raised(units: Units, constants: Constants) -> Unit | None:
    """The unit of the first input to the power of the window."""
    unit, exponent = units[0], int(constants[0])
    return None if unit is None else Unit(unit.price * exponent, unit.shares * exponent)


def _squared(units: Units, constants: Constants) -> Unit | None:
    return _raised(units, (2.0,))


def _operator(
    name: str,
    aliases: tuple[str, ...],
    compute: Compute,
    description: str,
    source: str,
    unit: UnitRule = same,
    parameters: tuple[Parameter, ...] = (X, sessions()),
    missing: str = TWO_THIRDS,
    constant: str = "nothing special",
    warm_up: str = SHORT_AT_START,
) -> None:
    register(
        Operator(
            name=name,
            aliases=aliases,
            parameters=parameters,
            scope="window",
            compute=compute,
            description=description,
            source=source,
            contract=Contract(missing=missing, warm_up=warm_up, constant=constant),
            unit=unit,
            lookback=window_lookback,
        )
    )


_operator(
    "ts_sum",
    ("sum",),
    _sum,
    "sum over d sessions",
    f"{_BRAIN}; {_PAPER}: sum; {_GTJA}: SUM",
    missing=TWO_THIRDS + "; the sum is that of the valid values",
)
_operator(
    "ts_mean",
    ("mean", "ma"),
    _fold("ts_mean"),
    "mean over d sessions",
    f"{_BRAIN}; {_GTJA}: MEAN, MA; qlib: Mean",
)
_operator(
    "ts_product",
    ("product", "prod"),
    _fold("ts_product"),
    "product over d sessions",
    f"{_BRAIN}; {_PAPER}: product; {_GTJA}: PROD",
    unit=_raised,
    missing=TWO_THIRDS + "; the product is that of the valid values",
)
_operator(
    "ts_count",
    ("count",),
    _fold("ts_count"),
    "sessions of the last d on which the condition is true",
    f"{_GTJA}: COUNT",
    unit=dimensionless,
    parameters=(_CONDITION, sessions()),
    missing=TWO_THIRDS + "; the count is that among the valid conditions",
)
_operator(
    "ts_count_nans",
    (),
    _fold("ts_count_nans"),
    "sessions of the last d on which the value is missing",
    _BRAIN,
    unit=dimensionless,
    missing="counted; the result is never missing",
    warm_up="sessions before the data are none",
)
_operator(
    "ts_sum_if",
    ("sumif",),
    _sum_if,
    "sum over d sessions of x where the condition is true: ts_sum(if_else(condition, x, 0), d)",
    f"{_GTJA}: SUMIF",
    parameters=(X, sessions(), _CONDITION),
    missing=(
        "sessions without the condition, or without x where it is true, are left out; two thirds "
        "of the window are needed"
    ),
)
_operator(
    "ts_std_dev",
    ("stddev", "std"),
    _spread("ts_std_dev"),
    "standard deviation over d sessions, ddof=1",
    f"{_BRAIN}; {_PAPER}: stddev; {_GTJA}: STD; qlib: Std",
    parameters=(X, sessions(2)),
    constant="0",
)
_operator(
    "ts_variance",
    (),
    _spread("ts_variance"),
    "variance over d sessions, ddof=1",
    "the square of ts_std_dev; qlib: Var",
    unit=_squared,
    parameters=(X, sessions(2)),
    constant="0",
)
_operator(
    "ts_zscore",
    (),
    _spread("ts_zscore"),
    "(x - ts_mean(x, d)) / ts_std_dev(x, d)",
    _BRAIN,
    unit=dimensionless,
    parameters=(X, sessions(2)),
    missing=_TODAY,
    constant="missing",
)
_operator(
    "ts_av_diff",
    (),
    _spread("ts_av_diff"),
    "x - ts_mean(x, d)",
    _BRAIN,
    missing=_TODAY,
    constant="0",
)
_operator(
    "ts_decay_linear",
    ("decay_linear", "decaylinear"),
    _decay,
    "mean over d sessions with weights from d for today down to 1 for the oldest",
    f"{_BRAIN}; {_PAPER}: decay_linear; {_GTJA}: DECAYLINEAR",
    parameters=(X, sessions(), Parameter("dense", "number", default=1.0)),
    missing=(
        TWO_THIRDS + "; the weights of the valid values add up to 1, or with dense=false those of "
        "all sessions, which counts a missing value as 0 (BRAIN's default, not ours)"
    ),
)
