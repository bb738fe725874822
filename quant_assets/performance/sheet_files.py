"""The files of a tear sheet: its page, and on request QuantStats' report and a PDF.

Belongs here: names of files, which of them are made, and the metrics as Markdown for the UI. Where
they are put is not known here.
"""

from dataclasses import dataclass, replace

from quant_assets.performance.metrics import METRICS
from quant_assets.performance.page.formats import by_unit
from quant_assets.performance.page.render import render
from quant_assets.performance.page.sheet_data import SheetData
from quant_assets.performance.tear_sheet import TearSheet

PAGE, QUANTSTATS, PDF = "tear_sheet.html", "quantstats.html", "tear_sheet.pdf"


@dataclass(frozen=True)
class SheetFiles:
    """What is kept of a tear sheet.

    Attributes:
        pages: (what it is, file name, content) of each that people open.
        pictures: file name -> PNG.
        markdown: the metrics as a table for the UI.
        missing: why there is no QuantStats report though one was asked for; None otherwise.
    """

    pages: list[tuple[str, str, bytes]]
    pictures: dict[str, bytes]
    markdown: str
    missing: str | None


def sheet_files(
    sheet: SheetData, made: TearSheet, pdf: bool = False, quantstats: bool = False
) -> SheetFiles:
    """The files of a sheet.

    Args:
        sheet: the subject.
        made: its tear sheet.
        pdf: whether a PDF is wanted.
        quantstats: whether QuantStats' report is wanted, which takes 2 to 8 s.
    """
    links: dict[str, str] = {}
    further: list[tuple[str, str, bytes]] = []
    missing = None
    if quantstats:
        from quant_assets.performance.quantstats_report import quantstats_report

        report = quantstats_report(sheet)
        missing = report.missing
        if report.page is not None:
            links["QuantStats' report"] = QUANTSTATS
            further.append(("quantstats", QUANTSTATS, report.page.encode()))
    if pdf:
        from quant_assets.performance.tear_sheet_pdf import tear_sheet_pdf

        links["PDF"] = PDF
        further.append(("pdf", PDF, tear_sheet_pdf(sheet, made.measured)))
    page = made.page
    if links:  # they lie beside the page
        page = render(replace(sheet, links={**sheet.links, **links}), made.measured)
    pictures = {"equity.png": made.picture, "months.png": made.monthly_picture}
    return SheetFiles(
        [("page", PAGE, page.encode()), *further],
        {name: content for name, content in pictures.items() if content},
        _markdown(made),
        missing,
    )


def _markdown(made: TearSheet) -> str:
    """The metrics as a table for the UI."""
    rows = [
        f"| {METRICS[name].title} | {by_unit(value, METRICS[name].unit)} |"
        for name, value in made.measured.own.items()
    ]
    return "\n".join(["| metric | value |", "| --- | ---: |", *rows])
