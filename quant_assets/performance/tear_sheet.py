"""The tear sheet of a subject: metrics as a table, pictures for the UI, and the page to read.

Belongs here: what is made of a sheet's data. How a strategy or a model fills them stands in
strategy_sheet.py and model_sheet.py, the page in page/, the pictures in plots.py, the PDF in
tear_sheet_pdf.py.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from quant_assets.performance.page.measured import Measured, measure
from quant_assets.performance.page.render import render
from quant_assets.performance.page.sheet_data import SheetData
from quant_assets.performance.plots import equity_picture, monthly_picture


@dataclass(frozen=True)
class TearSheet:
    """What a subject's returns came to.

    Attributes:
        table: table `tear_sheet`: strategy, metric, value (null where undefined).
        measured: the same as numbers, NaN where undefined, and the benchmark's own.
        picture: equity, benchmark and drawdown as PNG; empty without any return.
        monthly_picture: returns by month as PNG; empty without any return.
        page: the page, HTML that needs no network.
    """

    table: pa.Table
    measured: Measured
    picture: bytes
    monthly_picture: bytes
    page: str


def tear_sheet(sheet: SheetData) -> TearSheet:
    """Measure a subject and make its page and pictures; the same bytes for the same data."""
    measured = measure(sheet)
    own = measured.own
    rows = pa.table(
        {
            "strategy": pa.array([sheet.name] * len(own), pa.string()),
            "metric": pa.array(list(own), pa.string()),
            "value": pa.array(list(own.values()), pa.float64(), from_pandas=True),
        }
    )
    return TearSheet(rows, measured, *_pictures(sheet), render(sheet, measured))


def _pictures(sheet: SheetData) -> tuple[bytes, bytes]:
    if not len(sheet.dates):
        return b"", b""
    index = sheet.benchmark
    if index is not None and not np.isfinite(index).any():
        index = None
    dates, returns, title, label = sheet.dates, sheet.returns, sheet.title, sheet.market_label
    return (
        equity_picture(dates, returns, index, title, label, sheet.benchmark_title),
        monthly_picture(dates, returns, title, label),
    )
