"""How much of a Sharpe ratio is luck: its error, the best of many trials, overfitting.

All Sharpe ratios here are those of one day (or of whatever the observations are), never annual, and
kurtosis is that of which a normal law has 3, as in the papers. What a ledger of trials holds is
told by whoever keeps it; here it is two numbers.

Bailey and López de Prado (2012), "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2);
(2014), "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5). Bailey, Borwein, López
de Prado and Zhu (2017), "The Probability of Backtest Overfitting", Journal of Computational
Finance 20(4).
"""

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.normal_law import normal_quantile

_Numbers = float | FloatArray
_AT_ONCE = 2_000_000  # cells of (combination, trial) in one product


def sharpe_error(
    sharpe: _Numbers, sessions: _Numbers, skewness: _Numbers, kurtosis: _Numbers
) -> FloatArray:
    """Standard error of an estimated Sharpe ratio, without the assumption of a normal law.

    Root of (1 - skewness SR + (kurtosis - 1) / 4 SR²) / (T - 1): Mertens (2002).
    """
    sr, count = np.asarray(sharpe, np.float64), np.asarray(sessions, np.float64)
    days = np.where(count > 1, count - 1.0, np.nan)
    error: FloatArray = np.sqrt(_spread(sr, skewness, kurtosis) / days)
    return error


def _spread(sr: FloatArray, skewness: _Numbers, kurtosis: _Numbers) -> FloatArray:
    """Variance of the estimate times T - 1; NaN where moments of a few days make it negative."""
    inner = 1.0 - skewness * sr + (np.asarray(kurtosis) - 1.0) / 4.0 * sr**2
    return np.where(inner > 0, inner, np.nan)


def probabilistic_sharpe(
    sharpe: _Numbers,
    sessions: _Numbers,
    skewness: _Numbers = 0.0,
    kurtosis: _Numbers = 3.0,
    benchmark_sharpe: _Numbers = 0.0,
) -> FloatArray:
    """Probability that the true Sharpe ratio is above that of the benchmark.

    Args:
        sharpe: estimated, of one session.
        sessions: of the estimate.
        skewness: of the returns.
        kurtosis: of the returns; 3 for a normal law.
        benchmark_sharpe: of one session.

    NaN with fewer than two sessions. Bailey and López de Prado (2012), equation 9.
    """
    from scipy.special import ndtr

    error = sharpe_error(sharpe, sessions, skewness, kurtosis)
    above = np.asarray(sharpe, np.float64) - benchmark_sharpe
    probability: FloatArray = ndtr(above / error)
    return probability


def minimum_track_record(
    sharpe: _Numbers,
    skewness: _Numbers = 0.0,
    kurtosis: _Numbers = 3.0,
    benchmark_sharpe: _Numbers = 0.0,
    confidence: float = 0.95,
) -> FloatArray:
    """Sessions after which the probabilistic Sharpe ratio reaches the confidence.

    NaN where the Sharpe ratio is not above the benchmark's. Bailey and López de Prado (2012),
    equation 11.
    """
    sr = np.asarray(sharpe, np.float64)
    above = np.where(sr > benchmark_sharpe, sr - benchmark_sharpe, np.nan)
    inner = _spread(sr, skewness, kurtosis)
    sessions: FloatArray = 1.0 + inner * (normal_quantile(confidence) / above) ** 2
    return sessions


def expected_maximum_sharpe(trials: float, variance_of_sharpes: float) -> float:
    """What the best Sharpe ratio of so many worthless, independent trials is expected to be.

    Root of the variance x ((1 - g) z(1 - 1 / N) + g z(1 - 1 / (N e))), g Euler's constant, z the
    normal quantile; 0 for one trial, whose Sharpe ratio has no variance, and never below (the
    formula is for many). Bailey and López de Prado (2014), equation 1.
    """
    if trials == 1:
        return 0.0
    if not trials >= 1 or not variance_of_sharpes >= 0:
        return math.nan
    first = normal_quantile(1.0 - 1.0 / trials)
    second = normal_quantile(1.0 - 1.0 / (trials * math.e))
    mixed = (1.0 - np.euler_gamma) * first + np.euler_gamma * second
    return math.sqrt(variance_of_sharpes) * max(float(mixed), 0.0)


def deflated_sharpe(
    sharpe: _Numbers,
    sessions: _Numbers,
    skewness: _Numbers,
    kurtosis: _Numbers,
    trials: float,
    variance_of_sharpes: float,
) -> FloatArray:
    """Probability that the true Sharpe ratio is above that of the best of worthless trials.

    Args:
        sharpe: of the chosen strategy, of one session.
        sessions: of the estimate.
        skewness: of the returns.
        kurtosis: of the returns; 3 for a normal law.
        trials: independent strategies that were tried.
        variance_of_sharpes: of the trials' Sharpe ratios of one session.

    NaN where trials or variance are. Bailey and López de Prado (2014), equation 2.
    """
    bar = expected_maximum_sharpe(trials, variance_of_sharpes)
    return probabilistic_sharpe(sharpe, sessions, skewness, kurtosis, bar)


