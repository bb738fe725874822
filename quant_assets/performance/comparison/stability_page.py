"""The page `strategy_stability`: parts of each history, confidence, breaks, parameters.

Here stand its sections and their words. The numbers are the rows of table `strategy_stability`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from quant_assets.pages.shell import Section
from quant_assets.performance.comparison.cells import Cell, Name, shaded_table
from quant_assets.performance.comparison.frame import framed
from quant_assets.performance.metrics import METRICS
from quant_assets.performance.page.formats import count, number, percent
from quant_assets.settings_combined import CombinedSettings

_DARKEST = 2.0  # Sharpe ratio with the darkest shade
_SURE = 0.05
_NOTE = (
    "Sharpe ratios are annual, of returns above the risk-free rate of each day. The regime of a "
    "day was known at the close before it. All tests look at one strategy alone: of twenty without "
    "any break one is expected below 5 %."
)
_BREAKS = (
    "CUSUM test of Ploberger and Krämer (1992) with Newey and West's long-run variance. A low "
    "p-value says that the days before and after the date differ by more than chance would make "
    "them; it does not say which of both will last. A high one says only that no break can be "
    "told from noise: returns are so noisy that an edge may be gone for years before a test "
    "notices."
)


def stability_page(
    table: pa.Table,
    settings: CombinedSettings,
    label: str,
    simulated: bool,
    titles: Mapping[str, str],
    notes: Sequence[str] = (),
) -> str:
    """The page.

    Args:
        table: table `strategy_stability`.
        settings: it was made with.
        label: the market's name.
        simulated: whether it is made up.
        titles: of the strategies, by name, in the order of the page.
        notes: sentences for the reader.
    """
    rows = table.to_pylist()
    there = {row["strategy"] for row in rows}
    names = [name for name in titles if name in there]
    title = f"Stability of strategies · {label}"
    if not names:
        nothing = Section("Nothing to judge", "No strategy has returns yet.", "")
        return framed(title, label, [nothing], {}, _NOTE, simulated, notes)
    shown = _Rows(rows, {name: titles[name] for name in names})
    sections = [
        _parts(shown),
        _confidence(shown, settings),
        _rolling(shown),
        _breaks(shown),
        _parameters(shown),
    ]
    first = min(row["first_date"] for row in rows if row["first_date"])
    last = max(row["last_date"] for row in rows if row["last_date"])
    there_are = [each for each in sections if each is not None]
    return framed(
        title,
        f"{len(names)} strategies · {first} to {last}",
        there_are,
        {},
        _NOTE,
        simulated,
        notes,
    )


class _Rows:
    """Looks figures up by strategy, view, period and measure."""

    def __init__(self, rows: list[dict[str, Any]], titles: Mapping[str, str]) -> None:
        self.titles = titles
        self._rows = {(r["strategy"], r["view"], r["period"], r["measure"]): r for r in rows}
        self.periods: dict[str, list[str]] = {}
        for row in rows:
            known = self.periods.setdefault(row["view"], [])
            if row["period"] not in known:
                known.append(row["period"])

    def value(self, strategy: str, view: str, period: str, measure: str) -> float:
        """The figure, NaN where there is none."""
        row = self._rows.get((strategy, view, period, measure))
        return float("nan") if row is None or row["value"] is None else float(row["value"])

    def there(self, strategy: str, view: str, period: str, measure: str) -> bool:
        """Whether there is such a row."""
        return (strategy, view, period, measure) in self._rows

    def days(self, strategy: str, view: str, period: str, measure: str) -> str:
        """First and last day and number of the sessions behind a figure."""
        row = self._rows.get((strategy, view, period, measure))
        if row is None or row["first_date"] is None:
            return ""
        return f"{row['first_date']} to {row['last_date']}, {row['sessions']:,} sessions"

    def last(self, strategy: str, view: str, period: str, measure: str) -> str:
        """The last day behind a figure."""
        row = self._rows.get((strategy, view, period, measure))
        return "–" if row is None or row["last_date"] is None else str(row["last_date"])


def _sharpe(rows: _Rows, strategy: str, view: str, period: str, measure: str) -> Cell:
    value = rows.value(strategy, view, period, measure)
    shade = 0.0 if np.isnan(value) else float(np.clip(value / _DARKEST, -1, 1))
    return Cell(number(value), shade, rows.days(strategy, view, period, measure))


def _parts(rows: _Rows) -> Section:
    periods = [("whole", "all", "All"), ("half", "first", "First half")]
    periods.append(("half", "second", "Second half"))
    periods += [("regime", each, each.capitalize()) for each in rows.periods.get("regime", [])]
    periods += [("year", each, each) for each in sorted(rows.periods.get("year", []))]
    lines = [
        (Name(title), [_sharpe(rows, name, view, period, "sharpe") for view, period, _ in periods])
        for name, title in rows.titles.items()
    ]
    heads = [("", ""), *((head, f"Sharpe ratio of {head}") for *_, head in periods)]
    return Section(
        "Sharpe ratio by part",
        "Of the whole history, its halves, the regimes of the market and each year. A strategy "
        "that works has more blue than orange in every part, not one dark cell; a year alone says "
        "little: its Sharpe ratio has an error of about 1. Where a strategy was in cash there is "
        "none.",
        shaded_table("Sharpe ratio by part", heads, lines),
        anchor="parts-section",
    )


def _confidence(rows: _Rows, settings: CombinedSettings) -> Section:
    found = {
        name: {m: rows.value(name, "bootstrap", "sharpe", m) for m in _INTERVAL}
        for name in rows.titles
    }
    known = [v for each in found.values() for v in each.values() if np.isfinite(v)]
    ends = [each[m] for each in found.values() for m in ("lower", "upper")]
    ends = [0.0, *(v for v in ends if np.isfinite(v))]
    low, high = min(ends), max(ends)
    room = (high - low) * 0.04 or 1.0
    low, high = low - room, high + room
    lines = []
    for name, title in rows.titles.items():
        each = found[name]
        cells = [
            Cell(number(each["sharpe"])),
            Cell(number(each["lower"])),
            Cell(number(each["upper"])),
            Cell(percent(each["below_zero"]), _doubt(each["below_zero"])),
            Cell(number(each["block"], 1)),
            _Whisker(each["lower"], each["sharpe"], each["upper"], low, high),
        ]
        lines.append((Name(title), cells))
    heads = [
        ("", ""),
        ("Sharpe ratio", "of the history itself"),
        ("From", "2.5th percentile of the resamples"),
        ("To", "97.5th percentile of the resamples"),
        ("At or below 0", "share of the resamples"),
        ("Block", "mean length of a block in sessions"),
        ("95 % interval; the line is 0", ""),
    ]
    return Section(
        "How sure the Sharpe ratio is",
        f"What it might as well have been: {count(settings.resamples)} histories put together from "
        "blocks of the real one (stationary bootstrap of Politis and Romano 1994; the block's mean "
        "length after Politis and White 2004). It takes the past as a fair sample: of a world that "
        "changes it knows nothing, nor of how the strategy was chosen.",
        shaded_table("confidence of Sharpe ratios", heads, lines if known else []),
        anchor="confidence-section",
    )


_INTERVAL = ("sharpe", "lower", "upper", "below_zero", "block")


class _Whisker(Cell):
    """An interval as a bar with a dot."""

    def __init__(self, lower: float, at: float, upper: float, low: float, high: float) -> None:
        super().__init__("")
        share = {
            name: (value - low) / (high - low) * 100
            for name, value in (("from", lower), ("at", at), ("to", upper), ("zero", 0.0))
        }
        known = all(np.isfinite(value) for value in share.values())
        object.__setattr__(self, "_places", share if known else {})

    def html(self) -> str:
        """The cell of a table."""
        places: dict[str, float] = self.__dict__["_places"]
        if not places:
            return "<td></td>"
        style = ";".join(f"--{name}:{value:.1f}%" for name, value in places.items())
        return f'<td><span class="whisker" style="{style}"><b></b><i></i></span></td>'


def _doubt(share: float) -> float:
    """Blue where 0 is unlikely, orange where it is likely."""
    return 0.0 if np.isnan(share) else float(np.clip(1.0 - share / 0.25, -1.0, 1.0))


def _rolling(rows: _Rows) -> Section | None:
    periods = rows.periods.get("rolling")
    if not periods:
        return None
    measures = ("lowest_sharpe", "median_sharpe", "highest_sharpe", "latest_sharpe")
    lines = []
    for name, title in rows.titles.items():
        cells = [_sharpe(rows, name, "rolling", periods[0], measure) for measure in measures]
        above = rows.value(name, "rolling", periods[0], "share_above_zero")
        lines.append((Name(title), [*cells, Cell(percent(above), 2 * above - 1)]))
    heads = ["", "Lowest", "Median", "Highest", "Latest", "Share above 0"]
    return Section(
        "Rolling Sharpe ratio",
        f"Of all windows of {periods[0]}.",
        shaded_table("rolling Sharpe ratios", [(head, "") for head in heads], lines),
        anchor="rolling-section",
    )


def _breaks(rows: _Rows) -> Section:
    lines = []
    for name, title in rows.titles.items():
        cells = []
        for what, measure, shown in (
            ("mean", "sharpe", number),
            ("volatility", "volatility", percent),
        ):
            p_value = rows.value(name, "break", what, "p_value")
            sure = np.isfinite(p_value) and p_value < _SURE
            cells += [
                Cell(number(p_value, 3), -1.0 if sure else 0.0),
                Cell(rows.last(name, "break", what, f"{measure}_before")),
                Cell(shown(rows.value(name, "break", what, f"{measure}_before"))),
                Cell(shown(rows.value(name, "break", what, f"{measure}_after"))),
            ]
        lines.append((Name(title), cells))
    heads = [
        ("", ""),
        ("Mean: p", "chance of so large an excursion without a break"),
        ("at", "last day before the supposed break"),
        ("Sharpe before", ""),
        ("Sharpe after", ""),
        ("Volatility: p", "chance of so large an excursion without a break"),
        ("at", "last day before the supposed break"),
        ("before", "annual volatility"),
        ("after", "annual volatility"),
    ]
    return Section(
        "Breaks", _BREAKS, shaded_table("tests of breaks", heads, lines), anchor="breaks-section"
    )


def _parameters(rows: _Rows) -> Section | None:
    metrics = rows.periods.get("parameters")
    if not metrics:
        return None
    lines = []
    for name, title in rows.titles.items():
        # A sweep has one metric, which its own settings choose.
        metric = next((m for m in metrics if rows.there(name, "parameters", m, "sets")), None)
        if metric is None:
            continue
        figures = {m: rows.value(name, "parameters", metric, m) for m in _SWEPT}
        cells = [Cell(METRICS[metric].title), Cell(count(figures["sets"]))]
        share = figures["share_above_zero"]
        cells.append(Cell(percent(share), 2 * share - 1))
        cells += [Cell(number(figures[m])) for m in ("lowest", "median", "highest", "plateau")]
        alike = figures["rank_correlation_of_parts"]
        cells.append(Cell(number(alike), 0.0 if np.isnan(alike) else alike))
        lines.append((Name(title), cells))
    heads = [
        ("", ""),
        ("Metric", "by which the sweep judges"),
        ("Sets", "parameter sets of the sweep"),
        ("Above 0", "share of the sets"),
        ("Lowest", ""),
        ("Median", ""),
        ("Highest", "the peak, which is what luck picks"),
        ("Plateau", "of the set whose neighbours are good, too"),
        ("First part against second", "rank correlation of the sets between the two parts"),
    ]
    return Section(
        "Parameters",
        "What the sets of each strategy's sweep came to by its metric. An edge does not hang on "
        "one set: most sets are above 0, and the sets that were better in the first part of the "
        "history are better in the second, too.",
        shaded_table("parameters", heads, lines),
        anchor="parameters-section",
    )


_SWEPT = (
    *("sets", "share_above_zero", "lowest", "median", "highest", "plateau"),
    "rank_correlation_of_parts",
)
