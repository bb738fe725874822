"""Pictures of sweeps and searches as PNG bytes: heat maps, in-sample against out-of-sample.

Here stand what is shown and how; the frame comes from pages/figures.py. The map is cividis and the
colours are Okabe and Ito's, which colour-blind readers can tell apart.
"""

from typing import Any

import numpy as np

from quant_assets.backtests.sweeps.optimization import Optimization
from quant_assets.backtests.sweeps.shaping import Cells, cells, labels, pairs, set_in_words
from quant_assets.backtests.sweeps.sweep import Sweep
from quant_assets.market_data.panels import FloatArray
from quant_assets.pages.figures import GREY, SMALL, TEXT, heading, new_figure, panel, png

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
# Cells up to which each shows its number.
_NUMBERED = 120


def sweep_picture(sweep: Sweep, title: str, label: str) -> bytes:
    """The metric and the plateau score of a grid's first two axes side by side, as PNG.

    Args:
        sweep: the sweep.
        title: of the strategy.
        label: what the data are; of a simulated market with "simulated data" in it.
    """
    from quant_assets.performance.metrics import METRICS

    name = METRICS[sweep.metric].title
    figure = new_figure(11.0, 5.4)
    row, column = pairs(sweep.space)[0]
    left_out = sum(sweep.space.left_out.values())
    over = cells(sweep.space, sweep.values, row, column).over
    heading(
        figure,
        f"{title}: {len(sweep.space.sets):,} parameter sets, {label}",
        f"{sweep.start} to {sweep.end}, after costs."
        + (f" Means over {', '.join(over)}." if over else "")
        + (f" {left_out:,} combinations break a constraint." if left_out else "")
        + f"\nx: highest {name} ({set_in_words(sweep.space, sweep.peak)});  "
        f"o: highest plateau score ({set_in_words(sweep.space, sweep.plateau)})",
    )
    each = f"mean over {', '.join(over)}" if over else "of each set"
    panels = (
        (name, f"{each}; grey is no set" if row is not None else each, sweep.values),
        (
            "Plateau score",
            "lower quartile over set and neighbours, at most its own",
            sweep.judged.scores,
        ),
    )
    for k, (what, sentence, values) in enumerate(panels):
        axes = figure.add_axes((0.07 + 0.49 * k, 0.12, 0.37, 0.65))
        shown = cells(sweep.space, values, row, column)
        if shown.rows is None:
            _line(axes, shown, what, sentence)
        else:
            _heat(figure, axes, shown, what, sentence)
        for place, sign in ((sweep.peak, "x"), (sweep.plateau, "o")):
            if place is not None:
                at = sweep.space.sets[place].place
                height = shown.values[0, at[column]] if row is None else at[row]
                # Beside the number, where the cell shows one.
                aside = 0.32 if row is not None and shown.values.size <= _NUMBERED else 0.0
                axes.plot(
                    at[column] + aside, height + aside, sign, ms=8, mew=2.0, mfc="none",
                    mec="#D55E00", zorder=5,
                )  # fmt: skip
    return png(figure)


def optimization_picture(result: Optimization, title: str, label: str) -> bytes:
    """What each window chose in sample and out of sample, all trials, and the account, as PNG."""
    from quant_assets.performance.metrics import METRICS

    name = METRICS[result.search.metric].title
    figure = new_figure(11.0, 7.6)
    heading(
        figure,
        f"{title}: walk-forward search, {label}",
        f"{result.sets:,} parameter sets; {len(result.windows)} training windows choose by {name}, "
        f"each choice is measured over the window that follows.\nMean in sample "
        f"{_number(result.in_sample)}; one account that follows the choices, out of sample, "
        f"{_number(result.out_of_sample)}",
    )
    _bars(figure.add_axes((0.07, 0.55, 0.40, 0.28)), result, name)
    _scatter(figure.add_axes((0.56, 0.55, 0.40, 0.28)), result, name)
    _account(figure.add_axes((0.07, 0.09, 0.89, 0.32)), result)
    return png(figure)


def equity(returns: FloatArray) -> FloatArray:
    """Growth of one unit; missing returns leave it where it is."""
    return np.asarray(np.cumprod(1.0 + np.nan_to_num(returns)), np.float64)


