"""Bars and trading status together: limits, halts, what is missing."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from quant_assets.market_data.trading_status import within_limits
from quant_assets.warehouse.schemas import schema_of

DAY = date(2024, 1, 2)


def bar(**over: Any) -> pa.Table:
    row = {"date": DAY, "symbol": "A", "open": 10.0, "high": 11.0, "low": 9.0, "close": 10.0}
    row |= {"volume": 1.0, "turnover": 10.0, "flags": ""}
    return pa.Table.from_pylist([row | over], schema=schema_of("bars").arrow)


def status(**over: Any) -> pa.Table:
    row = {"date": DAY, "symbol": "A", "halted": False, "special_treatment": False}
    row |= {"previous_close": 10.0, "limit_up_price": 11.0, "limit_down_price": 9.0}
    return pa.Table.from_pylist([row | over], schema=schema_of("trading_status").arrow)


def test_a_bar_may_touch_its_limits_or_have_none() -> None:
    assert within_limits(bar(), status()).violations == 0
    none = status(limit_up_price=None, limit_down_price=None)
    assert within_limits(bar(high=99.0, low=0.1), none).violations == 0


@pytest.mark.parametrize(
    ("bars", "told", "said"),
    [
        ({"high": 11.01}, {}, "traded above the upper limit"),
        ({"low": 8.99}, {}, "traded below the lower limit"),
        ({}, {"halted": True}, "is a bar of a halted day"),
        ({}, {"symbol": "B"}, "has no trading status"),
    ],
)
def test_what_breaks_the_facts(bars: dict[str, Any], told: dict[str, Any], said: str) -> None:
    found = within_limits(bar(**bars), status(**told))
    assert (found.checked, found.violations) == (1, 1)
    assert found.examples[0].startswith(f"2024-01-02 A: {said} (low ")
    assert "no_price_limit" in found.examples[0]
