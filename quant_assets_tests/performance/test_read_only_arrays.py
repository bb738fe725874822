"""Columns of Arrow tables come as arrays that cannot be written to: metrics take them as they are.

A kernel that is handed one compiles a version of its own for it, within a run, for many seconds.
"""

import numpy as np

from quant_assets import compiled
from quant_assets.performance.metrics import metrics_of_many
from quant_assets.performance.rolling import Rolling

DAYS, SERIES = 60, 3


def test_they_give_the_same_and_nothing_is_compiled_for_them() -> None:
    rng = np.random.default_rng(5)
    returns, turnover = rng.normal(0, 0.01, (2, DAYS, SERIES))
    benchmark = rng.normal(0, 0.01, DAYS)
    of_writable = computed(returns, turnover, benchmark)
    before = versions()
    for values in (returns, turnover, benchmark):
        values.flags.writeable = False
    of_read_only = computed(returns, turnover, benchmark)
    assert versions() == before
    assert computed(returns[:, :1], turnover[:, :1], benchmark).keys() == of_writable.keys()
    assert versions() == before, "a single series"
    for name, values in of_read_only.items():
        np.testing.assert_array_equal(values, of_writable[name], err_msg=name)


def computed(
    returns: np.ndarray, turnover: np.ndarray, benchmark: np.ndarray
) -> dict[str, np.ndarray]:
    """Metrics, and rolling figures of all and of one."""
    found = dict(metrics_of_many(returns, benchmark=benchmark, turnover=turnover))
    found["rolling_sharpe"] = Rolling(returns, 20).sharpe
    found["rolling_beta"] = Rolling(returns[:, 0], 20, benchmark).beta
    return found


def versions() -> dict[str, int]:
    """For how many kinds of arguments each kernel has been compiled."""
    return {f"{k.__module__}.{k.__name__}": len(k.signatures) for k, _ in compiled.kernels()}
