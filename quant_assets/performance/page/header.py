"""The top of the page: what was run on what, the key figures, and what a reader must know."""

from html import escape

import numpy as np

from quant_assets.performance.metrics import METRICS
from quant_assets.performance.page.formats import by_unit, counted, day, percent, sentence
from quant_assets.performance.page.luck import Luck
from quant_assets.performance.page.measured import Measured
from quant_assets.performance.page.sheet_data import SheetData

# Name of a metric, what the tile is called, and what it says in a few words.
_TILES = (
    ("cagr", "Return a year", "compound"),
    ("volatility", "Volatility", "of daily returns, a year"),
    ("sharpe", "Sharpe ratio", "excess return per unit of risk"),
    ("max_drawdown", "Largest drawdown", "from a peak, on closes"),
    ("calmar", "Calmar ratio", "return over largest drawdown"),
    ("information_ratio", "Information ratio", "against the benchmark"),
    ("annual_turnover", "Turnover a year", "times equity, purchases plus sales"),
)
_RATIOS = ("sharpe", "information_ratio")
_KINDS = {"strategy": "Strategy", "portfolio": "Portfolio", "model": "Model"}


def top(sheet: SheetData, measured: Measured, luck: Luck) -> str:
    """Marks, warnings, key figures and facts."""
    mark = (
        '<p class="mark" role="note">Simulated data: this market is made up, its returns mean '
        "nothing outside of it.</p>"
        if sheet.simulated
        else ""
    )
    notes = "".join(f"<li>{escape(sentence(text))}</li>" for text in warnings(sheet))
    listed = f'<ul class="warnings" aria-label="Warnings">{notes}</ul>' if notes else ""
    shown = "".join(_tile(*each) for each in tiles(sheet, measured, luck))
    return f'{mark}<dl class="tiles">{shown}</dl>{listed}{_listed(sheet, luck)}'


def warnings(sheet: SheetData) -> list[str]:
    """What a reader must know: the sheet's own warnings, and what its returns are too poor for."""
    found = list(sheet.warnings)
    known = sheet.returns[np.isfinite(sheet.returns)]
    if not len(known):
        return [*found, "there is no return: nothing can be measured"]
    if not known.any():
        found.append("no day has a return other than 0: it never held anything that moved")
    if (lost := np.flatnonzero(sheet.returns <= -1.0)).size:
        told = f"the capital was lost on {day(sheet.dates[lost[0]])}"
        # A backtest that ended by it says so itself.
        found += [] if any(each.startswith(told) for each in found) else [told]
    if len(known) < sheet.annualization:
        found.append(
            f"fewer than a year: {counted(len(known), 'session')}; figures a year are those of "
            "these sessions carried on, and a ratio of so few is mostly chance"
        )
    return found


def subtitle(sheet: SheetData) -> str:
    """Kind, market and time in a line."""
    span = f"{day(sheet.dates[0])} to {day(sheet.dates[-1])}" if len(sheet.dates) else "no session"
    return f"{_KINDS[sheet.kind]} · {sheet.market_title} · {span}"


def tiles(sheet: SheetData, measured: Measured, luck: Luck) -> list[tuple[str, str, str, str]]:
    """Key figures: what it is, the value, a few words, the convention."""
    found = []
    for name, title, words in _TILES:
        value = measured.own.get(name, np.nan)
        # Of what never moved, ratios would be those of the risk-free rate.
        if np.isnan(value) or (name in _RATIOS and not measured.own["volatility"] > 0):
            continue
        metric = METRICS[name]
        shown = _short(value, metric.unit)
        words += f", {sheet.costs_told}" if name == "cagr" else ""
        theirs = measured.of_benchmark(name)
        if not np.isnan(theirs):
            words += f" · {sheet.benchmark_title} {_short(theirs, metric.unit)}"
        found.append((title, shown, words, metric.description))
    return [*found, luck.tile()]


def facts(sheet: SheetData, luck: Luck) -> dict[str, str]:
    """What was run on what, by heading; what is not known is left out."""
    rows = {
        "What": f"{sheet.title} ({sheet.name}). {sheet.description}",
        "Market": f"{sheet.market_label}, calendar {sheet.calendar}, {sheet.currency}",
        "Period": _period(sheet),
        **sheet.facts,
        "Parameters": ", ".join(f"{k} = {v}" for k, v in sheet.parameters.items()),
        "Benchmark": _benchmark(sheet),
        "Trials": luck.trials_sentence(),
        "Data hash": sheet.lineage.data_hash,
    }
    return {name: text for name, text in rows.items() if text}


def _short(value: float, unit: str) -> str:
    return percent(value) if unit == "fraction" else by_unit(value, unit)


def _tile(title: str, value: str, words: str, convention: str) -> str:
    return (
        f'<div title="{escape(convention, quote=True)}"><dt>{escape(title)}</dt>'
        f"<dd>{escape(value)}</dd><dd>{escape(words)}</dd></div>"
    )


def _listed(sheet: SheetData, luck: Luck) -> str:
    lineage = sheet.lineage
    lines = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>"
        for name, text in facts(sheet, luck).items()
    )
    if lineage.run_id:
        lines += f"<dt>Dagster run</dt><dd>{_link(lineage.run_id, lineage.run_url)}</dd>"
    if lineage.tracking_url:
        lines += f"<dt>MLflow run</dt><dd>{_link(lineage.tracking_url, lineage.tracking_url)}</dd>"
    for name, address in sheet.links.items():
        lines += f"<dt>See also</dt><dd>{_link(name, address)}</dd>"
    return f'<details class="facts" open><summary>What was run</summary><dl>{lines}</dl></details>'


def _period(sheet: SheetData) -> str:
    if not len(sheet.dates):
        return "no session"
    missing = int(np.isnan(sheet.returns).sum())
    gap = f", {missing} of them without a return" if missing else ""
    return (
        f"{day(sheet.dates[0])} to {day(sheet.dates[-1])}, {counted(len(sheet.dates), 'session')}"
        f"{gap}; {sheet.annualization:g} sessions a year"
    )


def _benchmark(sheet: SheetData) -> str:
    if sheet.benchmark is None or not np.isfinite(sheet.benchmark).any():
        return "none"
    common = int((np.isfinite(sheet.benchmark) & np.isfinite(sheet.returns)).sum())
    gaps = len(sheet.dates) - common
    missing = f"; {counted(gaps, 'session')} without one of the two left out" if gaps else ""
    compared = counted(common, "common session")
    return f"{sheet.benchmark_title}, compared over {compared}{missing}"


def _link(text: str, address: str) -> str:
    if not address:
        return escape(text)
    return f'<a href="{escape(address, quote=True)}" rel="noopener">{escape(text)}</a>'
