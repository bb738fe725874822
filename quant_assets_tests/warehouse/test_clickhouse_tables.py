"""Tables on the server: how they are laid out, and how they follow their declarations."""

from dataclasses import replace as changed
from datetime import date

import pyarrow as pa
import pytest

from quant_assets.warehouse import clickhouse_ddl as ddl
from quant_assets.warehouse import schemas
from quant_assets.warehouse.clickhouse import ClickHouseWarehouse
from quant_assets.warehouse.clickhouse_migration import bring_up_to_date, stored_columns
from quant_assets.warehouse.errors import MigrationError
from quant_assets.warehouse.schemas import SCHEMAS, schema_of
from quant_assets.warehouse.table_schema import (
    FLOAT,
    INT32,
    INT64,
    STRING,
    TIMESTAMP,
    Column,
    Derived,
    TableSchema,
)
from quant_assets.warehouse.tables.common import SESSION, SYMBOL
from quant_assets_tests.warehouse.frames import bars, days, factors, window

QUOTES = TableSchema(
    "quotes",
    (
        SESSION,
        SYMBOL,
        Column("timestamp", TIMESTAMP, "time of the quote"),
        Column("sequence", INT64, "number of the event"),
        Column("bid", FLOAT, "best bid"),
        Column("ask", FLOAT, "best ask"),
    ),
    ("date", "symbol", "timestamp", "sequence"),
    "date",
    "Quotes.",
    derived=(
        Derived("mid", "(bid + ask) / 2", "mid price"),
        Derived("spread", "ask - bid", "spread"),
    ),
)


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> dict[str, TableSchema]:
    """The declarations, which the test may change."""
    copied = dict(SCHEMAS)
    monkeypatch.setattr(schemas, "SCHEMAS", copied)
    return copied


def without(schema: TableSchema, name: str) -> TableSchema:
    return changed(schema, columns=tuple(c for c in schema.columns if c.name != name))


def quotes(count: int) -> pa.Table:
    return pa.table(
        {
            "date": pa.array([date(2024, 1, 2)] * count),
            "symbol": [f"S{i % 3}" for i in range(count)],
            "timestamp": pa.array(
                [1704187800_000000001 + i for i in range(count)], pa.timestamp("ns", tz="UTC")
            ),
            "sequence": pa.array(range(count), pa.int64()),
            "bid": [10.0 + i for i in range(count)],
            "ask": [10.5 + i for i in range(count)],
        }
    )


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=lambda schema: schema.name)
def test_every_declared_table_can_be_made(
    clickhouse: ClickHouseWarehouse, schema: TableSchema
) -> None:
    name = schema.name.replace("<library>", "x")
    assert bring_up_to_date(clickhouse.server, schema, f"us/{name}").changed
    assert not bring_up_to_date(clickhouse.server, schema, f"us/{name}").changed
    stored = stored_columns(clickhouse.server, "us", name)
    shown = [column for column, row in stored.items() if not row["default_kind"]]
    assert shown == list(schema.names)
    assert [stored[c.name]["type"] for c in schema.columns] == [
        c.clickhouse_type for c in schema.columns
    ]


def test_the_layout() -> None:
    text = ddl.create_table(QUOTES, "`us`.`quotes`", [])
    assert "PARTITION BY toYYYYMM(date)" in text
    assert "ORDER BY (`symbol`, `date`, `timestamp`, `sequence`)" in text
    assert (
        "`timestamp` DateTime64(9, 'UTC') COMMENT 'time of the quote' CODEC(GCD, Delta, Z" in text
    )
    assert "`sequence` Int64 COMMENT 'number of the event' CODEC(Delta, ZSTD(1))" in text
    assert "`mid` Nullable(Float64) MATERIALIZED (bid + ask) / 2" in text
    assert "INDEX `by_timestamp` `timestamp` TYPE minmax" in text
    assert ddl.sorting_key(schema_of("bars")) == ["symbol", "date"]
    assert ddl.sorting_key(schema_of("factor_evaluation"))[:2] == ["factor", "date"]
    assert ddl.sorting_key(schema_of("quarantine")) == ["date", ddl.POSITION]
    assert ddl.sorting_key(schema_of("factor_runs")) == ["batch", "run_id"]
    wide = ddl.create_table(schema_of("factors_x"), "t", ["a`b\\"])
    assert "`a\\`b\\\\` Nullable(Float64)" in wide


