"""The IO manager: inputs with look-back and columns, outputs that replace exactly their days."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from quant_assets.market_data.actions.events import event_table
from quant_assets.market_data.panels import date_column
from quant_assets.orchestration.io_managers import WarehouseIOManager
from quant_assets.orchestration.partitions import MarketPartitions, looking_back
from quant_assets.settings import Market
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.window import Window
from quant_assets_tests.markets import market_block, sessions

MARKET = Market.model_validate(
    market_block(name="tiny", source={"kind": "simulated"}, end=date(2024, 2, 29))
)
MADE = MarketPartitions(MARKET)
DAYS = sessions(end=date(2024, 1, 19))
ONE_RUN = dg.BackfillPolicy.single_run()


@pytest.fixture
def warehouse(tmp_path: Path) -> ParquetWarehouse:
    """A warehouse with labels of two symbols on every day, and actions."""
    warehouse = ParquetWarehouse(str(tmp_path))
    warehouse.replace("tiny/labels", Window(DAYS[0], DAYS[-1]), labels(DAYS), dates=DAYS)
    return warehouse


def labels(days: list[date], value: float = 0.0) -> pa.Table:
    count = 2 * len(days)
    return pa.table(
        {
            "date": date_column(np.repeat(np.array(days, "datetime64[D]"), 2)),
            "symbol": pa.array(["AAA", "BBB"] * len(days)),
            "decision_date": date_column(np.repeat(np.array(days, "datetime64[D]"), 2) - 7),
            "horizon": pa.array([5] * count, pa.int32()),
            "value": pa.array(np.arange(count) + value),
        }
    )


def run(
    warehouse: ParquetWarehouse, asset: dg.AssetsDefinition, first: str, last: str | None = None
) -> dg.ExecuteInProcessResult:
    """Materialize an asset over a range as one run, or for one day."""
    tags = {
        "dagster/asset_partition_range_start": first,
        "dagster/asset_partition_range_end": last or first,
    }
    return dg.materialize(
        [asset, dg.AssetSpec(["tiny", "labels"], partitions_def=MADE.daily)],
        selection=[asset],
        resources={"io_manager": WarehouseIOManager(warehouse, {"tiny": MARKET})},
        partition_key=None if last else first,
        tags=tags if last else None,
    )


def days_of(table: pa.Table) -> list[date]:
    return sorted(set(table["date"].to_pylist()))


@pytest.mark.parametrize(
    ("lookback", "first", "last", "from_day", "to_day"),
    [
        (0, "2024-01-05", None, 3, 3),
        (2, "2024-01-08", None, 2, 4),  # over a weekend
        (2, "2024-01-16", "2024-01-18", 7, 11),  # over a long weekend
        (100, "2024-01-05", "2024-01-08", 0, 4),  # cut at the market's start
    ],
)
def test_an_input_is_one_frame_with_its_look_back(
    warehouse: ParquetWarehouse,
    lookback: int,
    first: str,
    last: str | None,
    from_day: int,
    to_day: int,
) -> None:
    seen: list[pa.Table] = []

    @dg.asset(
        partitions_def=MADE.daily,
        backfill_policy=ONE_RUN,
        ins={"labels": looking_back(dg.AssetKey(["tiny", "labels"]), lookback)},
    )
    def probe(labels: pa.Table) -> None:
        seen.append(labels)

    assert run(warehouse, probe, first, last).success
    (frame,) = seen
    assert isinstance(frame, pa.Table)
    assert days_of(frame) == DAYS[from_day : to_day + 1]
    assert frame.num_rows == 2 * (to_day + 1 - from_day)


def test_an_input_has_the_columns_and_symbols_asked_for(warehouse: ParquetWarehouse) -> None:
    seen: list[pd.DataFrame] = []
    asked = looking_back(dg.AssetKey(["tiny", "labels"]), 0, ["value", "date", "symbol"])
    metadata = {**(asked.metadata or {}), "symbols": ["BBB"]}

    @dg.asset(
        partitions_def=MADE.daily,
        backfill_policy=ONE_RUN,
        ins={
            "labels": dg.AssetIn(
                key=asked.key, partition_mapping=asked.partition_mapping, metadata=metadata
            )
        },
    )
    def probe(labels: pd.DataFrame) -> None:
        seen.append(labels)

    assert run(warehouse, probe, "2024-01-02", "2024-01-04").success
    (frame,) = seen
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == ["value", "date", "symbol"]
    assert frame["symbol"].tolist() == ["BBB"] * 3
    assert frame["value"].tolist() == [1.0, 3.0, 5.0]
    assert pd.api.types.is_datetime64_dtype(frame["date"])


def test_an_unpartitioned_input_is_the_whole_table(warehouse: ParquetWarehouse) -> None:
    columns = {
        "ex_date": pa.array([DAYS[3], date(2030, 1, 2)], pa.date32()),
        "symbol": ["AAA", "AAA"],
        "kind": ["split", "split"],
        "ratio": [2.0, 3.0],
        "source": ["test", "test"],
    }
    events = event_table(pa.table(columns))
    warehouse.replace("tiny/corporate_actions", None, events)
    seen: list[pa.Table] = []

    @dg.asset(
        partitions_def=MADE.daily,
        backfill_policy=ONE_RUN,
        ins={"events": dg.AssetIn(key=dg.AssetKey(["tiny", "corporate_actions"]))},
    )
    def probe(events: pa.Table) -> None:
        seen.append(events)

    result = dg.materialize(
        [probe, dg.AssetSpec(["tiny", "corporate_actions"])],
        selection=[probe],
        resources={"io_manager": WarehouseIOManager(warehouse, {"tiny": MARKET})},
        partition_key="2024-01-05",
    )
    assert result.success
    assert seen[0]["ratio"].to_pylist() == [2.0, 3.0]


def writer(frame: pa.Table | pd.DataFrame) -> dg.AssetsDefinition:
    @dg.asset(key=["tiny", "labels"], partitions_def=MADE.daily, backfill_policy=ONE_RUN)
    def made() -> Any:
        return frame

    return made


def materialize(
    warehouse: ParquetWarehouse, frame: pa.Table | pd.DataFrame, first: str, last: str | None = None
) -> dg.ExecuteInProcessResult:
    tags = {
        "dagster/asset_partition_range_start": first,
        "dagster/asset_partition_range_end": last or first,
    }
    return dg.materialize(
        [writer(frame)],
        resources={"io_manager": WarehouseIOManager(warehouse, {"tiny": MARKET})},
        partition_key=None if last else first,
        tags=tags if last else None,
        raise_on_error=False,
    )


@pytest.mark.parametrize("pandas", [False, True])
def test_a_range_replaces_exactly_its_days(warehouse: ParquetWarehouse, pandas: bool) -> None:
    before = warehouse.read("tiny/labels")
    new = labels([DAYS[4], DAYS[6]], value=100.0)  # nothing on DAYS[5]
    frame = new.to_pandas() if pandas else new
    assert materialize(warehouse, frame, str(DAYS[4]), str(DAYS[6])).success
    after = warehouse.read("tiny/labels")
    assert after.slice(0, 8).equals(before.slice(0, 8))
    assert after.slice(8, 4)["value"].to_pylist() == [100.0, 101.0, 102.0, 103.0]
    assert after.slice(12).equals(before.slice(14))
    assert warehouse.partitions("tiny/labels") == [str(day) for day in DAYS]


def test_every_session_of_the_range_is_a_partition(warehouse: ParquetWarehouse) -> None:
    empty = labels([])
    assert materialize(warehouse, empty, "2024-01-22", "2024-01-26").success
    assert warehouse.partitions("tiny/labels")[len(DAYS) :] == [
        f"2024-01-{day}" for day in (22, 23, 24, 25, 26)
    ]


def test_a_day_and_a_range_tell_their_rows(warehouse: ParquetWarehouse) -> None:
    def told(first: str, last: str | None, days: list[date]) -> list[dict[str, object]]:
        result = materialize(warehouse, labels(days), first, last)
        events = result.get_asset_materialization_events()
        return [
            {
                name: entry.value
                for name, entry in e.step_materialization_data.materialization.metadata.items()
            }
            for e in events
        ]

    one = {"dagster/partition_row_count": 2, "symbols": 2}
    assert told("2024-01-05", None, [DAYS[3]]) == [one]
    # one of the three days has no rows
    ranged = told("2024-01-04", "2024-01-08", DAYS[2:4])
    of_run = {"rows_in_run": 4, "partitions_in_run": 3, "symbols_in_run": 2}
    dates = {"first_date_in_run": "2024-01-04", "last_date_in_run": "2024-01-05"}
    assert ranged == [of_run | dates] * 3
    assert told("2024-01-04", "2024-01-05", []) == [{"rows_in_run": 0, "partitions_in_run": 2}] * 2


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (labels([DAYS[0]]), "2024-01-02"),
        (labels([DAYS[5]]).drop_columns(["value"]), "value"),
        (pa.concat_tables([labels([DAYS[5]]), labels([DAYS[5]])]), "AAA"),
    ],
)
def test_a_frame_that_does_not_fit_fails_the_run_and_changes_nothing(
    warehouse: ParquetWarehouse, frame: pa.Table, message: str
) -> None:
    before = warehouse.read("tiny/labels")
    result = materialize(warehouse, frame, str(DAYS[5]), str(DAYS[6]))
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    error = failure.step_failure_data.error
    assert error is not None
    cause = error.cause or error
    assert "SchemaError" in cause.message
    assert "tiny/labels" in cause.message
    assert message in cause.message
    assert warehouse.read("tiny/labels").equals(before)


def test_months_and_tables_without_partitions(warehouse: ParquetWarehouse) -> None:
    correlations = pa.table(
        {
            "month": ["2024-01", "2024-02"],
            "factor": ["one", "one"],
            "other": ["two", "two"],
            "correlation": [0.5, 0.25],
            "days": pa.array([20, 20], pa.int32()),
        }
    )
    events = warehouse.read("tiny/corporate_actions")

    @dg.asset(
        key=["tiny", "factor_correlations"], partitions_def=MADE.monthly, backfill_policy=ONE_RUN
    )
    def monthly() -> pa.Table:
        return correlations

    @dg.asset(key=["tiny", "corporate_actions"])
    def whole() -> pa.Table:
        return events

    resources = {"io_manager": WarehouseIOManager(warehouse, {"tiny": MARKET})}
    tags = {
        "dagster/asset_partition_range_start": "2024-01",
        "dagster/asset_partition_range_end": "2024-02",
    }
    assert dg.materialize([monthly], resources=resources, tags=tags).success
    assert dg.materialize([whole], resources=resources).success
    assert warehouse.partitions("tiny/factor_correlations") == ["2024-01", "2024-02"]
    assert warehouse.read("tiny/factor_correlations").to_pylist() == correlations.to_pylist()
    assert warehouse.partitions("tiny/corporate_actions") == [""]
