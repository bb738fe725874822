"""The section of returns by month, by year and by day."""

from html import escape
from typing import Any

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.pages.shell import Section
from quant_assets.performance.calendar_returns import monthly_table
from quant_assets.performance.drawdowns import drawdown_series
from quant_assets.performance.page.formats import number, percent
from quant_assets.performance.page.parts import Grid, Part, columns, figure, headed
from quant_assets.performance.page.sheet_data import SheetData

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_BINS = 51
_OUTSIDE = 0.5  # percent of the days beyond each end of the histogram


def part(sheet: SheetData) -> Part:
    """Months as a heat map, years as bars and as a table, days as a histogram."""
    years, months = monthly_table(sheet.dates, sheet.returns)
    benchmark = None
    if sheet.benchmark is not None and np.isfinite(sheet.benchmark).any():
        benchmark = monthly_table(sheet.dates, sheet.benchmark)[1][:, 12]
    bars = [(sheet.title, months[:, 12], "own")]
    if benchmark is not None:
        bars.append((sheet.benchmark_title, benchmark, "other"))
    labels = [str(year) for year in years]
    body = headed(
        "Months",
        "Compound return of each month in percent, blue for gains and orange for losses; the last "
        "column is the year. The first and the last month may be parts.",
        heat_map(labels, months),
    )
    body += '<div class="row">'
    body += figure("years", "Years", "Compound return of each year, parts of a year included.")
    charts = [columns("years", labels, bars, "percent", x="year")]
    known = sheet.returns[np.isfinite(sheet.returns)]
    if len(known) > 1 and known.min() < known.max():
        body += figure(
            "days",
            "Days",
            "How many days had which return, against the normal law of the same mean and "
            f"deviation; {2 * _OUTSIDE:g} % of the days lie beyond the ends and are counted in "
            "the outermost bars.",
        )
        charts.append(histogram(known))
    body += "</div>" + headed(
        "Year by year", "What each year came to, and at what risk.", year_grid(sheet, years).html()
    )
    return Part(Section("Returns", "By month, year and day.", body, anchor="returns"), charts)


def heat_map(labels: list[str], months: FloatArray) -> str:
    """Months by year as a table in colours."""
    bound = max(float(np.nanpercentile(np.abs(months[:, :12]), 95)), 0.01)
    lines = ""
    for label, row in zip(labels, months, strict=True):
        cells = ""
        for place, value in enumerate(row):
            if np.isnan(value):
                cells += "<td></td>"
                continue
            share = min(abs(value) / bound, 1.0) if place < 12 else 0.0
            kind = "gain" if value >= 0 else "drop"
            head = "year" if place == 12 else f"{kind}{' strong' if share > 0.8 else ''}"
            cells += f'<td class="{head}" style="--v:{share:.2f}">{number(value * 100, 1)}</td>'
        lines += f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>'
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("", *_MONTHS, "Year"))
    return (
        '<div class="scroll"><table class="heat" data-name="monthly returns in percent">'
        f"<thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def histogram(returns: FloatArray) -> dict[str, Any]:
    """Days by their return, and what a normal law would give."""
    low, high = np.percentile(returns, [_OUTSIDE, 100 - _OUTSIDE])
    reach = max(abs(low), abs(high))
    edges = np.linspace(-reach, reach, _BINS + 1)
    counts, _ = np.histogram(np.clip(returns, -reach, reach), edges)
    middle = (edges[1:] + edges[:-1]) / 2
    deviation = returns.std(ddof=1)
    density = np.exp(-0.5 * ((middle - returns.mean()) / deviation) ** 2)
    normal = density / (deviation * np.sqrt(2 * np.pi)) * (edges[1] - edges[0]) * len(returns)
    tail = float(np.percentile(returns, 5.0))
    return columns(
        "days",
        [percent(value) for value in middle],
        [("days", counts, "own")],
        "count",
        x="return",
        lines=[{"name": "normal law", "values": normal, "kind": "other", "format": "number"}],
        marks=[
            {"at": (tail + reach) / (2 * reach) * _BINS, "name": f"5th percentile {percent(tail)}"}
        ],
    )


def year_grid(sheet: SheetData, years: np.ndarray) -> Grid:
    """Return, volatility and largest drawdown of each year, beside the benchmark."""
    of_day = sheet.dates.astype("datetime64[Y]").astype(np.int64) + 1970
    with_index = sheet.benchmark is not None
    rows = []
    for year in years[::-1]:
        inside = of_day == year
        own = sheet.returns[inside]
        own = own[np.isfinite(own)]
        if not len(own):
            continue
        total = float(np.prod(1.0 + own) - 1.0)
        deviation = float(own.std(ddof=1)) if len(own) > 1 else np.nan
        row = [str(year), str(len(own)), percent(total)]
        if sheet.benchmark is not None:
            index = sheet.benchmark[inside]
            theirs = float(np.prod(1.0 + np.nan_to_num(index)) - 1.0)
            theirs = theirs if np.isfinite(index).any() else np.nan
            row += [percent(theirs), percent(total - theirs, sign=True)]
        row += [
            percent(deviation * float(np.sqrt(sheet.annualization))),
            percent(float(drawdown_series(own).min())),
            percent(float(own.max())),
            percent(float(own.min())),
        ]
        rows.append(row)
    heads = ["Year", "Sessions", "Return"]
    heads += [sheet.benchmark_title, "Difference"] if with_index else []
    return Grid(
        "years",
        [*heads, "Volatility", "Largest drawdown within", "Best day", "Worst day"],
        rows,
        sortable=True,
    )
