"""Round trips against a literal account, symbol by symbol and day by day."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.panels import date_column
from quant_assets.performance.round_trips import RoundTrips, round_trips, summary
from quant_assets_tests.backtests.samples import sessions

PRICE, COST = 10.0, 0.5


def tables(held: dict[str, list[float]]) -> tuple[np.ndarray, pa.Table, pa.Table]:
    """Positions and fills of shares held at each close; the price rises by 1 a session."""
    days = len(next(iter(held.values())))
    dates = sessions(days)
    positions, fills = [], []
    for symbol, shares in held.items():
        for t, now in enumerate(shares):
            price, before = PRICE + t, shares[t - 1] if t else 0.0
            if now:
                positions.append((dates[t], symbol, now, now * price))
            if now != before:
                fills.append((dates[t], symbol, now - before, price, COST, 0.0))
    return dates, _table(positions, ("shares", "value")), _table(fills, FILL)


FILL = ("quantity", "price", "commission", "stamp_tax")


def _table(rows: list[tuple], names: tuple[str, ...]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * (2 + len(names))
    return pa.table(
        {
            "date": date_column(np.array(columns[0], "datetime64[D]")),
            "symbol": pa.array(list(columns[1]), pa.string()),
            **{n: pa.array(list(columns[k + 2]), pa.float64()) for k, n in enumerate(names)},
        }
    )


def literal(held: dict[str, list[float]]) -> list[tuple]:
    """(symbol, first day, day after the last or None, side, sessions, profit)."""
    found: list[tuple] = []
    for symbol, shares in held.items():
        side, start, money = 0.0, 0, 0.0
        for t, now in enumerate(shares):
            price, before = PRICE + t, shares[t - 1] if t else 0.0
            if side and np.sign(now) != side:
                paid = COST if now == 0 else COST * abs(before) / abs(now - before)
                profit = money + before * price - paid
                found.append((symbol, start, t, side, t - start, profit))
                side = 0.0
            if now and not side:
                side, start = float(np.sign(now)), t
                paid = COST if before == 0 else COST * abs(now) / abs(now - before)
                money = -now * price - paid
            elif now and now != before:
                money -= (now - before) * price + COST
        if side:
            last = shares[-1] * (PRICE + len(shares) - 1)
            found.append((symbol, start, None, side, len(shares) - start, money + last))
    return sorted(found, key=lambda trip: (trip[1], trip[0]))


def told(trips: RoundTrips, dates: np.ndarray) -> list[tuple]:
    place = {day: k for k, day in enumerate(dates)}
    rows = zip(trips.symbols, trips.opened, trips.closed, trips.sides, strict=True)
    return sorted(
        (
            (
                symbol,
                place[first],
                None if np.isnat(last) else place[last],
                side,
                int(trips.sessions[k]),
                pytest.approx(trips.profit[k]),
            )
            for k, (symbol, first, last, side) in enumerate(rows)
        ),
        key=lambda trip: (trip[1], trip[0]),
    )


@pytest.mark.parametrize(
    "held",
    [
        {"A": [0, 5, 5, 0, 0]},
        {"A": [5, 5, 8, 3, 0]},
        {"A": [0, 5, -5, -5, 0]},  # turned on one day: two trips, the fill is split
        {"A": [1, 0, 1, 0, 1]},
        {"A": [0, 0, 0, 2, 2], "B": [3, 0, 0, 0, 0]},
        {"A": [0, 0, 0, 0, 7], "B": [7, 7, 0, 0, 0]},
    ],
)
def test_trips_by_hand(held: dict[str, list[float]]) -> None:
    dates, positions, fills = tables(held)
    assert literal(held) == told(round_trips(dates, positions, fills), dates)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from([-3.0, 0.0, 0.0, 2.0, 4.0]), min_size=6, max_size=6),
        min_size=1,
        max_size=4,
    )
)
def test_trips_whatever_is_held(rows: list[list[float]]) -> None:
    held = {f"S{k}": shares for k, shares in enumerate(rows)}
    dates, positions, fills = tables(held)
    trips = round_trips(dates, positions, fills)
    assert literal(held) == told(trips, dates)
    cash = -float(np.dot(fills["quantity"], fills["price"])) - COST * fills.num_rows
    last = sum(shares[-1] * (PRICE + 5) for shares in rows)
    assert trips.profit.sum() == pytest.approx(cash + last)


def test_shares_of_a_split_change_without_a_fill() -> None:
    dates, positions, fills = tables({"A": [5, 5, 10, 0]})
    kept = fills.filter(pa.array([True, False, True]))  # the 5 to 10 was a split
    trips = round_trips(dates, positions, kept)
    assert len(trips) == 1
    assert trips.profit[0] == pytest.approx(-5 * 10 - COST + 10 * 13 - COST)
    assert trips.returns[0] == pytest.approx(trips.profit[0] / 50)


def test_the_summary() -> None:
    dates, positions, fills = tables({"A": [5, 5, 0, 0], "B": [-5, 0, 0, 0], "C": [0, 0, 0, 1]})
    figures = summary(round_trips(dates, positions, fills))
    assert (figures.closed, figures.open) == (2, 1)
    assert figures.hit_rate == 0.5
    assert figures.profit_factor == pytest.approx((10 - 1) / (5 + 1))
    assert figures.mean_sessions == 1.5
    assert figures.mean_gain == pytest.approx(9 / 50)
    assert figures.mean_loss == pytest.approx(-6 / 50)


def test_without_anything_held() -> None:
    dates = sessions(3)
    trips = round_trips(dates, _table([], ("shares", "value")), _table([], FILL))
    assert len(trips) == 0
    assert np.isnan(summary(trips).hit_rate)
