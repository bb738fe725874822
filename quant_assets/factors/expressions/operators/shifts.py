"""Operators that read one single session of the past.

Here stand delays and differences with a delayed value. Returns are history.py's.
"""

from collections.abc import Sequence

import numpy as np

from quant_assets.factors.expressions.operators.registry import (
    Array,
    Constants,
    Contract,
    Operator,
    Parameter,
    delay_lookback,
    register,
)
from quant_assets.factors.expressions.units import same
from quant_assets.factors.expressions.window_parameters import X

_D = Parameter("d", "window", minimum=0)
_WARM_UP = "missing on the first d sessions of the data"


def _delay(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    begin, end = past - int(constants[0]), past - int(constants[0]) + len(out)
    known = inputs[0][max(begin, 0) : max(end, 0)]
    missing = len(out) - len(known)
    out[:missing] = np.nan
    out[missing:] = known


def _delta(inputs: Sequence[Array], constants: Constants, past: int, out: Array) -> None:
    from quant_assets.factors.expressions.window_kernels import difference

    difference(inputs[0], int(constants[0]), out)


register(
    Operator(
        name="ts_delay",
        aliases=("delay", "ref"),
        parameters=(X, _D),
        scope="window",
        compute=_delay,
        description="the value of d sessions before",
        source="WorldQuant BRAIN, operators; Kakushadze (2016): delay; GTJA (2017): DELAY; "
        "qlib: Ref",
        contract=Contract(missing="missing where that session's value is", warm_up=_WARM_UP),
        unit=same,
        lookback=delay_lookback,
    )
)
register(
    Operator(
        name="ts_delta",
        aliases=("delta",),
        parameters=(X, _D),
        scope="window",
        compute=_delta,
        description="x - ts_delay(x, d)",
        source="WorldQuant BRAIN, operators; Kakushadze (2016): delta; GTJA (2017): DELTA; "
        "qlib: Delta",
        contract=Contract(missing="missing where either value is", warm_up=_WARM_UP),
        unit=same,
        lookback=delay_lookback,
    )
)
