"""Trading status and valuations: one row a session and symbol, whatever the vendor repeats."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from quant_assets.market_data.china.status import trading_status, valuations
from quant_assets.warehouse.schemas import schema_of

DAY, NEXT = date(2024, 1, 2), date(2024, 1, 3)
CALENDAR = np.arange("2023-12-01", "2024-03-01", dtype="datetime64[D]")


def facts(**over: Any) -> dict[str, Any]:
    row = {"session": DAY, "date": DAY, "symbol": "600000.SH", "previous_close": 10.0}
    return row | {"halted": 0.0, "special_treatment": 0.0} | over


def rows(*given: dict[str, Any]) -> pa.Table:
    kinds = {"session": pa.date32(), "date": pa.date32(), "symbol": pa.string()}
    columns = {
        name: pa.array([row[name] for row in given], kinds.get(name, pa.float64()))
        for name in given[0]
    }
    return pa.table(columns)


def status(*given: dict[str, Any], **how: Any) -> list[dict[str, Any]]:
    table = trading_status(rows(*given), how.get("listed", {}), how.get("unlimited", {}), CALENDAR)
    schema_of("trading_status").validate(table)
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def test_rows_are_one_a_session_and_symbol_by_both() -> None:
    found = status(
        facts(session=NEXT, date=NEXT, halted=1.0),
        facts(symbol="600001.SH", special_treatment=1.0),
        facts(),
    )
    assert [(r["date"], r["symbol"]) for r in found] == [
        (DAY, "600000.SH"),
        (DAY, "600001.SH"),
        (NEXT, "600000.SH"),
    ]
    assert [r["halted"] for r in found] == [False, False, True]
    assert [r["limit_up_price"] for r in found] == [11.0, 10.5, 11.0]
    assert [r["limit_down_price"] for r in found] == [9.0, 9.5, 9.0]


def test_rows_of_nobody_are_left_to_quarantine() -> None:
    saturday = date(2024, 1, 6)
    found = status(facts(symbol=None), facts(date=None), facts(date=saturday), facts())
    assert len(found) == 1


def test_rows_that_disagree_tell_only_what_they_agree_on() -> None:
    (same,) = status(facts(), facts())
    assert same["previous_close"] == 10.0
    (differ,) = status(facts(), facts(previous_close=11.0, halted=1.0, special_treatment=1.0))
    assert differ["previous_close"] is None
    assert differ["limit_up_price"] is None
    assert differ["special_treatment"] is None
    assert differ["halted"] is False


def test_a_previous_close_of_zero_is_none() -> None:
    (found,) = status(facts(previous_close=0.0))
    assert found["previous_close"] is None
    assert found["limit_down_price"] is None


def test_listings_and_lifted_limits() -> None:
    free, held = status(
        facts(symbol="688001.SH"), facts(symbol="688002.SH"), listed={"688001.SH": DAY}
    )
    assert (free["limit_up_price"], held["limit_up_price"]) == (None, 12.0)
    first, second = status(facts(), facts(session=NEXT, date=NEXT), unlimited={"600000.SH": [DAY]})
    assert (first["limit_up_price"], first["limit_down_price"]) == (None, None)
    assert second["limit_up_price"] == 11.0


def test_valuations_turn_percent_into_a_share_and_keep_missing_ones() -> None:
    ratios = {"pe_ttm": -5.0, "pb_mrq": None, "ps_ttm": 2.0, "pcf_ncf_ttm": 3.0}
    given = {"session": DAY, "date": DAY, "symbol": "A"} | ratios | {"turnover_rate": 0.5}
    table = valuations(rows(given, {**given, "ps_ttm": 4.0}))
    schema_of("valuations").validate(table)
    (found,) = table.to_pylist()
    assert found["pe_ttm"] == -5.0
    assert found["pb_mrq"] is None
    assert found["ps_ttm"] is None
    assert found["turnover_rate"] == pytest.approx(0.005)
