"""Operators on how two series move together within a window.

Here stand correlation and covariance; the kernel is correlation_kernels.py's. Regressions are
regressions.py's, co-moments distributions.py's.
"""

from collections.abc import Sequence

from quant_assets.factors.expressions.operators.registry import (
    Array,
    Compute,
    Constants,
    Contract,
    Operator,
    register,
    window_lookback,
)
from quant_assets.factors.expressions.units import dimensionless, product
from quant_assets.factors.expressions.window_parameters import (
    PAIRS,
    SHORT_AT_START,
    X,
    Y,
    sessions,
)
from quant_assets.factors.expressions.window_steps import needed, pieces

_CORRELATION, _COVARIANCE = range(2)  # as correlation_kernels.correlate numbers them

_BRAIN = "WorldQuant BRAIN, operators"
_PAPER = "Kakushadze (2016), 101 Formulaic Alphas"
_GTJA = "GTJA (2017), 191 alphas"


def _correlate(code: int) -> Compute:
    def compute(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
        from quant_assets.factors.expressions.correlation_kernels import PAIR_ROOM, correlate

        x, y = inputs
        window = int(constants[0])
        least = float(needed(window, 2))
        for start, stop, first, last, steps in pieces(window, past, out.shape, PAIR_ROOM):
            correlate(code, x[first:last], y[first:last], steps, window, least, out[start:stop])

    return compute


register(
    Operator(
        name="ts_corr",
        aliases=("correlation", "corr"),
        parameters=(X, Y, sessions(2)),
        scope="window",
        compute=_correlate(_CORRELATION),
        description="Pearson correlation of x and y over d sessions, within [-1, 1]",
        source=f"{_BRAIN}; {_PAPER}: correlation; {_GTJA}: CORR; qlib: Corr",
        contract=Contract(
            missing=PAIRS, warm_up=SHORT_AT_START, constant="missing where either is constant"
        ),
        unit=dimensionless,
        lookback=window_lookback,
    )
)
register(
    Operator(
        name="ts_covariance",
        aliases=("covariance", "cov"),
        parameters=(X, Y, sessions(2)),
        scope="window",
        compute=_correlate(_COVARIANCE),
        description="covariance of x and y over d sessions, ddof=1",
        source=f"{_BRAIN}; {_PAPER}: covariance; {_GTJA}: COV; qlib: Cov",
        contract=Contract(missing=PAIRS, warm_up=SHORT_AT_START, constant="0, but for rounding"),
        unit=product,
        lookback=window_lookback,
    )
)
