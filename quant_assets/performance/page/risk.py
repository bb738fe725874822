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
from quant_assets.performance.rolling import (
    HALF_YEAR,
    rolling_beta,
    rolling_correlation,
    rolling_sharpe,
    rolling_volatility,
)

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
        {name: fixed_point(values) for name, values in series.items()},
    )


def drawdown_grid(sheet: SheetData) -> Grid:
    """The deepest drawdowns."""
    deepest = drawdown_table(np.nan_to_num(sheet.returns), _LISTED)
    return Grid(
        "drawdowns",
        ["Depth", "From", "Deepest", "Recovered", "Sessions", "Down", "Up again"],
        [_row(each, sheet.dates) for each in deepest],
        (0, 1, 2, 3),
        sortable=True,
        empty="It was never below its start or a peak.",
    )


def rolling(sheet: SheetData) -> tuple[dict[str, FloatArray], list[Panel]]:
    """Series by name, and the panels that draw them."""
    rates = 0.0 if sheet.risk_free is None else sheet.risk_free
    year = sheet.annualization
    own = sheet.returns
    series = {
        "sharpe": rolling_sharpe(own, HALF_YEAR, rates, year, _LEAST),
        "volatility": rolling_volatility(own, HALF_YEAR, year, _LEAST),
    }
    sharpe = [Curve("sharpe", sheet.title, "own")]
    volatility = [Curve("volatility", sheet.title, "own")]
    further = []
    index = sheet.benchmark
    if index is not None and np.isfinite(index).any():
        series |= {
            "benchmark_sharpe": rolling_sharpe(index, HALF_YEAR, rates, year, _LEAST),
            "benchmark_volatility": rolling_volatility(index, HALF_YEAR, year, _LEAST),
            "beta": rolling_beta(own, index, HALF_YEAR, rates, year, _LEAST),
            "correlation": rolling_correlation(own, index, HALF_YEAR, _LEAST),
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
