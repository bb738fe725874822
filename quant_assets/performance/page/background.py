"""The last section: parameters one by one, and where the numbers come from."""

from quant_assets.pages.shell import Section
from quant_assets.performance.page.parts import Grid, Part, headed
from quant_assets.performance.page.sheet_data import SheetData


def part(sheet: SheetData) -> Part:
    """Parameters and lineage."""
    body = '<div class="row">' + headed(
        "Parameters", "What it ran with, defaults included.", parameter_grid(sheet).html()
    )
    body += headed(
        "Lineage",
        "The same data and parameters give the same page, byte by byte.",
        lineage_grid(sheet).html(),
    )
    section = Section(
        "Parameters and lineage",
        "Everything that is needed to run it again.",
        f"{body}</div>",
        anchor="lineage",
    )
    return Part(section)


def parameter_grid(sheet: SheetData) -> Grid:
    """Parameters one by one."""
    rows = [[name, str(value)] for name, value in sheet.parameters.items()]
    return Grid("parameters", ["Parameter", "Value"], rows, (0, 1), empty="It has none.")


def lineage_grid(sheet: SheetData) -> Grid:
    """Where the numbers come from."""
    found = {
        "Data hash": sheet.lineage.data_hash,
        "Dagster run of the returns": sheet.lineage.run_id,
        "MLflow run": sheet.lineage.tracking_url,
    }
    rows = [[name, value or "not known"] for name, value in found.items()]
    return Grid("lineage", ["What", "Value"], rows, (0, 1))
