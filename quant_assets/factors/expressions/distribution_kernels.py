"""Compiled distributions of windows along time: arrays in, arrays out, nothing checked.

Here stand the place of the newest value among those of its window, and the entropy of a window's
histogram. The operators, with what they do with values that are not ordinary, stand in
operators/distributions.py; quantiles in quantile_kernels.py, moments in moment_kernels.py. Both
count: nothing here depends on the order in which a window is gone through.
"""

import math

import numpy as np

from quant_assets.compiled import helper_as_written, kernel
from quant_assets.factors.rounding import LARGEST, ROUNDING

_WIDTH = 128  # symbols side by side: their sums stay in the first-level cache


@kernel("void(float64[:,::1], int64, int64, int64, float64[:,::1])", regrouped=False)
def probabilities(values: np.ndarray, window: int, past: int, needed: int, out: np.ndarray) -> None:
    """The newest value's rank within its window, from 1 / n to 1 - 1 / n, ties averaged.

    With the rank R from 0 to 1 it is 1 / n + R (1 - 2 / n); a value alone is in the middle.
    """
    counts = np.empty((3, _WIDTH))
    for first in range(0, out.shape[1], _WIDTH):
        stop = min(first + _WIDTH, out.shape[1])
        for last in range(past, past + out.shape[0]):
            now = values[last, first:stop]
            counts[:] = 0.0
            for row in range(max(last - window + 1, 0), last + 1):
                line = values[row, first:stop]
                for s in range(line.size):
                    counts[0, s] += 1.0 if line[s] < now[s] else 0.0
                    counts[1, s] += 1.0 if line[s] == now[s] else 0.0
                    counts[2, s] += 1.0 if line[s] == line[s] else 0.0
            to = out[last - past, first:stop]
            for s in range(to.size):
                n = counts[2, s]
                rank = (counts[0, s] + 0.5 * (counts[1, s] - 1.0)) / max(n - 1.0, 1.0)
                place = 1.0 / max(n, 1.0) + rank * (1.0 - 2.0 / max(n, 1.0))
                known = (n >= needed) & (counts[1, s] > 0.0)
                to[s] = (place if n > 1.0 else 0.5) if known else math.nan


@helper_as_written
def _bounds(line: np.ndarray, bounds: np.ndarray) -> None:
    """Newest value, smallest, largest, number of values."""
    for s in range(line.size):
        valid = line[s] == line[s]
        bounds[0, s] = line[s] if valid else bounds[0, s]
        bounds[1, s] = line[s] if line[s] < bounds[1, s] else bounds[1, s]
        bounds[2, s] = line[s] if line[s] > bounds[2, s] else bounds[2, s]
        bounds[3, s] += 1.0 if valid else 0.0


@kernel("void(float64[:,::1], int64, int64, int64, int64, float64[:,::1])", regrouped=False)
def entropy(
    values: np.ndarray, window: int, past: int, needed: int, buckets: int, out: np.ndarray
) -> None:
    """Entropy, in nats, of a histogram of equally wide buckets from the smallest to the largest."""
    surprise = np.zeros(window + 1)  # n ln n
    for n in range(2, window + 1):
        surprise[n] = n * math.log(n)
    bounds = np.empty((4, _WIDTH))
    counts = np.empty((buckets, _WIDTH), np.int64)
    for first in range(0, out.shape[1], _WIDTH):
        stop = min(first + _WIDTH, out.shape[1])
        for last in range(past, past + out.shape[0]):
            begin = max(last - window + 1, 0)
            bounds[0] = 0.0
            bounds[1] = math.inf
            bounds[2] = -math.inf
            bounds[3] = 0.0
            for row in range(begin, last + 1):
                _bounds(values[row, first:stop], bounds)
            counts[:] = 0
            for row in range(begin, last + 1):
                line = values[row, first:stop]
                for s in range(line.size):
                    spread = bounds[2, s] - bounds[1, s]
                    if line[s] == line[s] and spread > 0.0 and spread <= LARGEST / buckets:
                        place = int((line[s] - bounds[1, s]) * buckets / spread)
                        counts[min(place, buckets - 1), s] += 1
            to = out[last - past, first:stop]
            for s in range(to.size):
                n, spread = bounds[3, s], bounds[2, s] - bounds[1, s]
                if n < needed or spread > LARGEST / buckets:
                    to[s] = math.nan
                elif spread <= ROUNDING * abs(bounds[0, s]):
                    to[s] = 0.0
                else:
                    total = 0.0
                    for bucket in range(buckets):
                        total += surprise[counts[bucket, s]]
                    to[s] = max(math.log(n) - total / n, 0.0)
