"""What the page of a month of factors holds: the columns of its table, the series of its charts.

Here stands which numbers there are and in which unit; how they are made is digest.py's and the
tables' business, how they travel packing.py's, how they are drawn static/factors.js's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from quant_assets.factors.catalogue import Catalogue, Factor
from quant_assets.factors.report.digest import HISTORY_MONTHS, Month, adjusted, t_of_months
from quant_assets.factors.report.packing import in_steps, packed
from quant_assets.factors.summary import QUANTILES

_BASIS_POINTS = ", in bp a session"


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of the page's table: its head, how factors.js shows its numbers, what it is."""

    name: str
    head: str
    form: str
    what: str


COLUMNS = (
    Shown("days", "days", "whole", "days with a rank IC"),
    Shown("ic", "IC", "ic", "mean daily Pearson correlation of factor and forward return"),
    Shown("rank_ic", "rank IC", "ic", "mean daily Spearman correlation of the two"),
    Shown("rank_icir", "rank ICIR", "t", "mean / standard deviation of the daily rank IC"),
    Shown("rank_ic_t", "t", "t", "t-statistic of the mean rank IC, as if days were independent"),
    Shown("rank_ic_p", "p", "p", "two-sided p-value of that t"),
    Shown("newey_west_t", "NW t", "t", "the same with Newey-West errors, h - 1 lags"),
    Shown("newey_west_p", "NW p", "p", "two-sided p-value of that"),
    Shown("adjusted_p", "BH p", "p", "p-value adjusted for the count of factors (1995 procedure)"),
    Shown("months_t", "months t", "t", "t-statistic of the monthly mean rank ICs, up to this one"),
    Shown("beta", "beta bp", "bp", "mean slope of returns on z-scores" + _BASIS_POINTS),
    Shown("t_statistic", "mean t", "t", "mean t-statistic of the days' regressions"),
    Shown("r_squared", "R²", "share", "mean R² of the days' regressions"),
    Shown("spread", "spread bp", "bp", "mean top less bottom quantile" + _BASIS_POINTS),
    Shown("cumulative_spread", "cum. spread", "share", "growth of the spread over the month"),
    Shown("monotonicity", "monot.", "t", "mean correlation of quantile number and return"),
    Shown("turnover", "turnover", "share", "of the top quantile, over the horizon"),
    Shown("rank_autocorrelation", "autocorr.", "t", "of the factor's ranks, over the horizon"),
    Shown("rank_ic_sector_neutral", "sector-n.", "ic", "rank IC, less the mean of the sector"),
    Shown("rank_ic_size_neutral", "size-n.", "ic", "rank IC of the residual on log turnover"),
    Shown("half_life", "half-life", "number", "sessions over which the mean IC halves"),
    Shown("coverage", "coverage", "share", "share of members with a factor value"),
)
_BP = ("beta", "spread", "mean_return", *QUANTILES)


def page_data(
    month: Month, sectors: pa.Table, earlier: pa.Table, known: Catalogue
) -> tuple[str, np.ndarray]:
    """The data of the page as text for static/factors.js, and the adjusted p-values, (F, H).

    Args:
        month: the month.
        sectors: rows of factor_sector_summary of the month; may be empty.
        earlier: month, factor, horizon, rank_ic of factor_summary of months before; may be empty.
        known: the factors' libraries, types and formulas.
    """
    months, history = month.history(earlier)
    months, history = months[-HISTORY_MONTHS:], history[:, :, -HISTORY_MONTHS:]
    p_values = adjusted(month.p_values())
    made = {"adjusted_p": p_values, "months_t": t_of_months(history)}
    names, by_sector = _by_sector(month, sectors)
    table = [made[c.name] if c.name in made else _shown(month, c.name) for c in COLUMNS]
    bars = [_shown(month, name) for name in ("mean_return", *QUANTILES)]
    arrays = {
        "table": np.stack(table, axis=2),
        "bars": np.stack(bars, axis=2),
        **_drawn("daily", month.daily("rank_ic")),
        **_drawn("history", history),
        **_drawn("sectors", by_sector),
        **_curves(month),
    }
    types, libraries, texts = _texts(month, known)
    head = {
        "month": month.month,
        "factors": list(month.factors),
        "types": types,
        "type": [types.index(each) for each in month.types],
        "libraries": libraries,
        "texts": texts,
        "horizons": list(month.horizons),
        "middle": month.middle,
        "strongest": month.strongest[0],
        "dates": month.dates.astype(str).tolist(),
        "months": months,
        "sector_names": names,
        "columns": [[c.name, c.head, c.form, c.what] for c in COLUMNS],
        "boxes": {name: _boxes(month, name) for name in ("t_statistic", "r_squared")},
    }
    return packed(head, arrays), p_values


def _shown(month: Month, name: str) -> np.ndarray:
    """A column of the summary in the unit of the page: returns in basis points a session."""
    values = month.mean(name)
    return values * 1e4 / np.array(month.horizons) if name in _BP else values


def _drawn(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    steps, unit = in_steps(values)
    return {name: steps, f"{name}_unit": unit}


def _curves(month: Month) -> dict[str, np.ndarray]:
    """Cumulative quantile curves, (F, H, 5, D), as differences from day to day modulo 256.

    The curves of a factor at a horizon share a unit. Small differences compress to half of what
    the curves themselves would take.
    """
    every = range(len(month.factors))
    curves = np.stack([month.quantile_curves(every, h) for h in range(len(month.horizons))], axis=1)
    steps, unit = in_steps(curves, 2)
    differences = np.diff(steps.view(np.uint8), axis=3, prepend=np.uint8(0))
    return {"curves": differences.view(np.int8), "curves_unit": unit}


def _by_sector(month: Month, sectors: pa.Table) -> tuple[list[str], np.ndarray]:
    """The sectors' names, and mean rank ICs (F, H, sectors)."""
    names = sorted(sectors["sector"].unique().to_pylist())
    found = np.full((len(month.factors), len(month.horizons), len(names)), np.nan)
    places = [{each: k for k, each in enumerate(axis)} for axis in (month.factors, month.horizons)]
    sector = {name: k for k, name in enumerate(names)}
    columns = (sectors[name].to_pylist() for name in ("factor", "horizon", "sector", "rank_ic"))
    for factor, horizon, name, rank_ic in zip(*columns, strict=True):
        if factor in places[0] and horizon in places[1] and rank_ic is not None:
            found[places[0][factor], places[1][horizon], sector[name]] = rank_ic
    return names, found


def _boxes(month: Month, name: str) -> list[list[list[Any]]]:
    """By horizon: [type, percentiles, count] of each."""
    return [
        [
            [box.type, [float(f"{value:.4g}") for value in box.values], box.count]
            for box in month.boxes(name, h)
        ]
        for h in range(len(month.horizons))
    ]


def _texts(month: Month, known: Catalogue) -> tuple[list[str], list[str], list[list[Any]]]:
    """The types, the libraries, and of each factor: [place of its library, text, ...]."""
    found: Mapping[str, Factor] = {
        factor.name: factor for name in known.names for factor in known.library(name).factors
    }
    factors = [found.get(name) for name in month.factors]
    libraries = sorted({each.library if each else "" for each in factors})
    texts = [
        [libraries.index(each.library), each.formula, each.source, each.description, each.reading]
        if each
        else [libraries.index(""), "", "", "", ""]
        for each in factors
    ]
    return sorted(set(month.types)), libraries, texts
