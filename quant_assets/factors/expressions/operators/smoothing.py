"""Operators that smooth: means whose weights fall by one factor a session.

The kernel stands in smoothing_kernels.py. Plain means and linearly falling weights are other
modules'.
"""

import math
from collections.abc import Sequence

from quant_assets.factors.expressions.operators.registry import (
    Array,
    Constants,
    Contract,
    Operator,
    Parameter,
    register,
    window_lookback,
)
from quant_assets.factors.expressions.units import same
from quant_assets.factors.expressions.window_parameters import SHORT_AT_START, X, sessions
from quant_assets.factors.expressions.window_steps import needed

_LEFT_OUT = 1e-6  # the share of an endless window's weight that a finite one may leave out
_SHARE = 2.0 / 3.0 - _LEFT_OUT  # of the weight, which the valid sessions must have
_GTJA = "GTJA (2017), 191 alphas"
_RENORMALISED = "missing sessions are left out and the other weights add up to 1"
_CONSTANT = "the constant, but for rounding"
_COUNTED = Contract(
    missing=_RENORMALISED + "; two thirds of the window are needed",
    warm_up=SHORT_AT_START,
    constant=_CONSTANT,
)


def _ewm_weight(constants: Constants) -> float:
    n, m = constants
    if not 0.0 < m <= n:
        raise ValueError(
            f"the m of ts_ewm(x, n, m) must be above 0 and at most n = {n:g}. Got {m:g} instead."
        )
    return 1.0 - m / n


def _ewm_lookback(constants: Constants) -> int:
    """The sessions k for which (1 - m / n)^k is not below a millionth, but for the newest."""
    weight = _ewm_weight(constants)
    if weight == 0.0:
        return 0
    return max(math.ceil(math.log(_LEFT_OUT) / math.log(weight)), 1) - 1


def _ewm(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions import smoothing_kernels

    window = _ewm_lookback(constants) + 1
    weight = _ewm_weight(constants)
    smoothing_kernels.geometric_mean(inputs[0], weight, window, past, 1, _SHARE, out)


def _mean(inputs: Sequence[Array], weight: float, window: int, past: int, out: Array) -> None:
    from quant_assets.factors.expressions import smoothing_kernels

    least = needed(window)
    smoothing_kernels.geometric_mean(inputs[0], weight, window, past, least, 0.0, out)


def _wma(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    _mean(inputs, 0.9, int(constants[0]), past, out)


def _decay(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    _mean(inputs, constants[1], int(constants[0]), past, out)


register(
    Operator(
        name="ts_ewm",
        aliases=("sma",),
        parameters=(
            X,
            Parameter("n", "window", minimum=1),
            Parameter("m", "number", default=1.0),
        ),
        scope="window",
        compute=_ewm,
        description=(
            "mean with the weights (1 - m / n)^k of k sessions before, over the fewest sessions "
            "that leave out less than a millionth of an endless window's weight: "
            "ln(1e-6) / ln(1 - m / n) rounded up, as 83 for (13, 2), 270 for (20, 1)"
        ),
        source=_GTJA
        + ": SMA, there the recursion (m x + (n - m) SMA of the day before) / n, without an end",
        contract=Contract(
            missing=(
                _RENORMALISED + "; the valid sessions need two thirds of the window's weight, less "
                "a millionth, not of its sessions: the oldest hardly count"
            ),
            warm_up=(
                "windows at the start are as short as the data; the same share of the whole "
                "window's weight is needed: 7 sessions for (13, 2), 22 for (20, 1)"
            ),
            constant=_CONSTANT,
        ),
        unit=same,
        lookback=_ewm_lookback,
    )
)
register(
    Operator(
        name="ts_wma",
        aliases=("wma",),
        parameters=(X, sessions()),
        scope="window",
        compute=_wma,
        description="mean with the weights 0.9^k of k sessions before",
        source=_GTJA + ": WMA",
        contract=_COUNTED,
        unit=same,
        lookback=window_lookback,
    )
)
register(
    Operator(
        name="ts_decay_exp_window",
        aliases=(),
        parameters=(X, sessions(), Parameter("factor", "number", minimum=0.0, maximum=1.0)),
        scope="window",
        compute=_decay,
        description="mean with the weights factor^k of k sessions before",
        source="WorldQuant BRAIN, operators",
        contract=_COUNTED,
        unit=same,
        lookback=window_lookback,
    )
)
