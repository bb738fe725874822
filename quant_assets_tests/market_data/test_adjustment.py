"""Forward adjustment: literal returns, events that cannot be applied, no look into the future."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.adjustment import adjust, symbols_with_events
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.market_data.examples import DAYS, SESSIONS, actions, bars, within

NAN = float("nan")
Event = tuple[date, str, str, float | None, float | None]


def adjusted(closes: dict[str, list[float]], *events: Event) -> pa.Table:
    table = bars(SESSIONS[: len(next(iter(closes.values())))], closes)
    return adjust(table, actions(*events), table).table


def closes_of(table: pa.Table, symbol: str = "A") -> list[float]:
    rows = zip(table["symbol"].to_pylist(), table["close"].to_pylist(), strict=True)
    return [close for name, close in rows if name == symbol]


def test_without_events_nothing_changes() -> None:
    table = adjusted({"A": [10, 11, 12]})
    assert closes_of(table) == [10, 11, 12]
    assert set(table["price_factor"].to_pylist()) == {1.0}
    schema_of("adjusted_bars").validate(table)


def test_a_split_multiplies_prices_and_divides_volumes_from_its_day_on() -> None:
    table = adjusted({"A": [10, 5, 6], "B": [1, 1, 1]}, (DAYS[1], "A", "split", 2.0, None))
    assert closes_of(table) == [10, 10, 12]
    assert closes_of(table, "B") == [1, 1, 1]
    one = table.filter(pa.array([s == "A" for s in table["symbol"].to_pylist()]))
    assert one["open"].to_pylist() == one["high"].to_pylist() == one["close"].to_pylist()
    assert one["volume"].to_pylist() == [100, 50, 50]
    assert one["volume_factor"].to_pylist() == [1, 0.5, 0.5]
    assert one["turnover"].to_pylist() == [1000, 500, 600]


def test_a_dividend_makes_the_ratio_the_total_return() -> None:
    table = adjusted({"A": [100, 99, 110]}, (DAYS[1], "A", "dividend", None, 4.0))
    # literal: 100 became 99 in stock and 4 in cash, reinvested at 96, the price ex dividend
    before = closes_of(table)
    assert before[1] / before[0] == pytest.approx(99 / (100 - 4), rel=1e-15)
    assert before[2] / before[1] == pytest.approx(110 / 99, rel=1e-15)
    assert table["volume_factor"].to_pylist() == [1, 1, 1]


def test_split_and_dividend_of_one_day_pay_the_cash_on_old_shares() -> None:
    events = [(DAYS[1], "A", "split", 2.0, None), (DAYS[1], "A", "dividend", None, 10.0)]
    # one share at 100 became two at 45 and 10 in cash: nothing gained, nothing lost
    assert closes_of(adjusted({"A": [100, 45]}, *events)) == pytest.approx([100, 100], rel=1e-15)
    assert closes_of(adjusted({"A": [100, 45]}, *events[::-1])) == pytest.approx([100, 100])


def test_several_amounts_of_one_day_add_up() -> None:
    events = [(DAYS[1], "A", "dividend", None, 4.0), (DAYS[1], "A", "special", None, 6.0)]
    assert closes_of(adjusted({"A": [100, 90]}, *events)) == pytest.approx([100, 100], rel=1e-15)


def test_the_close_before_may_be_days_old() -> None:
    table = adjusted({"A": [100, NAN, NAN, 45]}, (DAYS[2], "A", "dividend", None, 10.0))
    assert closes_of(table) == pytest.approx([100, 50], rel=1e-15)


def test_an_event_off_the_calendar_counts_from_the_next_bar_on() -> None:
    saturday = date(2024, 1, 6)
    table = adjusted({"A": [10, 10, 10, 10, 5]}, (saturday, "A", "split", 2.0, None))
    assert closes_of(table) == [10, 10, 10, 10, 10]


def test_events_before_the_first_bar_adjust_nothing_and_are_no_fault() -> None:
    table = bars(SESSIONS[:2], {"A": [10, 11]})
    events = actions(
        (date(2020, 1, 2), "A", "split", 2.0, None),
        (DAYS[0], "A", "dividend", None, 1.0),
        (DAYS[1], "X", "split", 2.0, None),
    )
    result = adjust(table, events, table)
    assert closes_of(result.table) == [10, 11]
    assert result.not_applied.num_rows == 0


@pytest.mark.parametrize(
    ("ratio", "cash", "reason"),
    [
        (None, None, "neither ratio nor cash"),
        (None, 100.0, "cash 100 is no less than the close before, 100"),
        (0.0, None, "the ratio 0 is not above zero"),
        (None, -1.0, "the cash -1 is below zero"),
    ],
)
def test_an_unusable_event_is_told_and_not_applied(
    ratio: float | None, cash: float | None, reason: str
) -> None:
    table = bars(SESSIONS[:3], {"A": [100, 50, 50]})
    good = (DAYS[2], "A", "split", 2.0, None)
    result = adjust(table, actions((DAYS[1], "A", "spin_off", ratio, cash), good), table)
    assert closes_of(result.table) == [100, 50, 100]
    assert result.not_applied.to_pylist() == [
        {
            "ex_date": DAYS[1],
            "symbol": "A",
            "kind": "spin_off",
            "ratio": ratio,
            "cash": cash,
            "source": "test",
            "reason": reason,
        }
    ]


def test_later_events_are_not_looked_at() -> None:
    table = bars(SESSIONS[:2], {"A": [10, 11]})
    late = actions((DAYS[5], "A", "dividend", None, 500.0))
    result = adjust(table, late, table)
    assert (closes_of(result.table), result.not_applied.num_rows) == ([10, 11], 0)


def test_which_history_is_needed() -> None:
    events = actions(
        (DAYS[3], "C", "split", 2.0, None),
        (DAYS[1], "B", "dividend", None, 1.0),
        (DAYS[1], "A", "dividend", None, 1.0),
    )
    assert symbols_with_events(events, DAYS[2]) == ["A", "B"]
    assert symbols_with_events(events, DAYS[3]) == ["A", "B", "C"]


def test_no_bars_give_an_empty_table() -> None:
    nothing = bars(SESSIONS[:0], {})
    result = adjust(nothing, actions((DAYS[0], "A", "split", 2.0, None)), nothing)
    schema_of("adjusted_bars").validate(result.table)
    assert result.table.num_rows == 0


def literal(prices: list[float], events: list[Event]) -> list[float]:
    """Wealth, day by day, of one share of which every payment is reinvested at the price ex."""
    shares, wealth = 1.0, []
    last: tuple[date, float] | None = None
    for day, price in zip(DAYS, prices, strict=True):
        if np.isnan(price):
            continue
        if last is not None:
            before, close = last
            due = [event for event in events if before < event[0] <= day]
            for ex_date in sorted({event[0] for event in due}):
                cash = sum(event[4] or 0.0 for event in due if event[0] == ex_date)
                for event in due:
                    if event[0] == ex_date and event[3]:
                        shares *= event[3]
                shares *= close / (close - cash)
        wealth.append(shares * price)
        last = (day, price)
    return wealth


PRICES = st.lists(st.sampled_from([8.0, 10.0, 12.5, NAN]), min_size=len(DAYS), max_size=len(DAYS))
EVENT_DAYS = st.sampled_from([d + timedelta(days=k) for d in DAYS for k in (0, 1)])
EVENTS = st.lists(
    st.one_of(
        st.tuples(
            EVENT_DAYS, st.sampled_from("AB"), st.just("split"), st.sampled_from([2.0, 0.1])
        ).map(lambda e: (*e, None)),
        st.tuples(
            EVENT_DAYS, st.sampled_from("AB"), st.just("dividend"), st.sampled_from([0.5, 3.0])
        ).map(lambda e: (e[0], e[1], e[2], None, e[3])),
    ),
    max_size=6,
    unique_by=lambda e: (e[0], e[1], e[2]),
)


@settings(max_examples=150, deadline=None)
@given(PRICES, PRICES, EVENTS)
def test_adjusted_closes_are_the_wealth_of_a_reinvesting_holder(
    first: list[float], second: list[float], events: list[Event]
) -> None:
    closes = {"A": first, "B": second}
    table = bars(SESSIONS, closes)
    found = adjust(table, actions(*events), table).table
    for symbol, prices in closes.items():
        wealth = literal(prices, [event for event in events if event[1] == symbol])
        assert closes_of(found, symbol) == pytest.approx(wealth, rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(PRICES, PRICES, EVENTS, st.integers(0, len(DAYS) - 1), st.integers(0, len(DAYS) - 1))
def test_any_range_has_the_bits_of_the_whole(
    first: list[float], second: list[float], events: list[Event], one: int, other: int
) -> None:
    begin, end = DAYS[min(one, other)], DAYS[max(one, other)]
    table = bars(SESSIONS, {"A": first, "B": second})
    whole = adjust(table, actions(*events), table).table
    # what comes after the range is another world: other prices, and events of its own
    noisy = bars(SESSIONS, {"A": [77.0] * len(DAYS), "B": [78.0] * len(DAYS)})
    later = within(noisy, end + timedelta(days=1), DAYS[-1])
    known = pa.concat_tables([within(table, DAYS[0], end), later])
    more = actions(*events, (end + timedelta(days=1), "A", "bonus", 3.0, None))
    part = adjust(within(table, begin, end), more, known).table
    assert part.equals(within(whole, begin, end))
