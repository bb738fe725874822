"""The page `strategy_comparison`: all strategies of a market side by side.

Here stand its sections and their words. Numbers come from compared.py, curves from curves.py.
"""

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from quant_assets.backtests.combined.correlations import Correlations
from quant_assets.market_data.panels import FloatArray
from quant_assets.pages.shell import Section
from quant_assets.performance.comparison.cells import Cell, Name, by_rank, by_size, shaded_table
from quant_assets.performance.comparison.compared import KEY_METRICS, Compared
from quant_assets.performance.comparison.correlation_page import heat_map
from quant_assets.performance.comparison.curves import curves, kinds
from quant_assets.performance.comparison.frame import framed
from quant_assets.performance.deflation import expected_maximum_sharpe
from quant_assets.performance.metrics import METRICS
from quant_assets.performance.page.formats import by_unit, count, number, percent
from quant_assets.performance.page.parts import figure

# Of the benchmark itself these say nothing.
_RELATIVE = {"beta", "alpha", "information_ratio"}
_NOTE = (
    "Returns are simple and after costs. Standard deviations are of samples. Risk-free rates are "
    "those of each day. Colours are by rank within a column, blue the better half, orange the "
    "worse; columns without a better end are white. The best of many strategies owes part of its "
    "figures to having been picked."
)


def comparison_page(
    compared: Compared,
    alike: Correlations,
    label: str,
    simulated: bool,
    titles: Mapping[str, str],
) -> str:
    """The page.

    Args:
        compared: what is shown.
        alike: the strategies' correlations.
        label: the market's name.
        simulated: whether it is made up.
        titles: of the strategies, by name.
    """
    title = f"Strategies side by side · {label}"
    if not compared.subjects:
        nothing = Section("Nothing to compare", "No strategy has returns yet.", "")
        return framed(title, label, [nothing], {}, _NOTE, simulated, compared.notes)
    dates = compared.market.dates
    growth, data = curves(compared)
    sections = [
        growth,
        metrics_section(compared),
        _risk(),
        years_section(compared),
        _correlations(alike, titles),
        _luck(compared),
    ]
    strategies = sum(each.kind == "strategy" for each in compared.subjects)
    subtitle = f"{strategies} strategies · {dates[0]} to {dates[-1]}, {len(dates):,} sessions"
    return framed(title, subtitle, sections, data, _NOTE, simulated, compared.notes)


def metrics_section(compared: Compared) -> Section:
    """The key metrics, over own and over common days."""
    body = f'<div data-period="own">{_metrics_table(compared, compared.own, "own")}</div>'
    if compared.common:
        table = _metrics_table(compared, compared.common, "common")
        body += f'<div data-period="common" hidden>{table}</div>'
    return Section(
        "Metrics",
        "A click on a head sorts; hover over one to read its convention. Names lead to the tear "
        "sheets. Over the days that each has, or over those that all have, as switched above.",
        body,
        anchor="metrics-section",
    )


def _metrics_table(compared: Compared, figures: Mapping[str, FloatArray], period: str) -> str:
    there = [name for name in figures if np.isfinite(figures[name]).any()]
    shades = {name: by_rank(figures[name], KEY_METRICS[name]) for name in there}
    colours = kinds(compared.subjects)
    rows = []
    for k, subject in enumerate(compared.subjects):
        cells = []
        for name in there:
            value = float(figures[name][k])
            if subject.kind == "benchmark" and name in _RELATIVE:
                value = np.nan
            shade = float(shades[name][k]) if np.isfinite(value) else 0.0
            cells.append(Cell(by_unit(value, METRICS[name].unit), shade))
        rows.append((Name(subject.title, colours[k], subject.link), cells))
    heads = [("", ""), *((METRICS[name].title, METRICS[name].description) for name in there)]
    return shaded_table(f"metrics over {period} days", heads, rows)


def _risk() -> Section:
    body = figure(
        "risk",
        "Return and volatility",
        "A spot for each of the chosen lines, portfolios with a dark rim. Up and to the left is "
        "better; over the days switched above.",
    )
    return Section("Risk and return", "What was earned at what risk.", body, anchor="risk-section")


def years_section(compared: Compared) -> Section:
    """Compound returns by calendar year."""
    shades = np.array([by_size(row, _bound(compared.yearly)) for row in compared.yearly])
    colours = kinds(compared.subjects)
    rows = []
    for k, subject in enumerate(compared.subjects):
        cells = []
        for y in range(len(compared.years)):
            value = float(compared.yearly[y, k])
            part = np.isfinite(value) and not compared.whole_years[y, k]
            told = ("*", "part of the year") if part else ("", "")
            cells.append(Cell(f"{percent(value)}{told[0]}", float(shades[y, k]), told[1]))
        rows.append((Name(subject.title, colours[k], subject.link), cells))
    heads = [("", ""), *((str(year), f"return of {year}") for year in compared.years)]
    return Section(
        "Years",
        "Compound returns of calendar years; * is of a part of the year: the year is not over, or "
        "there is no return on some session. Blue is a gain, orange a loss.",
        shaded_table("yearly returns", heads, rows),
        anchor="years-section",
    )


def _bound(values: FloatArray) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(np.percentile(known, 95)) if len(known) else 1.0


def _correlations(alike: Correlations, titles: Mapping[str, str]) -> Section:
    return Section(
        "Correlations",
        "Of daily returns over the common days of each pair; alike strategies stand side by side. "
        "Blue is alike, orange opposite.",
        heat_map(alike, "pearson", titles, days=False),
        anchor="correlations-section",
    )


def _luck(compared: Compared) -> Section:
    trials = compared.trials
    if trials is None:
        text = (
            "Trials are not counted on this market: the deflated Sharpe ratio is not known, and "
            "the best of many strategies looks better than it is."
        )
        return Section("How much may be luck", text, "", anchor="luck-section")
    bar = expected_maximum_sharpe(trials.count, trials.variance_of_sharpes)
    annual = bar * float(np.sqrt(compared.market.annualization))
    rows = "".join(
        f"<li>{escape(_chance(compared, k))}</li>"
        for k, each in enumerate(compared.subjects)
        if each.kind == "strategy"
    )
    text = (
        f"{count(trials.count)} parameter sets were ever tried on this market, each counted once. "
        f"The best of as many worthless ones would be expected to show an annual Sharpe ratio of "
        f"{number(annual)}. The deflated Sharpe ratio is the chance that a strategy's true ratio "
        f"lies above it (Bailey and López de Prado 2014)."
    )
    return Section("How much may be luck", text, f"<ul>{rows}</ul>", anchor="luck-section")


def _chance(compared: Compared, k: int) -> str:
    deflated = float(compared.own["deflated_sharpe"][k])
    sharpe = number(float(compared.own["sharpe"][k]))
    return f"{compared.subjects[k].title}: Sharpe ratio {sharpe}, deflated {percent(deflated)}"


def metrics_markdown(compared: Compared, names: Sequence[str] = ()) -> str:
    """A short table of the subjects for the UI."""
    wanted = list(names) or ["cagr", "volatility", "sharpe", "deflated_sharpe", "max_drawdown"]
    shown = [name for name in wanted if name in compared.own]
    heads = " | ".join(METRICS[name].title for name in shown)
    lines = [f"| | {heads} |", f"| --- |{' ---: |' * len(shown)}"]
    for k, subject in enumerate(compared.subjects):
        figures = [by_unit(float(compared.own[n][k]), METRICS[n].unit) for n in shown]
        title = subject.title.replace("|", "\\|")
        lines.append(f"| {title} | {' | '.join(figures)} |")
    return "\n".join(lines)
