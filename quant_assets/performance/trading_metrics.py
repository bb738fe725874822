"""Metrics of the trading behind the returns; NaN where it is not told."""

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.metric_registry import metric, ratio_of
from quant_assets.performance.sample import Sample


@metric("Annual turnover", "ratio", "trading")
def annual_turnover(sample: Sample) -> FloatArray:
    """Mean daily traded value (purchases plus sales) over equity, times the days a year."""
    return sample.turnover * sample.annualization


@metric("Average turnover", "fraction", "trading")
def average_turnover(sample: Sample) -> FloatArray:
    """Mean daily traded value (purchases plus sales) as a share of equity."""
    return sample.turnover


@metric("Annual costs", "fraction", "trading")
def annual_cost(sample: Sample) -> FloatArray:
    """Mean daily trading costs as a share of equity, times the days a year."""
    return sample.cost * sample.annualization


@metric("Cost of a unit of turnover", "fraction", "trading")
def cost_of_turnover(sample: Sample) -> FloatArray:
    """Mean daily trading costs over the mean daily traded value."""
    return ratio_of(sample.cost, sample.turnover)


@metric("Exposure", "fraction", "trading")
def exposure(sample: Sample) -> FloatArray:
    """Mean over the days of the sum of absolute weights at the close."""
    return sample.exposure


@metric("Time in the market", "fraction", "trading")
def time_in_market(sample: Sample) -> FloatArray:
    """Share of the days with a return other than exactly 0."""
    return ratio_of(sample.own.gain_count + sample.own.loss_count, sample.own.count)
