"""What the pages of several strategies share: their frame, the notes on top, colours of lines.

Belongs here: HTML around the sections. The look is that of a tear sheet, with
static/comparison.css; sections stand in the modules of pages.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import quant_assets.performance.page as tear_sheet
from quant_assets.pages.shell import Section, page, static
from quant_assets.performance.page.formats import sentence

_STATIC = Path(__file__).parent / "static"
_SHEET = Path(tear_sheet.__file__).parent / "static" / "tear_sheet.css"
_COLOURS = 7


def kind_of_line(place: int) -> str:
    """The classes of the colour of a line: seven colours, then the same dashed, dotted, mixed."""
    dashes = place // _COLOURS % 4
    return f"c{place % _COLOURS}{f' d{dashes}' if dashes else ''}"


def framed(
    title: str,
    subtitle: str,
    sections: Iterable[Section],
    data: Mapping[str, Any],
    note: str,
    simulated: bool,
    notes: Sequence[str] = (),
) -> str:
    """The whole page, with no need of a network; the same bytes for the same content.

    Args:
        title: of the page.
        subtitle: what it is about.
        sections: its parts.
        data: what scripts draw.
        note: conventions, at the end.
        simulated: whether the market is made up, which is said on top.
        notes: sentences that a reader must know, on top.
    """
    parts = list(sections)
    mark = (
        '<p class="mark" role="note">Simulated data: this market is made up, its returns mean '
        "nothing outside of it.</p>"
        if simulated
        else ""
    )
    said = "".join(f"<li>{escape(sentence(text))}</li>" for text in notes)
    warnings = f'<ul class="warnings" aria-label="Warnings">{said}</ul>' if said else ""
    links = "".join(
        f'<a href="#{part.anchor}">{escape(part.title)}</a>' for part in parts if part.anchor
    )
    return page(
        title,
        subtitle,
        parts,
        data,
        note,
        top=f'<nav aria-label="Sections">{links}</nav>{mark}{warnings}',
        style=_text(_SHEET) + _text(_STATIC / "comparison.css"),
        library=f"{static('timeline.js')}\n{_text(_STATIC / 'comparison.js')}",
    )


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
