"""Candidates that cannot be: their messages."""

from typing import Any

import numpy as np
import pytest

from quant_assets.backtests.portfolio.checks import AllocationError
from quant_assets_tests.backtests.portfolio.samples import candidates


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"previous": [0.1]}, r"previous of the candidates must have the shape \(2,\)"),
        ({"sectors": (None,)}, "sectors must be given for each of the 2 candidates. Got 1"),
        ({"previous": [0.1, np.nan]}, "B: its previous weight must be finite. Got nan"),
        ({"covariance": np.full((2, 2), np.nan)}, "A: its variance is not known"),
    ],
)
def test_candidates_that_cannot_be_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(AllocationError, match=message):
        candidates("AB", **change)


def test_a_symbol_stands_once() -> None:
    with pytest.raises(AllocationError, match="a symbol stands twice"):
        candidates("AA")
