"""Both stores: a decade of bars written, read and counted.

The peer of the Parquet store is pyarrow.dataset used as its documentation shows: `write_dataset` by
date in the hive layout, read back through discovery. It neither validates nor replaces atomically,
ours does both. Beside it stands our own store on a server: the tests' own one, chDB's engine behind
a small HTTP server on the same machine, so that its figures say what the engine and the way to it
cost, and nothing of a real server's cores and disks. Results agree when the rows are equal.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.schemas import schema_of
from quant_assets.warehouse.store import Warehouse
from quant_assets.warehouse.window import Window
from quant_assets_tests.benchmarks.harness import Result, compare, main
from quant_assets_tests.warehouse.server_process import ServerProcess

TABLE = "bench/bars"
PEER = "pyarrow.dataset"
SERVER = "our store on ClickHouse"
YEAR = Window(date(2007, 1, 3), date(2007, 12, 31))
COLUMNS = ["date", "symbol", "close"]
SYMBOL = "S0005"
COUNT = "SELECT count() AS n FROM bench.bars"
MEAN = "SELECT avg(close) AS mean FROM bench.bars"


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
    """One table in our two stores and the peer's, under a temporary folder."""

    def __init__(self, folder: Path, frame: pa.Table, server: ServerProcess) -> None:
        self.frame = frame
        self.dates = frame.column("date").unique().to_pylist()
        self.window = Window(self.dates[0], self.dates[-1])
        self.warehouse = ParquetWarehouse(str(folder / "ours"), markets=["bench"])
        self.server = server.warehouse("bench")
        self.folder = folder / "theirs"

    def write(self, store: Warehouse) -> int:
        written = store.replace(TABLE, self.window, self.frame, dates=self.dates)
        return sum(written.values())

    def write_day(self, store: Warehouse) -> int:
        day = self.dates[-1]
        rows = self.frame.filter(pc.field("date") == day)
        return sum(store.replace(TABLE, Window(day, day), rows, dates=[day]).values())

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
    """Ten years of 252 days x 650 symbols; 40 days x 50 symbols when quick."""
    days, symbols = (40, 50) if quick else (2520, 650)
    frame = bars(days, symbols)
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder) / "server")
        try:
            case = Case(Path(folder), frame, server)
            yield from _beside_arrow(case, f"{days} days x {symbols} rows")
            yield from _beside_the_server(case, f"{days} days x {symbols} rows")
        finally:
            server.kill()


def _beside_arrow(case: Case, size: str) -> Iterator[Result]:
    """The Parquet store and pyarrow.dataset."""
    store = case.warehouse

    def line(
        what: str,
        ours: Callable[[], Any],
        theirs: Callable[[], Any],
        agree: Callable[[Any, Any], bool],
    ) -> Result:
        return compare("warehouse", what, ours, PEER, theirs, agree)

    yield line(
        f"write {size}", lambda: case.write(store), case.write_theirs, lambda a, b: bool(a == b)
    )
    yield line(
        f"read {size}",
        lambda: store.read(TABLE),
        lambda: case.theirs().to_table(),
        lambda a, b: same_rows(a, b) and a.combine_chunks().equals(case.frame.combine_chunks()),
    )
    inside = (pc.field("date") >= YEAR.start) & (pc.field("date") <= YEAR.end)
    yield line(
        "read one year",
        lambda: store.read(TABLE, YEAR),
        lambda: case.theirs().to_table(filter=inside),
        same_rows,
    )
    yield line(
        "read one symbol's close",
        lambda: store.read(TABLE, columns=COLUMNS, symbols=[SYMBOL]),
        lambda: case.theirs().to_table(COLUMNS, filter=pc.field("symbol") == SYMBOL),
        same_rows,
    )
    store.sql("SELECT 1")  # the engine takes a second to start, once a process
    yield line(
        "count rows by sql",
        lambda: store.sql(COUNT)["n"][0],
        lambda: case.theirs().count_rows(),
        lambda a, b: bool(a == b),
    )
    yield line(
        "mean of one column by sql",
        lambda: store.sql(MEAN)["mean"][0],
        lambda: pc.mean(case.theirs().to_table(["close"])["close"]).as_py(),
        close_to,
    )


def _beside_the_server(case: Case, size: str) -> Iterator[Result]:
    """The Parquet store and the one on a server."""
    files, server = case.warehouse, case.server

    def line(
        what: str, run: Callable[[Warehouse], Any], agree: Callable[[Any, Any], bool]
    ) -> Result:
        return compare("warehouse", what, lambda: run(files), SERVER, lambda: run(server), agree)

    yield line(f"write {size}", case.write, lambda a, b: bool(a == b))
    yield line("replace one day", case.write_day, lambda a, b: bool(a == b))
    yield line(f"read {size}", lambda store: store.read(TABLE), identical)
    yield line("read one year", lambda store: store.read(TABLE, YEAR), identical)
    yield line(
        "read one symbol's close",
        lambda store: store.read(TABLE, columns=COLUMNS, symbols=[SYMBOL]),
        identical,
    )
    yield line("count rows by sql", lambda s: s.sql(COUNT)["n"][0], lambda a, b: bool(a == b))
    yield line("mean of one column by sql", lambda s: s.sql(MEAN)["mean"][0], close_to)


def identical(ours: pa.Table, theirs: pa.Table) -> bool:
    """Equal in schema, order and bits."""
    return bool(ours.schema.equals(theirs.schema) and ours.equals(theirs))


def close_to(ours: float, theirs: float) -> bool:
    """Equal but for the order in which they were added up."""
    return abs(ours - theirs) < 1e-9 * abs(theirs)


if __name__ == "__main__":
    main("warehouse", cases)
