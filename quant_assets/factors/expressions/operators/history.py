"""Operators that look something up in the history of a series, or set the day against it.

Here stand back-filling, earlier values, sessions since a change, returns, jumps and distances from
the window's extremes. The kernels stand in history_kernels.py; extremes and standard deviations
themselves are other operators, which these call.
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
    delay_lookback,
    operator,
    register,
    window_lookback,
)
from quant_assets.factors.expressions.units import UnitRule, dimensionless, same
from quant_assets.factors.expressions.window_parameters import (
    SHORT_AT_START,
    TWO_THIRDS,
    X,
    sessions,
)

_BRAIN = "WorldQuant BRAIN, operators"
_YEAR = 252.0  # sessions
_SHORT = "windows at the start are as short as the data"
_OWN = ", and the day's own value"


def _operator(
    name: str,
    parameters: tuple[Parameter, ...],
    compute: Compute,
    description: str,
    contract: Contract,
    unit: UnitRule = same,
) -> None:
    register(
        Operator(
            name=name,
            aliases=(),
            parameters=(X, *parameters),
            scope="window",
            compute=compute,
            description=description,
            source=_BRAIN,
            contract=contract,
            unit=unit,
            lookback=delay_lookback if name == "ts_returns" else window_lookback,
        )
    )


def _backfill(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions import history_kernels

    window, k = int(constants[0]), int(constants[1])
    history_kernels.kth_newest(inputs[0], window, past, k, 1, out)


def _kth(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions import history_kernels

    window, k = int(constants[0]), int(constants[1])
    history_kernels.kth_newest(inputs[0], window, past, k, 0, out)


def _other_value(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions import history_kernels as kernels

    kernels.changes(inputs[0], kernels.OTHER_VALUE, int(constants[0]), past, out)


def _since(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions import history_kernels as kernels

    kernels.changes(inputs[0], kernels.SESSIONS, int(constants[0]), past, out)


def _returns(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions import history_kernels

    history_kernels.returns(inputs[0], int(constants[0]), past, int(constants[1]), out)


_K = Parameter("k", "number", default=1.0, minimum=1)
_operator(
    "ts_backfill",
    (Parameter("lookback", "window", minimum=1), _K),
    _backfill,
    "x, and where it is missing its k-th newest value of the last `lookback` sessions",
    Contract(missing="missing where the window has fewer than k values", warm_up=_SHORT),
)
_operator(
    "kth_element",
    (sessions(), _K),
    _kth,
    "k-th newest value of the last d sessions, the day's own being the first",
    Contract(missing="missing where the window has fewer than k values", warm_up=_SHORT),
)
_operator(
    "last_diff_value",
    (sessions(),),
    _other_value,
    "newest value of the last d sessions that is not the day's",
    Contract(
        missing="missing sessions are passed over; missing where the day's value is",
        ties="equal values are no change",
        warm_up=_SHORT,
        constant="missing",
    ),
)
_operator(
    "days_from_last_change",
    (Parameter("d", "window", default=_YEAR, minimum=1),),
    _since,
    "sessions since x took the day's value, 0 on the day of a change; only changes within the last "
    "d sessions count, so that the result depends on them alone (BRAIN looks back without a limit)",
    Contract(
        missing="missing sessions are passed over; missing where the day's value is",
        ties="equal values are no change",
        warm_up=_SHORT,
        constant="missing: no change is known",
    ),
    dimensionless,
)
_operator(
    "ts_returns",
    (
        Parameter("d", "window", minimum=1),
        Parameter("mode", "number", default=1.0, minimum=1, maximum=2),
    ),
    _returns,
    "(x - y) / y, y the value d sessions before; with mode 2 (x - y) / ((x + y) / 2)",
    Contract(
        missing="missing where either value is",
        warm_up="missing in the first d sessions",
        infinite="missing where it would divide by 0",
    ),
    dimensionless,
)


def _apply(name: str, inputs: Sequence[Array], window: int, past: int, out: Array) -> None:
    """Another operator of one series and its window, its other constants by default."""
    other = operator(name)
    settings = [p.default or 0.0 for p in other.parameters[2:]]
    other.compute(inputs, (float(window), *settings), past, out)


def _jump_decay(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    window, sensitivity, force, by_deviation = constants
    values = inputs[0]
    _apply("ts_std_dev", inputs, int(window), past, out)
    if not by_deviation:
        out[:] = 1.0
    before = np.full_like(out, np.nan)
    start = 0 if past else 1
    before[start:] = values[past - 1 + start : values.shape[0] - 1]
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is missing
        jump = values[past:] - before
        limit = sensitivity * out
        damped = np.where(np.abs(jump) > limit, before + force * jump, values[past:])
    damped[np.isnan(jump) | np.isnan(limit) | ~np.isfinite(damped)] = np.nan
    out[:] = damped


_operator(
    "jump_decay",
    (
        sessions(2),
        Parameter("sensitivity", "number", default=0.5, minimum=0.0),
        Parameter("force", "number", default=0.1),
        Parameter("stddev", "number", default=1.0),
    ),
    _jump_decay,
    "y + force (x - y) where |x - y| > sensitivity ts_std_dev(x, d), else x; y is the value of the "
    "session before; with stddev=false the limit is the sensitivity alone",
    Contract(
        missing=(
            "missing where the day's value or that of the session before is, and where "
            "ts_std_dev(x, d) is if it is the limit"
        ),
        warm_up=SHORT_AT_START,
        constant="the constant: there is no jump",
    ),
)


def _from_extremes(lowest: bool, highest: bool) -> Compute:
    """How far x lies from the smallest value, the largest, or a share of their sum."""

    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        window, factor = int(constants[0]), constants[1] if len(constants) > 1 else 1.0
        now = inputs[0][past:]
        _apply("ts_min" if lowest else "ts_max", inputs, window, past, out)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is missing
            if lowest and highest:
                top = np.empty_like(out)
                _apply("ts_max", inputs, window, past, top)
                np.add(out, top, out=out)
            np.multiply(out, factor, out=out)
            np.subtract(now, out, out=out)
        out[~np.isfinite(out)] = np.nan

    return compute


_OF_EXTREMES = Contract(missing=TWO_THIRDS + _OWN, warm_up=SHORT_AT_START, constant="0")
_operator(
    "ts_max_diff", (sessions(),), _from_extremes(False, True), "x - ts_max(x, d)", _OF_EXTREMES
)
_operator(
    "ts_min_diff", (sessions(),), _from_extremes(True, False), "x - ts_min(x, d)", _OF_EXTREMES
)
_BOTH = Contract(
    missing=TWO_THIRDS + _OWN, warm_up=SHORT_AT_START, constant="(1 - 2 f) times the constant"
)
_operator(
    "ts_min_max_diff",
    (sessions(), Parameter("f", "number", default=0.5)),
    _from_extremes(True, True),
    "x - f (ts_min(x, d) + ts_max(x, d))",
    _BOTH,
)
