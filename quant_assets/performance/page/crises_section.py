"""The section of crises: how the subject went through periods that everybody remembers."""

import numpy as np

from quant_assets.pages.shell import Section
from quant_assets.performance.crises import passages
from quant_assets.performance.page.formats import day, percent
from quant_assets.performance.page.parts import Grid, Part
from quant_assets.performance.page.sheet_data import SheetData


def part(sheet: SheetData) -> Part | None:
    """A small chart for each period, and a table of them; None where the series spans none."""
    found = passages(sheet.dates, sheet.returns, sheet.benchmark, sheet.calendar)
    if not found:
        return None
    with_index = sheet.benchmark is not None
    heads = ["Period", "From", "To", "Return"]
    heads += [sheet.benchmark_title, "Difference"] if with_index else []
    rows = []
    for one in found:
        row = [one.period.name, day(sheet.dates[one.first]), day(sheet.dates[one.last])]
        row.append(percent(one.own, sign=True))
        if with_index:
            row += [percent(one.benchmark, sign=True), percent(one.own - one.benchmark, sign=True)]
        rows.append([*row, percent(one.worst)])
    body = (
        '<div id="crises" class="small" role="img" aria-label="Growth of one unit of capital in '
        'each period; the table below has the returns"></div>'
    ) + Grid("crises", [*heads, "Largest drawdown within"], rows, (0, 1, 2), sortable=True).html()
    described = [
        {"name": one.period.name, "from": one.first, "to": one.last, "own": _known(one.own)}
        for one in found
    ]
    return Part(
        Section(
            "Crises",
            "Growth from the first day of each period, the benchmark's in grey. Periods of which "
            "less than half is covered are left out; dates follow Lean's report.",
            body,
            anchor="crises-section",
        ),
        [{"kind": "crises", "place": "crises", "periods": described}],
    )


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
