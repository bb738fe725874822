"""Ticker changes, held against a loop over days."""

from datetime import date, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.sources.b3.tickers import (
    CHANGES_SCHEMA,
    LISTED_SCHEMA,
    changes,
    history,
    turning_points,
)

CASH = (10,)
DAY = date(2024, 1, 1)
Listed = tuple[int, int, str, str]  # day, market, ISIN, ticker

ROWS = st.lists(
    st.tuples(
        st.integers(0, 12), st.sampled_from([10, 20]), st.sampled_from("XY"), st.sampled_from("ABC")
    ),
    max_size=40,
)


def table(rows: list[Listed]) -> pa.Table:
    named = [
        {"date": DAY + timedelta(day), "market_type": market, "isin": isin, "ticker": ticker}
        for day, market, isin, ticker in rows
    ]
    return pa.Table.from_pylist(named, schema=LISTED_SCHEMA)


def by_loop(rows: list[Listed], markets: tuple[int, ...]) -> list[tuple[int, str, str, str, int]]:
    """(day, symbol, ISIN, previous symbol, its last day), day by day."""
    found = set()
    for market in markets:
        for isin in {row[2] for row in rows}:
            last: tuple[int, str] | None = None
            for day in range(13):
                tickers = {t for d, m, i, t in rows if (d, m, i) == (day, market, isin)}
                if len(tickers) != 1:
                    continue
                (ticker,) = tickers
                if last is not None and last[1] != ticker:
                    found.add((day, ticker, isin, last[1], last[0]))
                last = day, ticker
    return sorted(found)


def told(found: pa.Table) -> list[tuple[int, str, str, str, int]]:
    assert found.schema == CHANGES_SCHEMA
    return [
        (
            (row["date"] - DAY).days,
            row["symbol"],
            row["isin"],
            row["previous_symbol"],
            (row["previous_date"] - DAY).days,
        )
        for row in found.to_pylist()
    ]


@settings(max_examples=80, deadline=None)
@given(rows=ROWS)
def test_changes_are_those_of_a_loop(rows: list[Listed]) -> None:
    # two markets may tell the same change twice: symbols differ there in truth
    for market in ((10,), (20,)):
        assert told(changes(table(rows), market)) == by_loop(rows, market)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, border=st.integers(0, 13))
def test_turning_points_of_periods_tell_the_same(rows: list[Listed], border: int) -> None:
    early = turning_points(table([row for row in rows if row[0] < border]))
    late = turning_points(table([row for row in rows if row[0] >= border]))
    assert told(changes(pa.concat_tables([early, late]), CASH)) == by_loop(rows, CASH)
    assert len(early) + len(late) <= len(set(rows))


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, until=st.integers(0, 12))
def test_no_later_day_changes_what_was_known(rows: list[Listed], until: int) -> None:
    then = told(changes(table([row for row in rows if row[0] <= until]), CASH))
    now = told(changes(table(rows), CASH))
    assert then == [change for change in now if change[0] <= until]


def test_a_security_is_followed_over_its_tickers() -> None:
    rows = [(0, 10, "X", "OLD3"), (1, 10, "X", "MID3"), (3, 10, "X", "NEW3"), (3, 10, "Y", "OLD3")]
    found = changes(table(rows), CASH)
    assert history(found, "NEW3") == ["OLD3", "MID3", "NEW3"]
    assert history(found, "MID3") == ["OLD3", "MID3"]
    assert history(found, "OLD3") == ["OLD3"]


def test_two_tickers_on_one_day_are_no_change() -> None:
    rows = [(0, 10, "X", "A"), (1, 10, "X", "A"), (1, 10, "X", "B"), (2, 10, "X", "A")]
    assert changes(table(rows), CASH).num_rows == 0
