"""The section of a model: how well it ordered the securities, and what it looks at."""

import numpy as np

from quant_assets.pages.series import fixed_point
from quant_assets.pages.shell import Section
from quant_assets.performance.page.formats import count, number, percent
from quant_assets.performance.page.parts import (
    Curve,
    Grid,
    Panel,
    Part,
    columns,
    figure,
    headed,
    timeline,
)
from quant_assets.performance.page.sheet_data import Forecast, SheetData

_FEATURES = 20
_SMOOTHED = 63  # sessions of the moving mean


def part(sheet: SheetData) -> Part | None:
    """Rank IC by day and by month, and the importance of features; None for what is no model."""
    forecast = sheet.forecast
    if forecast is None or not len(forecast.dates):
        return None
    daily = _on_sessions(sheet, forecast)
    months, means = _by_month(forecast)
    charts = [
        timeline(
            "ic",
            [
                Panel(
                    [
                        Curve("rank_ic", "Day", "faint"),
                        Curve("rank_ic_mean", f"Mean of {_SMOOTHED} sessions", "own"),
                    ],
                    "number",
                    "Rank IC",
                    190,
                    {"zero": 0, "level": 0},
                )
            ],
        ),
        columns(
            "ic-months",
            [str(month) for month in months],
            [("Mean rank IC", means, "own")],
            "number",
            x="month",
            signed="loss",
        ),
    ]
    body = figure(
        "ic",
        "Rank IC by day",
        f"Rank correlation of the day's scores with the returns of the next {forecast.horizon} "
        "sessions, on the day of the decision; returns of neighbouring days overlap.",
        explored=True,
    )
    body += '<div class="row">' + figure(
        "ic-months", "Rank IC by month", "Mean of the days of each month."
    )
    if forecast.importance:
        top = sorted(forecast.importance.items(), key=lambda item: (-item[1], item[0]))[:_FEATURES]
        body += headed(
            "What it looks at",
            f"Share of the last model's gain, the {len(top)} largest of "
            f"{len(forecast.importance)} features.",
            Grid(
                "features", ["Feature", "Share of gain"], [[n, percent(v)] for n, v in top]
            ).html(),
        )
    body += "</div>" + headed("In figures", "Over all days with returns.", figures(forecast).html())
    return Part(
        Section("Forecasts", "How well scores ordered what came after.", body, anchor="forecast"),
        charts,
        {"rank_ic": fixed_point(daily), "rank_ic_mean": fixed_point(_moving_mean(daily))},
    )


def _on_sessions(sheet: SheetData, forecast: Forecast) -> np.ndarray:
    """The ICs on the days of the sheet, NaN where there is none; shape (T,)."""
    out = np.full(len(sheet.dates), np.nan)
    place = np.searchsorted(sheet.dates, forecast.dates)
    inside = place < len(out)
    inside[inside] = sheet.dates[place[inside]] == forecast.dates[inside]
    out[place[inside]] = forecast.rank_ic[inside]
    return out


def _moving_mean(values: np.ndarray) -> np.ndarray:
    """Mean of the known values of the last sessions, once half of them are known; shape (T,)."""
    known = np.isfinite(values)
    sums, counts = np.cumsum(np.nan_to_num(values)), np.cumsum(known).astype(np.float64)
    sums[_SMOOTHED:] -= sums[:-_SMOOTHED].copy()
    counts[_SMOOTHED:] -= counts[:-_SMOOTHED].copy()
    out = np.full(len(values), np.nan)
    np.divide(sums, counts, out=out, where=counts >= _SMOOTHED / 2)
    return out


def _by_month(forecast: Forecast) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(forecast.rank_ic)
    months, place = np.unique(forecast.dates[known].astype("datetime64[M]"), return_inverse=True)
    return months, np.bincount(place, forecast.rank_ic[known]) / np.bincount(place)


def figures(forecast: Forecast) -> Grid:
    """Mean and spread of the rank IC."""
    known = forecast.rank_ic[np.isfinite(forecast.rank_ic)]
    deviation = float(known.std(ddof=1)) if len(known) > 1 else np.nan
    mean = float(known.mean()) if len(known) else np.nan
    rows = [
        ["Days", count(len(known))],
        ["Mean rank IC", number(mean, 4)],
        ["Deviation", number(deviation, 4)],
        ["Mean over deviation (ICIR)", number(mean / deviation if deviation > 0 else np.nan)],
        ["Days above 0", percent(float((known > 0).mean()) if len(known) else np.nan)],
    ]
    return Grid("forecasts", ["Figure", "Value"], rows)
