"""Pictures of a month of factors, as PNG bytes: the summary's and the correlations'.

Here stand what is shown and how; every number comes from the tables, the frame from figures.py.
Colours are those of Okabe & Ito (2008) and a blue-orange map, which colour-blind readers can tell
apart; horizons differ in marker, too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from quant_assets.factors.figures import GREY, LIGHT, SMALL, TEXT, heading, new_figure, panel, png

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
MARKERS = ("o", "s", "^", "D", "v", "P")
SHOWN = 36  # factors that a list can hold legibly; with more, the strongest are shown
STRONGEST = 5
LABELLED = 60  # factors up to which a heat map can name its rows


def summary_figure(summary: pa.Table, label: str, types: Mapping[str, str] | None = None) -> bytes:
    """The picture of one month of factor_summary.

    Args:
        summary: rows of one month.
        label: what the data are, for the title; of a simulated market with "simulated data" in it.
        types: factor -> type for the box plots; by default as registered, "other" where unknown.

    Raises:
        ValueError: rows of several months, or none.
    """
    frame = summary.to_pandas()
    month = _only_month(frame)
    frame["type"] = [_type(name, types) for name in frame["factor"]]
    horizons = sorted(frame["horizon"].unique())
    middle = horizons[len(horizons) // 2]
    strength = frame[frame["horizon"] == middle].set_index("factor")["rank_ic"].abs()
    ranked = strength.sort_values(ascending=False, na_position="last").index.tolist()
    figure = new_figure(13.0, 8.6)
    grid = figure.add_gridspec(
        2, 3, left=0.155, right=0.985, top=0.855, bottom=0.085, hspace=0.38, wspace=0.27
    )
    heading(
        figure,
        f"Factors of {month}: {label}",
        f"How well {len(ranked)} factors ordered the returns that followed, over the members of "
        f"the universe; horizons in sessions; strongest by rank IC at {_sessions(middle)}.",
    )
    _rank_ics(figure.add_subplot(grid[:, 0]), frame, ranked[:SHOWN], horizons, len(ranked))
    _decay(figure.add_subplot(grid[0, 1]), frame, ranked[:STRONGEST], horizons)
    _quantiles(figure.add_subplot(grid[0, 2]), frame, ranked[:STRONGEST], middle)
    _regressions(figure.add_subplot(grid[1, 1]), frame, horizons)
    _types(figure.add_subplot(grid[1, 2]), frame)
    return png(figure)


def correlation_figure(correlations: pa.Table, label: str) -> bytes:
    """The heat map of one month of factor_correlations, alike factors beside one another.

    Args and errors as for `summary_figure`. The order is that of average-linkage clustering on
    1 - |correlation|; a pair without correlation is grey.
    """
    frame = correlations.to_pandas()
    month = _only_month(frame)
    matrix = frame.pivot(index="factor", columns="other", values="correlation")
    order = _clustered(matrix.to_numpy())
    names = matrix.index[order].tolist()
    count = len(names)
    figure = new_figure(9.2, 8.6)
    axes = figure.add_axes((0.26, 0.235, 0.64, 0.665))
    heading(
        figure,
        f"Factor correlations of {month}: {label}",
        f"Mean daily rank correlation between {count} factors over the members of the universe. "
        "Blocks of one colour measure one thing;\nblue is alike, orange is opposite, grey is not "
        "defined.",
    )
    colours, steps = _blue_orange()
    image = axes.imshow(matrix.to_numpy()[np.ix_(order, order)], cmap=colours, norm=steps)
    axes.set_xticks([])
    axes.set_yticks([])
    if count <= LABELLED:
        size = min(TEXT, 300.0 / count)
        for k, name in enumerate(names):
            axes.text(-0.8, k, name, ha="right", va="center", fontsize=size)
            axes.text(k, count - 0.2, name, ha="center", va="top", fontsize=size, rotation=90)
    bar = figure.colorbar(
        image, cax=figure.add_axes((0.925, 0.235, 0.018, 0.665)), ticks=np.linspace(-1, 1, 5)
    )
    bar.ax.tick_params(labelsize=SMALL)
    bar.outline.set_visible(False)
    axes.spines[:].set_visible(False)
    return png(figure)


def _rank_ics(
    axes: Any, frame: pd.DataFrame, factors: Sequence[str], horizons: Sequence[int], total: int
) -> None:
    which = f"{len(factors)} strongest of {total}" if total > len(factors) else "all factors"
    panel(
        axes,
        f"Rank IC by factor and horizon ({which})",
        "Mean daily rank IC; bars: 2 standard errors, widened by √h for overlap.",
    )
    place = {name: row for row, name in enumerate(factors)}
    for k, h in enumerate(horizons):
        rows = frame[(frame["horizon"] == h) & frame["factor"].isin(place)]
        error = 2.0 * rows["rank_ic_std"] * np.sqrt(h / rows["days"].clip(lower=1))
        offset = (k - (len(horizons) - 1) / 2) * 0.22
        axes.errorbar(
            rows["rank_ic"],
            rows["factor"].map(place) + offset,
            xerr=error,
            **_marks(k),
            ls="",
            ms=3.5,
            elinewidth=0.8,
            label=_sessions(h),
        )
    axes.axvline(0, color=GREY, lw=0.8)
    axes.set_yticks([])  # ticks cost four times as much as the words alone
    beside = axes.get_yaxis_transform()
    for name, row in place.items():
        axes.text(-0.02, row, name, transform=beside, ha="right", va="center", fontsize=SMALL)
    axes.hlines(list(place.values()), 0, 1, transform=beside, color=LIGHT, lw=0.6, zorder=0)
    axes.set_ylim(len(factors) - 0.4, -0.6)
    axes.legend(
        fontsize=SMALL, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.022), ncols=3
    )


def _decay(axes: Any, frame: pd.DataFrame, factors: Sequence[str], horizons: Sequence[int]) -> None:
    panel(
        axes,
        "Decay of the strongest factors",
        "How the mean rank IC changes with the horizon (sessions).",
    )
    for k, name in enumerate(factors):
        rows = frame[frame["factor"] == name].sort_values("horizon")
        places = [horizons.index(h) for h in rows["horizon"]]
        axes.plot(places, rows["rank_ic"], **_marks(k), ms=4, lw=1.3, label=name)
    axes.axhline(0, color=GREY, lw=0.8)
    axes.set_xticks(range(len(horizons)), [str(h) for h in horizons])
    axes.margins(y=0.1)


def _quantiles(axes: Any, frame: pd.DataFrame, factors: Sequence[str], horizon: int) -> None:
    panel(
        axes,
        f"Returns by quantile, {_sessions(horizon)}",
        "Mean return, bp a session; quantile 1 holds the lowest values.",
    )
    names = [f"quantile_{q}" for q in range(1, 6)]
    names = [name for name in names if frame[name].notna().any()]
    for k, factor in enumerate(factors):
        rows = frame[(frame["factor"] == factor) & (frame["horizon"] == horizon)]
        values = rows[names].to_numpy().ravel() * 1e4 / horizon
        axes.plot(range(1, len(values) + 1), values, **_marks(k), ms=4, lw=1.3, label=factor)
    axes.set_xticks(range(1, len(names) + 1))
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.62 * (high - low))  # room for the legend
    axes.legend(fontsize=SMALL, frameon=False, loc="upper left", labelspacing=0.25)


def _regressions(axes: Any, frame: pd.DataFrame, horizons: Sequence[int]) -> None:
    panel(
        axes,
        "Regression of returns on each factor",
        "Mean slope (bp a session per z-score) and t-statistic; area: R².",
    )
    largest = frame["r_squared"].max()
    for k, h in enumerate(horizons):
        rows = frame[frame["horizon"] == h]
        area = 4.0 + 90.0 * rows["r_squared"].fillna(0.0) / (largest if largest > 0 else 1.0)
        axes.scatter(
            rows["beta"] * 1e4 / h,
            rows["t_statistic"],
            s=area,
            color=COLOURS[k % 6],
            marker=MARKERS[k % 6],
            alpha=0.65,
            lw=0,
            label=_sessions(h),
        )
    axes.axhline(0, color=GREY, lw=0.8)
    axes.axvline(0, color=GREY, lw=0.8)
    axes.set_xlabel("beta, bp a session", fontsize=SMALL, labelpad=1)
    axes.set_ylabel("t-statistic", fontsize=SMALL, labelpad=1)
    legend = axes.legend(fontsize=SMALL, frameon=False, loc="upper left")
    for handle in legend.legend_handles:
        handle.set_sizes([18.0])


def _types(axes: Any, frame: pd.DataFrame) -> None:
    panel(
        axes,
        "t-statistics by type of factor",
        "Mean daily t-statistic of each factor at each horizon.",
    )
    known = frame[frame["t_statistic"].notna()]
    groups = {name: rows["t_statistic"].to_numpy() for name, rows in known.groupby("type")}
    order = sorted(groups, key=lambda name: np.median(groups[name]))
    if order:
        drawn = axes.boxplot(
            [groups[name] for name in order],
            orientation="horizontal",
            widths=0.6,
            patch_artist=True,
            flierprops={"ms": 2.5, "marker": "o", "markeredgecolor": GREY},
            medianprops={"color": "black", "lw": 1.2},
        )
        for box in drawn["boxes"]:
            box.set(facecolor=COLOURS[4], edgecolor=GREY)
    axes.set_yticks(range(1, len(order) + 1), order, fontsize=SMALL)
    axes.axvline(0, color=GREY, lw=0.8)


def _marks(k: int) -> dict[str, str]:
    return {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)]}


def _sessions(horizon: int) -> str:
    return "1 session" if horizon == 1 else f"{horizon} sessions"


def _only_month(frame: pd.DataFrame) -> str:
    months = sorted(frame["month"].unique())
    if len(months) != 1:
        raise ValueError(f"a figure shows one month. Got rows of {months or 'no month'} instead.")
    return str(months[0])


def _type(name: str, types: Mapping[str, str] | None) -> str:
    from quant_assets.factors.registry import UnknownFactorError, factor_of

    if types is not None:
        return types.get(name, "other")
    try:
        return factor_of(name).type
    except UnknownFactorError:
        return "other"


def _clustered(matrix: np.ndarray) -> np.ndarray:
    """The order of rows that puts alike ones side by side."""
    from scipy.cluster.hierarchy import leaves_list, linkage

    if len(matrix) < 3:
        return np.arange(len(matrix))
    distance = 1.0 - np.abs(np.nan_to_num(matrix, nan=0.0))
    pairs = distance[np.triu_indices(len(matrix), 1)]
    order: np.ndarray = leaves_list(linkage(np.maximum(pairs, 0.0), "average"))
    return order


def _blue_orange() -> tuple[Any, Any]:
    """Colours from -1 to 1 and their steps of a tenth; what rounds to zero is white."""
    from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap

    colours = ["#8C3B00", "#E69F00", "#F7F7F7", "#56B4E9", "#08306B"]
    shades = LinearSegmentedColormap.from_list("blue_orange", colours).with_extremes(bad="#BBBBBB")
    return shades, BoundaryNorm(np.linspace(-1.05, 1.05, 22), shades.N)
