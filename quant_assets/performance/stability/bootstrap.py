"""How sure a Sharpe ratio is: its distribution over histories made of blocks of the real one.

The stationary bootstrap of Politis and Romano (1994), "The Stationary Bootstrap": blocks begin at
random days, their lengths are geometric, the end of the history is joined to its start. Blocks keep
what returns owe to the days before them; a bootstrap of single days would make intervals too
narrow. It takes the history as a sample of one world: it says nothing of a world that changes.
"""

from dataclasses import dataclass

import numpy as np

from quant_assets.market_data.panels import FloatArray

LEAST_SESSIONS = 60
"""Days below which no interval is given."""


@dataclass(frozen=True)
class SharpeInterval:
    """The bootstrap of an annual Sharpe ratio.

    Attributes:
        sharpe: of the history itself.
        lower, upper: 2.5th and 97.5th percentile of the resamples.
        deviation: standard deviation of the resamples (ddof=1).
        below_zero: share of the resamples that lie at or below 0.
        block: mean length of a block, in sessions.
    """

    sharpe: float
    lower: float
    upper: float
    deviation: float
    below_zero: float
    block: float


def sharpe_interval(
    excess: FloatArray, annualization: float, resamples: int, block: float | None, seed: int
) -> SharpeInterval | None:
    """The interval of a series; None with fewer than LEAST_SESSIONS days or without variation.

    Args:
        excess: daily returns above the risk-free rate, shape (T,), none missing.
        annualization: days a year.
        resamples: how many histories are made.
        block: mean length of a block in sessions; None takes `block_length`.
        seed: the same seed gives the same bits.

    Raises:
        ValueError: a missing or infinite value, or a block shorter than 1.
    """
    from quant_assets import compiled
    from quant_assets.performance.stability import bootstrap_kernels

    if not np.isfinite(excess).all():
        raise ValueError("excess must be finite in every session. Got NaN or infinity instead.")
    if block is not None and block < 1:
        raise ValueError(f"block must be at least 1 session. Got {block} instead.")
    if len(excess) < LEAST_SESSIONS or excess.min() == excess.max():
        return None
    compiled.warm_up()
    length = block_length(excess) if block is None else block
    values = np.require(excess, np.float64, ["C", "W"])
    drawn = np.full(resamples, np.nan)
    bootstrap_kernels.resampled_sharpes(values, float(length), np.uint64(seed), drawn)
    drawn = drawn[np.isfinite(drawn)] * np.sqrt(annualization)
    if len(drawn) < 2:
        return None
    lower, upper = np.percentile(drawn, [2.5, 97.5])
    return SharpeInterval(
        sharpe=float(values.mean() / values.std(ddof=1) * np.sqrt(annualization)),
        lower=float(lower),
        upper=float(upper),
        deviation=float(drawn.std(ddof=1)),
        below_zero=float(np.mean(drawn <= 0)),
        block=float(length),
    )


def block_length(values: FloatArray) -> float:
    """The mean block length that suits a series best, at least 1.

    Politis and White (2004), "Automatic Block-Length Selection for the Dependent Bootstrap", with
    the correction of Patton, Politis and White (2009): (G² / σ⁴ · n) ^ (1/3), where σ² and G are
    sums of the autocovariances and of them times their lags, under a flat-top window that ends
    where autocorrelations are no longer significant.
    """
    n = len(values)
    lags = max(5, int(np.sqrt(np.log10(n))))
    longest = int(np.ceil(np.sqrt(n))) + lags
    covariance = _autocovariances(values, min(longest + lags, n - 1))
    bound = 2.0 * np.sqrt(np.log10(n) / n)
    loud = np.flatnonzero(np.abs(covariance[1:]) >= bound * covariance[0]) + 1
    # The last significant lag before `lags` insignificant ones in a row.
    ends = [lag for lag in [0, *loud] if not ((loud > lag) & (loud <= lag + lags)).any()]
    window = min(2 * max(int(ends[0]), 1), longest, len(covariance) - 1)
    lag = np.arange(1, window + 1)
    weight = np.minimum(1.0, 2.0 * (1.0 - lag / window))
    g = 2.0 * float((weight * lag * covariance[1 : window + 1]).sum())
    variance = covariance[0] + 2.0 * float((weight * covariance[1 : window + 1]).sum())
    if not variance > 0:
        return 1.0
    most = np.ceil(min(3.0 * np.sqrt(n), n / 3.0))
    return float(np.clip((g**2 / variance**2 * n) ** (1.0 / 3.0), 1.0, most))


def _autocovariances(values: FloatArray, lags: int) -> FloatArray:
    """Of lags 0 to `lags`, divided by the number of all values."""
    centred = values - values.mean()
    count = len(values)
    return np.array([centred[k:] @ centred[: count - k] / count for k in range(lags + 1)])
