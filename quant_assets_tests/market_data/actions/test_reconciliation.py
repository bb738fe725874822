"""Declared against detected splits: each status, and what is said of it."""

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from quant_assets.market_data.actions.detection import detect_splits
from quant_assets.market_data.actions.reconciliation import reconcile
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.market_data.actions.walks import AT, DAYS, EX, split, table, walks
from quant_assets_tests.market_data.examples import actions

Event = tuple[date, str, str, float | None, float | None]


def reconciled(bars: pd.DataFrame, *events: Event) -> list[dict[str, Any]]:
    made = table(bars)
    found = reconcile(detect_splits(made), actions(*events), made)
    rows: list[dict[str, Any]] = schema_of("split_reconciliation").validate(found).to_pylist()
    return rows


def one(bars: pd.DataFrame, *events: Event) -> dict[str, Any]:
    (row,) = reconciled(bars, *events)
    return row


def test_a_declared_split_that_prices_show_is_confirmed() -> None:
    row = one(split(walks(), 2.0), (EX, "S00", "split", 2.0, None))
    assert (row["status"], row["detail"]) == ("confirmed", "day and ratio agree")
    assert (row["ex_date"], row["detected_ex_date"]) == (EX, EX)
    assert (row["kinds"], row["declared_ratio"], row["detected_ratio"]) == ("split", 2.0, 2.0)
    assert row["detected_on"] == DAYS[AT + 2].item()


def test_events_of_a_day_count_together_and_with_their_money() -> None:
    bars = split(split(walks(), 2.0), 1.1)
    close = bars["close"][AT - 1]
    bars.loc[bars.index >= AT, ["open", "high", "low", "close"]] *= 0.9
    row = one(
        bars,
        (EX, "S00", "split", 2.0, None),
        (EX, "S00", "bonus", 1.1, None),
        (EX, "S00", "dividend", None, close * 0.1),
    )
    assert (row["status"], row["kinds"]) == ("confirmed", "bonus+dividend+split")
    assert row["declared_ratio"] == pytest.approx(2.2 / 0.9)


def test_an_ex_right_confirms_what_prices_show() -> None:
    bars = split(walks(), 2.0)
    event = (EX, "S00", "ex_right", None, bars["close"][AT - 1] / 2)
    assert one(bars, event)["status"] == "confirmed"


def test_a_split_that_is_not_declared_is_missing() -> None:
    small = (EX, "S00", "dividend", None, 0.1)
    row = one(split(walks(), 3.0), small)
    assert (row["status"], row["ex_date"], row["kinds"]) == ("missing", EX, None)
    assert "and nothing is declared" in row["detail"]
    assert row["confidence"] > 0.5


def test_another_day_contradicts() -> None:
    late = DAYS[AT + 2].item()
    row = one(split(walks(), 2.0), (late, "S00", "split", 2.0, None))
    assert row["status"] == "contradicting"
    assert row["detail"] == f"declared for {late}, seen on {EX}"
    assert (row["ex_date"], row["detected_ex_date"]) == (late, EX)


def test_another_ratio_contradicts() -> None:
    row = one(split(walks(), 2.0), (EX, "S00", "split", 3.0, None))
    assert (row["status"], row["detail"]) == ("contradicting", "declared ratio 3, seen 2")


def test_a_day_without_trade_is_no_contradiction() -> None:
    bars = split(walks(), 2.0).drop(index=[AT, AT + 1])
    assert one(bars, (EX, "S00", "split", 2.0, None))["status"] == "confirmed"
    weekend = DAYS[AT].item() - timedelta(days=1)
    if weekend not in DAYS:
        assert one(bars, (weekend, "S00", "split", 2.0, None))["status"] == "confirmed"


@pytest.mark.parametrize(
    ("day", "symbol", "ratio", "detail"),
    [
        (AT, "S00", 1.05, "a ratio of 1.05 is too near to 1 to be told from a usual move"),
        (AT, "S00", 2.0, "x the close before, 0.5 was expected"),
        (AT, "XX", 2.0, "there are no bars before and after the day"),
        (0, "S00", 2.0, "there are no bars before and after the day"),
        (9, "S00", 2.0, "only 9 of 10 sessions before the day are there"),
        (len(DAYS) - 2, "S00", 2.0, "only 2 of 3 sessions since the day are there"),
    ],
)
def test_what_prices_do_not_show_is_said(day: int, symbol: str, ratio: float, detail: str) -> None:
    row = one(walks(), (DAYS[day].item(), symbol, "split", ratio, None))
    assert row["status"] == "undetected"
    assert detail in row["detail"]
    assert row["detected_ex_date"] is None


def test_an_event_without_a_ratio_is_said() -> None:
    row = one(walks(), (EX, "S00", "split", None, None))
    assert (row["status"], row["declared_ratio"]) == ("undetected", None)
    assert row["detail"] == "the events give no ratio that can be applied"


def test_later_events_and_small_payments_are_not_looked_at() -> None:
    after = DAYS[-1].item() + timedelta(days=1)
    events = [(after, "S00", "split", 2.0, None), (EX, "S00", "dividend", None, 1.0)]
    assert reconciled(walks(), *events) == []


def test_each_split_is_matched_once() -> None:
    bars = split(split(walks(), 2.0), 2.0, at=AT + 4)
    days = [DAYS[AT].item(), DAYS[AT + 4].item()]
    rows = reconciled(bars, *((day, "S00", "split", 2.0, None) for day in days))
    assert [(row["ex_date"], row["status"]) for row in rows] == [(d, "confirmed") for d in days]
    row, other = reconciled(bars, (days[0], "S00", "split", 2.0, None))
    assert (row["status"], other["status"]) == ("confirmed", "missing")


def test_without_bars_declared_splits_are_undetected() -> None:
    nothing = table(walks()).slice(0, 0)
    found = reconcile(detect_splits(nothing), actions(), nothing)
    assert found.equals(pa.Table.from_pylist([], schema=schema_of("split_reconciliation").arrow))
