"""The page of a tear sheet, put together from its sections."""

from functools import cache
from html import escape
from pathlib import Path

from quant_assets.pages.shell import page, static
from quant_assets.performance.page import (
    background,
    crises_section,
    forecast,
    growth,
    header,
    luck,
    metrics_section,
    regime_section,
    returns,
    risk,
    trades,
    trading,
)
from quant_assets.performance.page.measured import Measured, measure
from quant_assets.performance.page.parts import Part
from quant_assets.performance.page.sheet_data import SheetData

_STATIC = Path(__file__).parent / "static"


def render(sheet: SheetData, measured: Measured | None = None) -> str:
    """The page, with no need of a network; the same bytes for the same sheet.

    Args:
        sheet: the subject.
        measured: its metrics, where they are known already.
    """
    measured = measured or measure(sheet)
    chances = luck.of(sheet, measured)
    parts = _parts(sheet, measured, chances)
    charts = [chart for each in parts for chart in each.charts]
    series = {name: values for each in parts for name, values in each.series.items()}
    links = "".join(
        f'<a href="#{each.section.anchor}">{escape(each.section.title)}</a>' for each in parts
    )
    return page(
        f"{sheet.title} · {sheet.market_label}",
        header.subtitle(sheet),
        [each.section for each in parts],
        {"charts": charts, "series": series},
        _NOTE,
        top=f'<nav aria-label="Sections">{links}</nav>{header.top(sheet, measured, chances)}',
        style=_static("tear_sheet.css"),
        library=f"{static('timeline.js')}\n{_static('tear_sheet.js')}",
    )


_NOTE = (
    "Returns are simple; a day without one is no change in curves and is left out "
    "of metrics. Standard deviations are of samples. Risk-free rates are those of each day. Past "
    "returns, simulated with today's knowledge of which rules to try, are no promise."
)


def _parts(sheet: SheetData, measured: Measured, chances: luck.Luck) -> list[Part]:
    if not len(sheet.dates):
        return [background.part(sheet)]
    found = [
        growth.part(sheet),
        forecast.part(sheet),
        returns.part(sheet),
        risk.part(sheet),
        regime_section.part(sheet),
        crises_section.part(sheet),
        trading.exposure_part(sheet),
        trading.cost_part(sheet),
        trades.part(sheet),
        luck.part(chances),
        metrics_section.part(sheet, measured),
        background.part(sheet),
    ]
    return [each for each in found if each is not None]


@cache
def _static(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")
