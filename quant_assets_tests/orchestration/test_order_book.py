"""The Level-2 assets: days replaced whole, what is reported, and which markets have them."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from quant_assets.market_data.order_book.day_report import Report
from quant_assets.market_data.order_book.rebuilt_day import Soundness, rebuild_day
from quant_assets.orchestration.assets.order_book import order_book_assets
from quant_assets.orchestration.build import build_defs
from quant_assets.orchestration.io_managers import WarehouseIOManager
from quant_assets.orchestration.partitions import MarketPartitions
from quant_assets.settings import Market
from quant_assets.settings_sources import OrderBookSource
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.schemas import schema_of
from quant_assets_tests.market_data.order_book.deliveries import (
    MDL_ORDERS,
    MDL_ORDERS_HEADER,
    MDL_TRADES,
    MDL_TRADES_HEADER,
    deliver,
    lines,
    mdl_snapshot_header,
    named,
)
from quant_assets_tests.markets import market_block, simulated_market, small_settings

FRIDAY, MONDAY, TUESDAY = date(2024, 3, 1), date(2024, 3, 4), date(2024, 3, 5)
FORMATS = {
    "mdl_sse_orders": "orders.csv.gz",
    "mdl_sse_trades": "trades.csv.gz",
    "mdl_sse_snapshots": "snapshots.csv.gz",
}
HEADER = mdl_snapshot_header("InstruStatus", "TradVolume", "TradNumber")
SNAPSHOT = {"SecurityID": "600001", "UpdateTime": "09:30:01.000", "InstruStatus": "TRADE"}
SNAPSHOTS = lines(
    HEADER,
    named(HEADER, SNAPSHOT, TradVolume=100, BidPrice1=10.1, BidVolume1=200),
    named(HEADER, SNAPSHOT, TradVolume=100, ImageStatus=3),
    named(HEADER, SNAPSHOT, TradVolume=-1),
)


def settings_block(folder: Path) -> dict[str, Any]:
    files = [
        {"format": name, "path": str(folder / "{date}" / file)} for name, file in FORMATS.items()
    ]
    return {"files": files}


def rebuilt_block(folder: Path) -> dict[str, Any]:
    """Orders and trades alone, and books rebuilt from them."""
    files = [each for each in settings_block(folder)["files"] if "snapshots" not in each["format"]]
    return {"files": files, "rebuild": {"rules": "shanghai", "every_seconds": 600}}


def market_of(folder: Path, order_book: dict[str, Any] | None = None) -> Market:
    block = market_block(
        name="cn",
        calendar="XSHG",
        timezone="Asia/Shanghai",
        start=FRIDAY,
        end=date(2024, 3, 8),
        models_from=date(2024, 4, 1),
        source={"kind": "simulated"},
        order_book=order_book or settings_block(folder),
    )
    return Market.model_validate(block)


def deliver_day(folder: Path, day: date, trades: str = MDL_TRADES) -> None:
    name = day.strftime("%Y%m%d")
    deliver(folder, f"{name}/orders.csv.gz", MDL_ORDERS)
    deliver(folder, f"{name}/trades.csv.gz", trades)
    deliver(folder, f"{name}/snapshots.csv.gz", SNAPSHOTS)


class Home:
    """A market with Level-2 files, and its warehouse."""

    def __init__(
        self, folder: Path, order_book: Callable[[Path], dict[str, Any]] = settings_block
    ) -> None:
        self.data = folder / "data"
        self.market = market_of(self.data, order_book(self.data))
        self.checks: dict[str, dg.AssetCheckEvaluation] = {}
        self.warehouse = ParquetWarehouse(str(folder / "warehouse"))

    def run(
        self, first: date, last: date | None = None, succeeds: bool = True
    ) -> dict[str, dict[str, Any]]:
        """Materialize a range as one run, or one day; the metadata of each table."""
        tags = {
            "dagster/asset_partition_range_start": str(first),
            "dagster/asset_partition_range_end": str(last or first),
        }
        result = dg.materialize(
            order_book_assets(MarketPartitions(self.market)),
            resources={"io_manager": WarehouseIOManager(self.warehouse, {"cn": self.market})},
            partition_key=None if last else str(first),
            tags=tags if last else None,
            raise_on_error=succeeds,
        )
        assert result.success is succeeds
        evaluations = result.get_asset_check_evaluations()
        self.checks = {evaluation.check_name: evaluation for evaluation in evaluations}
        return {
            event.asset_key.path[-1]: {
                k: v.value for k, v in event.materialization.metadata.items()
            }
            for event in result.get_asset_materialization_events()
            if event.asset_key
        }

    def column(self, table: str, name: str) -> list[Any]:
        values: list[Any] = self.warehouse.read(f"cn/{table}")[name].to_pylist()
        return values


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_day_becomes_its_tables(home: Home) -> None:
    deliver_day(home.data, MONDAY)
    metadata = home.run(MONDAY)
    assert home.column("order_events", "sequence") == [7, 8, 9, 10, 12, 13]
    assert home.column("order_book", "sequence") == [0, 1]
    assert home.column("order_book", "bid_price_1") == [10.1, None]
    stamps = home.warehouse.read("cn/order_book")["timestamp"].cast(pa.int64()).to_pylist()
    assert stamps == [1709515801 * 10**9] * 2
    assert home.column("order_book_quarantine", "field") == ["TradVolume"]
    assert set(metadata) == {"order_book", "order_events", "order_book_quarantine"}
    assert metadata["order_events"]["dagster/partition_row_count"] == 6
    assert metadata["order_events"]["rows_by_symbol"] == {"600001.SH": 6}
    assert metadata["order_events"]["files_in_run"] == 2
    assert metadata["order_book"]["reasons_in_run"] == {"out_of_bounds": 1}
    assert metadata["order_book"]["first_timestamp"] == "2024-03-04 01:30:01.000000000 UTC"


def test_a_day_is_replaced_whole(home: Home) -> None:
    deliver_day(home.data, FRIDAY)
    deliver_day(home.data, MONDAY)
    home.run(FRIDAY, MONDAY)
    before = home.warehouse.read("cn/order_events", [str(FRIDAY)])
    fewer = "\n".join(MDL_TRADES.split("\n")[:2]) + "\n"
    deliver_day(home.data, MONDAY, fewer)
    home.run(MONDAY)
    assert home.warehouse.read("cn/order_events", [str(FRIDAY)]).equals(before)
    found = home.warehouse.read("cn/order_events", [str(MONDAY)])
    assert found["sequence"].to_pylist() == [7, 8, 9, 10]
    # once more gives the same bytes
    path = Path(home.warehouse.root) / "cn/order_events" / f"date={MONDAY}" / "part-0.parquet"
    content = path.read_bytes()
    home.run(MONDAY)
    assert path.read_bytes() == content


def test_a_range_tells_of_days_without_files(home: Home) -> None:
    deliver_day(home.data, FRIDAY)
    deliver_day(home.data, TUESDAY)
    metadata = home.run(FRIDAY, TUESDAY)
    days = [str(day) for day in (FRIDAY, MONDAY, TUESDAY)]
    assert home.warehouse.partitions("cn/order_events") == days
    assert home.warehouse.read("cn/order_events", [str(MONDAY)]).num_rows == 0
    assert metadata["order_events"]["days_without_files"] == [str(MONDAY)]
    assert metadata["order_events"]["rows_in_run"] == 12
    assert metadata["order_book"]["rejected_in_run"] == 2
    assert home.column("order_book_quarantine", "date") == [FRIDAY, TUESDAY]


def test_a_damaged_file_fails_the_run_and_keeps_what_was_there(home: Home) -> None:
    deliver_day(home.data, MONDAY)
    home.run(MONDAY)
    before = home.warehouse.read("cn/order_events")
    path = home.data / "20240304" / "trades.csv.gz"
    path.write_bytes(path.read_bytes()[:-40])
    home.run(MONDAY, succeeds=False)
    assert home.warehouse.read("cn/order_events").equals(before)


def test_a_run_without_any_file_fails(home: Home) -> None:
    home.run(MONDAY, succeeds=False)
    assert home.warehouse.tables() == []


def test_only_markets_with_level_2_data_have_the_assets(tmp_path: Path) -> None:
    markets = {
        "plain": simulated_market(),
        "deep": simulated_market(order_book=settings_block(tmp_path)),
    }
    definitions = build_defs(small_settings(tmp_path, markets))
    graph = definitions.get_repository_def().asset_graph
    keys = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert {key for key in keys if "order_" in key} == {
        "deep/order_book",
        "deep/order_events",
        "deep/order_book_quarantine",
    }
    # rows of huge tables are checked as they are written, and not read back
    checked = {key.asset_key.to_user_string() for key in graph.asset_check_keys}
    assert checked & {key for key in keys if "order_" in key} == {"deep/order_book_quarantine"}


@pytest.fixture
def rebuilding(tmp_path: Path) -> Home:
    """A market whose books are rebuilt."""
    return Home(tmp_path, rebuilt_block)


# Two symbols, each out of order in its file. 600001: a bid of 300 and an ask of 200; at 09:40 a
# hidden rest of the ask is all that is left, at 10:00 the bid goes.
ORDERS_OF_TWO = lines(
    MDL_ORDERS_HEADER,
    "0,1,6,600002,09:30:05.000,A,70,20.0,500,B,20,09:30:05.000,1",
    "0,2,6,600001,09:30:01.000,A,91,10.1,300,B,7,09:30:01.000,2",
    "0,3,6,600001,09:30:02.000,A,92,10.2,200,S,8,09:30:02.000,3",
    "0,4,6,600001,10:00:00.000,D,91,10.1,300,B,12,10:00:00.000,4",
)
TRADES_OF_TWO = lines(
    MDL_TRADES_HEADER,
    "0,1,6,600001,09:40:00.500,10.2,150,1530,99,92,B,9,09:40:00.500,1",
)


def deliver_two(folder: Path, day: date, orders: str = ORDERS_OF_TWO) -> None:
    name = day.strftime("%Y%m%d")
    deliver(folder, f"{name}/orders.csv.gz", orders)
    deliver(folder, f"{name}/trades.csv.gz", TRADES_OF_TWO)


def test_books_are_rebuilt_from_orders_and_trades(rebuilding: Home) -> None:
    deliver_two(rebuilding.data, MONDAY)
    metadata = rebuilding.run(MONDAY)
    assert set(metadata) == {"order_book", "order_events", "order_book_quarantine"}
    rows = rebuilding.warehouse.read("cn/order_book").to_pylist()
    shown = [
        (
            row["symbol"],
            f"{row['timestamp']:%H:%M}",  # UTC
            *(row[f"bid_{what}_1"] for what in ("price", "size")),
            *(row[f"ask_{what}_1"] for what in ("price", "size")),
            row["volume"],
        )
        for row in rows
    ]
    assert shown == [
        ("600001.SH", "01:40", 10.1, 300, 10.2, 200, 0),
        ("600001.SH", "01:50", 10.1, 300, 10.2, 50, 150),
        ("600001.SH", "02:00", None, 0, 10.2, 50, 150),
        ("600002.SH", "01:40", 20.0, 500, None, 0, 0),
    ]
    assert {row["sequence"] for row in rows} == {0}
    assert {row["date"] for row in rows} == {MONDAY}
    facts = metadata["order_book"]
    assert facts["dagster/partition_row_count"] == 4
    assert (facts["books_rebuilt"], facts["events_replayed"], facts["files_in_run"]) == (2, 5, 2)
    assert facts["rows_by_symbol"] == {"600001.SH": 3, "600002.SH": 1}
    assert rebuilding.checks["book_is_sound"].passed
    found = rebuilding.warehouse.sql("SELECT mid FROM cn.order_book WHERE volume = 150 LIMIT 1")
    assert found["mid"].round(6).tolist() == [10.15]


def test_faults_of_rebuilt_books_are_told_and_stop_nothing(rebuilding: Home) -> None:
    faulty = (
        "0,5,6,600001,10:00:01.000,D,93,10.3,100,S,14,10:00:01.000,5\n"  # never added
        "0,6,6,600003,10:00:01.000,A,94,1.234,100,S,15,10:00:01.000,6\n"  # between two ticks
    )
    deliver_two(rebuilding.data, MONDAY)
    deliver_two(rebuilding.data, TUESDAY, ORDERS_OF_TWO + faulty)
    metadata = rebuilding.run(FRIDAY, TUESDAY)
    facts = metadata["order_book"]
    assert facts["book_faults"] == {"unknown order": 1}
    assert (facts["books_with_faults"], facts["symbols_without_book"]) == (1, 1)
    assert facts["days_without_files"] == [str(FRIDAY)]
    check = rebuilding.checks["book_is_sound"]
    assert not check.passed
    assert (check.severity, check.blocking) == (dg.AssetCheckSeverity.WARN, False)
    assert (check.metadata["checked"].value, check.metadata["violations"].value) == (5, 2)
    examples = str(check.metadata["examples"].value)
    assert "600001.SH on 2024-03-05: unknown order, 1 of 5 events; the first is sequence 14" in (
        examples
    )
    assert "no book on 2024-03-05: price 1.234 of 600003.SH, sequence 15, lies between" in examples
    symbols = rebuilding.warehouse.read("cn/order_book", [str(TUESDAY)])["symbol"]
    assert set(symbols.to_pylist()) == {"600001.SH", "600002.SH"}
    assert rebuilding.warehouse.read("cn/order_events", [str(TUESDAY)]).num_rows == 7
    assert rebuilding.warehouse.partitions("cn/order_book") == [
        str(day) for day in (FRIDAY, MONDAY, TUESDAY)
    ]


def test_finer_steps_of_prices(tmp_path: Path) -> None:
    def block(folder: Path) -> dict[str, Any]:
        plain = rebuilt_block(folder)
        return {**plain, "rebuild": {**plain["rebuild"], "ticks_per_unit": 1000}}

    home = Home(tmp_path, block)
    row = "0,6,6,600003,10:00:01.000,A,94,1.234,100,S,15,10:00:01.000,6"
    deliver_two(home.data, MONDAY, lines(MDL_ORDERS_HEADER, row))
    home.run(MONDAY)
    rows = home.warehouse.read("cn/order_book", symbols=["600003.SH"])
    assert rows["ask_price_1"].to_pylist() == [1.234]


@pytest.mark.parametrize(
    ("formats", "rebuild", "words"),
    [
        (list(FORMATS), {"rules": "shanghai"}, "leave one of them out"),
        (["mdl_sse_queues"], {"rules": "shanghai"}, "rebuild needs orders and trades"),
        (["mdl_sse_orders"], {"rules": "shanghi"}, "shenzhen, nasdaq, bitstamp.*'shanghai'"),
        (["mdl_sse_orders"], {"rules": "shanghai", "every_seconds": 0}, "every_seconds"),
    ],
)
def test_settings_of_rebuilt_books_say_what_is_wrong(
    formats: list[str], rebuild: dict[str, Any], words: str
) -> None:
    files = [{"format": name, "path": "{date}.csv"} for name in formats]
    with pytest.raises(ValueError, match=words):
        OrderBookSource.model_validate({"files": files, "rebuild": rebuild})


def test_only_rebuilt_books_have_the_check_of_books(tmp_path: Path) -> None:
    market = simulated_market(order_book=rebuilt_block(tmp_path))
    definitions = build_defs(small_settings(tmp_path, {"deep": market}))
    graph = definitions.get_repository_def().asset_graph
    checks = {(key.asset_key.path[-1], key.name) for key in graph.asset_check_keys}
    assert {check for check in checks if check[0].startswith("order_")} == {
        ("order_book", "book_is_sound"),
        ("order_book_quarantine", "schema"),
    }


def test_books_of_real_stocks(test_data: Path, tmp_path: Path) -> None:
    """Five stocks of Shanghai, once a minute: nothing unexplained over the whole day."""
    folder, day = test_data / "cn_level2_shared", date(2023, 7, 11)
    files = [
        {"format": name, "path": str(folder / f"{file}{{date}}.zip"), "date_format": ""}
        for name, file in (("insight_orders", "SHorders"), ("insight_trades", "SHtrans"))
    ]
    source = OrderBookSource.model_validate(
        {"files": files, "rebuild": {"rules": "shanghai", "every_seconds": 60}}
    )
    assert source.rebuild
    soundness, report = Soundness(), Report()
    books = rebuild_day(source, source.rebuild, "Asia/Shanghai", day, report, soundness).read_all()
    assert soundness.passed
    assert (soundness.books, soundness.events) == (5, 258_975)
    assert books.schema.equals(schema_of("order_book").arrow)
    keys = books.select(["symbol", "timestamp"]).to_pylist()
    assert keys == sorted(keys, key=lambda row: (row["symbol"], row["timestamp"]))
    assert len(keys) == sum(report.rows.values()) > 5 * 240
    trading = books.filter(pc.equal(books["phase"], "TRADE"))
    assert pc.min(pc.subtract(trading["ask_price_1"], trading["bid_price_1"])).as_py() > 0
