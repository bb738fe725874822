"""The picture of concurrency_report, as PNG bytes for the UI.

Here stand what is shown and how; numbers come from comparison.py and summaries.py, the frame of the
picture from pages/figures.py.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from quant_assets.mining.comparison import BATCH, finished
from quant_assets.mining.summaries import Box, Grid, boxes, grid, relative
from quant_assets.pages.figures import GREY, SMALL, TEXT, heading, new_figure, panel, png

_BLUE = "#56B4E9"
_COLOURS = "cividis"  # the same as those of our pages
_RELATIVE = "runtime / the batch's median"


def concurrency_figure(runs: pa.Table, label: str) -> bytes:
    """Runtime against thread_no, against parallel_m, and against both as heat map and surface.

    Runs of different batches are pooled by their cost over the median of their batch: 0.5 is half
    the time that the batch usually takes.

    Args:
        runs: rows of factor_runs.
        label: what the data are, for the title; of a simulated market with "simulated data" in it.

    Raises:
        ValueError: no run has succeeded.
    """
    frame = finished(runs)
    cost = relative(frame)
    if not cost.notna().any():
        raise ValueError("A figure of runs needs one that succeeded. Got none instead.")
    figure = new_figure(12.6, 8.8)
    heading(figure, f"Runs of factors: {label}", _sentence(frame))
    cells = grid(frame, cost)
    places = {"left": 0.07, "right": 0.975, "top": 0.855, "bottom": 0.07}
    layout = figure.add_gridspec(2, 2, **places, hspace=0.36, wspace=0.2)
    _boxes(figure.add_subplot(layout[0, 0]), boxes(frame, "thread_no", cost), "thread_no")
    _boxes(figure.add_subplot(layout[0, 1]), boxes(frame, "parallel_m", cost), "parallel_m")
    _heat(figure, figure.add_subplot(layout[1, 0]), cells)
    _surface(figure, cells)
    return png(figure)


def _sentence(frame: pd.DataFrame) -> str:
    batches = frame.groupby(BATCH).ngroups
    failed = int((~frame["succeeded"]).sum())
    names = {"dagster": "Dagster", "step_functions": "Step Functions"}
    sources = " and ".join(names[name] for name in sorted(frame["source"].unique()))
    return (
        f"{len(frame):,} whole runs of {batches:,} batches by {sources}; {failed:,} failed or "
        "timed out and have no runtime here.\nRuntime is relative to the median of the batch, so "
        "that batches of all sizes count alike: 1 is usual, lower is faster."
    )


def _boxes(axes: Any, found: list[Box], knob: str) -> None:
    words = {"thread_no": "threads in a part", "parallel_m": "parts at once"}[knob]
    panel(
        axes,
        f"Runtime by {knob} ({words})",
        "Box: quartiles and median; whiskers: 10th and 90th percentile; n: runs.",
    )
    names = ("whislo", "q1", "med", "q3", "whishi")
    drawn = axes.bxp(
        [dict(zip(names, box.values, strict=True)) for box in found],
        showfliers=False,
        widths=0.55,
        patch_artist=True,
        medianprops={"color": "black", "lw": 1.4},
    )
    for patch in drawn["boxes"]:
        patch.set(facecolor=_BLUE, edgecolor=GREY)
    top = max(box.values[-1] for box in found)
    for k, box in enumerate(found, start=1):
        above = box.values[-1] + 0.02 * top
        axes.text(k, above, f"n={box.count:,}", ha="center", va="bottom", fontsize=SMALL)
    axes.set_xticks(range(1, len(found) + 1), [box.label for box in found], fontsize=SMALL)
    axes.set_ylim(0, top * 1.13)
    axes.set_xlabel(knob, fontsize=SMALL, labelpad=1)
    axes.set_ylabel(_RELATIVE, fontsize=SMALL, labelpad=2)


def _heat(figure: Any, axes: Any, cells: Grid) -> None:
    panel(axes, "Runtime by both", "Median of the runs of each setting; grey: not run.")
    axes.grid(False)
    colours = _map()
    image = axes.imshow(
        np.ma.masked_invalid(cells.values), cmap=colours, origin="lower", aspect="auto"
    )
    axes.set_xticks(range(len(cells.parts)), cells.parts)
    axes.set_yticks(range(len(cells.threads)), cells.threads)
    axes.set_xlabel("parallel_m", fontsize=SMALL, labelpad=1)
    axes.set_ylabel("thread_no", fontsize=SMALL, labelpad=1)
    if cells.values.size <= 120:
        for row, column in zip(*np.nonzero(cells.counts), strict=True):
            value = cells.values[row, column]
            light = sum(colours(image.norm(value))[:3]) > 1.5
            words = f"{value:.2f}\nn={cells.counts[row, column]:,}"
            colour = "black" if light else "white"
            axes.text(column, row, words, ha="center", va="center", fontsize=SMALL, color=colour)
    bar = figure.colorbar(image, ax=axes, fraction=0.045, pad=0.02)
    bar.ax.tick_params(labelsize=SMALL)
    bar.outline.set_visible(False)


def _surface(figure: Any, cells: Grid) -> None:
    from mpl_toolkits.mplot3d.art3d import (  # type: ignore[import-untyped]
        Poly3DCollection,
    )

    axes = figure.add_axes((0.53, 0.015, 0.46, 0.44), projection="3d")
    figure.text(0.54, 0.452, "The same in space", fontsize=10.0, fontweight="bold")
    words = "Height and colour: median runtime; a face where its four corners were run."
    figure.text(0.54, 0.43, words, fontsize=SMALL, color=GREY)
    rows, columns = np.nonzero(cells.counts)
    heights = cells.values[rows, columns]
    colours = _map()
    low, high = float(heights.min()), float(heights.max())

    def shade(values: np.ndarray) -> np.ndarray:
        shades: np.ndarray = colours((values - low) / (high - low or 1.0))
        return shades

    corners = [(0, 0), (0, 1), (1, 1), (1, 0)]
    faces = [
        [(c + b, r + a, cells.values[r + a, c + b]) for a, b in corners]
        for r in range(len(cells.threads) - 1)
        for c in range(len(cells.parts) - 1)
        if np.isfinite(cells.values[r : r + 2, c : c + 2]).all()
    ]
    if faces:
        means = np.array([np.mean([point[2] for point in face]) for face in faces])
        axes.add_collection3d(
            Poly3DCollection(faces, facecolors=shade(means), edgecolors="white", alpha=0.85)
        )
    for column, row, height in zip(columns, rows, heights, strict=True):
        axes.plot([column] * 2, [row] * 2, [0, height], color=GREY, lw=0.6, alpha=0.6)
    axes.scatter(columns, rows, heights, c=shade(heights), s=26, edgecolors=GREY, depthshade=False)
    axes.set_xticks(range(len(cells.parts)), cells.parts)
    axes.set_yticks(range(len(cells.threads)), cells.threads)
    axes.set_zlim(0, high * 1.05)
    axes.tick_params(labelsize=SMALL, pad=0)
    axes.set_xlabel("parallel_m", fontsize=TEXT, labelpad=0)
    axes.set_ylabel("thread_no", fontsize=TEXT, labelpad=0)
    axes.view_init(elev=32, azim=38)  # from where few parts and many threads are: the fast corner


def _map() -> Any:
    from matplotlib import colormaps

    return colormaps[_COLOURS].with_extremes(bad="#DDDDDD")
