"""A page that needs no network: its frame, its tables, the data for its charts.

Belongs here: HTML that any page of ours needs; every text is escaped. Not here: what a page says,
and charts (static/charts.js and others).

    data = {"boxes": [{"label": "1", "values": [1, 2, 3, 4, 5], "count": 9}]}
    html = page(
        "Runs", "What they took.",
        [Section("Runtime", "By threads.", chart("boxes"), script="QA.boxes('boxes', data.boxes)")],
        data,
    )
    artifacts.put("us/runs/runs.html", html)
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

_STATIC = Path(__file__).parent / "static"
# Nothing may be loaded, whatever a page holds by mistake.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
# As many digits as a chart can show; a page of numbers in full would be three times as large.
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page: a title, a sentence that says what it shows, HTML, and a script for it.

    The script runs after the page has been read; it finds the page's data as `data`. A section with
    an anchor can be linked to as `#anchor`.
    """

    title: str
    sentence: str
    body: str
    script: str = ""
    anchor: str = ""


def page(
    title: str,
    subtitle: str,
    sections: Iterable[Section],
    data: Mapping[str, Any] | None = None,
    note: str = "",
    top: str = "",
    style: str = "",
    library: str | None = None,
) -> str:
    """The whole page.

    Args:
        title: heading, and title of the window.
        subtitle: what the page is about, below the heading.
        sections: its parts, in order.
        data: what its scripts draw; numbers are kept to 6 digits, NaN becomes null.
        note: a line at the end, on conventions for instance.
        top: HTML between the heading and the sections.
        style: style sheets beyond page.css.
        library: scripts that the sections' scripts call, beyond base.js; charts.js by default.
    """
    parts = list(sections)
    libraries = f"{static('base.js')}\n{static('charts.js') if library is None else library}"
    body = "".join(_section(part) for part in parts)
    scripts = "\n".join(part.script for part in parts if part.script)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{static('page.css')}{style}</style></head>"
        f"<body><main><header><h1>{escape(title)}</h1>"
        f'<p class="subtitle">{escape(subtitle)}</p></header>'
        f"{top}{body}{f'<footer>{escape(note)}</footer>' if note else ''}</main>"
        f'<script id="data" type="application/json">{embedded(data or {})}</script>'
        f"<script>{libraries}\n(function (data) {{\n{scripts}\n}})(QA.data());</script>"
        "</body></html>"
    )


def chart(name: str, describes: str = "") -> str:
    """The place of a chart that a script draws into by this name; what it shows, for readers of the
    page who do not see.
    """
    return (
        f'<div class="chart" id="{escape(name)}" role="img" aria-label="{escape(describes)}"></div>'
    )


def side_by_side(*blocks: str) -> str:
    """Blocks in one row where there is room."""
    return f'<div class="row">{"".join(f"<div>{block}</div>" for block in blocks)}</div>'


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    numbers: Iterable[int] = (),
    empty: str = "",
) -> str:
    """A table that the reader can sort by a click on a head.

    Args:
        heads: names of the columns.
        rows: cells: texts, numbers (shown with 4 digits), None as a dash.
        numbers: places of the columns of numbers: they stand on the right, and are sorted as such.
        empty: what is said where there are no rows.
    """
    right = set(numbers)
    lines = [
        "".join(_cell(value, place in right) for place, value in enumerate(row)) for row in rows
    ]
    if not lines:
        return f"<p>{escape(empty or 'Nothing.')}</p>"
    head = "".join(
        f"<th{' class=n' if place in right else ''}>{escape(name)}</th>"
        for place, name in enumerate(heads)
    )
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f'<div class="scroll"><table class="sortable"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def choice(name: str, options: Sequence[str], label: str) -> str:
    """A list to choose one of; scripts are told the place of the chosen one."""
    items = "".join(f'<option value="{k}">{escape(o)}</option>' for k, o in enumerate(options))
    return f'<label>{escape(label)} <select id="{escape(name)}">{items}</select></label>'


def embedded(data: Any) -> str:
    """Data as JSON that can stand inside a script element, whatever texts are in it."""
    text = json.dumps(_plain(data), separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def shown(value: Any) -> str:
    """A value as people read it: four digits of a number, a dash for what is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value)


def _cell(value: object, right: bool) -> str:
    return f"<td{' class=n' if right else ''}>{escape(shown(value))}</td>"


def _plain(value: Any) -> Any:
    """The value in JSON's own types."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # NumPy's arrays and numbers
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _section(part: Section) -> str:
    anchor = f' id="{escape(part.anchor)}"' if part.anchor else ""
    head = f"<h2>{escape(part.title)}</h2><p>{escape(part.sentence)}</p>"
    return f"<section{anchor}>{head}{part.body}</section>"


@cache
def static(name: str) -> str:
    """A style sheet or script of static/, for `style` and `library` of a page."""
    return (_STATIC / name).read_text(encoding="utf-8")
