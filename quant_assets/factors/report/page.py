"""The page of a month of factors: a table to sort and to filter, and the charts of any factor.

Here stand what is shown and in which words; numbers come from digest.py and page_data.py, the
page's frame from pages/, the table and the charts are built by static/factors.js.
"""

from functools import cache
from html import escape
from pathlib import Path

import numpy as np
import pyarrow as pa

from quant_assets.factors.catalogue import Catalogue
from quant_assets.factors.report.digest import Month, by_chance
from quant_assets.factors.report.page_data import page_data
from quant_assets.pages.shell import Section, chart, choice, page, side_by_side

_STATIC = Path(__file__).parent / "static"
_BOUND = 2.0  # of |t|, for what chance would give
_LEVEL = 0.05  # of adjusted p-values

_CONTROLS = (
    '<div id="controls">{horizon}<label>Type <select id="type"></select></label>'
    '<label>Library <select id="library"></select></label>'
    '<label>Name or formula <input id="search" type="search" size="18"></label>'
    '<label><input id="by-size" type="checkbox" checked> sort by size, whatever the sign</label>'
    '</div>{chance}<p id="shown" role="status"></p><div class="scroll" id="table" tabindex="0" '
    'role="region" aria-label="Table of factors"></div>'
)
_NOT_CORRECTED = (
    "Not corrected: t and p take the days of a month as independent, though returns of horizon h "
    "overlap; Newey-West errors allow for that, yet a month is short for them. BH p is Benjamini "
    "and Hochberg's adjustment of p (at one session) or NW p (beyond, where h - 1 lags are at most "
    "a third of the days) over all factors of the horizon; nothing is adjusted for the months and "
    "the formulas that were looked at before. Factors resemble one another, so that by chance many "
    "or none may pass at once. Months t compares months, of which neighbours overlap by up to h "
    "sessions. Returns are before costs. What is drawn in the charts of a factor is rounded to a "
    "hundred and twentieth of the largest value shown; the table has four digits."
)


def factor_page(
    summary: pa.Table,
    evaluation: pa.Table,
    sectors: pa.Table,
    earlier: pa.Table,
    known: Catalogue,
    label: str,
) -> str:
    """The page, with no need of a network.

    Args:
        summary: rows of factor_summary of one month.
        evaluation: rows of factor_evaluation of its days.
        sectors: rows of factor_sector_summary of the month; may be empty.
        earlier: month, factor, horizon, rank_ic of factor_summary of months before, of which the
            last ones are shown; may be empty.
        known: the factors' libraries, types and formulas.
        label: what the data are; of a simulated market with "simulated data" in it.

    Raises:
        ValueError: the summary is of several months, or of none.
    """
    month = Month.of(summary, evaluation, known.types)
    data, p_values = page_data(month, sectors, earlier, known)
    options = [_sessions(h) for h in month.horizons]
    chance = "".join(
        f'<p class="chance" hidden>{escape(_chance(month, p_values, h))}</p>'
        for h in range(len(month.horizons))
    )
    controls = _CONTROLS.format(horizon=choice("horizon", options, "Horizon"), chance=chance)
    return page(
        f"Factors of {month.month}: {label}",
        f"How well {len(month.factors):,} factors ordered the returns that ended on "
        f"{_span(month.dates)}, over the members of the universe. Horizons in sessions.",
        [
            Section(
                "All factors",
                "Each factor at the chosen horizon; a click on a head sorts, on a row shows the "
                "factor below. The arrow keys go from name to name. Means of the month's days.",
                f"<style>{_static('factors.css')}</style>" + controls,
            ),
            Section(
                "One factor",
                "The factor that is chosen in the table or in the chart.",
                '<div id="factor" tabindex="-1"></div>'
                + side_by_side(
                    _figure(
                        "daily",
                        "Rank IC by day",
                        "Of each day on which a return of the chosen horizon ended; the line is "
                        "the mean.",
                    ),
                    _figure(
                        "history",
                        "Rank IC by month",
                        "Mean of each month up to this one, as far as they are in the warehouse; "
                        "the line is their mean.",
                    ),
                    _figure(
                        "decay",
                        "Decay",
                        "Mean rank IC over the horizons: of the factor, of the factor less its "
                        "sector's mean, and of its residual on size (log average turnover).",
                    ),
                    _figure(
                        "sectors",
                        "Rank IC by sector",
                        "Mean daily rank IC among the securities of each sector.",
                    ),
                    _figure(
                        "quantiles",
                        "Mean return by quantile",
                        "From the lowest factor values (1) to the highest, in bp a session; the "
                        "line is the mean of all securities.",
                    ),
                    _figure(
                        "curves",
                        "Cumulative return of the quantiles",
                        "Less that of all securities, of h portfolios each begun a day apart and "
                        "held for h sessions; before costs.",
                    ),
                ),
                _static("factors.js"),
            ),
            Section(
                "Types of factors",
                "The same horizon and choice as in the table; box plots are of all factors.",
                _figure(
                    "bubbles",
                    "Beta against t-statistic",
                    "A mark a factor: mean slope of returns on its z-score against the mean "
                    "t-statistic of the days, area by mean R². Hover for names, click to choose; "
                    "with the keyboard the arrow keys go from mark to mark, Enter chooses.",
                )
                + side_by_side(
                    _figure(
                        "box-t",
                        "t-statistic by type",
                        "Of the regression of returns on each factor of the type, all test dates "
                        "of the month: median, quartiles, 10 to 90 %.",
                    ),
                    _figure(
                        "box-r",
                        "R² by type",
                        "Of the same regressions: median, quartiles, 10 to 90 %.",
                    ),
                ),
            ),
        ],
        {"packed": data},
        _NOT_CORRECTED,
        library="",
    )


def _figure(name: str, title: str, sentence: str) -> str:
    head = f"<h3>{escape(title)}</h3><p>{escape(sentence)}</p>"
    # A chart that takes keys must not be an image to readers of the page who do not see.
    place = chart(name, f"{title}. {sentence}") if name != "bubbles" else f'<div id="{name}"></div>'
    return f'<div class="figure chart">{head}{place}</div>'


def _chance(month: Month, p_values: np.ndarray, h: int) -> str:
    t, days = month.mean("rank_ic_t")[:, h], month.mean("days")[:, h]
    known = np.isfinite(t)
    passed = int((np.abs(t[known]) > _BOUND).sum())
    expected = by_chance(days[known], _BOUND)
    text = (
        f"At {_sessions(month.horizons[h])}, {passed:,} of {int(known.sum()):,} factors have a "
        f"mean rank IC with |t| > {_BOUND:g}; {expected:,.0f} would by chance, if none knew "
        "anything and days were independent."
    )
    tested = p_values[np.isfinite(p_values[:, h]), h]
    if not tested.size:
        return f"{text} Returns overlap too much over one month for a p-value to be adjusted."
    return (
        f"{text} Adjusted for their number (Benjamini-Hochberg), "
        f"{int((tested < _LEVEL).sum()):,} have p < {_LEVEL:g}."
    )


def _span(dates: np.ndarray) -> str:
    if not len(dates):
        return "no day"
    return f"{len(dates)} days from {dates[0]} to {dates[-1]}"


def _sessions(horizon: int) -> str:
    return "1 session" if horizon == 1 else f"{horizon} sessions"


@cache
def _static(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")