def test_derivations_are_kept_by_the_server(
    clickhouse: ClickHouseWarehouse, declared: dict[str, TableSchema]
) -> None:
    declared["quotes"] = QUOTES
    day = window([date(2024, 1, 2)])
    clickhouse.replace("us/quotes", day, quotes(9))
    found = clickhouse.sql("SELECT mid, spread FROM us.quotes ORDER BY sequence")
    assert found["mid"].tolist() == [10.25 + i for i in range(9)]
    assert set(found["spread"]) == {0.5}
    assert clickhouse.sql("SELECT * FROM us.quotes").columns.tolist() == list(QUOTES.names)
    assert clickhouse.read("us/quotes").column_names == list(QUOTES.names)
    other = Derived("spread", "(ask - bid) / bid", "spread")
    declared["quotes"] = changed(QUOTES, derived=(QUOTES.derived[0], other))
    clickhouse.replace("us/quotes", day, quotes(9))
    found = clickhouse.sql("SELECT spread FROM us.quotes ORDER BY sequence")
    assert found["spread"].tolist() == [0.5 / (10.0 + i) for i in range(9)]


def test_a_declared_column_appears_without_loss(
    clickhouse: ClickHouseWarehouse, declared: dict[str, TableSchema]
) -> None:
    whole = declared["bars"]
    dates = days(40)
    declared["bars"] = without(without(whole, "turnover"), "volume")
    frame = bars(dates).drop_columns(["turnover", "volume"])
    clickhouse.replace("us/bars", window(dates[:30]), frame.slice(0, 90), dates=dates[:30])
    declared["bars"] = whole
    # readers that come before the first writer
    found = clickhouse.read("us/bars")
    assert found.column_names == list(whole.names)
    assert found["turnover"].null_count == 90
    assert found["close"].to_pylist() == frame["close"].slice(0, 90).to_pylist()
    assert (
        clickhouse.sql("SELECT count(), countIf(turnover IS NULL) AS n FROM us.bars")["n"][0] == 90
    )
    clickhouse.replace("us/bars", window(dates[20:]), bars(dates).slice(60), dates=dates[20:])
    found = clickhouse.read("us/bars")
    assert found["turnover"].null_count == 60
    assert found.slice(60).equals(bars(dates).slice(60).cast(whole.arrow))
    assert found["close"].slice(0, 60).to_pylist() == frame["close"].slice(0, 60).to_pylist()
    assert clickhouse.sql("SELECT * FROM us.bars").columns.tolist() == list(whole.names)
    assert clickhouse.partitions("us/bars") == [str(day) for day in dates]


def test_an_optional_column_reads_as_null_before(
    clickhouse: ClickHouseWarehouse, declared: dict[str, TableSchema]
) -> None:
    whole = declared["benchmark"]
    declared["benchmark"] = without(whole, "volatility_index")
    row = {"date": days(1), "index_open": [1.0], "index_close": [2.0], "risk_free_rate": [0.05]}
    clickhouse.replace("us/benchmark", window(days(1)), pa.table(row))
    declared["benchmark"] = whole
    clickhouse.replace("us/benchmark", window(days(2)[1:]), whole.arrow.empty_table(), days(2)[1:])
    stored = stored_columns(clickhouse.server, "us", "benchmark")
    assert list(stored) == list(whole.names)
    found = clickhouse.read("us/benchmark")
    assert found["volatility_index"].to_pylist() == [None]
    assert found["index_close"].to_pylist() == [2.0]


