"""The section of positions and trades: the largest, the best, the worst, the last."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.pages.shell import Section
from quant_assets.performance.holdings import largest_positions
from quant_assets.performance.page.formats import count, day, money, number, percent
from quant_assets.performance.page.parts import Grid, Part, columns, figure, headed
from quant_assets.performance.page.sheet_data import Holdings, SheetData
from quant_assets.performance.round_trips import RoundTrips, round_trips, summary

_LISTED = 10
_LAST_FILLS = 30
_BINS = 41


def part(sheet: SheetData) -> Part | None:
    """Positions, round trips and fills; None where no position is known."""
    holdings = sheet.holdings
    if holdings is None or not len(sheet.dates):
        return None
    last, ever = position_grids(sheet, holdings)
    body = '<div class="row">' + headed(
        "Largest at the last close",
        f"On {day(sheet.dates[-1])}, by the size of the weight.",
        last.html(),
    )
    body += headed(
        "Largest ever",
        "Of all symbols that were ever held, by the largest weight at a close.",
        ever.html(),
    )
    body += "</div>"
    charts: list[dict[str, object]] = []
    trips = trips_of(sheet)
    if trips is not None:
        charts = [trip_histogram(trips)] if len(trips) else []
        body += _trips(trips, sheet.currency)
    if holdings.fills is not None:
        body += headed(
            "Last fills",
            f"The last {_LAST_FILLS} of {holdings.fills.num_rows:,}; all of them are in table "
            "backtest_fills.",
            _fills(holdings.fills, sheet.currency).html(),
        )
    return Part(
        Section("Positions and trades", "What was held and traded.", body, anchor="trades"),
        charts,
    )


def trips_of(sheet: SheetData) -> RoundTrips | None:
    """The round trips of a sheet; None where fills or shares are not known."""
    holdings = sheet.holdings
    if holdings is None or holdings.fills is None:
        return None
    if not {"shares", "value"} <= set(holdings.positions.column_names):
        return None
    return round_trips(sheet.dates, holdings.positions, holdings.fills)


def position_grids(sheet: SheetData, holdings: Holdings) -> tuple[Grid, Grid]:
    """The largest positions at the last close, and the largest ever."""
    found = largest_positions(holdings.positions, sheet.dates[-1])
    sectors = holdings.sectors
    now = sorted(found, key=lambda one: (-abs(one.last_weight), one.symbol))[:_LISTED]
    last = [
        [one.symbol, sectors.get(one.symbol, ""), percent(one.last_weight)]
        for one in now
        if one.last_weight
    ]
    ever = [
        [
            one.symbol,
            sectors.get(one.symbol, ""),
            percent(one.largest_weight),
            day(one.largest_on),
            count(one.sessions),
        ]
        for one in found[:_LISTED]
    ]
    heads = ["Symbol", "Sector", "Largest weight", "On", "Sessions held"]
    return (
        Grid("last positions", ["Symbol", "Sector", "Weight"], last, (0, 1)),
        Grid("largest positions", heads, ever, (0, 1, 3)),
    )


def trip_grid(trips: RoundTrips) -> Grid:
    """Figures of the round trips."""
    figures = summary(trips)
    rows = [
        ["Closed trips", count(figures.closed)],
        ["Still open", count(figures.open)],
        ["Hit rate: closed with a gain", percent(figures.hit_rate)],
        ["Profit factor: gains over losses", number(figures.profit_factor)],
        ["Sessions held, mean", number(figures.mean_sessions, 1)],
        ["Sessions held, median", number(figures.median_sessions, 1)],
        ["Return of a trip, mean", percent(figures.mean_return, 2)],
        ["Gain of those with a gain, mean", percent(figures.mean_gain, 2)],
        ["Loss of those with a loss, mean", percent(figures.mean_loss, 2)],
    ]
    return Grid("round trips", ["Figure", "Value"], rows)


def extreme_trips(trips: RoundTrips, currency: str) -> tuple[Grid, Grid]:
    """The trips with the largest gains, and those with the largest losses."""
    order = np.lexsort((trips.symbols, trips.profit))
    best = [k for k in order[::-1][:_LISTED] if trips.profit[k] > 0]
    worst = [k for k in order[:_LISTED] if trips.profit[k] < 0]
    return (
        _listed("best round trips", trips, best, currency),
        _listed("worst round trips", trips, worst, currency),
    )


def trip_histogram(trips: RoundTrips) -> dict[str, object]:
    """Closed trips by their return."""
    returns = trips.returns[~np.isnat(trips.closed) & np.isfinite(trips.returns)]
    reach = float(np.percentile(np.abs(returns), 98)) if len(returns) else 0.01
    edges = np.linspace(-max(reach, 1e-4), max(reach, 1e-4), _BINS + 1)
    counts, _ = np.histogram(np.clip(returns, edges[0], edges[-1]), edges)
    middle = (edges[1:] + edges[:-1]) / 2
    labels = [percent(value) for value in middle]
    return columns("trip-returns", labels, [("trips", counts, "own")], "count", x="return")


def _trips(trips: RoundTrips, currency: str) -> str:
    best, worst = extreme_trips(trips, currency)
    drawn = figure(
        "trip-returns",
        "Returns of closed trips",
        "How many trips earned which share of what was invested; the outermost bars hold what lies "
        "beyond them.",
    )
    told = headed(
        "Round trips",
        "A position from its first purchase to its last sale. Profit is after commission, tax and "
        "slippage; dividends are not counted in it.",
        trip_grid(trips).html(),
    )
    return (
        f'<div class="row">{told}{drawn if len(trips) else ""}</div>'
        + headed("Best round trips", "By profit in money.", best.html())
        + headed("Worst round trips", "By loss in money.", worst.html())
    )


def _listed(name: str, trips: RoundTrips, places: list[int], currency: str) -> Grid:
    rows = [
        [
            str(trips.symbols[k]),
            "long" if trips.sides[k] > 0 else "short",
            day(trips.opened[k]),
            "open" if np.isnat(trips.closed[k]) else day(trips.closed[k]),
            count(trips.sessions[k]),
            money(trips.profit[k]),
            percent(trips.returns[k]),
        ]
        for k in places
    ]
    heads = ["Symbol", "Side", "From", "To", "Sessions", f"Profit, {currency}", "Of invested"]
    return Grid(name, heads, rows, (0, 1, 2, 3), sortable=True)


def _fills(fills: pa.Table, currency: str) -> Grid:
    order = pc.sort_indices(fills, [("date", "descending"), ("symbol", "ascending")])
    rows = [
        [
            str(row["date"]),
            row["symbol"],
            "buy" if row["quantity"] > 0 else "sell",
            number(abs(row["quantity"]), 0 if float(row["quantity"]).is_integer() else 2),
            number(row["price"]),
            money(abs(row["quantity"] * row["price"])),
            number(row["commission"]),
            number(row["stamp_tax"]),
            number(row["slippage"]),
        ]
        for row in fills.take(order[:_LAST_FILLS]).to_pylist()
    ]
    heads = ["Date", "Symbol", "Side", "Shares", "Price", f"Value, {currency}"]
    heads += ["Commission", "Stamp tax", "Slippage"]
    return Grid("last fills", heads, rows, (0, 1, 2), sortable=True)
