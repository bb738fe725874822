"""The section of regimes: what the subject was worth in each state of the market."""

from collections.abc import Mapping

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.pages.shell import Section
from quant_assets.performance.page.formats import MISSING, count, number, percent
from quant_assets.performance.page.parts import Grid, Part
from quant_assets.performance.page.sheet_data import SheetData
from quant_assets.performance.regimes import VIEWS, metrics_by_regime

_COLUMNS = (
    ("Return a year", "cagr", percent),
    ("Volatility", "volatility", percent),
    ("Sharpe ratio", "sharpe", number),
    ("Largest drawdown", "max_drawdown", percent),
    ("Beta", "beta", number),
    ("Days with a gain", "win_rate", percent),
    ("Worst day", "worst_day", percent),
)
_BENCHMARK = ("Return a year", "cagr", percent)
# What each view goes by, and the order of its states.
_TOLD = {
    "trend": ("Trend", "index above or below its long average"),
    "volatility": ("Volatility index", "at most 20, or above"),
    "switching": ("Markov switching", "two states of the index's volatility, fitted on the past"),
}
# The state of each view that shades the curve.
_SHADED = {"trend": 0, "volatility": 1, "switching": 1}


def part(sheet: SheetData) -> Part | None:
    """Metrics by regime, and the days that shade the curve; None without regimes."""
    known = known_views(sheet)
    if not known:
        return None
    told = "; ".join(f"{_TOLD[view][0].lower()}: {_TOLD[view][1]}" for view in known)
    sentence = (
        "Each day by the regime that was known at the close before it. The days of a regime are "
        f"put one after the other. By {told}."
    )
    section = Section("Regimes", sentence, regime_grid(sheet).html(), anchor="regimes")
    shades = {view: _runs(codes == _SHADED[view]) for view, codes in known.items()}
    return Part(section, [{"kind": "shades", "of": shades}])


def regime_grid(sheet: SheetData) -> Grid:
    """Metrics by regime; without rows where none is known."""
    known = known_views(sheet)
    index = sheet.benchmark
    heads = ["By", "Regime", "Sessions", "Share", *(title for title, _, _ in _COLUMNS)]
    heads += [f"{sheet.benchmark_title}, a year"] if index is not None else []
    rows: list[list[str]] = []
    if sheet.regimes is not None and known:
        own = sheet.returns
        found = metrics_by_regime(
            own[:, None] if index is None else np.column_stack([own, index]),
            sheet.dates,
            sheet.regimes,
            index,
            0.0 if sheet.risk_free is None else sheet.risk_free,
            sheet.annualization,
        )
        rows = [
            _row(view, name, codes == code, found[name])
            for view, codes in known.items()
            for code, name in reversed(list(enumerate(VIEWS[view])))
            if name in found
        ]
    return Grid("regimes", heads, rows, (0, 1), empty="No regime is known.")


def known_views(sheet: SheetData) -> dict[str, np.ndarray]:
    """Codes of the days of the sheet, by views that know anything of them."""
    if sheet.regimes is None or not len(sheet.dates):
        return {}
    before = sheet.regimes.before(sheet.dates)
    return {view: codes for view, codes in before.items() if (codes >= 0).any()}


def _runs(inside: np.ndarray) -> list[list[int]]:
    """First and last place of each unbroken run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8)))
    return [[int(first), int(end) - 1] for first, end in edges.reshape(-1, 2)]


def _row(view: str, name: str, days: np.ndarray, values: Mapping[str, FloatArray]) -> list[str]:
    row = [_TOLD[view][0], name, count(int(days.sum())), percent(float(days.mean()))]
    # In cash all the time: its Sharpe ratio would be that of the risk-free rate's own wobble.
    idle = not values["volatility"][0] > 0
    row += [
        MISSING if idle and metric == "sharpe" else shown(float(values[metric][0]))
        for _, metric, shown in _COLUMNS
    ]
    if len(values["cagr"]) > 1:
        row.append(_BENCHMARK[2](float(values["cagr"][1])))
    return row
