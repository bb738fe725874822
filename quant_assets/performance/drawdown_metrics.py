"""Metrics of the times below the peak, the start of capital counted as a peak."""

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.metric_registry import metric, ratio_of
from quant_assets.performance.ratio_metrics import ulcer
from quant_assets.performance.sample import Sample


@metric("Maximum drawdown", "fraction", "drawdown")
def max_drawdown(sample: Sample) -> FloatArray:
    """Largest loss from a peak, the start of capital included; 0 or negative."""
    return sample.drawdowns.deepest


@metric("Longest drawdown", "sessions", "drawdown")
def longest_drawdown_sessions(sample: Sample) -> FloatArray:
    """Sessions of the longest unbroken time below a peak, recovered or not."""
    return sample.drawdowns.longest


@metric("Longest drawdown in days", "days", "drawdown")
def longest_drawdown_days(sample: Sample) -> FloatArray:
    """Calendar days from the first session below a peak to the last, both counted, at most.

    NaN without dates; 0 without a drawdown.
    """
    return sample.drawdowns.longest_days


@metric("Average drawdown", "fraction", "drawdown")
def average_drawdown(sample: Sample) -> FloatArray:
    """Mean of the greatest losses of all drawdowns, short ones too; NaN without any."""
    return ratio_of(sample.drawdowns.depths, sample.drawdowns.count)


@metric("Average drawdown length", "sessions", "drawdown")
def average_drawdown_sessions(sample: Sample) -> FloatArray:
    """Mean number of sessions below the peak of all drawdowns, recovered or not."""
    return ratio_of(sample.drawdowns.lengths, sample.drawdowns.count)


@metric("Average drawdown in days", "days", "drawdown")
def average_drawdown_days(sample: Sample) -> FloatArray:
    """Mean of the calendar days from first to last session below the peak; NaN without dates."""
    return ratio_of(sample.drawdowns.days, sample.drawdowns.count)


@metric("Drawdowns", "count", "drawdown")
def drawdown_count(sample: Sample) -> FloatArray:
    """Unbroken times below a peak, the one that has not ended included."""
    return sample.drawdowns.count


@metric("Time under water", "fraction", "drawdown")
def time_under_water(sample: Sample) -> FloatArray:
    """Share of the sessions that ended below the peak."""
    return ratio_of(sample.drawdowns.under, sample.own.count)


@metric("Current drawdown", "fraction", "drawdown")
def current_drawdown(sample: Sample) -> FloatArray:
    """Loss from the peak on the last day; 0 or negative."""
    return sample.drawdowns.last


@metric("Recovery of the maximum drawdown", "sessions", "drawdown")
def recovery_sessions(sample: Sample) -> FloatArray:
    """Sessions from the lowest point of the maximum drawdown to its old peak; NaN if not there."""
    return sample.drawdowns.recovery


@metric("Ulcer index", "fraction", "drawdown")
def ulcer_index(sample: Sample) -> FloatArray:
    """Root mean square of the loss from the peak over all days.

    Martin and McCann (1989), "The Investor's Guide to Fidelity Funds".
    """
    return ulcer(sample)


@metric("Pain index", "fraction", "drawdown")
def pain_index(sample: Sample) -> FloatArray:
    """Mean size of the loss from the peak over all days. Becker (2006)."""
    return np.abs(sample.drawdowns.mean)
