"""Where qlib 0.9.7 computes Alpha158 otherwise than we do: in windows that are not complete.

Its windows skip missing values and are as short as the data at its start, as ours; but one value is
enough for it, where ours need two thirds of the sessions, so that it defines more. Where both
define a value, these are the factors that differ, in short windows and in those with a missing
session alone.
"""

from typing import Any

import numpy as np

from quant_assets_tests.benchmarks.panels import Fields

_PLACE = (
    "the place of a missing value is taken for the place of the extreme; "
    "in a short window places are counted from its own first session"
)
_COMPARED = "a comparison with a missing value is false, and counts as a session"
REASONS = {
    **dict.fromkeys(("imax", "imin", "imxd"), _PLACE),
    **dict.fromkeys(("cntp", "cntn", "cntd"), _COMPARED),
}


def complete(fields: Fields, lookback: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """(days, symbols), bool: a bar on the day and on each of the sessions that its value needs."""
    gone = np.isnan(np.array([fields[name] for name in ("close", "volume")])).any(axis=0)
    missed = np.vstack([np.zeros((1, gone.shape[1]), np.int64), np.cumsum(gone, axis=0)])
    whole = np.zeros(gone.shape, np.bool_)
    whole[lookback:] = missed[lookback + 1 :] == missed[: len(gone) - lookback]
    return whole
