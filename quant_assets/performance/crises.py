"""Crises and other periods by which strategies are compared, and how a series went through them.

Belongs here: names and dates, and the returns within them. The periods of the world and of the
United States follow the list of Lean's report (QuantConnect, Apache-2.0: its dates, not its code);
those of Brazil and China are added.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.drawdowns import drawdown_series

# Of its sessions, how many a series must have to be shown for a period.
_COVERED = 0.5


@dataclass(frozen=True)
class Period:
    """A period by name, first and last day; `calendars` are those it matters to, () is all."""

    name: str
    first: date
    last: date
    calendars: tuple[str, ...] = ()


@dataclass(frozen=True)
class Passage:
    """How a series went through a period.

    Attributes:
        period: the period.
        first, last: places of its first and last session in the series.
        own: compound return.
        benchmark: of the benchmark, NaN where it has none.
        worst: largest loss from a peak within the period, 0 or negative.
    """

    period: Period
    first: int
    last: int
    own: float
    benchmark: float
    worst: float


_US, _BRAZIL, _CHINA = ("XNYS", "XNAS"), ("BVMF",), ("XSHG", "XSHE")

PERIODS = (
    Period("Dotcom bubble bursts", date(2000, 2, 26), date(2000, 9, 10), _US),
    Period("September 11, 2001", date(2001, 9, 5), date(2001, 10, 10)),
    Period("US housing bubble", date(2003, 1, 1), date(2003, 2, 20), _US),
    Period("Global financial crisis", date(2007, 10, 1), date(2011, 12, 1)),
    Period("Chinese stimulus rally ends", date(2009, 8, 4), date(2009, 9, 1), _CHINA),
    Period("Flash crash", date(2010, 5, 1), date(2010, 5, 22), _US),
    Period("Fukushima", date(2011, 3, 1), date(2011, 4, 22)),
    Period("US downgrade and European debt", date(2011, 8, 5), date(2011, 9, 1)),
    Period("European debt crisis", date(2012, 9, 5), date(2012, 10, 12)),
    Period("Taper tantrum", date(2013, 5, 22), date(2013, 6, 24)),
    Period("October 2014", date(2014, 10, 1), date(2014, 10, 29)),
    Period("Chinese stock market crash", date(2015, 6, 12), date(2015, 9, 30), _CHINA),
    Period("August 2015 sell-off", date(2015, 8, 10), date(2015, 10, 10)),
    Period("Chinese circuit breakers", date(2016, 1, 4), date(2016, 1, 29), _CHINA),
    Period("Impeachment in Brazil", date(2015, 12, 2), date(2016, 8, 31), _BRAZIL),
    Period("Joesley Day", date(2017, 5, 17), date(2017, 6, 16), _BRAZIL),
    Period("Truckers' strike in Brazil", date(2018, 5, 21), date(2018, 6, 18), _BRAZIL),
    Period("Trade war", date(2018, 3, 22), date(2019, 1, 4), _CHINA),
    Period("Fourth quarter of 2018", date(2018, 10, 1), date(2018, 12, 31)),
    Period("COVID-19 crash", date(2020, 2, 12), date(2020, 3, 23)),
    Period("Recovery after COVID-19", date(2020, 3, 24), date(2020, 11, 9)),
    Period("Meme season", date(2021, 1, 2), date(2021, 3, 1), _US),
    Period("Chinese regulation", date(2021, 2, 18), date(2022, 10, 31), _CHINA),
    Period("Russia invades Ukraine", date(2022, 2, 24), date(2022, 5, 13)),
    Period("Inflation and higher rates", date(2022, 1, 3), date(2022, 10, 14)),
    Period("Regional banks", date(2023, 3, 8), date(2023, 5, 4), _US),
    Period("Yen carry trade unwinds", date(2024, 7, 16), date(2024, 8, 16)),
    Period("Chinese stimulus rally", date(2024, 9, 24), date(2024, 10, 8), _CHINA),
    Period("Tariffs of April 2025", date(2025, 4, 2), date(2025, 5, 12)),
)


def passages(
    dates: np.ndarray,
    returns: FloatArray,
    benchmark: FloatArray | None,
    calendar: str,
) -> list[Passage]:
    """How a series went through the periods of its market of which it has at least half.

    Args:
        dates: sessions, `datetime64[D]`, ascending, shape (T,).
        returns: daily simple returns, shape (T,); NaN counts as no change.
        benchmark: of the same days, NaN where it has none.
        calendar: of the market, a name of exchange_calendars.
    """
    found = []
    for period in PERIODS:
        if period.calendars and calendar not in period.calendars:
            continue
        first = int(np.searchsorted(dates, np.datetime64(period.first)))
        last = int(np.searchsorted(dates, np.datetime64(period.last), side="right")) - 1
        possible = np.busday_count(period.first, period.last) + 1
        if last < first or last - first + 1 < _COVERED * possible:
            continue
        inside = slice(first, last + 1)
        own = np.nan_to_num(returns[inside])
        index = np.full(len(own), np.nan) if benchmark is None else benchmark[inside]
        found.append(
            Passage(
                period,
                first,
                last,
                float(np.prod(1.0 + own) - 1.0),
                float(np.prod(1.0 + np.nan_to_num(index)) - 1.0)
                if np.isfinite(index).any()
                else np.nan,
                float(drawdown_series(own).min()),
            )
        )
    return found
