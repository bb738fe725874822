"""The page `portfolio`: portfolios of strategies by all methods, and what they hold.

Here stand its sections and their words. The portfolios come from backtests/combined/portfolio.py,
curves and metrics are those of the comparison.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from quant_assets.backtests.combined.portfolio import Portfolios
from quant_assets.pages.shell import Section
from quant_assets.performance.comparison.cells import Cell, Name, shaded_table
from quant_assets.performance.comparison.compared import Compared
from quant_assets.performance.comparison.comparison_page import metrics_section, years_section
from quant_assets.performance.comparison.curves import curves
from quant_assets.performance.comparison.frame import framed, kind_of_line
from quant_assets.performance.page.formats import percent
from quant_assets.performance.page.parts import figure
from quant_assets.settings_combined import CombinedSettings

_NOTE = (
    "Decided on the first session of a month from what was known at the close before, switched at "
    "the close of that session, so that the new weights earn from the next one on. In between "
    "weights drift with what the strategies earn. Strategies' own returns are after all their "
    "costs; where two hold the same shares a real account would move less."
)


def portfolio_page(
    made: Portfolios,
    compared: Compared,
    settings: CombinedSettings,
    label: str,
    simulated: bool,
    titles: Mapping[str, str],
) -> str:
    """The page.

    Args:
        made: the portfolios.
        compared: them and the benchmark, measured.
        settings: they were made with.
        label: the market's name.
        simulated: whether it is made up.
        titles: of the strategies, by name.
    """
    title = f"Portfolios of strategies · {label}"
    notes = [*compared.notes, *made.notes]
    if not len(made.switched):
        nothing = Section("No portfolio", "None could be made; the reasons stand above.", "")
        return framed(title, label, [nothing], {}, _NOTE, simulated, notes)
    growth, data = curves(compared)
    weights, charts = _weights(made, titles)
    sections = [
        growth,
        metrics_section(compared),
        years_section(compared),
        weights,
        _latest(made, titles),
        _rules(settings),
    ]
    subtitle = (
        f"{len(made.of)} methods, {len(made.joined)} strategies · switched {len(made.switched)} "
        f"times from {made.switched[0]} to {made.switched[-1]}"
    )
    return framed(title, subtitle, sections, {**data, "charts": charts}, _NOTE, simulated, notes)


def _weights(made: Portfolios, titles: Mapping[str, str]) -> tuple[Section, list[dict[str, Any]]]:
    """A stacked chart a method: each strategy's share from switch to switch."""
    body, charts = "", []
    for name, portfolio in made.of.items():
        place = f"weights-{name}"
        body += figure(place, portfolio.method.title, portfolio.method.description)
        series = [
            {
                "name": titles.get(strategy, strategy),
                "values": np.round(portfolio.weights[:, k], 4),
                "kind": kind_of_line(k),
            }
            for k, strategy in enumerate(made.names)
            if (portfolio.weights[:, k] > 0).any()
        ]
        labels = [str(day)[:7] for day in made.switched]
        charts.append(
            {"place": place, "labels": labels, "series": series, "stacked": True, "height": 200}
        )
    section = Section(
        "Weights",
        "The share of each strategy as it was set at the switch of each month.",
        f'<div class="row">{body}</div>',
        "for (const chart of data.charts) QA.columns(chart.place, {...chart, format: 'percent'})",
        "weights-section",
    )
    return section, charts


def _latest(made: Portfolios, titles: Mapping[str, str]) -> Section:
    rows = []
    for k, name in enumerate(made.names):
        joined = str(made.joined[name]) if name in made.joined else "–"
        cells = [Cell(joined)]
        for portfolio in made.of.values():
            weight = float(portfolio.weights[-1, k])
            cells.append(Cell(percent(weight), weight))
        rows.append((Name(titles.get(name, name)), cells))
    heads = [("", ""), ("Joined", "first switch that it took part in")]
    heads += [(each.method.title, each.method.description) for each in made.of.values()]
    return Section(
        "Weights now",
        f"As set at the close of {made.switched[-1]}, from what was known on {made.decided[-1]}.",
        shaded_table("latest weights", heads, rows),
        anchor="latest-section",
    )


def _rules(settings: CombinedSettings) -> Section:
    return Section(
        "Rules",
        f"Each decision knows the {settings.window} sessions before it; a strategy joins with "
        f"{settings.minimum_sessions} of them, the last one among them. The regime (bull or bear, "
        f"calm or turbulent) looks for its days among {settings.regime_window} sessions and needs "
        f"{settings.regime_sessions}. Moving value costs {settings.switching_bps:g} bps.",
        "",
    )
