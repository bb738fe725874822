"""The tear sheet as a PDF of A4 pages, for readers who print or file it.

Belongs here: which of the sheet's parts are shown and in which order. Rows of tables are those of
the page (page/), the layout stands in pdf_document.py.
"""

import io
from typing import Any

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.calendar_returns import monthly_sums, monthly_table
from quant_assets.performance.drawdowns import drawdown_series
from quant_assets.performance.metrics import METRICS
from quant_assets.performance.page import (
    background,
    forecast,
    header,
    luck,
    regime_section,
    returns,
    risk,
    trades,
    trading,
)
from quant_assets.performance.page.formats import by_unit, sentence
from quant_assets.performance.page.growth import growth
from quant_assets.performance.page.measured import Measured
from quant_assets.performance.page.metrics_section import GROUPS
from quant_assets.performance.page.parts import Grid, Panel
from quant_assets.performance.page.sheet_data import SheetData
from quant_assets.performance.pdf_document import OWN, Document, document
from quant_assets.performance.plots import date_axis, growth_axis, months_heat_map, percent_axis
from quant_assets.performance.rolling import HALF_YEAR

_OTHER, _LOSS, _NET = "#7a828c", "#D55E00", "#009E73"
_KINDS = {"own": OWN, "other": _OTHER, "loss": _LOSS, "gross": _NET, "ink": "#1b1f24"}
_SHARES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")


def tear_sheet_pdf(sheet: SheetData, measured: Measured) -> bytes:
    """The PDF; the same bytes for the same sheet."""
    stream = io.BytesIO()
    title = f"{sheet.title} · {sheet.market_label}"
    with document(stream, title, title) as made:
        chances = luck.of(sheet, measured)
        made.title(title, header.subtitle(sheet))
        made.tiles(
            [
                (name, value, words)
                for name, value, words, _ in header.tiles(sheet, measured, chances)
            ]
        )
        for text in header.warnings(sheet):
            made.paragraph(f"Note: {sentence(text)}", _LOSS)
        if len(sheet.dates):
            _growth(made, sheet)
        made.heading("What was run", room=60)
        made.facts(list(header.facts(sheet, chances).items()))
        if len(sheet.dates):
            _returns(made, sheet)
            _risk(made, sheet)
            _activity(made, sheet)
            _trades(made, sheet)
        made.heading("Luck", "The more is tried, the better the best looks by chance alone.")
        made.table(luck.luck_grid(chances), (26, 12, 82))
        _metrics(made, sheet, measured)
        made.heading("Parameters", room=60)
        made.table(background.parameter_grid(sheet), (30, 90))
        made.table(background.lineage_grid(sheet), (30, 90))
    return stream.getvalue()


def _growth(made: Document, sheet: SheetData) -> None:
    made.heading(
        "Growth and drawdown", f"Growth of 1 {sheet.costs_told}; below, the loss since the peak."
    )
    upper, lower = made.axes(250, (3, 1))
    own = growth(sheet.returns)
    values = [own]
    if sheet.benchmark is not None:
        values.append(growth(sheet.benchmark))
        upper.plot(sheet.dates, values[1], color=_OTHER, lw=0.8, label=sheet.benchmark_title)
    if sheet.gross_returns is not None:
        values.append(growth(sheet.gross_returns))
        upper.plot(sheet.dates, values[-1], color=_NET, lw=0.7, label="before costs")
    upper.plot(sheet.dates, own, color=OWN, lw=1.1, label=sheet.title)
    growth_axis(upper, np.concatenate(values))
    _legend(upper)
    below = drawdown_series(np.nan_to_num(sheet.returns))
    lower.fill_between(sheet.dates, below, 0.0, color=_LOSS, alpha=0.3, lw=0)
    lower.plot(sheet.dates, below, color=_LOSS, lw=0.7)
    percent_axis(lower)
    _days(upper, lower)


def _returns(made: Document, sheet: SheetData) -> None:
    years, months = monthly_table(sheet.dates, sheet.returns)
    high = 34 + 15.0 * len(years)
    made.heading("Returns", "By month in percent, the year in the last column.", high)
    (axes,) = made.axes(high)
    months_heat_map(axes, years, months)
    made.heading("Year by year", room=60)
    made.table(returns.year_grid(sheet, years))
    known = sheet.returns[np.isfinite(sheet.returns)]
    if len(known) > 1 and known.min() < known.max():
        made.heading("Days", "How many days had which return; the line is the normal law.", 150)
        (axes,) = made.axes(150)
        drawn = returns.histogram(known)
        counts = drawn["series"][0]["values"]
        axes.bar(np.arange(len(counts)), counts, 0.9, color=OWN)
        axes.plot(drawn["lines"][0]["values"], color=_OTHER, lw=0.9)
        places = np.linspace(0, len(counts) - 1, 7).astype(int)
        axes.set_xticks(places, [drawn["labels"][k] for k in places])


