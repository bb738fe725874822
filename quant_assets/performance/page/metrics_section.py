"""The section of all metrics in groups, each with its convention."""

from html import escape

from quant_assets.pages.shell import Section
from quant_assets.performance.metrics import METRICS
from quant_assets.performance.page.formats import by_unit
from quant_assets.performance.page.measured import Measured
from quant_assets.performance.page.parts import Part
from quant_assets.performance.page.sheet_data import SheetData

GROUPS = {
    "return": "Return",
    "risk": "Risk",
    "drawdown": "Drawdowns",
    "gains": "Gains and losses",
    "periods": "Days, weeks, months and years",
    "benchmark": "Against the benchmark",
    "trading": "Trading",
}


def part(sheet: SheetData, measured: Measured) -> Part:
    """A table of every metric, by group."""
    index = measured.benchmark is not None
    head = f'<th scope="col" class="n">{escape(sheet.title)}</th>'
    if index:
        head += f'<th scope="col" class="n">{escape(sheet.benchmark_title)}</th>'
    lines, group = "", ""
    for name, value in measured.own.items():
        metric = METRICS[name]
        if metric.group != group:
            group = metric.group
            title = GROUPS.get(group, group.capitalize())
            span = 4 if index else 3
            lines += f'<tr class="group"><th scope="rowgroup" colspan="{span}">{title}</th></tr>'
        cells = f'<td class="n">{by_unit(value, metric.unit)}</td>'
        if index:
            cells += f'<td class="n">{by_unit(measured.of_benchmark(name), metric.unit)}</td>'
        lines += (
            f'<tr><th scope="row">{escape(metric.title)}</th>{cells}'
            f'<td class="told">{escape(metric.description)}</td></tr>'
        )
    body = (
        '<label>Find <input type="search" id="find" autocomplete="off" '
        'placeholder="name or words"></label>'
        '<table class="metrics" id="metrics-table" data-name="metrics"><thead><tr>'
        f'<th scope="col">Metric</th>{head}<th scope="col">Convention</th></tr></thead>'
        f"<tbody>{lines}</tbody></table>"
    )
    return Part(
        Section(
            "All metrics",
            f"{len(measured.own)} figures of the returns {sheet.costs_told}, each with how it is "
            "counted; a dash is undefined.",
            body,
            anchor="metrics",
        )
    )
