"""The section of growth and drawdown: the curve before and after costs, and the benchmark's."""

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.pages.series import day_points, growth_points
from quant_assets.pages.shell import Section
from quant_assets.performance.page.formats import counted
from quant_assets.performance.page.parts import Curve, Panel, Part, figure, pick, switch, timeline
from quant_assets.performance.page.regime_section import known_views
from quant_assets.performance.page.sheet_data import SheetData

_LOG_FROM = 4.0  # ratio of highest to lowest value from which a log axis reads better
_SHADES = [
    ("trend", "bear: index below its long average"),
    ("volatility", "turbulent: volatility index above 20"),
    ("switching", "restless state by Markov switching"),
    ("", "nothing"),
]


def growth(returns: FloatArray) -> FloatArray:
    """Growth of 1 at each close, shape (T,); a day without a return is no change."""
    return np.cumprod(1.0 + np.nan_to_num(returns)).astype(np.float64, copy=False)


def part(sheet: SheetData) -> Part:
    """Growth of 1 and the loss since the highest point, which the script makes of it."""
    series = {"growth": growth(sheet.returns)}
    curves = [Curve("growth", sheet.title, "own")]
    below = [Curve("drawdown", sheet.title, "loss", area=True)]
    if sheet.benchmark is not None and np.isfinite(sheet.benchmark).any():
        series["benchmark_growth"] = growth(sheet.benchmark)
        curves.append(Curve("benchmark_growth", sheet.benchmark_title, "other"))
        below.append(Curve("benchmark_drawdown", sheet.benchmark_title, "other"))
    before_costs = ""
    if sheet.gross_returns is not None:
        series["gross_growth"] = growth(sheet.gross_returns)
        curves.append(Curve("gross_growth", "Before costs", "gross"))
        before_costs = switch("with-gross", "before costs")
    lowest = min(float(values.min()) for values in series.values())
    highest = max(float(values.max()) for values in series.values())
    log = lowest > 0 and highest / lowest > _LOG_FROM
    tools = '<span id="ranges" class="buttons" role="group" aria-label="Days shown"></span>'
    tools += (switch("log", "log scale", log) if lowest > 0 else "") + before_costs
    if views := known_views(sheet):
        shades = [(view, told) for view, told in _SHADES if view in views or not view]
        tools += pick("shades", "Shade", shades)
    body = figure(
        "growth",
        "Growth of 1 and drawdown",
        f"What one unit of capital became {sheet.costs_told}, and below it the loss since its "
        f"highest point. Drag to zoom (all charts of days follow), double-click or Escape to see "
        f"all {counted(len(sheet.dates), 'session')}; a part begins at 1 again.",
        tools,
        explored=True,
    )
    panels = [
        Panel(curves, "growth", height=300, options={"rebase": True, "log": log, "level": 1}),
        Panel(below, "percent", "Drawdown", 120, {"zero": 0}),
    ]
    return Part(
        Section(
            "Growth",
            f"{sheet.costs_told.capitalize()}; compounded daily.",
            body,
            "QA.sheet(data);",
            anchor="growth-section",
        ),
        [timeline("growth", panels)],
        {
            "dates": day_points(sheet.dates),
            **{name: growth_points(values) for name, values in series.items()},
        },
    )
