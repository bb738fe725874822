"""The picture of a day's recommendations, as PNG bytes for the UI.

Here stand what is shown and how; numbers come from the table, the frame from pages/figures.py.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.pages.figures import GREY, SMALL, heading, new_figure, panel, png

# Okabe and Ito's, which colour-blind readers can tell apart; the same as those of our pages.
_LONG, _SHORT, _BEFORE = "#0072B2", "#D55E00", "#1A1A1A"
_MOST = 20  # sectors that a picture names; the others are one bar
_UNKNOWN = "not known"
_LETTERS = 36  # of a sector's name
_ABOVE, _BELOW = 0.95, 0.35  # inches around the axes


def sectors_figure(rows: pa.Table, label: str, limit: float) -> bytes:
    """Weights by sector after the day's orders, a segment a security, and those before them.

    Args:
        rows: of one day of `recommendations`.
        label: market and day, for the title.
        limit: the largest weight of a sector, drawn as a line.
    """
    held = rows.filter(
        pc.or_(pc.not_equal(rows["target_weight"], 0), pc.not_equal(rows["previous_weight"], 0))
    )
    sectors = [name or _UNKNOWN for name in held["sector"].to_pylist()]
    target = held["target_weight"].to_numpy()
    before = held["previous_weight"].to_numpy()
    names = _largest(sectors, target)
    height = _ABOVE + _BELOW + 0.27 * max(len(names), 2)
    figure = new_figure(9.0, height)
    heading(figure, f"Recommended weights: {label}", "")
    axes = figure.add_axes((0.27, _BELOW / height, 0.7, 1 - (_ABOVE + _BELOW) / height))
    gross, cash = float(np.abs(target).sum()), 1.0 - float(target.sum())
    panel(
        axes,
        "Weights by sector",
        f"Share of equity; a segment is a security, a tick the weight before the orders. "
        f"{int((target != 0).sum())} securities, gross {gross:.1%}, cash {cash:.1%}.",
    )
    for place, name in enumerate(names):
        inside = np.array([_shown(sector, names) == name for sector in sectors], bool)
        _bar(axes, place, target[inside], before[inside])
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.axvline(0.0, color=GREY, lw=0.8)
    sides = [1] if (target >= 0).all() and (before >= 0).all() else [1, -1]
    if names and max(abs(edge) for edge in axes.get_xlim()) > 0.6 * limit:
        for side in sides:
            axes.axvline(side * limit, color=_SHORT, lw=1.0, ls=(0, (4, 3)))
        axes.text(limit, -0.55, f" limit {limit:.0%}", fontsize=SMALL, color=_SHORT, va="bottom")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(visible=False, axis="y")
    return png(figure)


def _bar(axes: Any, place: int, target: np.ndarray, before: np.ndarray) -> None:
    """Segments of one sector, largest first, and the tick of what it was."""
    for sign, colour in ((1, _LONG), (-1, _SHORT)):
        start = 0.0
        for weight in sorted(target[target * sign > 0], key=abs, reverse=True):
            axes.barh(place, weight, left=start, color=colour, edgecolor="white", lw=0.6)
            start += weight
        held = float(before[before * sign > 0].sum())
        if held:
            axes.plot([held, held], [place - 0.45, place + 0.45], color=_BEFORE, lw=1.6)


def _largest(sectors: list[str], target: np.ndarray) -> list[str]:
    """Sectors by their gross weight, what is beyond _MOST in one; the unknown one last."""
    sizes: dict[str, float] = {}
    for sector, weight in zip(sectors, target.tolist(), strict=True):
        sizes[sector] = sizes.get(sector, 0.0) + abs(weight)
    known = sorted((name for name in sizes if name != _UNKNOWN), key=lambda n: (-sizes[n], n))
    named = known if len(known) <= _MOST else [*known[: _MOST - 1], _others(known)]
    return [*named, _UNKNOWN] if _UNKNOWN in sizes else named


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1].rstrip()}…"


def _others(known: list[str]) -> str:
    return f"{len(known) - _MOST + 1} others"


def _shown(sector: str, names: list[str]) -> str:
    return sector if sector in names else next(n for n in names if n.endswith(" others"))
