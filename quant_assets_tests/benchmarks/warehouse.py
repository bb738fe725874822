"""The Parquet store: a decade of bars written, read and counted.

The peer is pyarrow.dataset used as its documentation shows: `write_dataset` by date in the hive
layout, read back through discovery. It neither validates nor replaces atomically, ours does both.
Results agree when the rows are equal.
"""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.window import Window
from quant_assets_tests.benchmarks.harness import Result, compare, main

TABLE = "bench/bars"
PEER = "pyarrow.dataset"


def bars(days: int, symbols: int) -> pa.Table:
    """Random bars of every symbol on each of `days` consecutive dates, prices to the cent."""
    rng = np.random.default_rng(7)
    rows = days * symbols
    start = np.datetime64("2007-01-03", "D")
    numbers = {
        name: np.round(rng.uniform(1, 500, rows), 2)
        for name in ("open", "high", "low", "close", "volume", "turnover")
    }
    table = pa.table(
        {
            "date": np.repeat(start + np.arange(days), symbols),
            "symbol": np.tile([f"S{number:04d}" for number in range(symbols)], days),
            **numbers,
            "flags": pa.array([""] * rows, pa.string()),
        }
    )
    return table.cast(schema_of(TABLE).arrow)


class Case:
    """One table in both stores under a temporary folder."""

    def __init__(self, folder: Path, frame: pa.Table) -> None:
        self.frame = frame
        self.dates = frame.column("date").unique().to_pylist()
        self.window = Window(self.dates[0], self.dates[-1])
        self.warehouse = ParquetWarehouse(str(folder / "ours"), markets=["bench"])
        self.folder = folder / "theirs"

    def write(self) -> int:
        written = self.warehouse.replace(TABLE, self.window, self.frame, dates=self.dates)
        return sum(written.values())

    def write_theirs(self) -> int:
        shutil.rmtree(self.folder, ignore_errors=True)
        ds.write_dataset(
            self.frame,
            self.folder,
            format="parquet",
            partitioning=ds.partitioning(pa.schema([("date", pa.date32())]), flavor="hive"),
            max_partitions=len(self.dates) + 1,
        )
        return len(self.frame)

    def theirs(self) -> ds.Dataset:
        partitioning = ds.partitioning(pa.schema([("date", pa.date32())]), flavor="hive")
        return ds.dataset(self.folder, format="parquet", partitioning=partitioning)


def same_rows(ours: pa.Table, theirs: pa.Table) -> bool:
    """Equal after the peer's columns are put in our order and its rows are sorted."""
    key = [("date", "ascending"), ("symbol", "ascending")]
    ordered = theirs.select(ours.column_names).sort_by(key).cast(ours.schema)
    return bool(ours.combine_chunks().equals(ordered.combine_chunks()))


def cases(quick: bool) -> Iterator[Result]:
    """2,755 days x 600 symbols; 40 days x 50 symbols when quick."""
    days, symbols = (40, 50) if quick else (2755, 600)
    size = f"{days} days x {symbols} rows"
    frame = bars(days, symbols)
    with tempfile.TemporaryDirectory() as folder:
        case = Case(Path(folder), frame)
        yield compare(
            "warehouse", f"write {size}", case.write, PEER, case.write_theirs, lambda a, b: a == b
        )
        store = case.warehouse
        yield compare(
            "warehouse",
            f"read {size}",
            lambda: store.read(TABLE),
            PEER,
            lambda: case.theirs().to_table(),
            lambda a, b: same_rows(a, b) and a.combine_chunks().equals(frame.combine_chunks()),
        )
        year = Window(date(2007, 1, 3), date(2007, 12, 31))
        inside = (pc.field("date") >= year.start) & (pc.field("date") <= year.end)
        yield compare(
            "warehouse",
            "read one year",
            lambda: store.read(TABLE, year),
            PEER,
            lambda: case.theirs().to_table(filter=inside),
            same_rows,
        )
        columns = ["date", "symbol", "close"]
        yield compare(
            "warehouse",
            "read one symbol's close",
            lambda: store.read(TABLE, columns=columns, symbols=["S0005"]),
            PEER,
            lambda: case.theirs().to_table(columns, filter=pc.field("symbol") == "S0005"),
            same_rows,
        )
        store.sql("SELECT 1")  # the engine takes a second to start, once a process
        yield compare(
            "warehouse",
            "count rows by sql",
            lambda: store.sql("SELECT count() AS n FROM bench.bars")["n"][0],
            PEER,
            lambda: case.theirs().count_rows(),
            lambda a, b: a == b,
        )
        yield compare(
            "warehouse",
            "mean of one column by sql",
            lambda: store.sql("SELECT avg(close) AS mean FROM bench.bars")["mean"][0],
            PEER,
            lambda: pc.mean(case.theirs().to_table(["close"])["close"]).as_py(),
            lambda a, b: abs(a - b) < 1e-9 * abs(b),
        )


if __name__ == "__main__":
    main("warehouse", cases)
