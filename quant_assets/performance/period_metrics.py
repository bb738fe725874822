"""Metrics by week, month, quarter and year, and of the last months and years; they need dates.

A period is that of the calendar (ISO weeks, Monday to Sunday) and has the compound return of its
sessions; the first and the last may be parts of one and count all the same. Without dates every one
of these metrics is NaN.
"""

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.metric_registry import (
    Compute,
    annual_growth,
    metric,
    ratio_of,
    register,
)
from quant_assets.performance.sample import Sample
from quant_assets.performance.sample_dates import PERIODS

_ADVERBS = {"week": "weekly", "month": "monthly", "quarter": "quarterly", "year": "yearly"}
_SPANS = {
    "month_to_date": ("Month to date", "its month began", False),
    "year_to_date": ("Year to date", "its year began", False),
    "three_months": ("Last 3 months", "3 months before it", False),
    "six_months": ("Last 6 months", "6 months before it", False),
    "one_year": ("Last year", "1 year before it", False),
    "three_years": ("Last 3 years (annual)", "3 years before it", True),
    "five_years": ("Last 5 years (annual)", "5 years before it", True),
    "ten_years": ("Last 10 years (annual)", "10 years before it", True),
}


def _best(kind: str) -> Compute:
    return lambda sample: sample.periods[kind].best


def _worst(kind: str) -> Compute:
    return lambda sample: sample.periods[kind].worst


def _win_rate(kind: str) -> Compute:
    def compute(sample: Sample) -> FloatArray:
        periods = sample.periods[kind]
        return ratio_of(periods.gain_count, periods.count)

    return compute


def _expected(kind: str) -> Compute:
    return lambda sample: annual_growth(sample.path.growth, sample.periods[kind].count, 1.0)


def _span(name: str, annual: bool) -> Compute:
    def compute(sample: Sample) -> FloatArray:
        span = sample.spans[name]
        if annual:
            return annual_growth(span.growth, span.count, sample.annualization)
        return span.growth - 1.0

    return compute


for _kind in PERIODS:
    register(
        f"best_{_kind}",
        f"Best {_kind}",
        "fraction",
        "periods",
        f"Highest return of a calendar {_kind}, compounded from its sessions.",
        _best(_kind),
    )
    register(
        f"worst_{_kind}",
        f"Worst {_kind}",
        "fraction",
        "periods",
        f"Lowest return of a calendar {_kind}, compounded from its sessions.",
        _worst(_kind),
    )
    register(
        f"win_rate_by_{_kind}",
        f"{_kind.capitalize()}s with a gain",
        "fraction",
        "periods",
        f"Share of calendar {_kind}s with a return above 0; those of exactly 0 count.",
        _win_rate(_kind),
    )
    register(
        f"expected_{_ADVERBS[_kind]}_return",
        f"Expected {_ADVERBS[_kind]} return",
        "fraction",
        "periods",
        f"Geometric mean by {_kind}: (1 + total return) ** (1 / {_kind}s with a session) - 1.",
        _expected(_kind),
    )

for _name, (_title, _since, _annual) in _SPANS.items():
    register(
        f"return_{_name}",
        _title,
        "fraction",
        "periods",
        f"Compound {'annual ' if _annual else ''}return of the days from {_since} to the last of "
        "the dates; NaN where the first return is more than a week later than that.",
        _span(_name, _annual),
    )


@metric("Average gain of a month", "fraction", "periods")
def average_month_gain(sample: Sample) -> FloatArray:
    """Mean return of the calendar months with a gain."""
    return ratio_of(sample.periods["month"].gains, sample.periods["month"].gain_count)


@metric("Average loss of a month", "fraction", "periods")
def average_month_loss(sample: Sample) -> FloatArray:
    """Mean return of the calendar months with a loss; negative."""
    return ratio_of(sample.periods["month"].losses, sample.periods["month"].loss_count)


@metric("Gain to pain by month", "ratio", "periods")
def gain_to_pain_by_month(sample: Sample) -> FloatArray:
    """Sum of the monthly returns over the size of the sum of the negative ones.

    Schwager (2012), "Hedge Fund Market Wizards"; months are compounded from their sessions.
    """
    months = sample.periods["month"]
    return ratio_of(months.gains + months.losses, -months.losses)
