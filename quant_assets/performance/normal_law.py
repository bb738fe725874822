"""The standard normal law, as far as metrics need it."""

import math


def normal_quantile(share: float) -> float:
    """Below which a standard normal lies with this probability."""
    from scipy.special import ndtri

    return float(ndtri(share))


def normal_tail_mean(share: float) -> float:
    """Size of the mean of a standard normal below its quantile at `share`."""
    z = normal_quantile(share)
    return math.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi) / share