def _risk(made: Document, sheet: SheetData) -> None:
    series, panels = risk.rolling(sheet)
    if np.isfinite(series["sharpe"]).any():
        made.heading("Rolling risk", f"Over the last {HALF_YEAR} sessions.", 300)
        _drawn(made, sheet, panels, series, 110.0 * len(panels))
    made.heading("Deepest drawdowns")
    made.table(risk.drawdown_grid(sheet))
    regimes = regime_section.regime_grid(sheet)
    if regimes.rows:
        made.heading("Regimes", "Each day by the regime that was known at the close before it.")
        made.table(regimes)
    if sheet.forecast is not None and len(sheet.forecast.dates):
        made.heading("Forecasts", "How well the scores ordered what came after.")
        made.table(forecast.figures(sheet.forecast), (40, 20))


def _activity(made: Document, sheet: SheetData) -> None:
    series, panels = trading.exposures(sheet)
    if panels:
        made.heading("Exposure", "Shares of equity at each close, and securities held.", 200)
        _drawn(made, sheet, panels, series, 100.0 * len(panels))
    kinds = trading.cost_kinds(sheet)
    if sheet.activity.turnover is not None:
        made.heading("Turnover and costs", "By month, as shares of equity.", 150)
        left, right = made.axes(140, across=2)
        months, sums = monthly_sums(sheet.dates, sheet.activity.turnover)
        left.bar(months.astype("datetime64[D]"), sums, 25, color=OWN)
        left.set_title("turnover", fontsize=7, loc="left")
        base = np.zeros(len(months))
        for colour, (name, values) in zip(_SHARES, kinds.items(), strict=False):
            paid = monthly_sums(sheet.dates, values)[1]
            right.bar(months.astype("datetime64[D]"), paid, 25, base, color=colour, label=name)
            base += paid
        if kinds:
            _legend(right)
        for axes in (left, right):
            percent_axis(axes)
            date_axis(axes)
        made.table(trading.cost_grid(sheet, kinds))


def _trades(made: Document, sheet: SheetData) -> None:
    if sheet.holdings is None:
        return
    last, ever = trades.position_grids(sheet, sheet.holdings)
    made.heading("Largest positions at the last close")
    made.table(last)
    made.heading("Largest positions ever")
    made.table(ever)
    trips = trades.trips_of(sheet)
    if trips is not None:
        made.heading("Round trips", "From the first purchase to the last sale, after costs.")
        made.table(trades.trip_grid(trips), (60, 20))
        for name, grid in zip(
            ("Best", "Worst"), trades.extreme_trips(trips, sheet.currency), strict=True
        ):
            made.heading(f"{name} round trips")
            made.table(grid)


def _metrics(made: Document, sheet: SheetData, measured: Measured) -> None:
    made.heading(
        "All metrics",
        f"{sheet.costs_told.capitalize()}; each with how it is counted; a dash is undefined.",
    )
    with_index = measured.benchmark is not None
    heads = ["Metric", sheet.title, *([sheet.benchmark_title] if with_index else []), "Convention"]
    for group in dict.fromkeys(METRICS[name].group for name in measured.own):
        rows = []
        for name, value in measured.own.items():
            metric = METRICS[name]
            if metric.group != group:
                continue
            row = [metric.title, by_unit(value, metric.unit)]
            if with_index:
                row.append(by_unit(measured.of_benchmark(name), metric.unit))
            rows.append([*row, metric.description])
        made.heading(GROUPS.get(group, group.capitalize()), room=50)
        texts = (0, len(heads) - 1)
        weights = (30, 16, 16, 70) if with_index else (30, 16, 80)
        made.table(Grid(group, heads, rows, texts), weights, 6.2)


def _drawn(
    made: Document,
    sheet: SheetData,
    panels: list[Panel],
    series: dict[str, FloatArray],
    height: float,
) -> None:
    """The panels of a timeline above one another."""
    drawn = made.axes(height, [panel.height for panel in panels])
    for axes, panel in zip(drawn, panels, strict=True):
        for curve in panel.curves:
            colour = _KINDS.get(curve.kind, OWN)
            axes.plot(sheet.dates, series[curve.series], color=colour, lw=0.8, label=curve.name)
        if "zero" in panel.options:
            axes.axhline(panel.options["zero"], color="#9a9a9a", lw=0.5)
        if panel.format == "percent":
            percent_axis(axes)
        axes.set_ylabel(panel.title, fontsize=6.5)
        _legend(axes)
    _days(*drawn)


def _days(*above_one_another: Any) -> None:
    """Dates below the last, none below the others."""
    for axes in above_one_another[:-1]:
        axes.tick_params(labelbottom=False)
    date_axis(above_one_another[-1])
    above_one_another[-1].margins(x=0.01)


def _legend(axes: Any) -> None:
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 0.97),
        ncols=5,
        frameon=False,
        borderpad=0.1,
        fontsize=6.5,
        handlelength=1.4,
    )
