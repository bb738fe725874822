"""The section of risk: rolling figures, and the drawdowns one by one."""

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.pages.series import fixed_point
from quant_assets.pages.shell import Section
from quant_assets.performance.drawdown_table import Drawdown, drawdown_table
from quant_assets.performance.page.formats import MISSING, count, day, percent
from quant_assets.performance.page.parts import (
    Curve,
    Grid,
    Panel,
    Part,
    figure,
    headed,
    timeline,
)
from quant_assets.performance.page.sheet_data import SheetData
from quant_assets.performance.rolling import HALF_YEAR, Rolling

_LISTED = 10
_LEAST = 100  # of a window's sessions, those that must have a return


def part(sheet: SheetData) -> Part:
    """Sharpe ratio, volatility, beta and correlation over half a year; the deepest drawdowns."""
    series, panels = rolling(sheet)
    charts, body = [], ""
    if np.isfinite(series["sharpe"]).any():
        charts.append(timeline("rolling", panels))
        body = figure(
            "rolling",
            "Rolling risk",
            f"Over the last {HALF_YEAR} sessions, so each value was known at its close; at least "
            f"{_LEAST} of them must have a return.",
            explored=True,
        )
    else:
        series = {}
    body += headed(
        "Deepest drawdowns",
        "Each from the first session below a peak to the first one that is no longer below it.",
        drawdown_grid(sheet).html(),
    )
    return Part(
        Section("Risk", "How it changed, and how deep it went.", body, anchor="risk"),
        charts,
        {name: fixed_point(values, 2) for name, values in series.items()},
    )


def drawdown_grid(sheet: SheetData) -> Grid:
    """The deepest drawdowns."""
    deepest = drawdown_table(np.nan_to_num(sheet.returns), _LISTED)
    return Grid(
        "drawdowns",
        ["Depth", "From", "Deepest", "Recovered", "Sessions", "Down", "Up again"],
        [_row(each, sheet.dates) for each in deepest],
        (1, 2, 3),
        sortable=True,
        empty="It was never below its start or a peak.",
    )


def rolling(sheet: SheetData) -> tuple[dict[str, FloatArray], list[Panel]]:
    """Series by name, and the panels that draw them."""
    rates = 0.0 if sheet.risk_free is None else sheet.risk_free
    index, year = sheet.benchmark, sheet.annualization
    own = Rolling(sheet.returns, HALF_YEAR, index, rates, year, _LEAST)
    # In windows spent in cash the excess return is the risk-free rate's: its ratios say nothing.
    idle = ~(own.volatility > 0)
    series = {"sharpe": np.where(idle, np.nan, own.sharpe), "volatility": own.volatility}
    sharpe = [Curve("sharpe", sheet.title, "own")]
    volatility = [Curve("volatility", sheet.title, "own")]
    further = []
    if index is not None and np.isfinite(index).any():
        other = Rolling(index, HALF_YEAR, None, rates, year, _LEAST)
        series |= {
            "benchmark_sharpe": other.sharpe,
            "benchmark_volatility": other.volatility,
            "beta": np.where(idle, np.nan, own.beta),
            "correlation": own.correlation,
        }
        sharpe.append(Curve("benchmark_sharpe", sheet.benchmark_title, "other"))
        volatility.append(Curve("benchmark_volatility", sheet.benchmark_title, "other"))
        against = [Curve("beta", "Beta", "own"), Curve("correlation", "Correlation", "gross")]
        title = f"Against {sheet.benchmark_title}"
        further.append(Panel(against, "number", title, 130, {"level": 0, "zero": 0}))
    return series, [
        Panel(sharpe, "number", "Sharpe ratio", 130, {"level": 0}),
        Panel(volatility, "percent", "Volatility", 130, {"zero": 0}),
        *further,
    ]


def _row(each: Drawdown, dates: np.ndarray) -> list[str]:
    back = each.recovered
    return [
        percent(each.depth),
        day(dates[each.first]),
        day(dates[each.deepest]),
        "not yet" if back is None else day(dates[back]),
        count(each.sessions),
        count(each.deepest - each.first + 1),
        MISSING if back is None else count(back - each.deepest),
    ]
