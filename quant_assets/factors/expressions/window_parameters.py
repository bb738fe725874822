"""What operators on windows have in common: parameters, words of their contracts, results.

Here stands what the modules of regressions, smoothing, distributions and history share. The
operators themselves stand there, in the package `operators`.
"""

from collections.abc import Callable, Sequence

import numpy as np

from quant_assets.factors.expressions.operators.registry import Array, Parameter

X = Parameter("x", "panel")
Y = Parameter("y", "panel")
Z = Parameter("z", "panel")

TWO_THIRDS = "missing sessions are left out; two thirds of the window are needed"
PAIRS = "sessions without both values are left out; two thirds of the window are needed"
SHORT_AT_START = "windows at the start are as short as the data; the same share of d is needed"


def sessions(minimum: int = 1) -> Parameter:
    """The parameter d, a window of so many sessions at least."""
    return Parameter("d", "window", minimum=minimum)


def fill(outs: Sequence[Array], compute: Callable[[Array], None]) -> None:
    """Let a kernel that writes (results, R, N) write results that lie apart; one needs no copy."""
    if len(outs) == 1:
        compute(outs[0][np.newaxis])
        return
    results = np.empty((len(outs), *outs[0].shape))
    compute(results)
    for out, result in zip(outs, results, strict=True):
        out[:] = result
