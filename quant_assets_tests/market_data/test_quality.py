"""Screening: each rule, rows that repeat a key, flags; nothing vanishes or knows the future."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.quality import Screened, lookback, screen
from quant_assets.market_data.rules import FLAGS, KEY_RULES, ROW_RULES, explanations
from quant_assets.settings import QualityRules
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.examples import (
    DAYS,
    SESSIONS,
    WHOLE,
    actions,
    bar,
    raw,
    symbols,
    within,
)

NAN = float("nan")
DAY = DAYS[2]


def screened(
    *rows: dict[str, Any],
    known: pa.Table | None = None,
    events: pa.Table | None = None,
    rules: QualityRules | None = None,
    window: Window = WHOLE,
) -> Screened:
    events = actions() if events is None else events
    return screen(raw(rows), SESSIONS, known, events, rules or QualityRules(), window)


def reasons(result: Screened) -> list[str]:
    return list(result.quarantine["reason"].to_pylist())


# A row that breaks the rule, and what its detail must say.
BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "unreadable_record": (
        bar(DAY, close=None, volume=-1.0) | {"fault": "PREULT must be 13 digits"},
        "PREULT must be 13 digits",
    ),
    "missing_date": (bar(None, session=DAY), "no date; kept with 2024-01-04"),
    "off_calendar": (bar(date(2024, 1, 3), session=DAY), "2024-01-03 is no session; kept with"),
    "missing_symbol": (bar(DAY, None), "no symbol"),
    "unknown_symbol": (bar(DAY, "ZZZ"), "ZZZ is not in the list of symbols"),
    "missing_price": (bar(DAY, close=None), "close is missing"),
    "non_positive_price": (bar(DAY, open=0.0, low=0.0), "open 0, high 11, low 0, close 10.5"),
    "inconsistent_ohlc": (bar(DAY, high=10.2), "open 10, high 10.2, low 9, close 10.5"),
    "missing_volume": (bar(DAY, volume=None), "volume is missing"),
    "negative_volume": (bar(DAY, volume=-1.0), "volume -1"),
}


def test_every_rule_has_an_example_and_an_explanation() -> None:
    assert BROKEN.keys() == ROW_RULES.keys()
    assert explanations().keys() == {*ROW_RULES, *KEY_RULES, *FLAGS}
    assert all(len(line.split()) > 3 for line in explanations().values())


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_named_and_the_other_rows_stay(rule: str) -> None:
    row, detail = BROKEN[rule]
    rows = raw([bar(DAY, "BBB"), {name: value for name, value in row.items() if name != "fault"}])
    if "fault" in row:
        rows = rows.append_column("fault", pa.array([None, row["fault"]], pa.string()))
    result = screen(rows, SESSIONS, symbols("AAA", "BBB"), actions(), QualityRules(), WHOLE)
    assert result.bars["symbol"].to_pylist() == ["BBB"]
    assert reasons(result) == [rule]
    assert detail in result.quarantine["detail"][0].as_py()
    assert result.quarantine["date"].to_pylist() == [DAY]
    assert result.quarantine["row_date"].to_pylist() == [row["date"]]
    assert result.quarantine["file"].to_pylist() == ["a.csv"]
    assert result.quarantine["row"].to_pylist() == [2]
    assert result.counts == {rule: 1}
    schema_of("quarantine").validate(result.quarantine)


@pytest.mark.parametrize(
    "over",
    [
        {"high": 10.4},  # below the close
        {"open": 11.5},  # above the high
        {"low": 10.2},  # above the open
        {"high": 8.0, "low": 12.0},
        {"close": 8.9},  # below the low
    ],
)
def test_each_way_to_be_inconsistent(over: dict[str, Any]) -> None:
    assert reasons(screened(bar(DAY, **over))) == ["inconsistent_ohlc"]


def test_prices_on_the_edge_of_consistency_are_accepted() -> None:
    flat = bar(DAY, open=9.0, high=9.0, low=9.0, close=9.0)
    assert screened(flat).bars.num_rows == 1


@pytest.mark.parametrize("value", [NAN, float("inf"), float("-inf")])
def test_a_price_that_is_no_number_is_missing_and_storable(value: float) -> None:
    result = screened(bar(DAY, close=value))
    assert result.quarantine["close"].to_pylist() == [None]
    assert reasons(result)[0] in ("missing_price", "non_positive_price")
    schema_of("quarantine").validate(result.quarantine)


def test_a_row_that_breaks_several_rules_is_counted_once_and_names_all() -> None:
    result = screened(bar(DAY, open=0.0, high=0.0, volume=None))
    assert result.counts == {"non_positive_price": 1}
    assert result.broken == {"non_positive_price": 1, "inconsistent_ohlc": 1, "missing_volume": 1}
    assert "; also inconsistent_ohlc, missing_volume" in result.quarantine["detail"][0].as_py()


def test_without_a_list_every_symbol_is_known() -> None:
    assert screened(bar(DAY, "ZZZ"), known=None).bars.num_rows == 1


def test_copies_keep_the_first_and_name_it() -> None:
    rows = [bar(DAY), bar(DAY, file="b.csv"), bar(DAY, file="b.csv")]
    result = screened(*rows)
    assert result.bars.num_rows == 1
    assert reasons(result) == ["duplicate_key"] * 2
    assert result.quarantine["detail"].to_pylist() == ["the same as a.csv row 1"] * 2


def test_files_that_disagree_on_a_key_lose_all_its_rows_and_name_each_other() -> None:
    rows = [bar(DAY), bar(DAY, "BBB"), bar(DAY, close=10.6, file="b.csv"), bar(DAY, file="c.csv")]
    result = screened(*rows)
    assert result.bars["symbol"].to_pylist() == ["BBB"]
    assert reasons(result) == ["conflicting_duplicate"] * 3
    assert result.quarantine["detail"].to_pylist() == [
        "disagrees with b.csv row 1 on close (10.5 against 10.6)",
        "disagrees with a.csv row 1 on close (10.6 against 10.5)",
        "disagrees with b.csv row 1 on close (10.5 against 10.6)",
    ]


def test_a_missing_turnover_disagrees_with_a_given_one_but_not_with_another() -> None:
    assert reasons(screened(bar(DAY), bar(DAY))) == ["duplicate_key"]
    assert reasons(screened(bar(DAY), bar(DAY, turnover=5.0))) == ["conflicting_duplicate"] * 2


def test_a_row_that_is_broken_by_itself_does_not_discredit_a_good_one() -> None:
    result = screened(bar(DAY), bar(DAY, close=-1.0, file="b.csv"))
    assert result.bars.num_rows == 1
    assert reasons(result) == ["non_positive_price"]


def test_turnover_is_the_vendors_or_close_times_volume() -> None:
    result = screened(bar(DAY, turnover=123.0), bar(DAY, "BBB"), bar(DAY, "CCC", turnover=NAN))
    assert result.bars["turnover"].to_pylist() == [123.0, 10500.0, 10500.0]


def test_zero_volume_is_legal_and_flagged() -> None:
    result = screened(bar(DAY, volume=0.0), bar(DAY, "BBB"))
    assert result.bars["flags"].to_pylist() == ["zero_volume", ""]
    assert result.flags == {"zero_volume": 1}


def jumping(gap: int, factor: float = 1.6) -> list[dict[str, Any]]:
    """A bar on the first session, and one `gap` sessions later at `factor` times its price."""
    prices = {name: bar(DAY)[name] * factor for name in ("open", "high", "low", "close")}
    return [bar(DAYS[0]), bar(DAYS[gap], **prices)]


@pytest.mark.parametrize(
    ("gap", "factor", "flag"),
    [
        (1, 1.6, "unexplained_jump"),
        (1, 0.4, "unexplained_jump"),
        (1, 1.4, ""),
        (5, 1.6, "unexplained_jump"),
        (6, 1.6, ""),  # too long ago to compare
    ],
)
def test_a_jump_is_flagged(gap: int, factor: float, flag: str) -> None:
    assert screened(*jumping(gap, factor)).bars["flags"].to_pylist() == ["", flag]


def test_a_jump_is_measured_from_the_last_accepted_close() -> None:
    first, last = jumping(2)
    rejected = bar(DAYS[1], open=0.0)
    assert screened(first, rejected, last).bars["flags"].to_pylist() == ["", "unexplained_jump"]


@pytest.mark.parametrize(
    ("day", "symbol", "flag"),
    [
        (DAYS[1], "AAA", ""),
        (DAYS[2], "AAA", ""),
        (date(2024, 1, 6), "AAA", ""),  # a Saturday: takes effect on Monday
        (DAYS[0], "AAA", "unexplained_jump"),  # the close compared with is ex already
        (DAYS[5], "AAA", "unexplained_jump"),  # later
        (DAYS[2], "BBB", "unexplained_jump"),
    ],
)
def test_an_event_since_the_last_close_explains_a_jump(day: date, symbol: str, flag: str) -> None:
    events = actions((day, symbol, "split", 2.0, None))
    assert screened(*jumping(4), events=events).bars["flags"].to_pylist() == ["", flag]


def test_both_flags_are_joined() -> None:
    first, last = jumping(1)
    result = screened(first, last | {"volume": 0.0})
    assert result.bars["flags"].to_pylist()[1] == "unexplained_jump,zero_volume"
    assert result.flags == {"unexplained_jump": 1, "zero_volume": 1}


def test_only_the_window_is_returned_and_counted() -> None:
    first, last = jumping(1)
    result = screened(first, last, bar(DAYS[0], close=None), window=Window(DAYS[1], DAYS[1]))
    assert result.bars["date"].to_pylist() == [DAYS[1]]
    assert result.bars["flags"].to_pylist() == ["unexplained_jump"]
    assert (result.rows_in, result.counts) == (1, {})


def test_no_rows_give_empty_tables() -> None:
    result = screened()
    assert (result.rows_in, result.bars.num_rows, result.quarantine.num_rows) == (0, 0, 0)
    schema_of("bars").validate(result.bars)
    schema_of("quarantine").validate(result.quarantine)


def test_bars_are_sorted_by_date_and_symbol() -> None:
    rows = [bar(DAYS[1], "B"), bar(DAYS[0], "C"), bar(DAYS[1], "A"), bar(DAYS[0], "A")]
    table = screened(*rows).bars
    keys = list(zip(table["date"].to_pylist(), table["symbol"].to_pylist(), strict=True))
    assert keys == sorted(keys)


PRICE = st.sampled_from([10.0, 10.5, 20.0, 9.0, 0.0, -1.0, None, NAN, float("inf")])
ROW = st.fixed_dictionaries(
    {
        "session": st.sampled_from(DAYS),
        "date": st.sampled_from([*DAYS, None]),
        "symbol": st.sampled_from(["A", "B", "C", None]),
        **dict.fromkeys(("open", "high", "low", "close"), PRICE),
        "volume": st.sampled_from([100.0, 0.0, -1.0, None]),
        "turnover": st.sampled_from([None, 1.0]),
        "file": st.sampled_from(["a.csv", "b.csv"]),
    }
)
GOOD = st.builds(
    lambda day, symbol, scale, file: bar(
        day, symbol, file=file, **{k: bar(day)[k] * scale for k in ("open", "high", "low", "close")}
    ),
    st.sampled_from(DAYS),
    st.sampled_from("ABC"),
    st.sampled_from([1.0, 1.0, 2.0]),
    st.sampled_from(["a.csv", "b.csv"]),
)
EVENTS = st.lists(st.tuples(st.sampled_from(DAYS), st.sampled_from("AB")), max_size=2)


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW | GOOD, max_size=25), st.booleans())
def test_no_row_vanishes(rows: list[dict[str, Any]], listed: bool) -> None:
    known = symbols("A", "B") if listed else None
    result = screened(*rows, known=known)
    assert result.rows_in == len(rows)
    kept = result.bars["date"].to_pylist() + result.quarantine["date"].to_pylist()
    assert sorted(kept) == sorted(row["session"] for row in rows)
    assert sum(result.counts.values()) == result.quarantine.num_rows
    schema_of("bars").validate(result.bars)
    schema_of("quarantine").validate(result.quarantine)
    places = zip(*(result.quarantine[name].to_pylist() for name in ("file", "row")), strict=True)
    assert len(set(places)) == result.quarantine.num_rows


@settings(max_examples=60, deadline=None)
@given(st.lists(GOOD | ROW, max_size=40), EVENTS, st.integers(0, len(DAYS) - 1))
def test_a_range_start_and_later_rows_change_nothing(
    rows: list[dict[str, Any]], days: list[tuple[date, str]], start: int
) -> None:
    events = actions(*((day, symbol, "split", 2.0, None) for day, symbol in days))
    rules = QualityRules(jump_lookback=2)
    whole = screened(*rows, events=events, rules=rules)
    # from the look-back on, to some day before the end
    first, stop = DAYS[start], DAYS[min(start + 3, len(DAYS) - 1)]
    seen = within(raw(rows), DAYS[max(start - lookback(rules), 0)], stop)
    part = screen(seen, SESSIONS, None, events, rules, Window(first, stop))
    assert part.bars.equals(within(whole.bars, first, stop))
    assert part.quarantine.equals(within(whole.quarantine, first, stop))


def test_a_broken_look_back_is_noticed() -> None:
    """The test above can fail: without the sessions before it, a jump is not seen."""
    first, last = jumping(1)
    window = Window(DAYS[1], DAYS[1])
    whole = screened(first, last, window=window)
    assert not screened(last, window=window).bars.equals(whole.bars)
