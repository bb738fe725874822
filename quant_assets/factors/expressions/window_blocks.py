"""Compiled: blocks of symbols side by side. The helpers that kernels of windows share.

How these kernels are laid out is told in window_kernels.py.
"""

import numpy as np

from quant_assets.compiled import helper_as_written

LANES = 32  # the number of symbols side by side is a multiple of this


@helper_as_written
def width_of(symbols: int, most: int) -> int:
    """Symbols side by side, at most so many: blocks of about one size."""
    blocks = max(-(-symbols // most), 1)
    return max(-(-symbols // (blocks * LANES)), 1) * LANES


@helper_as_written
def load(x: np.ndarray, width: int, row: np.ndarray) -> int:
    """Put the values of a session into its row; return how many are missing."""
    missing = 0
    for s in range(x.size):
        row[s] = x[s]
        missing += x[s] != x[s]
    for s in range(x.size, width):
        row[s] = 0.0
    return missing


@helper_as_written
def count(x: np.ndarray, before: np.ndarray, after: np.ndarray) -> None:
    """The number of valid values up to a session."""
    for s in range(x.size):
        after[s] = before[s] + (1.0 if x[s] == x[s] else 0.0)


@helper_as_written
def between(before: np.ndarray, after: np.ndarray, width: int, difference: np.ndarray) -> None:
    """What was counted between two sessions."""
    for s in range(width):
        difference[s] = after[s] - before[s]
