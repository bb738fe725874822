"""A day from files to the warehouse: ordered, counted, nothing lost, the same in any cut."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quant_assets.market_data.order_book import csv_blocks, day_report
from quant_assets.market_data.order_book.day import (
    TABLES,
    contents,
    read_day,
    require_files,
)
from quant_assets.market_data.order_book.day_report import Report
from quant_assets.market_data.order_book.readers.base import Content
from quant_assets.market_data.sources.base import SourceError
from quant_assets.settings_sources import OrderBookSource
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.order_book.deliveries import (
    DAY,
    MDL_ORDERS,
    MDL_TRADES,
    MDL_TRADES_HEADER,
    SHANGHAI,
    deliver,
    lines,
)


def source(folder: Path, *files: tuple[str, str], **more: Any) -> OrderBookSource:
    """Settings of (format, file name) in folders by day."""
    blocks = [{"format": f, "path": str(folder / "{date}" / name)} for f, name in files]
    return OrderBookSource.model_validate({"files": blocks, **more})


def stored(
    folder: Path, settings: OrderBookSource, content: Content = "events", day: date = DAY
) -> tuple[pa.Table, Report]:
    """What the warehouse gives back of a day, and the report."""
    warehouse, made = ParquetWarehouse(str(folder / "warehouse")), Report()
    table = f"cn/{TABLES[content]}"
    rows = read_day(settings, SHANGHAI, day, content, made)
    counted = warehouse.replace(table, Window(day, day), rows, dates=[day])
    found = warehouse.read(table, Window(day, day))
    assert counted == {str(day): found.num_rows}
    return found, made


def test_orders_and_trades_come_together(tmp_path: Path) -> None:
    deliver(tmp_path, "20240304/orders.csv.gz", MDL_ORDERS)
    deliver(tmp_path, "20240304/trades.zip", MDL_TRADES)
    both = source(tmp_path, ("mdl_sse_trades", "trades.zip"), ("mdl_sse_orders", "orders.csv.gz"))
    found, made = stored(tmp_path, both)
    assert found["sequence"].to_pylist() == [7, 8, 9, 10, 12, 13]
    assert found["date"].to_pylist() == [DAY] * 6
    assert found["timestamp"].cast(pa.int64()).to_pylist()[0] == 1709514900_020_000_000
    assert made.facts() == {
        "symbols_in_run": 1,
        "rows_by_symbol": {"600001.SH": 6},
        "first_timestamp": "2024-03-04 01:15:00.020000000 UTC",
        "last_timestamp": "2024-03-04 02:00:00.002000000 UTC",
        "files_in_run": 2,
        "rejected_in_run": 0,
        "reasons_in_run": {},
        "rows_of_other_symbols": 0,
        "rows_without_content": 0,
        "days_without_files": [],
    }
    assert contents(both) == ["events"]


def test_nothing_is_lost(tmp_path: Path) -> None:
    """Each row of the files is stored, rejected, or of a symbol that was not asked for."""
    rows = MDL_TRADES.strip().split("\n")[1:]
    again = rows[1]
    contradicting = rows[2].replace(",300,", ",301,")
    bad = rows[0].replace(",N,", ",?,")
    other = rows[0].replace("600001", "600009")
    text = lines(MDL_TRADES_HEADER, *rows, again, contradicting, bad, other)
    deliver(tmp_path, "20240304/trades.csv", text)
    deliver(tmp_path, "20240304/more.csv", lines(MDL_TRADES_HEADER, rows[0]))
    both = source(
        tmp_path,
        ("mdl_sse_trades", "trades.csv"),
        ("mdl_sse_trades", "more.csv"),
        symbols=["600001.SH"],
    )
    found, made = stored(tmp_path, both)
    assert found.num_rows + made.reasons.total() + made.others == 8
    assert found["sequence"].to_pylist() == [9, 12, 13]
    assert made.reasons == {"duplicate": 2, "conflicting_sequence": 1, "unknown_code": 1}
    rejected = schema_of("order_book_quarantine").validate(made.quarantine(DAY)).to_pylist()
    told = [(Path(each["file"]).name, each["row"], each["reason"]) for each in rejected]
    assert sorted(told) == [
        ("more.csv", 1, "duplicate"),
        ("trades.csv", 4, "duplicate"),
        ("trades.csv", 5, "conflicting_sequence"),
        ("trades.csv", 6, "unknown_code"),
    ]
    assert next(each["record"] for each in rejected if each["reason"] == "unknown_code") == bad
    assert {each["format"] for each in rejected} == {"mdl_sse_trades"}
    assert made.quarantine(date(2024, 3, 5)).num_rows == 0


@given(st.permutations(range(8)), st.integers(200, 900))
@settings(max_examples=15, deadline=None)
def test_order_of_files_and_size_of_blocks_do_not_matter(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], size: int
) -> None:
    folder = tmp_path_factory.mktemp("day")
    first = MDL_TRADES.split("\n")[1]
    rows = [
        first.replace("600001", f"60000{n % 3}").replace("N,9,", f"N,{100 + n},") for n in range(8)
    ]
    for number in range(2):
        part = [rows[i] for i in order[number::2]]
        deliver(folder, f"20240304/{number}.csv", lines(MDL_TRADES_HEADER, *part))
    one = source(folder, ("mdl_sse_trades", "*.csv"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_blocks, "BLOCK_BYTES", size)
        found, made = stored(folder, one)
    assert not made.reasons
    keys = list(zip(found["symbol"].to_pylist(), found["sequence"].to_pylist(), strict=True))
    assert keys == sorted((f"60000{n % 3}.SH", 100 + n) for n in range(8))


def test_a_day_without_files_is_told(tmp_path: Path) -> None:
    deliver(tmp_path, "20240304/trades.csv", MDL_TRADES)
    one = source(tmp_path, ("mdl_sse_trades", "trades.csv"))
    next_day = date(2024, 3, 5)
    found, made = stored(tmp_path, one, day=next_day)
    assert found.num_rows == 0
    assert made.facts()["days_without_files"] == ["2024-03-05"]
    assert made.facts()["first_timestamp"] == ""
    require_files(one, [DAY, next_day])
    with pytest.raises(SourceError, match=r"of 2024-03-05 to 2024-03-05 no file is there under"):
        require_files(one, [next_day])


def test_files_of_the_wrong_kind_are_refused_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(day_report, "MOST_REJECTED", 2)
    deliver(tmp_path, "20240304/trades.csv", MDL_TRADES.replace("600001", "HK0700"))
    one = source(tmp_path, ("mdl_sse_trades", "trades.csv"))
    with pytest.raises(
        SourceError, match=r"more than 2 rows are rejected, now row 1, field 'symbol"
    ):
        stored(tmp_path, one)
    assert ParquetWarehouse(str(tmp_path / "warehouse")).partitions("cn/order_events") == []


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"format": "mdl_sse_order", "path": "{date}"}, r"did you mean 'mdl_sse_orders'\?"),
        ({"format": "mdl_sse_orders", "path": "x.csv"}, r"must have \{date\} in it"),
    ],
)
def test_settings(block: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        OrderBookSource.model_validate({"files": [block]})


def test_a_symbol_of_files_must_be_wanted() -> None:
    files = [{"format": "bitstamp_orders", "path": "{date}", "symbol": "BTCUSD"}]
    assert OrderBookSource.model_validate({"files": files, "symbols": ["BTCUSD"]}).symbols
    with pytest.raises(ValueError, match=r"symbol 'BTCUSD' of \{date\} is none of symbols"):
        OrderBookSource.model_validate({"files": files, "symbols": ["ETHUSD"]})
