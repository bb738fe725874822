"""Overlaid curves: growth and drawdown of several subjects, to be switched, zoomed and read.

Belongs here: the section and the data that static/comparison.js draws.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.pages.series import day_points, growth_points
from quant_assets.pages.shell import Section
from quant_assets.performance.comparison.compared import Compared, Subject
from quant_assets.performance.comparison.frame import kind_of_line
from quant_assets.performance.page.parts import figure, switch

_LOG_FROM = 4.0  # ratio of highest to lowest value from which a log axis reads better
_GROUPS = (
    ("all", "All lines"),
    ("strategy", "Strategies"),
    ("portfolio", "Portfolios"),
    ("none", "None"),
)
_SHOWN = 8  # strategies; beyond them portfolios are off at first


def kinds(subjects: Sequence[Subject]) -> list[str]:
    """The class of the colour of each subject; the benchmark is grey."""
    return [
        "other" if each.kind == "benchmark" else kind_of_line(place)
        for place, each in enumerate(subjects)
    ]


def growth(subject: Subject) -> FloatArray:
    """Growth of 1 from the close before the first return on; NaN before and after its days."""
    known = np.flatnonzero(subject.known)
    first, last = known[0], known[-1]
    grown = np.full(len(subject.returns), np.nan)
    grown[first : last + 1] = np.cumprod(1.0 + np.nan_to_num(subject.returns[first : last + 1]))
    if first:
        grown[first - 1] = 1.0
    return grown


def curves(compared: Compared) -> tuple[Section, dict[str, Any]]:
    """The section, and what its script needs: `series`, `subjects` and `common`."""
    subjects = compared.subjects
    colours = kinds(subjects)
    grown = [growth(each) for each in subjects]
    strategies = sum(each.kind == "strategy" for each in subjects)
    on = [each.kind != "portfolio" or strategies <= _SHOWN for each in subjects]
    lowest = min(float(np.nanmin(each)) for each in grown)
    highest = max(float(np.nanmax(each)) for each in grown)
    log = lowest > 0 and highest / lowest > _LOG_FROM
    tools = '<span id="ranges" class="buttons" role="group" aria-label="Days shown"></span>'
    tools += switch("log", "log scale", log)
    if compared.common_days is not None:
        first, last = (compared.market.dates[row] for row in compared.common_days)
        tools += switch("common", f"only the days that all have ({first} to {last})")
    there = {each.kind for each in subjects}
    buttons = "".join(
        f'<button type="button" data-group="{name}">{title}</button>'
        for name, title in _GROUPS
        if name in there or name in ("all", "none")
    )
    tools += f'<span class="buttons" role="group" aria-label="Lines shown">{buttons}</span>'
    body = figure(
        "growth",
        "Growth of 1 and drawdown",
        "What one unit of capital became after costs, and below it the loss since its highest "
        "point. A click on a name switches its line on or off. Drag to zoom, double-click or "
        "Escape to see all; a part begins at 1 again.",
        tools,
        explored=True,
    )
    data = {
        "series": {
            "dates": day_points(compared.market.dates),
            **{f"g{k}": growth_points(values) for k, values in enumerate(grown)},
        },
        "subjects": [_described(compared, k, colours[k], on[k]) for k in range(len(subjects))],
        "common": compared.common_days,
    }
    section = Section(
        "Growth",
        "After all costs, compounded daily.",
        body,
        "QA.comparison(data)",
        "growth-section",
    )
    return section, data


def _described(compared: Compared, k: int, colour: str, on: bool) -> dict[str, Any]:
    """A subject for the script; x is volatility and y return, over its own and the common days."""
    subject = compared.subjects[k]

    def spot(figures: Any) -> dict[str, float | None]:
        if not figures:
            return {"x": None, "y": None}
        return {"x": float(figures["volatility"][k]), "y": float(figures["cagr"][k])}

    return {
        "of": f"g{k}",
        "title": subject.title,
        "kind": colour,
        "group": subject.kind,
        "portfolio": subject.kind == "portfolio",
        "on": on,
        "own": spot(compared.own),
        "common": spot(compared.common),
    }
