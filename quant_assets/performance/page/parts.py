"""What the sections of a tear sheet's page are made of: figures, tables, and the data they draw.

Belongs here: HTML and chart descriptions that several sections share; every text is escaped. The
frame of the page stands in pages/shell.py, the drawing in pages/static/timeline.js.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from quant_assets.pages.shell import Section

# Texts of so many letters are broken into lines.
_LONG = 40


@dataclass(frozen=True)
class Curve:
    """A line of a chart: the series it draws, its name there, and its kind, which has a colour."""

    series: str
    name: str
    kind: str
    area: bool = False

    def described(self) -> dict[str, Any]:
        """For the script."""
        return {"of": self.series, "name": self.name, "kind": self.kind, "area": self.area}


@dataclass(frozen=True)
class Panel:
    """One of the charts above one another that share their days.

    Attributes:
        curves: its lines.
        format: percent, growth, number or count.
        title: above it.
        height: in pixels.
        options: `log`, `rebase` (to the first day looked at), `zero` (always in view), `level`.
    """

    curves: Sequence[Curve]
    format: str
    title: str = ""
    height: int = 150
    options: Mapping[str, Any] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """For the script."""
        return {
            "title": self.title,
            "height": self.height,
            "format": self.format,
            **self.options,
            "series": [curve.described() for curve in self.curves],
        }


@dataclass(frozen=True)
class Part:
    """A section of the page and what its charts draw: timelines, columns, and series by name."""

    section: Section
    charts: Sequence[Mapping[str, Any]] = ()
    series: Mapping[str, Any] = field(default_factory=dict)


def timeline(place: str, panels: Iterable[Panel]) -> dict[str, Any]:
    """A chart of days, for the script."""
    return {"kind": "timeline", "place": place, "panels": [panel.described() for panel in panels]}


def columns(
    place: str,
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[float] | Any, str]],
    format: str,
    **options: Any,
) -> dict[str, Any]:
    """A chart of bars, for the script.

    Args:
        place: of the figure.
        labels: a group of bars each.
        series: (name, values, kind) each.
        format: percent, number or count.
        options: `stacked`, `signed` (kind of negative bars), `lines`, `marks`, `height`, `x`
            (name of the labels), `names` (of the labels, in the data).
    """

    def shown(values: Any) -> Any:
        # Of hundreds of months: four digits, which is more than a bar can show.
        if format != "percent":
            return values
        return [float(f"{value:.4g}") for value in np.asarray(values, np.float64)]

    described = [{"name": n, "values": shown(v), "kind": k} for n, v, k in series]
    return {
        "kind": "columns",
        "place": place,
        "labels": list(labels),
        "series": described,
        "format": format,
        **options,
    }


def figure(place: str, title: str, sentence: str, tools: str = "", explored: bool = False) -> str:
    """The place of a chart, with what it shows and where its data are.

    Args:
        place: its name.
        title: its heading.
        sentence: what it shows.
        tools: HTML of its controls.
        explored: whether it takes keys; then it is no image to those who do not see.
    """
    role = "group" if explored else "img"
    label = escape(f"{title}. {sentence}", quote=True)
    head = f"<figcaption><h3>{escape(title)}</h3><p>{escape(sentence)}</p></figcaption>"
    bar = f'<div class="tools">{tools}</div>' if tools else ""
    return (
        f'<figure>{head}{bar}<div class="chart" id="{place}" role="{role}" aria-label="{label}">'
        f'</div><div class="behind" id="{place}-data"></div></figure>'
    )


@dataclass(frozen=True)
class Grid:
    """A table of ready texts, for the page and for the PDF.

    Attributes:
        name: what it holds, also the name of the file that the reader can save.
        heads: of the columns.
        rows: cells.
        texts: places of the columns of words; the others are numbers and stand on the right.
        sortable: whether a click on a head sorts.
        empty: what is said where there are no rows.
    """

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: Sequence[int] = (0,)
    sortable: bool = False
    empty: str = "None."

    def html(self) -> str:
        """As HTML; long words may be broken into lines."""
        if not self.rows:
            return f"<p>{escape(self.empty)}</p>"
        head = "".join(
            f'<th scope="col"{"" if k in self.texts else " class=n"}>{escape(each)}</th>'
            for k, each in enumerate(self.heads)
        )
        body = "".join(
            f"<tr>{''.join(self._cell(k, cell) for k, cell in enumerate(row))}</tr>"
            for row in self.rows
        )
        kind = ' class="sortable"' if self.sortable else ""
        return (
            f'<div class="scroll"><table{kind} data-name="{escape(self.name, quote=True)}">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _cell(self, place: int, text: str) -> str:
        if place not in self.texts:
            return f'<td class="n">{escape(text)}</td>'
        return f"<td{' class=long' if len(text) > _LONG else ''}>{escape(text)}</td>"


def headed(title: str, sentence: str, body: str) -> str:
    """A part of a section under a heading of its own."""
    return f"<div><h3>{escape(title)}</h3><p>{escape(sentence)}</p>{body}</div>"


def switch(place: str, label: str, on: bool = False) -> str:
    """A box to tick."""
    checked = " checked" if on else ""
    return f'<label><input type="checkbox" id="{place}"{checked}> {escape(label)}</label>'


def pick(place: str, label: str, options: Sequence[tuple[str, str]]) -> str:
    """A list to choose from; options are (value, name)."""
    items = "".join(f'<option value="{escape(v)}">{escape(n)}</option>' for v, n in options)
    return f'<label>{escape(label)} <select id="{place}">{items}</select></label>'