@dataclass(frozen=True)
class Overfitting:
    """What combinatorially symmetric cross-validation says of a choice among trials.

    Attributes:
        probability: share of the splits in which the best in sample ranks in the lower half out of
            sample.
        probability_of_loss: share in which its out-of-sample Sharpe ratio is below 0.
        slope: of a line through its Sharpe ratios out of sample over those in sample.
        logits: ln(w / (1 - w)) of its relative rank w out of sample, a value a split.
        in_sample, out_of_sample: its Sharpe ratios of a session, a value a split.
        chosen: which trial was the best in sample, a value a split.
    """

    probability: float
    probability_of_loss: float
    slope: float
    logits: FloatArray
    in_sample: FloatArray
    out_of_sample: FloatArray
    chosen: np.ndarray


def probability_of_overfitting(returns: FloatArray, blocks: int = 16) -> Overfitting:
    """Cross-validate the choice of the trial with the highest Sharpe ratio.

    The sessions are cut into `blocks` of equal length (what is left over at the start is left out);
    each half of the blocks serves once as sample, its complement as test.

    Args:
        returns: of every trial, shape (T, trials), without missing values.
        blocks: an even number.

    Raises:
        ValueError: fewer than two trials, an odd number of blocks, blocks shorter than two
            sessions, missing values.
    """
    panel = np.asarray(returns, np.float64)
    if panel.ndim != 2 or panel.shape[1] < 2:
        raise ValueError(
            f"returns must have the shape (T, trials), at least 2 trials. Got {panel.shape}."
        )
    if blocks < 2 or blocks % 2:
        raise ValueError(f"blocks must be an even number of at least 2. Got {blocks} instead.")
    length = len(panel) // blocks
    if length < 2:
        raise ValueError(
            f"{blocks} blocks need at least {2 * blocks} sessions. Got {len(panel)} instead."
        )
    if not np.isfinite(panel).all():
        raise ValueError("returns must be finite: leave out days or trials with missing values.")
    panel = panel[len(panel) - length * blocks :]
    centre = panel.mean(axis=0)
    parts = (panel - centre).reshape(blocks, length, -1)
    sums, squares = parts.sum(axis=1), (parts**2).sum(axis=1)
    # The complement of the k-th half is the k-th from the end: each split is met with its mirror.
    halves = np.array(list(combinations(range(blocks), blocks // 2)))
    inside = np.zeros((len(halves), blocks))
    np.put_along_axis(inside, halves, 1.0, axis=1)
    step = max(1, _AT_ONCE // panel.shape[1])
    first, second = [], []
    for k in range(0, len(inside) // 2, step):
        some = inside[: len(inside) // 2][k : k + step]
        one = _sharpes(some, sums, squares, centre, length)
        other = _sharpes(1.0 - some, sums, squares, centre, length)
        first.append(_choice(one, other))
        second.append(_choice(other, one))
    found = [*first, *([part[::-1] for part in each] for each in reversed(second))]
    chosen, sample, test, rank = (np.concatenate(each) for each in zip(*found, strict=True))
    relative = rank / (panel.shape[1] + 1.0)
    logits = np.log(relative / (1.0 - relative))
    varies = sample.min() < sample.max()
    return Overfitting(
        probability=float(np.mean(logits <= 0)),
        probability_of_loss=float(np.mean(test < 0)),
        slope=float(np.polyfit(sample, test, 1)[0]) if varies else math.nan,
        logits=logits,
        in_sample=sample,
        out_of_sample=test,
        chosen=chosen,
    )


def _choice(
    sample: FloatArray, test: FloatArray
) -> tuple[np.ndarray, FloatArray, FloatArray, FloatArray]:
    """Best trial, its Sharpe ratio in and out of sample, its rank out of sample (1 the lowest)."""
    best = np.argmax(sample, axis=1)
    rows = np.arange(len(best))
    value = test[rows, best]
    below = (test < value[:, None]).sum(axis=1)
    equal = (test == value[:, None]).sum(axis=1)
    return best, sample[rows, best], value, below + (equal + 1) / 2.0


def _sharpes(
    inside: FloatArray, sums: FloatArray, squares: FloatArray, centre: FloatArray, length: int
) -> FloatArray:
    """Sharpe ratio (ddof=1) of each trial over the blocks inside; 0 where nothing varies."""
    days = inside.sum(axis=1)[:, None] * length
    mean = inside @ sums / days
    variance = np.maximum(inside @ squares - days * mean**2, 0.0) / (days - 1)
    # A trial that never moved has a residue of rounding, not a deviation.
    varies = variance > 1e-24 * (1.0 + centre**2)
    deviation = np.sqrt(np.where(varies, variance, 1.0))
    return np.where(varies, (mean + centre) / deviation, 0.0)
