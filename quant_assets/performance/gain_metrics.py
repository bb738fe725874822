"""Metrics that count and weigh the days with a gain against those with a loss."""

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.metric_registry import metric, ratio_of
from quant_assets.performance.risk_metrics import tail_ratio
from quant_assets.performance.sample import Sample


@metric("Days with a gain", "fraction", "gains")
def win_rate(sample: Sample) -> FloatArray:
    """Share of all days with a return above 0; days of exactly 0 count as days."""
    return ratio_of(sample.own.gain_count, sample.own.count)


@metric("Gains among days that moved", "fraction", "gains")
def win_rate_of_moves(sample: Sample) -> FloatArray:
    """Share of days above 0 among those not exactly 0."""
    return ratio_of(sample.own.gain_count, sample.own.gain_count + sample.own.loss_count)


@metric("Average return of days that moved", "fraction", "gains")
def average_return(sample: Sample) -> FloatArray:
    """Mean return of the days on which it was not exactly 0."""
    moved = sample.own.gain_count + sample.own.loss_count
    return ratio_of(sample.own.gains + sample.own.losses, moved)


@metric("Average gain", "fraction", "gains")
def average_gain(sample: Sample) -> FloatArray:
    """Mean return of the days with a gain."""
    return ratio_of(sample.own.gains, sample.own.gain_count)


@metric("Average loss", "fraction", "gains")
def average_loss(sample: Sample) -> FloatArray:
    """Mean return of the days with a loss; negative."""
    return ratio_of(sample.own.losses, sample.own.loss_count)


@metric("Payoff ratio", "ratio", "gains")
def payoff_ratio(sample: Sample) -> FloatArray:
    """Mean gain of the days with a gain over the size of the mean loss of the days with a loss."""
    return ratio_of(average_gain(sample), -average_loss(sample))


@metric("Profit factor", "ratio", "gains")
def profit_factor(sample: Sample) -> FloatArray:
    """Sum of the gains over the size of the sum of the losses, by day; NaN without a loss."""
    return ratio_of(sample.own.gains, -sample.own.losses)


@metric("Profit ratio", "ratio", "gains")
def profit_ratio(sample: Sample) -> FloatArray:
    """Mean return over number of the days of 0 or above, over the same of the days with a loss.

    The form is that of QuantStats; it falls as days with a gain become more.
    """
    own = sample.own
    kept = own.count - own.loss_count
    ahead = ratio_of(own.gains, kept**2)
    return ratio_of(ahead, ratio_of(-own.losses, own.loss_count**2))


@metric("CPC index", "ratio", "gains")
def cpc_index(sample: Sample) -> FloatArray:
    """Profit factor times the gains among days that moved times the payoff ratio."""
    return profit_factor(sample) * win_rate_of_moves(sample) * payoff_ratio(sample)


@metric("Common sense ratio", "ratio", "gains")
def common_sense_ratio(sample: Sample) -> FloatArray:
    """Profit factor times tail ratio."""
    return profit_factor(sample) * tail_ratio(sample)


@metric("Outlier win ratio", "ratio", "gains")
def outlier_win_ratio(sample: Sample) -> FloatArray:
    """The 99th percentile of daily returns over the mean of those of 0 or above."""
    own = sample.own
    return ratio_of(sample.tails.p99, ratio_of(own.gains, own.count - own.loss_count))


@metric("Outlier loss ratio", "ratio", "gains")
def outlier_loss_ratio(sample: Sample) -> FloatArray:
    """The 1st percentile of daily returns over the mean of the losses."""
    return ratio_of(sample.tails.p1, average_loss(sample))


@metric("Kelly criterion", "fraction", "gains")
def kelly_criterion(sample: Sample) -> FloatArray:
    """Share of capital W - (1 - W) / P, W the gains among days that moved, P the payoff ratio.

    Kelly (1956), for a bet of two outcomes: returns have more, and it overstates what is wise.
    """
    won = win_rate_of_moves(sample)
    return won - ratio_of(1.0 - won, payoff_ratio(sample))


@metric("Risk of ruin", "fraction", "gains")
def risk_of_ruin(sample: Sample) -> FloatArray:
    """((1 - W) / (1 + W)) ** T, W the gains among days that moved, T the number of days.

    The form is that of QuantStats; it treats each day as a stake of one of T units.
    """
    won = win_rate_of_moves(sample)
    days = np.where(sample.own.count > 0, sample.own.count, np.nan)
    return np.power((1.0 - won) / (1.0 + won), days)


@metric("Longest run of gains", "sessions", "gains")
def consecutive_wins(sample: Sample) -> FloatArray:
    """Most sessions in a row with a return above 0."""
    return sample.path.most_wins


@metric("Longest run of losses", "sessions", "gains")
def consecutive_losses(sample: Sample) -> FloatArray:
    """Most sessions in a row with a return below 0."""
    return sample.path.most_losses
