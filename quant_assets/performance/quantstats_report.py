"""QuantStats' own report of a subject, for those who want it beside our page.

Belongs here: whether it can be made at all, and a note on where it counts differently. How
QuantStats is called stands in quantstats_page.py.
"""

from dataclasses import dataclass
from html import escape

import numpy as np

from quant_assets.market_data.panels import FloatArray
from quant_assets.performance.page.sheet_data import SheetData
from quant_assets.performance.quantstats_page import quantstats_page

_CONVENTIONS = (
    "QuantStats uses one risk-free rate for the whole time (its mean), ours is that of each day.",
    "QuantStats' value at risk and expected shortfall assume a normal law; those of our page named "
    "so are the days as they were.",
    "QuantStats' information ratio is per day; ours is annual.",
    "QuantStats' alpha leaves out the risk-free rate and is the daily one times the days a year; "
    "ours is of excess returns and compounded.",
    "QuantStats' share of winning days leaves out days of exactly 0; ours counts them.",
    "QuantStats counts drawdowns in calendar days; ours are sessions.",
    "QuantStats' time in market is the share of days with a return other than 0; our exposure is "
    "the mean sum of absolute weights.",
)
_STYLE = "max-width:960px;margin:14px auto;font:13px/1.45 Arial,sans-serif;color:#222;clear:both"


@dataclass(frozen=True)
class QuantStatsReport:
    """The page, or why there is none."""

    page: str | None
    missing: str | None


def quantstats_report(sheet: SheetData) -> QuantStatsReport:
    """QuantStats' HTML report of a sheet's returns, self-contained; 2 to 8 s."""
    returns = np.nan_to_num(sheet.returns)
    reason = _untreatable(returns)
    if reason:
        return QuantStatsReport(None, reason)
    index, rates = sheet.benchmark, sheet.risk_free
    known = rates is not None and np.isfinite(rates).any()
    try:
        page = quantstats_page(
            sheet.dates,
            returns,
            None if index is None else np.nan_to_num(index),
            float(np.nanmean(rates)) if rates is not None and known else 0.0,
            int(sheet.annualization),
            f"{sheet.title} · {sheet.market_label}",
            sheet.title,
            sheet.benchmark_title,
        )
    except Exception as error:
        # A foreign report must not cost the sheet: its metrics and pictures are ours.
        return QuantStatsReport(
            None, f"QuantStats could not treat it ({type(error).__name__}: {error})"
        )
    return QuantStatsReport(_with_note(page), None)


def _with_note(page: str) -> str:
    lines = "".join(f"<li>{escape(text)}</li>" for text in _CONVENTIONS)
    note = (
        f'<section style="{_STYLE}"><h3>Where this report counts differently from our page</h3>'
        f"<ul>{lines}</ul></section>"
    )
    end = page.rfind("</body>")
    end = len(page) if end < 0 else end
    return f"{page[:end]}{note}{page[end:]}"


def _untreatable(returns: FloatArray) -> str | None:
    """Why QuantStats is not asked at all."""
    if len(returns) < 2:
        return f"there are {len(returns)} returns, and a report needs at least 2"
    if returns.min() == returns.max():
        return f"every return is {returns[0]:g}: there is nothing to draw a distribution of"
    return None
