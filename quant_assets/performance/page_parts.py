"""The parts of a tear sheet's page that are ours: facts before, metrics and conventions after.

Only HTML is made here, from values that are ready; every text is escaped. Pages need no network.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from quant_assets.backtests.simulation import Execution
from quant_assets.backtests.strategies.base import Strategy, StrategyParameters
from quant_assets.performance.metrics import METRICS, Metric
from quant_assets.settings import Market

_STYLE = """<style>
.qa{max-width:960px;margin:14px auto 28px;font:13px/1.45 Arial,sans-serif;color:#222;clear:both}
.qa h3{margin:14px 0 6px;font-weight:700;font-size:15px}
.qa p{margin:0 0 8px;max-width:800px}
.qa table{margin:0 0 12px;width:100%;border-collapse:collapse}
.qa td,.qa th{text-align:left!important;vertical-align:top;padding:3px 8px 3px 2px}
.qa .facts th{width:150px;color:#666;font-weight:400}
.qa .metrics td,.qa .metrics th{border-bottom:1px solid #eee}
.qa .metrics td.n,.qa .metrics th.n{text-align:right!important;white-space:nowrap}
.qa .metrics td:last-child{color:#666}
.qa .mark{display:inline-block;background:#fff3cd;border:1px solid #d9b23a;padding:2px 8px}
.qa .warning{border-left:3px solid #d55e00;padding-left:8px}
.qa img{width:auto;max-width:100%}
</style>"""

_CONVENTIONS = (
    "QuantStats uses one risk-free rate for the whole time (its mean), ours is that of each day.",
    "QuantStats' value at risk and expected shortfall assume a normal law; ours are the days as "
    "they were.",
    "QuantStats' information ratio is per day; ours is annual.",
    "QuantStats' alpha leaves out the risk-free rate and is the daily one times the days a year; "
    "ours is of excess returns and compounded.",
    "QuantStats' share of winning days leaves out days of exactly 0; ours counts them.",
    "QuantStats counts drawdowns in calendar days; ours are sessions.",
    "QuantStats' time in market is the share of days with a return other than 0; our exposure is "
    "the mean sum of absolute weights.",
)


def facts(
    strategy: Strategy,
    parameters: StrategyParameters,
    market: Market,
    dates: np.ndarray,
    execution: Execution,
    warnings: Sequence[str],
) -> str:
    """What was run on what: strategy, parameters, market, time, costs, warnings."""
    values = ", ".join(f"{name} = {value}" for name, value in parameters.model_dump().items())
    when = "open" if execution == "next_open" else "close"
    span = f"{dates[0]} to {dates[-1]}, {len(dates)} sessions" if len(dates) else "no session"
    rows = {
        "Strategy": f"{strategy.title} ({strategy.name}, {strategy.family}). "
        f"{strategy.description}",
        "Parameters": values,
        "Market": f"{market.title} ({market.name}), calendar {market.calendar}, {market.currency}",
        "Returns": f"{span}; after costs, {market.annualization} sessions a year",
        "Execution": f"decided at the close, traded at the {when} of the next session",
        "Costs": f"commission {market.costs.commission_bps:g} bps and slippage "
        f"{market.costs.slippage_bps:g} bps of the traded value",
    }
    mark = (
        '<p class="mark">Simulated data: this market is made up, its returns mean nothing '
        "outside of it.</p>"
        if market.simulated
        else ""
    )
    lines = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows.items()
    )
    notes = "".join(f'<p class="warning">{escape(_sentence(text))}</p>' for text in warnings)
    return f'<section class="qa">{mark}<table class="facts">{lines}</table>{notes}</section>'


def metrics_table(
    own: Mapping[str, float],
    benchmark: Mapping[str, float] | None,
    title: str,
    benchmark_title: str,
) -> str:
    """Our metrics with their conventions, the benchmark's own beside them."""
    heads = [title] if benchmark is None else [title, benchmark_title]
    columns = "".join(f'<th class="n">{escape(head)}</th>' for head in heads)
    lines = ""
    for name, value in own.items():
        metric = METRICS[name]
        cells = f'<td class="n">{shown(metric, value)}</td>'
        if benchmark is not None:
            alone = metric.group in ("return", "risk")
            cells += f'<td class="n">{shown(metric, benchmark[name]) if alone else ""}</td>'
        lines += f"<tr><td>{escape(metric.title)}</td>{cells}"
        lines += f"<td>{escape(metric.description)}</td></tr>"
    notes = "".join(f"<li>{escape(text)}</li>" for text in _CONVENTIONS)
    return (
        f'<section class="qa"><h3>Metrics as stored</h3><table class="metrics">'
        f"<tr><th>Metric</th>{columns}<th>Convention</th></tr>{lines}</table>"
        f"<h3>Where the report above counts differently</h3><ul>{notes}</ul></section>"
    )


def shown(metric: Metric, value: float) -> str:
    """A value as people read it: percent, a ratio, sessions; a dash where undefined."""
    if np.isnan(value):
        return "–"
    if metric.unit == "fraction":
        return f"{value * 100:.2f} %"
    return f"{value:.0f}" if metric.unit == "sessions" else f"{value:.2f}"


def around(page: str, before: str, after: str) -> str:
    """The page with our parts: the first after its heading, the second at its end."""
    head = page.find("<hr>")
    if head < 0:  # another layout of theirs: at the top of the page
        start = page.find(">", page.find("<body"))
        page = f"{page[: start + 1]}{_STYLE}{before}{page[start + 1 :]}"
    else:
        page = f"{page[:head]}{_STYLE}{before}{page[head:]}"
    end = page.rfind("</body>")
    end = len(page) if end < 0 else end
    return f"{page[:end]}{after}{page[end:]}"


def short_page(title: str, before: str, after: str, reason: str, pictures: Sequence[bytes]) -> str:
    """A page without the QuantStats part, which says why."""
    shown_pictures = "".join(
        f'<p><img alt="" src="data:image/png;base64,{b64encode(png).decode()}"></p>'
        for png in pictures
        if png
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'{_STYLE}</head><body><section class="qa"><h1>{escape(title)}</h1>'
        f'<p class="warning">This page has no QuantStats report: {escape(reason)}.</p></section>'
        f'{before}<section class="qa">{shown_pictures}</section>{after}</body></html>'
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
