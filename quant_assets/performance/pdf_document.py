"""A document of A4 pages in matplotlib's PDF backend: headings, text, tables and room for charts.

Belongs here: layout from the top of a page to its bottom, and the break to the next. What a
document says stands in tear_sheet_pdf.py. The same content gives the same bytes: no date is
written. Lengths are in points, from the top of the page.
"""

import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from quant_assets.performance.page.parts import Grid
from quant_assets.performance.plots import DRAWING

WIDTH, HEIGHT = 595.0, 842.0
LEFT, RIGHT, TOP, BOTTOM = 48.0, 48.0, 50.0, 52.0
INK, SOFT, LINE, OWN = "#1b1f24", "#5b6470", "#d5dae0", "#0072B2"
# How wide a letter is, as a share of the size of the font; words are broken by it.
_LETTER = 0.54
# A text without a break that is longer than this is broken anywhere, such as an address.
_LONGEST = 24
_STYLE = {
    "font.family": ["DejaVu Sans"],
    "text.parse_math": False,  # a $ in a name is a $
    "font.size": 7.5,
    "pdf.fonttype": 42,  # letters that can be searched and copied
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9a9a9a",
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.5,
    "xtick.color": "#404040",
    "ytick.color": "#404040",
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
}


class Document:
    """Pages that are filled from the top; made by `document`."""

    def __init__(self, pages: Any, running: str) -> None:
        self._pages, self._running = pages, running
        self._figure: Any = None
        self._y, self._number = 0.0, 0

    @property
    def width(self) -> float:
        """Of the text."""
        return WIDTH - LEFT - RIGHT

    def new_page(self) -> None:
        """Go on at the top of a fresh page."""
        from matplotlib.figure import Figure

        self.close_page()
        self._number += 1
        self._figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72))
        self._text(LEFT, HEIGHT - 26, self._running, 6.5, SOFT)
        self._text(WIDTH - RIGHT, HEIGHT - 26, str(self._number), 6.5, SOFT, ha="right")
        self._y = TOP

    def close_page(self) -> None:
        """Write the page that is being filled, if there is one."""
        if self._figure is not None:
            self._pages.savefig(self._figure)
            self._figure = None

    def room(self, height: float) -> None:
        """A fresh page unless so much is left of this one."""
        if self._figure is None or self._y + height > HEIGHT - BOTTOM:
            self.new_page()

    def space(self, height: float) -> None:
        """Leave room."""
        self._y += height

    def title(self, text: str, below: str) -> None:
        """The heading of the document."""
        self.room(60)
        for line in self._wrapped(text, 17, self.width):
            self._text(LEFT, self._y + 16, line, 17, INK, fontweight="bold")
            self._y += 21
        self._text(LEFT, self._y + 11, below, 9, SOFT)
        self._y += 22

    def heading(self, text: str, sentence: str = "", room: float = 120.0) -> None:
        """A heading with the sentence below it; kept together with what needs `room`."""
        self.room(34 + room)
        self._y += 8
        self._text(LEFT, self._y + 10, text, 11, INK, fontweight="bold")
        self._y += 15
        if sentence:
            self.paragraph(sentence, SOFT)

    def paragraph(self, text: str, colour: str = INK, size: float = 7.5) -> None:
        """Words over the whole width."""
        for line in self._wrapped(text, size, self.width):
            self.room(size * 1.4)
            self._text(LEFT, self._y + size, line, size, colour)
            self._y += size * 1.4
        self._y += 3

    def tiles(self, tiles: Sequence[tuple[str, str, str]], columns: int = 4) -> None:
        """Key figures: what it is, the value, a few words."""
        from matplotlib.patches import Rectangle

        wide, high = self.width / columns, 52.0
        self.room(high * ((len(tiles) + columns - 1) // columns))
        for k, (name, value, words) in enumerate(tiles):
            x, y = LEFT + wide * (k % columns), self._y + high * (k // columns)
            box = (x / WIDTH, 1 - (y + high) / HEIGHT)
            self._figure.add_artist(
                Rectangle(box, wide / WIDTH, high / HEIGHT, fill=False, ec=LINE, lw=0.6)
            )
            self._text(x + 7, y + 12, name, 6.8, SOFT)
            self._text(x + 7, y + 28, value, 14, INK, fontweight="bold")
            for n, line in enumerate(self._wrapped(words, 5.8, wide - 12)[:2]):
                self._text(x + 7, y + 38 + 7.5 * n, line, 5.8, SOFT)
        self._y += high * ((len(tiles) + columns - 1) // columns) + 8

    def facts(self, rows: Sequence[tuple[str, str]]) -> None:
        """Names with what they are, the latter in as many lines as it takes."""
        for name, value in rows:
            lines = self._wrapped(value, 7.5, self.width - 100)
            self.room(10.5 * len(lines))
            self._text(LEFT, self._y + 7.5, name, 7.5, SOFT)
            for line in lines:
                self._text(LEFT + 100, self._y + 7.5, line, 7.5, INK)
                self._y += 10.5
        self._y += 4

    def axes(self, height: float, parts: Sequence[float] = (1.0,), across: int = 1) -> list[Any]:
        """Axes in the next `height` points.

        Args:
            height: of all of them, labels included.
            parts: heights of those above one another, as shares; they share their x axis.
            across: how many beside one another.
        """
        self.room(height)
        inner_top, inner_bottom, gap = self._y + 12, self._y + height - 18, 14.0
        room = inner_bottom - inner_top - gap * (len(parts) - 1)
        wide = self.width / across
        made = []
        for column in range(across):
            y, first = inner_top, None
            for share in parts:
                high = room * share / sum(parts)
                x = LEFT + wide * column + 32
                box = [x / WIDTH, 1 - (y + high) / HEIGHT, (wide - 40) / WIDTH, high / HEIGHT]
                axes = self._figure.add_axes(box, sharex=first)
                first = first or axes
                made.append(axes)
                y += high + gap
        self._y += height
        return made

    def table(self, grid: Grid, weights: Sequence[float] | None = None, size: float = 6.8) -> None:
        """A table; its head stands again on each page that it goes over to."""
        if not grid.rows:
            self.paragraph(grid.empty, SOFT)
            return
        shares = weights or [
            max(len(grid.heads[k]) * 0.75, *(min(len(row[k]), 44) for row in grid.rows)) + 2
            for k in range(len(grid.heads))
        ]
        total = sum(shares)
        edges = [LEFT + self.width * sum(shares[:k]) / total for k in range(len(shares) + 1)]
        self._head(grid, edges, size)
        for row in grid.rows:
            lines = [
                self._wrapped(cell, size, edges[k + 1] - edges[k] - 5)
                if k in grid.texts
                else [cell]
                for k, cell in enumerate(row)
            ]
            high = size * 1.3 * max(len(each) for each in lines) + 3.2
            if self._y + high > HEIGHT - BOTTOM:
                self.new_page()
                self._head(grid, edges, size)
            for k, cell in enumerate(lines):
                for n, line in enumerate(cell):
                    self._cell(line, k, grid, edges, self._y + size * (1.1 + 1.3 * n), size, INK)
            self._y += high
            self._rule(self._y)
        self._y += 8

    def _head(self, grid: Grid, edges: Sequence[float], size: float) -> None:
        names = [
            self._wrapped(head, size, edges[k + 1] - edges[k] - 5)
            for k, head in enumerate(grid.heads)
        ]
        deep = max(len(each) for each in names)
        self.room(size * 1.3 * (deep + 2) + 8)
        for k, lines in enumerate(names):
            for n, line in enumerate(lines):
                y = self._y + size * (1.1 + 1.3 * (deep - len(lines) + n))
                self._cell(line, k, grid, edges, y, size, SOFT)
        self._y += size * 1.3 * deep + 3.2
        self._rule(self._y, SOFT)

    def _cell(
        self, text: str, k: int, grid: Grid, edges: Sequence[float], y: float, size: float, ink: str
    ) -> None:
        if k in grid.texts:
            self._text(edges[k] + (4 if k else 0), y, text, size, ink)
        else:
            self._text(edges[k + 1] - 5, y, text, size, ink, ha="right")

    def _rule(self, y: float, colour: str = LINE) -> None:
        from matplotlib.lines import Line2D

        at = 1 - y / HEIGHT
        line = Line2D([LEFT / WIDTH, 1 - RIGHT / WIDTH], [at, at], color=colour, lw=0.4)
        self._figure.add_artist(line)

    def _text(self, x: float, y: float, text: str, size: float, colour: str, **how: Any) -> None:
        self._figure.text(x / WIDTH, 1 - y / HEIGHT, text, fontsize=size, color=colour, **how)

    def _wrapped(self, text: str, size: float, width: float) -> list[str]:
        return textwrap.wrap(
            text, max(int(width / (size * _LETTER)), 4), break_long_words=len(text) > _LONGEST
        ) or [""]


@contextmanager
def document(stream: io.BytesIO, title: str, running: str) -> Iterator[Document]:
    """A document that is written into a stream when the block ends.

    Args:
        stream: takes the bytes of the PDF.
        title: in the file's own description.
        running: at the foot of every page.
    """
    import matplotlib.style
    from matplotlib.backends.backend_pdf import PdfPages

    # Without dates, and so the same bytes each time.
    description = {"Title": title, "CreationDate": None, "ModDate": None}
    with (
        DRAWING,
        matplotlib.style.context(["default", _STYLE]),
        PdfPages(stream, metadata=description) as pages,
    ):
        made = Document(pages, running)
        yield made
        made.close_page()
