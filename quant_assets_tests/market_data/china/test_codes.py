"""Codes of Chinese securities: every vendor's spelling, and the boards."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.china.codes import boards, canonical, canonical_column, listed_symbol


@pytest.mark.parametrize(
    "written",
    ["sh.600000", "SH600000", "600000.SH", "600000.XSHG", "600000", " sh600000 ", "sse.600000"],
)
def test_every_spelling_of_a_code_is_one_symbol(written: str) -> None:
    assert canonical(written) == "600000.SH"


@pytest.mark.parametrize(
    ("digits", "symbol"),
    [
        ("1", "000001.SZ"),
        ("300750", "300750.SZ"),
        ("688981", "688981.SH"),
        ("900901", "900901.SH"),
        ("200002", "200002.SZ"),
        ("430047", "430047.BJ"),
        ("830799", "830799.BJ"),
        ("920002", "920002.BJ"),
    ],
)
def test_bare_digits_are_taken_for_a_stock(digits: str, symbol: str) -> None:
    assert canonical(digits) == symbol


def test_the_vendors_exchange_comes_before_the_guess() -> None:
    assert canonical("000300", "SSE") == "000300.SH"
    assert canonical("000300", "XSHE") == "000300.SZ"


@pytest.mark.parametrize("text", ["AAPL", "sh.60000", "600000.HK", "1234567", "", "700001"])
def test_what_is_no_code_is_left_as_it_is(text: str) -> None:
    assert canonical(text) == text


@pytest.mark.parametrize(
    ("code", "exchange", "symbol"),
    [
        ("600519.SH", None, "600519.SH"),
        ("600519", "SH", "600519.SH"),
        ("600519 ", None, "600519.SH"),
        ("000001", None, "000001.SZ"),
        ("000001", "SH", "000001.SH"),  # the index
        ("300750", None, "300750.SZ"),
        ("830799", None, "830799.BJ"),
        ("510300", None, "510300.SH"),
        ("700519", None, None),
        ("159915", None, "159915.SZ"),
        ("110059", None, None),  # bonds of both exchanges begin so
        ("", "SH", None),
        ("1234567", None, None),
        ("600519.XX", None, None),
    ],
)
def test_the_symbol_of_a_security_or_none(
    code: str, exchange: str | None, symbol: str | None
) -> None:
    assert listed_symbol(code, exchange) == symbol


@settings(deadline=None)
@given(st.from_regex(r"(60[0-9]{4}|688[0-9]{3}|00[0-3][0-9]{3}|30[01][0-9]{3})", fullmatch=True))
def test_a_symbol_stays_what_it_is(digits: str) -> None:
    symbol = canonical(digits)
    assert canonical(symbol) == symbol
    name, exchange = symbol.split(".")
    assert canonical(f"{exchange.lower()}.{name}") == symbol
    assert boards(pa.chunked_array([[symbol]])).tolist() != [""]


def test_columns_keep_nulls_and_the_exchange_of_each_row() -> None:
    codes = pa.chunked_array([["sh.600000", None], ["1", "1"]], pa.string())
    assert canonical_column(codes).to_pylist() == ["600000.SH", None, "000001.SZ", "000001.SZ"]
    places = pa.chunked_array([["SSE", "SSE", None, "SSE"]], pa.string())
    found = canonical_column(codes, places)
    assert found.to_pylist() == ["600000.SH", None, "000001.SZ", "000001.SH"]
    empty = pa.chunked_array([], pa.string())
    assert canonical_column(empty).to_pylist() == []
    assert boards(empty).tolist() == []


def test_boards_are_those_of_a_shares_only() -> None:
    known = {
        **dict.fromkeys(("600000.SH", "601398.SH", "603288.SH", "605117.SH"), "main"),
        **dict.fromkeys(("000001.SZ", "001979.SZ", "002594.SZ", "003816.SZ"), "main"),
        **dict.fromkeys(("300750.SZ", "301269.SZ", "302132.SZ"), "chinext"),
        **dict.fromkeys(("688981.SH", "689009.SH"), "star"),
        **dict.fromkeys(("430047.BJ", "830799.BJ", "873169.BJ", "920002.BJ"), "beijing"),
        # indices, B shares, funds, bonds, other texts
        **dict.fromkeys(("000001.SH", "399001.SZ", "900901.SH", "200002.SZ"), ""),
        **dict.fromkeys(("510300.SH", "159915.SZ", "113050.SH", "AAPL"), ""),
    }
    assert boards(pa.chunked_array([list(known)])).tolist() == list(known.values())