def test_a_column_that_may_be_missing_from_now_on(
    clickhouse: ClickHouseWarehouse, declared: dict[str, TableSchema]
) -> None:
    clickhouse.replace("us/bars", window(days(2)), bars(days(2)))
    columns = tuple(
        changed(c, nullable=True) if c.name == "close" else c for c in declared["bars"].columns
    )
    declared["bars"] = changed(declared["bars"], columns=columns)
    day = days(3)[2:]
    missing = bars(day).set_column(5, "close", pa.nulls(3, pa.float64()))
    clickhouse.replace("us/bars", window(day), missing)
    closes = clickhouse.read("us/bars")["close"].to_pylist()
    assert closes == [*bars(days(2))["close"].to_pylist(), None, None, None]
    query = "SELECT countIf(intraday_return IS NULL) AS missing FROM us.bars"
    assert clickhouse.sql(query)["missing"].tolist() == [3]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            Column("volume", INT32, "x"),
            "column 'volume' is Float64 on the server, declared is Int32",
        ),
        (
            Column("flags", FLOAT, "x"),
            "column 'flags' is String on the server, declared is Float64",
        ),
    ],
)
def test_a_change_of_type_is_refused(
    clickhouse: ClickHouseWarehouse,
    declared: dict[str, TableSchema],
    column: Column,
    message: str,
) -> None:
    clickhouse.replace("us/bars", window(days(1)), bars(days(1)))
    before = declared["bars"]
    columns = tuple(column if c.name == column.name else c for c in before.columns)
    declared["bars"] = changed(before, columns=columns)
    with pytest.raises(MigrationError, match=rf"us/bars: {message}.*RENAME TABLE us\.bars TO"):
        clickhouse.replace("us/bars", window(days(1)), declared["bars"].arrow.empty_table())
    declared["bars"] = before
    assert clickhouse.read("us/bars").num_rows == 3


def test_another_order_of_rows_is_refused(
    clickhouse: ClickHouseWarehouse, declared: dict[str, TableSchema]
) -> None:
    clickhouse.replace("us/bars", window(days(1)), bars(days(1)))
    declared["bars"] = changed(declared["bars"], key=("date", "symbol", "flags"))
    with pytest.raises(
        MigrationError, match=r"sorting key \(symbol, date\).*declared is \(symbol, f"
    ):
        clickhouse.replace("us/bars", window(days(1)), bars(days(1)))


def test_the_months_of_a_wide_table_get_its_new_columns(clickhouse: ClickHouseWarehouse) -> None:
    dates = days(60)
    clickhouse.replace("us/factors_x", window(dates), factors(dates, ["size"]))
    strange = ["a factor's name", "`b`", "c\\d"]
    clickhouse.replace("us/factors_x", window(dates[40:]), factors(dates[40:], strange))
    found = clickhouse.read("us/factors_x", columns=["size", *strange])
    assert found["size"].null_count == 40
    assert found["size"].slice(0, 80).to_pylist() == list(range(80))
    assert found["`b`"].slice(80).to_pylist() == [100.0 + i for i in range(40)]


def test_rows_without_a_key_keep_their_order(clickhouse: ClickHouseWarehouse) -> None:
    schema = schema_of("quarantine")
    days_of = [day for day in days(3) for _ in range(40)]
    count = len(days_of)
    frame = pa.table(
        {
            "date": pa.array(days_of),
            "row_date": pa.array([None, date(1, 1, 1), date(9999, 12, 31)] * (count // 3)),
            "symbol": pa.array(["Z", "A", None, "M"] * (count // 4)),
            **{
                n: pa.nulls(count, pa.float64()) for n in ("open", "high", "low", "close", "volume")
            },
            "reason": pa.array([f"r{i % 7}" for i in range(count)]),
            "detail": pa.array([f"{i * 7919 % 101}" for i in range(count)], STRING),
            "file": pa.array(["f\n'\\\0 ü.csv"] * count),
            "row": pa.array([1 + i * 31 % 17 for i in range(count)], pa.int64()),
        }
    ).cast(schema.arrow)
    clickhouse.replace("us/quarantine", window(days(3)), frame)
    assert clickhouse.read("us/quarantine").equals(frame)
    clickhouse.replace("us/quarantine", window(days(2)[1:]), frame.slice(40, 40).slice(0, 5))
    kept = pa.concat_tables([frame.slice(0, 45), frame.slice(80)])
    assert clickhouse.read("us/quarantine").equals(kept)
