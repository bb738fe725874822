"""Forward adjustment: literal returns, events that cannot be applied, no look into the future."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.actions.events import event_table
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
    events = [
        (DAYS[1], "A", "dividend", None, 4.0),
        (DAYS[1], "A", "interest_on_capital", None, 6.0),
    ]
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
    ("kind", "ratio", "cash", "reason"),
    [
        ("split", None, None, "neither ratio nor cash"),
        ("spin_off", None, 100.0, "cash 100 is no less than the close before, 100"),
        ("bonus", 0.0, None, "the ratio 0 is not above zero"),
        ("dividend", None, -1.0, "the cash -1 is below zero"),
        ("spin_off", 2.0, None, "the ratio of kind spin_off is no ratio of the share itself"),
        ("other", 2.0, None, "the ratio of kind other is no ratio of the share itself"),
        ("subscription", 0.1, None, "without ratio or price: the worth of the right is not known"),
    ],
)
def test_an_unusable_event_is_told_and_not_applied(
    kind: str, ratio: float | None, cash: float | None, reason: str
) -> None:
    table = bars(SESSIONS[:3], {"A": [100, 50, 50]})
    good = (DAYS[2], "A", "split", 2.0, None)
    result = adjust(table, actions((DAYS[1], "A", kind, ratio, cash), good), table)
    assert closes_of(result.table) == [100, 50, 100]
    (told,) = result.not_applied.to_pylist()
    assert reason in told["reason"]
    names = ("ex_date", "symbol", "kind", "number", "ratio", "cash", "source")
    assert tuple(told[n] for n in names) == (DAYS[1], "A", kind, 1, ratio, cash, "test")


def test_an_unusable_event_does_not_keep_others_of_its_day() -> None:
    events = [(DAYS[1], "A", "other", 3.0, None), (DAYS[1], "A", "dividend", None, 10.0)]
    assert closes_of(adjusted({"A": [100, 90]}, *events)) == pytest.approx([100, 100], rel=1e-15)


def test_a_right_counts_with_its_theoretical_worth() -> None:
    table = bars(SESSIONS[:2], {"A": [100, 95]})
    offered = actions((DAYS[1], "A", "subscription", 0.25, None), price=80.0)
    result = adjust(table, offered, table).table
    # four shares at 100 and one at 80 are five at 96: the right to a share lost 4 to the right
    assert closes_of(result) == pytest.approx([100, 95 * 100 / 96], rel=1e-15)
    assert result["volume_factor"].to_pylist() == [1, 1]
    dear = actions((DAYS[1], "A", "subscription", 0.25, None), price=100.0)
    assert closes_of(adjust(table, dear, table).table) == [100, 95]


def test_a_right_is_worth_less_after_the_cash_of_its_day() -> None:
    table = bars(SESSIONS[:2], {"A": [100, 86]})
    events = [
        (DAYS[1], "A", "dividend", None, 10.0),
        (DAYS[1], "A", "subscription", 0.25, None),
    ]
    found = closes_of(adjust(table, actions(*events, price=80.0), table).table)
    assert found == pytest.approx([100, 86 * 100 / 88], rel=1e-15)  # (90 + 80 / 4) / 1.25 is 88


def test_an_ex_right_makes_the_ratio_of_both_closes() -> None:
    # the exchange says that 90 (or 110) is what 100 is without the right
    for cash, before in ((10.0, 90), (-10.0, 110)):
        found = closes_of(adjusted({"A": [100, 99]}, (DAYS[1], "A", "ex_right", None, cash)))
        assert found[1] / found[0] == pytest.approx(99 / before, rel=1e-15)


def test_interest_on_capital_may_be_taken_net() -> None:
    table = bars(SESSIONS[:2], {"A": [100, 90]})
    events = actions(
        (DAYS[1], "A", "interest_on_capital", None, 10.0), (DAYS[1], "A", "dividend", None, 2.0)
    )
    assert closes_of(adjust(table, events, table).table)[1] == pytest.approx(90 * 100 / 88)
    net = adjust(table, events, table, interest_tax=0.15).table
    assert closes_of(net)[1] == pytest.approx(90 * 100 / (100 - 8.5 - 2))


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


def detached(close: float, events: list[Event], price: float) -> float:
    """What leaves a share: all cash, and what a right to buy at `price` is worth."""
    cash = sum(event[4] or 0.0 for event in events)
    offered = sum(event[3] or 0.0 for event in events if event[2] == "subscription")
    base = close - cash
    return cash + max(base - (base + offered * price) / (1 + offered), 0.0)


def literal(prices: list[float], events: list[Event], price: float) -> list[float]:
    """Wealth, day by day, of one share of which every payment is reinvested at the price ex."""
    shares, wealth = 1.0, []
    last: tuple[date, float] | None = None
    for day, today in zip(DAYS, prices, strict=True):
        if np.isnan(today):
            continue
        if last is not None:
            before, close = last
            due = [event for event in events if before < event[0] <= day]
            for ex_date in sorted({event[0] for event in due}):
                of_day = [event for event in due if event[0] == ex_date]
                for event in of_day:
                    if event[3] and event[2] != "subscription":
                        shares *= event[3]
                shares *= close / (close - detached(close, of_day, price))
        wealth.append(shares * today)
        last = (day, today)
    return wealth


PRICES = st.lists(st.sampled_from([8.0, 10.0, 12.5, NAN]), min_size=len(DAYS), max_size=len(DAYS))
EVENT_DAYS = st.sampled_from([d + timedelta(days=k) for d in DAYS for k in (0, 1)])
PRICE = 6.0  # of every subscription; below every close less the cash of a day
RATIOS = {"split": 2.0, "bonus": 1.05, "reverse_split": 0.1, "subscription": 0.25}
CASHES = {"dividend": 0.5, "interest_on_capital": 0.25, "ex_right": 0.75}
EVENTS = st.lists(
    st.tuples(EVENT_DAYS, st.sampled_from("AB"), st.sampled_from([*RATIOS, *CASHES])).map(
        lambda e: (*e, RATIOS.get(e[2]), CASHES.get(e[2]))
    ),
    max_size=6,
    unique=True,
)


@settings(max_examples=150, deadline=None)
@given(PRICES, PRICES, EVENTS)
def test_adjusted_closes_are_the_wealth_of_a_reinvesting_holder(
    first: list[float], second: list[float], events: list[Event]
) -> None:
    closes = {"A": first, "B": second}
    table = bars(SESSIONS, closes)
    found = adjust(table, actions(*events, price=PRICE), table).table
    for symbol, prices in closes.items():
        wealth = literal(prices, [event for event in events if event[1] == symbol], PRICE)
        assert closes_of(found, symbol) == pytest.approx(wealth, rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(PRICES, PRICES, EVENTS, st.integers(0, len(DAYS) - 1), st.integers(0, len(DAYS) - 1))
def test_any_range_has_the_bits_of_the_whole(
    first: list[float], second: list[float], events: list[Event], one: int, other: int
) -> None:
    begin, end = DAYS[min(one, other)], DAYS[max(one, other)]
    table = bars(SESSIONS, {"A": first, "B": second})
    whole = adjust(table, actions(*events, price=PRICE), table).table
    # what comes after the range is another world: other prices, and events of its own
    noisy = bars(SESSIONS, {"A": [77.0] * len(DAYS), "B": [78.0] * len(DAYS)})
    later = within(noisy, end + timedelta(days=1), DAYS[-1])
    known = pa.concat_tables([within(table, DAYS[0], end), later])
    later_event = (end + timedelta(days=1), "A", "bonus", 3.0, None)
    more = actions(*events, later_event, price=PRICE)
    part = adjust(within(table, begin, end), more, known).table
    assert part.equals(within(whole, begin, end))


def test_real_previous_closes_of_china_make_the_returns_of_the_exchange(test_data: Path) -> None:
    """An ex-right by the exchange's own previous close: adjusted returns are close / preclose."""
    path = test_data / "cn_csi300_baostock" / "csi300_daily_raw_2020_2025.parquet"
    rows = pd.read_parquet(path).rename(columns={"code": "symbol"})
    rows = rows[rows["symbol"] < "sh.600200"].sort_values(["symbol", "date"], ignore_index=True)
    rows["date"] = pd.to_datetime(rows["date"]).dt.date
    before = rows.groupby("symbol")["close"].shift()
    ex = rows[(before - rows["preclose"]).abs() > 1e-9]
    cash = before - rows["preclose"]
    columns = {
        "ex_date": pa.array(ex["date"], pa.date32()),
        "symbol": pa.array(ex["symbol"], pa.string()),
        "kind": pa.array(["ex_right"] * len(ex)),
        "cash": pa.array(cash[ex.index].to_numpy()),
        "source": pa.array(["preclose"] * len(ex)),
    }
    names = list(schema_of("bars").names)
    table = pa.Table.from_pandas(
        rows.assign(flags="", volume=1.0, turnover=1.0)[names],
        schema=schema_of("bars").arrow,
        preserve_index=False,
    )
    result = adjust(table, event_table(pa.table(columns)), table)
    assert result.not_applied.num_rows == 0
    closes = pd.Series(result.table["close"].to_numpy())
    found = closes / closes.groupby(rows["symbol"]).shift()
    known = found.notna()
    assert len(ex) > 50
    expected = (rows["close"] / rows["preclose"])[known]
    np.testing.assert_allclose(found[known], expected, rtol=1e-12)