def _heat(figure: Any, axes: Any, shown: Cells, title: str, sentence: str) -> None:
    from matplotlib import colormaps

    assert shown.rows is not None
    colours = colormaps["cividis"].with_extremes(bad="#DDDDDD")
    image = axes.imshow(
        shown.values, cmap=colours, aspect="auto", origin="lower", interpolation="nearest"
    )
    panel(axes, title, sentence)
    axes.grid(False)
    for axis, ticks, names in (
        (shown.columns, axes.set_xticks, labels(shown.columns)),
        (shown.rows, axes.set_yticks, labels(shown.rows)),
    ):
        every = max(1, -(-len(axis.values) // 12))
        ticks(range(0, len(names), every), names[::every], fontsize=SMALL)
    axes.set_xlabel(shown.columns.name, fontsize=TEXT)
    axes.set_ylabel(shown.rows.name, fontsize=TEXT)
    if shown.values.size <= _NUMBERED:
        known = shown.values[np.isfinite(shown.values)]
        middle = (known.min() + known.max()) / 2 if len(known) else 0.0
        for (r, c), value in np.ndenumerate(shown.values):
            if np.isfinite(value):
                dark = value < middle
                axes.text(
                    c, r, f"{value:.2f}", ha="center", va="center", fontsize=SMALL,
                    color="white" if dark else "black",
                )  # fmt: skip
    box = axes.get_position()
    bar = figure.colorbar(image, cax=figure.add_axes((box.x1 + 0.008, box.y0, 0.012, box.height)))
    bar.ax.tick_params(labelsize=SMALL)
    bar.ax.yaxis.set_major_formatter("{x:.3g}")
    bar.outline.set_visible(False)


def _line(axes: Any, shown: Cells, title: str, sentence: str) -> None:
    panel(axes, title, sentence)
    names = labels(shown.columns)
    axes.plot(range(len(names)), shown.values[0], color=BLUE, marker="o", ms=4, lw=1.4)
    every = max(1, -(-len(names) // 12))
    axes.set_xticks(range(0, len(names), every), names[::every], fontsize=SMALL)
    axes.set_xlabel(shown.columns.name, fontsize=TEXT)


def _bars(axes: Any, result: Optimization, name: str) -> None:
    panel(axes, f"{name} of each window's choice", "in sample and out of sample")
    places = np.arange(len(result.windows))
    for k, (values, colour, text) in enumerate(
        (
            ([each.in_sample for each in result.windows], BLUE, "in sample"),
            ([each.out_of_sample for each in result.windows], ORANGE, "out of sample"),
        )
    ):
        axes.bar(places + 0.4 * (k - 0.5), values, 0.38, color=colour, label=text)
    medians = [each.median_out_of_sample for each in result.windows]
    axes.plot(
        places + 0.2, medians, "_", ms=11, mew=2, color="black",
        label="median of all sets, out of sample",
    )  # fmt: skip
    dates = result.search.evaluation.dates
    starts = [f"{dates[each.window.test.start].astype('datetime64[M]')}" for each in result.windows]
    every = max(1, -(-len(starts) // 8))
    axes.set_xticks(places[::every], starts[::every], fontsize=SMALL)
    axes.axhline(0, color=GREY, lw=0.8)
    axes.legend(fontsize=SMALL, frameon=False, loc="best")


def _scatter(axes: Any, result: Optimization, name: str) -> None:
    inside, outside = in_and_out(result)
    correlation = ""
    if len(inside) > 2 and np.ptp(inside) > 0 and np.ptp(outside) > 0:
        correlation = f"; correlation {np.corrcoef(inside, outside)[0, 1]:.2f}"
    panel(axes, "Every set that was tried", f"{name} by window{correlation}")
    axes.plot(inside, outside, ".", ms=4, color=GREEN, alpha=0.6)
    axes.axhline(0, color=GREY, lw=0.8)
    axes.axvline(0, color=GREY, lw=0.8)
    axes.set_xlabel("in sample", fontsize=TEXT)
    axes.set_ylabel("out of sample", fontsize=TEXT)


def in_and_out(result: Optimization) -> tuple[FloatArray, FloatArray]:
    """The metric of every set in its training and in its test window, where both are defined."""
    values = np.array(
        [
            (m.train[each.place], m.test[each.place])
            for each in result.windows
            for m in each.tried.values()
        ]
    ).reshape(-1, 2)
    known = np.isfinite(values).all(axis=1)
    return values[known, 0], values[known, 1]


def _account(axes: Any, result: Optimization) -> None:
    panel(
        axes,
        "One account that follows the choices",
        "growth of 1, test windows only, switching and costs included; lines: a new window begins",
    )
    evaluation = result.search.evaluation
    dates = evaluation.dates[result.rows]
    axes.plot(dates, equity(result.returns[result.rows]), color=BLUE, lw=1.4, label="search")
    if evaluation.benchmark is not None and np.isfinite(evaluation.benchmark[result.rows]).any():
        index = equity(evaluation.benchmark[result.rows])
        axes.plot(dates, index, color=GREY, lw=1.0, label="index")
    for each in result.windows[1:]:
        axes.axvline(evaluation.dates[each.window.test.start], color="#DDDDDD", lw=0.8)
    axes.legend(fontsize=SMALL, frameon=False, loc="upper left")


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "undefined"
