"""Tables whose cells are coloured by how good a value is: HTML, every text escaped.

Belongs here: cells, their shades, tables of them. Which values are shown stands in the modules of
pages, the colours in static/comparison.css: blue is better or alike, orange worse or opposite.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from quant_assets.market_data.panels import FloatArray

# Classes of shades in static/comparison.css: a page of thousands of cells has no room for more.
_LEVELS = 9


@dataclass(frozen=True)
class Cell:
    """A value as it is read, its shade from -1 to 1, and a word more."""

    text: str
    shade: float = 0.0
    told: str = ""

    def html(self) -> str:
        """The cell of a table."""
        told = f' title="{escape(self.told, quote=True)}"' if self.told else ""
        kind = ""
        if np.isfinite(self.shade) and (level := round(min(abs(self.shade), 1.0) * _LEVELS)):
            kind = f" {'b' if self.shade > 0 else 'w'} v{level}"
        quoted = f'"n{kind}"' if kind else "n"
        return f"<td class={quoted}{told}>{escape(self.text)}</td>"


@dataclass(frozen=True)
class Name:
    """The head of a row: a name, the class of its colour, and where a click on it leads."""

    text: str
    kind: str = ""
    link: str = ""

    def html(self) -> str:
        """The cell of a table."""
        mark = f'<i class="k-{escape(self.kind)}"></i>' if self.kind else ""
        text = escape(self.text)
        if self.link:
            text = f'<a href="{escape(self.link, quote=True)}">{text}</a>'
        return f'<td class="name">{mark}{text}</td>'


def shaded_table(
    name: str,
    heads: Sequence[tuple[str, str]],
    rows: Iterable[tuple[Name, Sequence[Cell]]],
    kind: str = "",
    empty: str = "None.",
) -> str:
    """A table that sorts by a click on a head and can be saved as CSV.

    Args:
        name: what it holds, also the name of the file.
        heads: of the columns, the first that of the names: text, and what it means.
        rows: name and cells.
        kind: a further class.
        empty: what is said where there are no rows.
    """
    lines = "".join(
        f"<tr>{head.html()}{''.join(cell.html() for cell in cells)}</tr>" for head, cells in rows
    )
    if not lines:
        return f"<p>{escape(empty)}</p>"
    columns = "".join(
        f'<th scope="col"{" class=n" if k else ""} title="{escape(told, quote=True)}">'
        f"<span>{escape(text)}</span></th>"
        for k, (text, told) in enumerate(heads)
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name, quote=True)}">'
        f'<table class="shaded sortable {kind}" data-name="{escape(name, quote=True)}">'
        f"<thead><tr>{columns}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def by_rank(values: FloatArray, direction: int) -> FloatArray:
    """Shades from -1 (worst) to 1 (best) by rank; 0 where unknown, alone, or without direction."""
    shades = np.zeros(len(values))
    known = np.isfinite(values)
    if direction == 0 or known.sum() < 2:
        return shades
    from scipy.stats import rankdata

    ranks = rankdata(values[known])
    shades[known] = direction * (2.0 * (ranks - 1.0) / (len(ranks) - 1.0) - 1.0)
    return shades


def by_size(values: FloatArray, full: float | None = None) -> FloatArray:
    """Shades in proportion to values, darkest at `full` or the largest; 0 where unknown."""
    known = np.isfinite(values)
    sizes = np.abs(np.where(known, values, 0.0))
    bound = float(sizes.max(initial=0.0)) if full is None else full
    if not bound > 0:
        return np.zeros(values.shape)
    return np.clip(np.where(known, values, 0.0) / bound, -1.0, 1.0)
