"""The page `strategy_correlations`: three heat maps and the pairs behind them.

Here stand its sections and their words, and the heat map that other pages show, too. Numbers come
from backtests/combined/correlations.py.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from quant_assets.backtests.combined.correlations import KINDS, MINIMUM_SESSIONS, Correlations
from quant_assets.backtests.combined.returns import StrategyReturns
from quant_assets.pages.shell import Section
from quant_assets.performance.comparison.cells import Cell, Name, shaded_table
from quant_assets.performance.comparison.frame import framed
from quant_assets.performance.page.formats import count, number

_TOLD = {
    "pearson": (
        "Pearson",
        "Linear correlation of daily net returns over the common days of each pair.",
    ),
    "spearman": ("Spearman", "The same of their ranks: single days of large moves weigh less."),
    "downside": (
        "Downside",
        "Over the common days on which both lost (exceedance correlation at 0, Longin and Solnik "
        "2001). Of normal returns it lies below Pearson's, 0.5 becomes 0.27: where it is as high, "
        "losses come together.",
    ),
}
_NOTE = (
    "The order of strategies is that of average-linkage clustering on the distance sqrt((1 - r) / "
    f"2). With fewer than {MINIMUM_SESSIONS} days there is no correlation."
)


def heat_map(alike: Correlations, kind: str, titles: Mapping[str, str], days: bool = True) -> str:
    """The correlations of one kind as a coloured table, alike strategies side by side.

    `days` has a cell tell how many days are behind it.
    """
    values = getattr(alike, kind)
    names = [titles.get(alike.names[k], alike.names[k]) for k in alike.order]
    rows = []
    for i, name in zip(alike.order, names, strict=True):
        cells = []
        for j in alike.order:
            value = float(values[i, j])
            behind = alike.downside_sessions if kind == "downside" else alike.sessions
            shade = 0.0 if i == j or np.isnan(value) else value
            told = f"{count(float(behind[i, j]))} days" if days else ""
            cells.append(Cell(number(value), shade, told))
        rows.append((Name(name), cells))
    heads = [("", ""), *((name, name) for name in names)]
    return shaded_table(f"{kind} correlations", heads, rows, "matrix")


def correlation_page(
    alike: Correlations,
    found: StrategyReturns,
    label: str,
    simulated: bool,
    titles: Mapping[str, str],
) -> str:
    """The page.

    Args:
        alike: the correlations.
        found: the returns behind them.
        label: the market's name.
        simulated: whether it is made up.
        titles: of the strategies, by name.
    """
    sections = [
        Section(head, told, heat_map(alike, kind, titles), anchor=f"{kind}-section")
        for kind, (head, told) in _TOLD.items()
    ]
    sections.append(
        Section(
            "Pairs",
            "Each pair with the days behind its figures; gaps are sessions between the first and "
            "the last common day on which one of the two has no return.",
            _pairs(alike, found, titles),
            anchor="pairs-section",
        )
    )
    title = f"Correlations of strategies · {label}"
    subtitle = f"{len(alike.names)} strategies, daily net returns"
    return framed(title, subtitle, sections, {}, _NOTE, simulated, found.notes)


def _pairs(alike: Correlations, found: StrategyReturns, titles: Mapping[str, str]) -> str:
    names = [titles.get(name, name) for name in alike.names]
    rows: list[tuple[Name, Sequence[Cell]]] = []
    for i in range(len(names)):
        for j in range(i + 1, len(names)):
            figures = [float(getattr(alike, kind)[i, j]) for kind in KINDS]
            cells = [Cell(number(v), 0.0 if np.isnan(v) else v) for v in figures]
            for values in (alike.sessions, alike.downside_sessions, alike.gaps):
                cells.append(Cell(count(float(values[i, j]))))
            for place in (alike.first[i, j], alike.last[i, j]):
                cells.append(Cell("–" if place < 0 else str(found.dates[place])))
            rows.append((Name(f"{names[i]} · {names[j]}"), cells))
    heads = ["Pair", "Pearson", "Spearman", "Downside", "Days", "Days both lost", "Gaps", "From"]
    return shaded_table("pairs", [(head, "") for head in (*heads, "To")], rows, empty="No pair.")
