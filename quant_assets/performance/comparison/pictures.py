"""Pictures of several strategies as PNG bytes, for the UI: a heat map, overlaid curves.

Here stand what is shown and how; the frame comes from pages/figures.py. Lines are told apart by
colour-blind readers: seven colours of Okabe and Ito, then the same dashed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from quant_assets.backtests.combined.correlations import Correlations
from quant_assets.market_data.panels import FloatArray
from quant_assets.pages.figures import GREY, SMALL, TEXT, blue_orange, new_figure, plain, png
from quant_assets.performance.comparison.compared import Compared
from quant_assets.performance.comparison.curves import growth

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#999900")
_LINES = ("-", "--", ":", "-.")
_LOG_FROM = 4.0
_NUMBERED = 20  # strategies up to which a cell has room for its number


def correlation_picture(alike: Correlations, label: str, titles: Mapping[str, str]) -> bytes:
    """The heat map of Pearson correlations, alike strategies beside one another."""
    count = len(alike.names)
    size = 2.6 + max(0.42 * count, 1.6)
    figure = new_figure(size + 0.4, size)
    _headed(
        figure,
        f"Correlations of strategies: {label}",
        "Pearson, daily net returns, common days of each pair; grey is not defined.",
    )
    left, bottom = 2.2 / (size + 0.4), 0.3 / size
    axes = figure.add_axes((left, bottom, 1 - left - 0.03, 1 - bottom - 2.25 / size))
    colours, steps = blue_orange(20)
    values = alike.pearson[np.ix_(alike.order, alike.order)]
    image = axes.imshow(values, cmap=colours, norm=steps, interpolation="nearest", aspect="auto")
    names = [plain(titles.get(alike.names[k], alike.names[k])) for k in alike.order]
    axes.set_yticks(range(count), names, fontsize=SMALL)
    axes.set_xticks(range(count), names, fontsize=SMALL, rotation=60, ha="left")
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False)
    axes.spines[:].set_visible(False)
    if count <= _NUMBERED:
        for row, column in np.argwhere(np.isfinite(values)):
            value = values[row, column]
            red, green, blue, _ = image.cmap(image.norm(value))
            ink = "white" if 0.3 * red + 0.59 * green + 0.11 * blue < 0.5 else "#202020"
            axes.text(
                column, row, f"{value:.2f}", ha="center", va="center", fontsize=6.5, color=ink
            )
    return png(figure)


def curves_picture(compared: Compared, title: str, kinds: Sequence[str]) -> bytes:
    """Growth of 1 of the subjects of some kinds, with what it came to; the benchmark is grey."""
    shown = [each for each in compared.subjects if each.kind in (*kinds, "benchmark")]
    figure = new_figure(10.5, 5.2 + 0.17 * max(0, len(shown) - 16))
    _headed(figure, title, "Growth of 1 after costs, over the days that each has.")
    axes = figure.add_axes((0.06, 0.07, 0.62, 0.8))
    days = compared.market.dates.astype("datetime64[D]").astype(object)
    grown = [growth(each) for each in shown]
    place = 0
    for subject, values in zip(shown, grown, strict=True):
        style: dict[str, Any] = {"color": "#777777", "lw": 1.6}
        if subject.kind != "benchmark":
            style = {
                "color": _COLOURS[place % len(_COLOURS)],
                "ls": _LINES[place // len(_COLOURS) % len(_LINES)],
                "lw": 1.2,
            }
            place += 1
        last = values[np.isfinite(values)][-1]
        axes.plot(days, values, label=f"{plain(subject.title)}  {last:.2f}", **style)
    _growth_axis(axes, np.concatenate(grown))
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.01), frameon=False, fontsize=TEXT)
    return png(figure)


def _headed(figure: Any, title: str, sentence: str) -> None:
    """The title and what is shown, at the same distance from the top whatever the height."""
    inches = figure.get_figheight()
    figure.text(0.02, 1 - 0.1 / inches, plain(title), fontsize=13.0, fontweight="bold", va="top")
    figure.text(0.02, 1 - 0.36 / inches, sentence, fontsize=TEXT, color=GREY, va="top")


def _growth_axis(axes: Any, values: FloatArray) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    known = values[np.isfinite(values)]
    lowest, highest = float(known.min()), float(known.max())
    if lowest > 0 and highest / lowest > _LOG_FROM:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.axhline(1.0, color="#9a9a9a", lw=0.8)
    axes.grid(color="#E6E6E6", lw=0.6)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    axes.tick_params(labelsize=SMALL, length=2)
    axes.spines[["top", "right"]].set_visible(False)
