"""The sections of exposure, and of turnover and costs."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from quant_assets.market_data.panels import FloatArray, session_dates
from quant_assets.pages.series import fixed_point
from quant_assets.pages.shell import Section
from quant_assets.performance.calendar_returns import monthly_sums
from quant_assets.performance.holdings import sector_exposure
from quant_assets.performance.page.formats import money, number, percent
from quant_assets.performance.page.growth import growth
from quant_assets.performance.page.parts import (
    Curve,
    Grid,
    Panel,
    Part,
    columns,
    figure,
    headed,
    timeline,
)
from quant_assets.performance.page.sheet_data import SheetData

_SECTORS = 7  # drawn one by one; the rest together
_OTHERS = "others"
_FILL_COSTS = {"Commission": "commission", "Stamp tax": "stamp_tax", "Slippage": "slippage"}


def exposures(sheet: SheetData) -> tuple[dict[str, FloatArray], list[Panel]]:
    """Series of exposure, cash and positions by name, and the panels that draw them."""
    activity = sheet.activity
    series: dict[str, FloatArray] = {}
    curves, panels = [], []
    long, short = activity.long_exposure, activity.short_exposure
    if long is not None:
        series["long"] = long
        curves.append(Curve("long", "Long", "own"))
    if long is not None and short is not None and np.any(short > 0):
        series |= {"short": -short, "net": long - short}
        curves += [Curve("short", "Short", "loss"), Curve("net", "Net", "ink")]
    if activity.cash is not None:
        series["cash"] = activity.cash
        curves.append(Curve("cash", "Cash", "other"))
    if curves:
        panels.append(Panel(curves, "percent", "Share of equity", 190, {"zero": 0}))
    if activity.positions is not None:
        series["positions"] = activity.positions.astype(np.float64)
        line = [Curve("positions", "Securities held", "own")]
        panels.append(Panel(line, "count", "Positions", 110, {"zero": 0}))
    return series, panels


def exposure_part(sheet: SheetData) -> Part | None:
    """Long, short and net exposure, cash and positions by day; sectors by month."""
    series, panels = exposures(sheet)
    if not panels:
        return None
    charts = [timeline("exposure", panels)]
    body = figure(
        "exposure",
        "Exposure",
        "Weights at each close: the sum of those held long, of those held short (below 0), what "
        "is left of one less the other, and cash; below, how many securities are held.",
        explored=True,
    )
    sectors = _sectors(sheet)
    if sectors:
        charts.append(sectors)
        body += figure(
            "sectors",
            "Exposure by sector",
            "Net weight of each sector at the last close of each month; sectors beyond the "
            f"{_SECTORS} largest are drawn together.",
        )
    return Part(
        Section(
            "Exposure", "How much of the capital was at work, and where.", body, "", "exposures"
        ),
        charts,
        {name: fixed_point(values, 2) for name, values in series.items() if name != "net"},
    )


def _sectors(sheet: SheetData) -> dict[str, object] | None:
    if sheet.holdings is None:
        return None
    found = sector_exposure(sheet.holdings.positions, sheet.holdings.sectors)
    if found is None:
        return None
    drawn = found.sectors[:_SECTORS]
    series = [(name, found.net[:, k], f"c{k}") for k, name in enumerate(drawn)]
    if len(found.sectors) > len(drawn):
        series.append((_OTHERS, found.net[:, len(drawn) :].sum(axis=1), "other"))
    labels = [str(month) for month in found.months]
    return columns("sectors", labels, series, "percent", stacked=True, x="month", height=240)


def cost_part(sheet: SheetData) -> Part | None:
    """Turnover and costs by month, costs by kind, growth before and after them."""
    activity = sheet.activity
    if not len(sheet.dates) or (activity.turnover is None and activity.cost is None):
        return None
    months, _ = monthly_sums(sheet.dates, np.zeros(len(sheet.dates)))
    labels = [str(month) for month in months]
    charts, figures = [], ""
    if activity.turnover is not None:
        sums = monthly_sums(sheet.dates, activity.turnover)[1]
        charts.append(columns("turnover", labels, [("Traded", sums, "own")], "percent", x="month"))
        figures += figure(
            "turnover",
            "Turnover by month",
            "Purchases plus sales as a share of equity: 200 % is the whole portfolio sold and "
            "bought anew.",
        )
    kinds = cost_kinds(sheet)
    if kinds:
        bars = [
            (name, monthly_sums(sheet.dates, values)[1], f"c{k}")
            for k, (name, values) in enumerate(kinds.items())
        ]
        charts.append(columns("costs", labels, bars, "percent", stacked=True, x="month"))
        figures += figure(
            "costs",
            "Costs by month",
            "What was paid, as a share of equity: " + ", ".join(kinds).lower() + ".",
        )
    body = f'<div class="row">{figures}</div>'
    if sheet.gross_returns is not None:
        lost = Curve("cost_drag", "Lost to costs", "loss", True)
        charts.append(timeline("drag", [Panel([lost], "percent", "", 150, {"zero": 0})]))
        body += figure(
            "drag",
            "What costs took",
            "How far the curve after costs lies below the one before them, which the chart of "
            "growth shows when it is asked for.",
            explored=True,
        )
    body += headed(
        "Costs by kind",
        "Over the whole time. A year is the mean of the days times the sessions a year.",
        cost_grid(sheet, kinds).html(),
    )
    return Part(
        Section("Turnover and costs", "What trading took.", body, "", "costs-section"), charts
    )


def cost_kinds(sheet: SheetData) -> dict[str, FloatArray]:
    """Costs by kind and day as shares of equity; those that never occurred are left out.

    Where fills are known, commission, stamp tax and slippage come from them; otherwise trading
    costs are one kind.
    """
    activity, holdings = sheet.activity, sheet.holdings
    kinds: dict[str, FloatArray] = {}
    if holdings is not None and holdings.fills is not None and sheet.capital is not None:
        kinds |= _from_fills(sheet.dates, holdings.fills, sheet.capital * equity_before(sheet))
    elif activity.cost is not None:
        kinds["Trading costs"] = activity.cost
    further: Mapping[str, FloatArray | None] = {
        "Borrowing": activity.borrow_cost,
        "Income tax": activity.tax,
    }
    kinds |= {name: values for name, values in further.items() if values is not None}
    return {name: values for name, values in kinds.items() if np.nansum(np.abs(values)) > 0}


def equity_before(sheet: SheetData) -> FloatArray:
    """Equity at the close before each session, in units of the capital at the start, shape (T,)."""
    return np.concatenate([[1.0], growth(sheet.returns)[:-1]])


def _from_fills(dates: np.ndarray, fills: pa.Table, equity: FloatArray) -> dict[str, FloatArray]:
    day = np.searchsorted(dates, session_dates(fills["date"]))
    known = day < len(dates)
    return {
        name: np.bincount(day[known], fills[column].to_numpy()[known], len(dates)) / equity
        for name, column in _FILL_COSTS.items()
    }


def cost_grid(sheet: SheetData, kinds: Mapping[str, FloatArray]) -> Grid:
    """Costs by kind over the whole time."""
    traded = sheet.activity.turnover
    volume = float(np.nansum(traded)) if traded is not None else np.nan
    before = equity_before(sheet) * sheet.capital if sheet.capital is not None else None
    rows = []
    for name, values in kinds.items():
        total = float(np.nansum(values))
        paid = float(np.nansum(values * before)) if before is not None else np.nan
        rows.append(
            [
                name,
                percent(float(np.nanmean(values)) * sheet.annualization, 2),
                number(total / volume * 1e4, 1) if volume > 0 else "–",
                money(paid, sheet.currency),
            ]
        )
    heads = ["Cost", "A year, share of equity", "Basis points of the traded value", "Paid"]
    return Grid("costs", heads, rows, empty="Nothing was paid.")
