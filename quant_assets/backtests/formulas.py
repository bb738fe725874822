"""Signals of strategies as expressions of the factor language.

Here stands the way from an expression and arrays to an array: strategies share the kernels of the
factors, with their policy on missing values and their independence of what follows and of where a
range starts. What an expression may say stands in `factors/expressions/`.
"""

import numpy as np

from quant_assets import compiled
from quant_assets.factors.compute import plan_of
from quant_assets.factors.expressions import engine
from quant_assets.factors.expressions.fields import DEFINITIONS
from quant_assets.market_data.panels import FloatArray


def evaluated(expression: str, **fields: FloatArray) -> FloatArray:
    """The values of an expression, float64 (T, N); NaN where it is not defined, never infinite.

    Windows are not cut short: rows that lack history (the expression's look-back) are NaN. Within a
    window missing sessions are left out, and two thirds of it are needed.

    Args:
        expression: such as `ts_mean(close, 20)`.
        fields: what it reads, (T, N) each.

    Raises:
        ExpressionError: it is not a sound expression.
        ValueError: a field that it reads is not given.
    """
    compiled.warm_up_all()
    plan = plan_of({"signal": expression}, DEFINITIONS)
    read = {name: np.ascontiguousarray(fields[name]) for name in plan.fields if name in fields}
    signal: FloatArray = engine.compute(plan, read)[0]
    signal[: plan.lookback] = np.nan
    return signal
