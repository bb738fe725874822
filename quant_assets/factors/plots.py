"""The picture of a month of factors, as PNG bytes: the summary's overview.

Here stand what is shown and how; the numbers come from the tables by report/digest.py, the frame
from figures.py. Colours are those of Okabe & Ito (2008), which colour-blind readers can tell apart;
types of factors differ in marker, too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from quant_assets.factors.report.digest import Box, Month
from quant_assets.factors.report.placing import apart
from quant_assets.pages.figures import GREY, LIGHT, SMALL, heading, new_figure, panel, png

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
MARKERS = ("o", "s", "^", "D", "v", "P")
# Quantiles from the lowest factor values to the highest: orange over grey to blue.
ORDERED = ("#A65200", "#E69F00", "#999999", "#56B4E9", "#0072B2")
SHOWN = 30  # factors that a list can hold legibly; with more, the strongest are shown
LEADERS = 5  # types of which the strongest factor is shown by itself


def summary_figure(
    summary: pa.Table, evaluation: pa.Table, types: Mapping[str, str], label: str
) -> bytes:
    """The picture of one month of factor_summary.

    Args:
        summary: rows of one month.
        evaluation: rows of factor_evaluation of its days.
        types: factor -> type; "other" where unknown.
        label: what the data are, for the title; of a simulated market with "simulated data" in it.

    Raises:
        ValueError: rows of several months, or none.
    """
    month = Month.of(summary, evaluation, types)
    count, middle = len(month.factors), _sessions(month.horizons[month.middle])
    figure = new_figure(13.0, 11.4)
    grid = figure.add_gridspec(
        3, 3, left=0.15, right=0.985, top=0.886, bottom=0.05, hspace=0.34, wspace=0.33
    )
    heading(
        figure,
        f"Factors of {month.month}: {label}",
        f"How well {count} factors ordered the returns of the members of the universe on "
        f"{len(month.dates)} days; horizons in sessions.\nStrongest are those with the largest "
        f"mean rank IC, either sign, at {middle}. With many factors some look strong by chance.",
    )
    marks = _marks_of_types(month)
    _rank_ics(figure.add_subplot(grid[:2, 0]), month)
    _boxes(
        figure.add_subplot(grid[0, 1]),
        month.boxes("t_statistic", month.middle),
        marks,
        "t-statistic by type of factor",
        f"Of returns on each factor, test dates at {middle}.",
    )
    _boxes(
        figure.add_subplot(grid[0, 2]),
        month.boxes("r_squared", month.middle),
        marks,
        "R² by type of factor",
        "Of the same regressions. Whiskers: 10 to 90 %.",
    )
    _regressions(figure.add_subplot(grid[1, 1:]), month, marks)
    best = month.leaders[:LEADERS]
    _decay(figure.add_subplot(grid[2, 0]), month, best)
    _over_time(figure.add_subplot(grid[2, 1]), month, best)
    _quantiles(figure.add_subplot(grid[2, 2]), month, best[0])
    return png(figure)


def _rank_ics(axes: Any, month: Month) -> None:
    total, shown = len(month.factors), month.strongest[:SHOWN]
    which = f"{SHOWN} strongest of {total}" if total > SHOWN else "all factors"
    panel(
        axes,
        f"Mean rank IC ({which})",
        "Bars: 2 standard errors, widened by √h for overlap.",
    )
    rank_ic, deviation, days = (month.mean(name) for name in ("rank_ic", "rank_ic_std", "days"))
    rows = np.arange(len(shown))
    for k, h in enumerate(month.horizons):
        error = 2.0 * deviation[shown, k] * np.sqrt(h / np.maximum(days[shown, k], 1.0))
        axes.errorbar(
            rank_ic[shown, k],
            rows + (k - (len(month.horizons) - 1) / 2) * 0.22,
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
    for row, place in enumerate(shown):
        name = month.factors[place]
        axes.text(-0.02, row, name, transform=beside, ha="right", va="center", fontsize=SMALL)
    axes.hlines(rows, 0, 1, transform=beside, color=LIGHT, lw=0.6, zorder=0)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.legend(
        fontsize=SMALL, frameon=False, loc="upper center", bbox_to_anchor=(0.4, -0.025), ncols=3
    )


def _boxes(
    axes: Any, boxes: Sequence[Box], marks: Mapping[str, dict[str, str]], title: str, sentence: str
) -> None:
    panel(axes, title, sentence)
    beside = axes.get_yaxis_transform()
    for row, box in enumerate(boxes):
        low, first, middle, third, high = box.values
        colour = marks[box.type]["color"]
        axes.hlines(row, low, high, color=GREY, lw=1.0)
        axes.vlines((low, high), row - 0.15, row + 0.15, color=GREY, lw=1.0)
        axes.barh(
            row, third - first, 0.6, left=first, color=colour, alpha=0.75, edgecolor=GREY, lw=0.8
        )
        axes.vlines(middle, row - 0.3, row + 0.3, color="black", lw=1.6)
        axes.plot(
            -0.035, row, transform=beside, clip_on=False, ls="", ms=4.5, zorder=9, **marks[box.type]
        )
        axes.text(-0.07, row, box.type, transform=beside, ha="right", va="center", fontsize=SMALL)
    axes.set_yticks([])
    axes.set_ylim(-0.6, max(len(boxes), 1) - 0.4)
    axes.axvline(0, color=GREY, lw=0.8)


def _regressions(axes: Any, month: Month, marks: Mapping[str, dict[str, str]]) -> None:
    h = month.horizons[month.middle]
    panel(
        axes,
        "Beta against t-statistic",
        f"A mark a factor: means of the days at {_sessions(h)}; slope in bp a session and z-score; "
        "area: R²; colours as above.",
    )
    beta, t, r_squared = (
        month.mean(name)[:, month.middle] for name in ("beta", "t_statistic", "r_squared")
    )
    largest = np.nanmax(r_squared, initial=0.0)
    area = 6.0 + 150.0 * np.nan_to_num(r_squared) / (largest if largest > 0 else 1.0)
    types = np.array(month.types, str)
    for each, mark in marks.items():
        rows = types == each
        axes.scatter(beta[rows] * 1e4 / h, t[rows], s=area[rows], alpha=0.6, lw=0, **mark)
    axes.margins(0.06, 0.12)  # for the names
    axes.axhline(0, color=GREY, lw=0.8)
    axes.axvline(0, color=GREY, lw=0.8)
    axes.set_xlabel("beta, bp a session", fontsize=SMALL, labelpad=1)
    axes.set_ylabel("mean t-statistic", fontsize=SMALL, labelpad=1)
    known = np.isfinite(beta) & np.isfinite(t)
    named = sorted((k for k in month.leaders[:LEADERS] if known[k]), key=lambda k: float(t[k]))
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    heights = apart([float((t[k] - low) / (high - low)) for k in named], 0.065)
    for k, height in zip(named, heights, strict=True):
        x = float(beta[k]) * 1e4 / h
        side = 0.09 if x < (left + right) / 2 else -0.09
        axes.annotate(
            month.factors[k],
            (x, t[k]),
            ((x - left) / (right - left) + side, height),
            textcoords="axes fraction",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=SMALL,
            arrowprops={"arrowstyle": "-", "color": GREY, "lw": 0.6, "shrinkA": 1, "shrinkB": 2},
        )


def _decay(axes: Any, month: Month, factors: Sequence[int]) -> None:
    panel(
        axes,
        "Decay, the strongest of each type",
        "How the mean rank IC changes with the horizon (sessions).",
    )
    rank_ic = month.mean("rank_ic")
    places = range(len(month.horizons))
    for k, factor in enumerate(factors):
        axes.plot(places, rank_ic[factor], **_marks(k), ms=4, lw=1.3, label=month.factors[factor])
    axes.axhline(0, color=GREY, lw=0.8)
    axes.set_xticks(places, [str(h) for h in month.horizons])
    _legend_above(axes)


def _over_time(axes: Any, month: Month, factors: Sequence[int]) -> None:
    panel(
        axes,
        "Rank IC by day, the same factors",
        f"On each day of the month, at {_sessions(month.horizons[month.middle])}.",
    )
    rank_ic = month.daily("rank_ic")[:, month.middle]
    for k, factor in enumerate(factors):
        axes.plot(rank_ic[factor], **_marks(k), ms=2.5, lw=1.1)
    _days(axes, month)


def _quantiles(axes: Any, month: Month, factor: int) -> None:
    panel(
        axes,
        f"Quantiles of {month.factors[factor]}",
        f"Cumulative return in % at {_sessions(month.horizons[month.middle])}, less that of all.",
    )
    curves = 100.0 * month.quantile_curves([factor], month.middle)[0]
    drawn = [k for k, curve in enumerate(curves) if np.isfinite(curve).any()]
    for k in drawn:
        ends = {drawn[0]: " (lowest values)", drawn[-1]: " (highest)"}
        name = f"{k + 1}{ends.get(k, '')}"
        axes.plot(curves[k], color=ORDERED[k], marker=MARKERS[k], ms=2.5, lw=1.3, label=name)
    _days(axes, month)
    if axes.get_legend_handles_labels()[0]:
        _legend_above(axes)


def _days(axes: Any, month: Month) -> None:
    axes.axhline(0, color=GREY, lw=0.8)
    shown = range(0, len(month.dates), 5)
    axes.set_xticks(shown, [str(month.dates[k])[5:] for k in shown])


def _legend_above(axes: Any) -> None:
    """A legend inside, above what is drawn."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.42 * (high - low))
    axes.legend(
        fontsize=SMALL, frameon=False, loc="upper left", labelspacing=0.2, ncols=2, columnspacing=1
    )


def _marks(k: int) -> dict[str, str]:
    return {"color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)]}


def _marks_of_types(month: Month) -> dict[str, dict[str, str]]:
    """Colour and marker of each type: no two share both."""
    return {
        each: {
            "color": COLOURS[k % len(COLOURS)],
            "marker": MARKERS[(k + k // len(COLOURS)) % len(MARKERS)],
        }
        for k, each in enumerate(sorted(set(month.types)))
    }


def _sessions(horizon: int) -> str:
    return "1 session" if horizon == 1 else f"{horizon} sessions"
