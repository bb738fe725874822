"""Orders of the securities of a day by value: the checked way to the sorting kernel.

Here stand shapes and types; evaluation needs the order itself. Ranks are an operator of expressions
(operators/cross_section.py).
"""

from typing import Any

import numpy as np

Values = np.ndarray[Any, np.dtype[np.float64]]
Places = np.ndarray[Any, np.dtype[np.int32]]


def ascending(values: Values) -> Places:
    """Places of each row's values in ascending order, int32 (sessions, symbols).

    values: float64 (sessions, symbols), NaN for missing. The missing come last; equal values and
    missing ones stand in order of place.
    """
    from quant_assets import compiled
    from quant_assets.factors.expressions import rank_kernels

    if values.ndim != 2:
        raise ValueError(
            "The 'values' of ascending must have the axes (sessions, symbols). "
            f"Got {values.ndim} axes instead."
        )
    compiled.warm_up()
    out = np.empty(values.shape, np.int32)
    # What must not be written has a type of its own, for which the kernel would be compiled anew.
    rank_kernels.order_rows(np.require(values, np.float64, ["C", "W"]), out)
    return out
