"""A tear sheet's page with its metrics, beside QuantStats' HTML report of the same returns.

Ours has more in it (positions, trades, costs, regimes), theirs more pictures. They agree if the
figures that both define alike are equal to the digits that QuantStats prints, and if our page has
the same bytes each time and less than 400 kB.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from quant_assets.compiled import warm_up_all
from quant_assets.performance.page.measured import measure
from quant_assets.performance.page.render import render
from quant_assets.performance.page.sheet_data import SheetData
from quant_assets.performance.quantstats_page import quantstats_page
from quant_assets.performance.tear_sheet import tear_sheet
from quant_assets.performance.tear_sheet_pdf import tear_sheet_pdf
from quant_assets_tests.benchmarks.harness import Result, compare, main
from quant_assets_tests.performance.sheet_samples import model_sheet, strategy_sheet

JOB = "tear_sheet"
_LARGEST = 400_000
# Their name, ours, and what theirs is printed in.
_SHARED = (
    ("Cumulative Return", "total_return", 100.0),
    ("Sharpe", "sharpe", 1.0),
    ("Sortino", "sortino", 1.0),
    ("Max Drawdown", "max_drawdown", 100.0),
    ("Volatility (ann.)", "volatility", 100.0),
    ("Calmar", "calmar", 1.0),
)


def cases(quick: bool) -> Iterator[Result]:
    """The page beside the peer's, then what is made beside it."""
    warm_up_all()
    days = 300 if quick else 2520
    # One rate for all days, which is what QuantStats can take.
    sheet = replace(strategy_sheet(days, held=10 if quick else 30), risk_free=np.zeros(days))
    repeats = 1 if quick else 3
    yield compare(
        JOB,
        f"page and metrics, {days:,} days",
        lambda: render(sheet),
        "QuantStats html",
        lambda: _theirs(sheet),
        lambda ours, theirs: _equal(sheet, ours, theirs),
        repeats,
    )
    yield compare(JOB, "metrics alone", lambda: measure(sheet), repeats=repeats)
    yield compare(
        JOB,
        "page of a model",
        lambda: render(model_sheet(days)),
        agree=lambda page, _: page == render(model_sheet(days)),
        repeats=repeats,
    )
    yield compare(
        JOB, "page, metrics and both pictures", lambda: tear_sheet(sheet), repeats=repeats
    )
    measured = measure(sheet)
    yield compare(
        JOB,
        "PDF",
        lambda: tear_sheet_pdf(sheet, measured),
        agree=lambda made, _: made == tear_sheet_pdf(sheet, measured),
        repeats=1,
    )


def _theirs(sheet: SheetData) -> str:
    assert sheet.benchmark is not None
    names = (sheet.title, sheet.title, sheet.benchmark_title)
    return quantstats_page(sheet.dates, sheet.returns, sheet.benchmark, 0.0, 252, *names)


def _equal(sheet: SheetData, ours: str, theirs: str) -> bool:
    own = measure(sheet).own
    for name, metric, scale in _SHARED:
        row = re.search(rf"<tr><td>{re.escape(name)}\s*</td>(.*?)</tr>", theirs)
        if row is None:
            return False
        printed = re.findall(r"<td>(.*?)</td>", row[1])[-1].strip().replace("%", "")
        if abs(float(printed.replace(",", "")) - own[metric] * scale) > 0.0051:
            return False
    return ours == render(sheet) and len(ours.encode()) < _LARGEST


if __name__ == "__main__":
    main(JOB, cases)
