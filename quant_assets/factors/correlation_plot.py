"""The picture of a month of factor correlations, as PNG bytes: a heat map.

Here stand what is shown and how; the numbers come from the table, the frame from figures.py. The
map from orange to blue is one that colour-blind readers can read.
"""

from collections.abc import Mapping
from itertools import groupby
from typing import Any

import numpy as np
import pyarrow as pa

from quant_assets.factors.report.digest import OTHER, only_month
from quant_assets.factors.report.placing import apart
from quant_assets.pages.figures import GREY, SMALL, TEXT, blue_orange, heading, new_figure, png

LABELLED = 60  # factors up to which a heat map can name its rows
_APART = 0.024  # of the axes' height: names of types closer than this would overlap


def correlation_figure(correlations: pa.Table, types: Mapping[str, str], label: str) -> bytes:
    """The heat map of one month of factor_correlations, alike factors beside one another.

    The order is that of average-linkage clustering on 1 - |correlation|; a pair without correlation
    is grey. With more factors than can be named, each type is a band, clustered within.

    Args:
        correlations: rows of one month.
        types: factor -> type; "other" where unknown.
        label: what the data are, for the title; of a simulated market with "simulated data" in it.

    Raises:
        ValueError: rows of several months, or none.
    """
    month = only_month(correlations)
    frame = correlations.select(["factor", "other", "correlation"]).to_pandas()
    table = frame.pivot(index="factor", columns="other", values="correlation")
    known = table.index[table.notna().any(axis=1)]
    without = len(table) - len(known) if len(known) else 0
    if without:
        table = table.loc[known, known]
    matrix, names = table.to_numpy(), table.index.tolist()
    count, named = len(names), len(names) <= LABELLED
    bands = [types.get(name, OTHER) for name in names]
    order = _clustered(matrix) if named else _by_band(matrix, bands)
    figure = new_figure(9.2, 8.6)
    place = (0.26, 0.235, 0.64, 0.665) if named else (0.17, 0.03, 0.72, 0.77)
    axes = figure.add_axes(place)
    heading(
        figure,
        f"Factor correlations of {month}: {label}",
        f"Mean daily rank correlation between {count} factors over the members of the universe. "
        "Blocks of one colour measure one thing;\nblue is alike, orange is opposite, grey is not "
        "defined."
        + ("" if named else " By type of factor, alike ones beside one another.")
        + (f" {without} without any are left out." if without else ""),
    )
    colours, steps = blue_orange(20 if named else 10)
    image = axes.imshow(
        matrix[np.ix_(order, order)], cmap=colours, norm=steps, interpolation="nearest"
    )
    axes.set_xticks([])
    axes.set_yticks([])
    if named:
        _name_rows(axes, [names[k] for k in order])
    else:
        _name_bands(axes, [bands[k] for k in order])
    bar = figure.colorbar(
        image,
        cax=figure.add_axes((0.925, place[1], 0.018, place[3])),
        ticks=np.linspace(-1, 1, 5),
    )
    bar.ax.tick_params(labelsize=SMALL)
    bar.outline.set_visible(False)
    axes.spines[:].set_visible(False)
    return png(figure)


def _name_rows(axes: Any, names: list[str]) -> None:
    size = min(TEXT, 300.0 / len(names))
    for k, name in enumerate(names):
        axes.text(-0.8, k, name, ha="right", va="center", fontsize=size)
        axes.text(k, len(names) - 0.2, name, ha="center", va="top", fontsize=size, rotation=90)


def _name_bands(axes: Any, bands: list[str]) -> None:
    """Lines between the types, and their names at both sides, moved apart where bands are thin."""
    count, first = len(bands), 0
    found = []
    for name, members in groupby(bands):
        size = len(list(members))
        found.append((f"{name} ({size})", (first + size / 2) / count))
        first += size
        if first < count:
            axes.axhline(first - 0.5, color="white", lw=1.0)
            axes.axvline(first - 0.5, color="white", lw=1.0)
    style: dict[str, Any] = {
        "annotation_clip": False,
        "fontsize": SMALL,
        "xycoords": "axes fraction",
        "textcoords": "axes fraction",
        "arrowprops": {"arrowstyle": "-", "color": GREY, "lw": 0.5, "shrinkA": 1, "shrinkB": 0},
    }
    spots = apart([middle for _, middle in found], _APART)
    for (name, middle), spot in zip(found, spots, strict=True):
        axes.annotate(
            name, (-0.004, 1 - middle), (-0.025, 1 - spot), ha="right", va="center", **style
        )
        axes.annotate(
            name, (middle, 1.004), (spot, 1.025), ha="left", va="bottom", rotation=60, **style
        )


def _by_band(matrix: np.ndarray, bands: list[str]) -> np.ndarray:
    """The order of rows by band, the largest first, clustered within each."""
    members = {name: np.flatnonzero([band == name for band in bands]) for name in set(bands)}
    order = sorted(members, key=lambda name: (-len(members[name]), name))
    return np.concatenate(
        [members[name][_clustered(matrix[np.ix_(members[name], members[name])])] for name in order]
    )


def _clustered(matrix: np.ndarray) -> np.ndarray:
    """The order of rows that puts alike ones side by side."""
    from scipy.cluster.hierarchy import leaves_list, linkage

    if len(matrix) < 3:
        return np.arange(len(matrix))
    distance = 1.0 - np.abs(np.nan_to_num(matrix, nan=0.0))
    pairs = distance[np.triu_indices(len(matrix), 1)]
    order: np.ndarray = leaves_list(linkage(np.maximum(pairs, 0.0), "average"))
    return order
