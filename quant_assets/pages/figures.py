"""The frame of a picture: an Agg figure, its heading, its panels, its PNG.

Here stand the parts that every picture shares and nothing of what is shown. Nothing
global of matplotlib is touched, so any thread may draw.
"""

from io import BytesIO
from typing import Any

import numpy as np

GREY, LIGHT = "#555555", "#DDDDDD"
SMALL, TEXT, TITLE = 7.5, 8.5, 10.0
# As wide as the dialog in which the UI shows pictures, about a thousand dots.
DPI = 80


def new_figure(width: float, height: float) -> Any:
    """An empty figure of so many inches at DPI dots each."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def plain(text: str) -> str:
    """A name as matplotlib must be given it: a $ in it begins no formula."""
    return text.replace("$", r"\$")


def heading(figure: Any, title: str, sentence: str) -> None:
    """The title of the figure and what it shows."""
    figure.text(0.02, 0.985, title, fontsize=13.0, fontweight="bold", va="top")
    figure.text(0.02, 0.95, sentence, fontsize=TEXT, color=GREY, va="top")


def png(figure: Any) -> bytes:
    """The figure as PNG with a palette of 128 colours: a third of the size of full colour."""
    from PIL import Image

    figure.canvas.draw()
    drawn = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3].copy())
    file = BytesIO()
    palette: Any = drawn.quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    colours = palette.getpalette()
    background = 3 * palette.getpixel((0, 0))
    colours[background : background + 3] = [255, 255, 255]  # the palette has it a little grey
    palette.putpalette(colours)
    palette.save(file, "PNG", compress_level=6)
    return file.getvalue()


def panel(axes: Any, title: str, sentence: str) -> None:
    """The title of a panel and what it shows; plain axes with a light grid."""
    axes.text(0, 1.0, title, transform=_above(axes, 15), fontsize=TITLE, fontweight="bold")
    axes.text(0, 1.0, sentence, transform=_above(axes, 4), fontsize=SMALL, color=GREY)
    axes.tick_params(labelsize=SMALL, length=2)
    axes.locator_params(nbins=5)  # each tick costs a millisecond
    axes.grid(color=LIGHT, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def blue_orange(count: int) -> tuple[Any, Any]:
    """Colours from -1 to 1 and `count` steps, an even number; what rounds to zero is white.

    Few steps keep the picture of many factors small.
    """
    from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap

    colours = ["#8C3B00", "#E69F00", "#F7F7F7", "#56B4E9", "#08306B"]
    shades = LinearSegmentedColormap.from_list("blue_orange", colours).with_extremes(bad="#BBBBBB")
    return shades, BoundaryNorm((np.arange(count + 2) - (count + 1) / 2) * (2.0 / count), shades.N)


def _above(axes: Any, points: float) -> Any:
    """Coordinates of the axes, so many points higher."""
    from matplotlib.transforms import ScaledTranslation

    return axes.transAxes + ScaledTranslation(0, points / 72.0, axes.figure.dpi_scale_trans)
