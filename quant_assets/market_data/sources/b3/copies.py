"""Parsed copies of raw files, compact, found by the content's checksum: a file is parsed once.

Here lives the store of copies: Parquet files of quotes and rejected lines, and what is asked of a
file most often (its days, its turning points of tickers). A copy is made whole or not at all, and
only of a whole file. What a market reads from copies is the business of source.py.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from quant_assets.market_data.sources.b3.cotahist import Cotahist, Tally
from quant_assets.market_data.sources.b3.folder import RawFile
from quant_assets.market_data.sources.b3.layout import (
    FORWARD,
    RECORDS_SCHEMA,
    REJECTED_SCHEMA,
    SECURITY_MARKETS,
)
from quant_assets.market_data.sources.b3.manifest import Entry, Manifest
from quant_assets.market_data.sources.b3.tickers import LISTED_SCHEMA, turning_points
from quant_assets.market_data.sources.base import SourceError
from quant_assets.warehouse.window import Window

# Part of a copy's name: another number makes every copy anew.
_FORMAT = 1
_QUOTES, _REJECTED, _LISTED, _DAYS, _TALLY = (
    "quotes.parquet",
    "rejected.parquet",
    "listed.parquet",
    "days.parquet",
    "tally.json",
)
_DAY = ["date", "market_type", "bulletin_class"]
_DAYS_SCHEMA = pa.schema(
    [
        pa.field("date", pa.date32()),
        pa.field("market_type", pa.int16()),
        pa.field("bulletin_class", pa.string()),
        pa.field("records", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Selection:
    """Market types and bulletin classes; None stands for all."""

    market_types: Collection[int] | None
    classes: Collection[str] | None

    def expression(self) -> pc.Expression:
        """As a filter of rows."""
        chosen = pc.scalar(True)
        if self.market_types is not None:
            types = pa.array(sorted(self.market_types), pa.int16())
            chosen &= pc.field("market_type").isin(types)
        if self.classes is not None:
            chosen &= pc.field("bulletin_class").isin(pa.array(sorted(self.classes), pa.string()))
        return chosen

    @property
    def forwards(self) -> bool:
        """Whether forwards are among them: their tickers repeat, one a term."""
        return self.market_types is None or FORWARD in self.market_types


class Copy:
    """The parsed copy of one raw file."""

    def __init__(self, file: RawFile, entry: Entry, folder: Path) -> None:
        self.file = file
        self.entry = entry
        self._folder = folder

    @cached_property
    def tally(self) -> Tally:
        """How many records the file holds."""
        return Tally(**json.loads((self._folder / _TALLY).read_text(encoding="utf-8")))

    @cached_property
    def days(self) -> pa.Table:
        """Quotes counted: `date`, `market_type`, `bulletin_class`, `records`."""
        return pq.read_table(self._folder / _DAYS)

    @cached_property
    def dates(self) -> np.ndarray:
        """The dates that the file has lines of, `datetime64[D]`, ascending."""
        return np.union1d(self._quoted, self.rejected_dates)

    @cached_property
    def rejected_dates(self) -> np.ndarray:
        """The date each rejected line is kept with: its own, or the last of the file's quotes."""
        own = self.rejected["date"]
        last = self._quoted[-1] if len(self._quoted) else np.datetime64(self.file.days.end, "D")
        days = pc.fill_null(own.cast(pa.int32()), int(last.astype(int))).to_numpy()
        dates: np.ndarray = days.astype("datetime64[D]")
        return dates

    @cached_property
    def _quoted(self) -> np.ndarray:
        return np.unique(self.days["date"].to_numpy().astype("datetime64[D]"))

    @cached_property
    def rejected(self) -> pa.Table:
        """The lines that cannot be read: REJECTED_SCHEMA."""
        return pq.read_table(self._folder / _REJECTED)

    @cached_property
    def listed(self) -> pa.Table:
        """Where securities take up and leave tickers: tickers.LISTED_SCHEMA."""
        return pq.read_table(self._folder / _LISTED)

    def quotes(self, window: Window, selection: Selection, columns: Collection[str]) -> pa.Table:
        """Some columns of the selected quotes dated in a window, in the order of the file."""
        inside = (pc.field("date") >= window.start) & (pc.field("date") <= window.end)
        return pq.read_table(
            self._folder / _QUOTES,
            columns=list(columns),
            filters=inside & selection.expression(),
            memory_map=True,
        )


class Copies:
    """The copies in a folder of ours; `manifest` tells the checksums they are found by."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.manifest = Manifest(folder)

    def open(self, file: RawFile, thread_no: int = 1, anew: bool = False) -> Copy:
        """The copy of a file, made where there is none.

        Args:
            file: the raw file.
            thread_no: threads to parse with.
            anew: read the checksum from the content, whatever was noted.

        Raises:
            CutFileError: the trailer's count is not that of the lines.
            SourceError: the file cannot be read, or is none of this kind.
        """
        entry = (None if anew else self.manifest.current(file.path)) or self._noted(file)
        folder = self._folder / f"{entry.sha256[:32]}-{_FORMAT}"
        if not (folder / _TALLY).exists():
            self._make(file, folder, thread_no)
            self._sweep()
        return Copy(file, entry, folder)

    def forget(self) -> None:
        """Throw away every copy and everything noted."""
        self.manifest.forget()
        self._sweep()

    def _noted(self, file: RawFile) -> Entry:
        try:
            return self.manifest.note(file.path)
        except OSError as error:
            raise SourceError(
                f"{file.path}: cannot be read: {error.strerror}; correct that"
            ) from error

    def _make(self, file: RawFile, folder: Path, thread_no: int) -> None:
        """Parse a file into a folder beside, and rename that: a copy is there whole or not."""
        beside = Path(tempfile.mkdtemp(prefix=".making-", dir=self._folder))
        try:
            _write(Cotahist(file.path, file.days, thread_no), beside)
            try:
                beside.rename(folder)
            except OSError:
                if not (folder / _TALLY).exists():  # else another process was first
                    raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove the copies of contents that no file has any more."""
        known = {f"{e.sha256[:32]}-{_FORMAT}" for e in self.manifest.entries().values()}
        for folder in self._folder.iterdir():
            if folder.is_dir() and folder.name[0] != "." and folder.name not in known:
                shutil.rmtree(folder, ignore_errors=True)


def _write(file: Cotahist, folder: Path) -> None:
    days, listed = [], []
    rejected = [REJECTED_SCHEMA.empty_table()]
    with pq.ParquetWriter(folder / _QUOTES, RECORDS_SCHEMA, **_encoding()) as writer:
        for block in file.blocks():
            # one row group a block: about as many rows as a busy week has
            writer.write_table(block.table, row_group_size=max(block.table.num_rows, 1))
            rejected.append(block.rejected)
            days.append(_counted(block.table))
            listed.append(_securities(block.table))
    file.require_whole()
    pq.write_table(pa.concat_tables(rejected), folder / _REJECTED)
    totals = pa.concat_tables(days, promote_options="default") if days else None
    pq.write_table(_summed(totals), folder / _DAYS)
    pq.write_table(
        turning_points(pa.concat_tables([LISTED_SCHEMA.empty_table(), *listed])), folder / _LISTED
    )
    (folder / _TALLY).write_text(json.dumps(asdict(file.tally)), encoding="utf-8")
    for name in (_QUOTES, _TALLY):
        with (folder / name).open("rb") as written:
            os.fsync(written.fileno())


def _encoding() -> dict[str, object]:
    """zstd: a year is kept for long and read by the day; dates tell which row groups to read."""
    texts = [f.name for f in RECORDS_SCHEMA if pa.types.is_dictionary(f.type)]
    return {
        "compression": "zstd",
        "use_dictionary": texts,
        "write_statistics": ["date", "market_type"],
    }


def _counted(table: pa.Table) -> pa.Table:
    keys = table.select(_DAY)
    keys = keys.set_column(2, _DAY[2], keys[_DAY[2]].cast(pa.string()))
    counted = keys.group_by(_DAY).aggregate([([], "count_all")])
    return counted.rename_columns([*_DAY, "records"])


def _summed(days: pa.Table | None) -> pa.Table:
    if days is None:
        return _DAYS_SCHEMA.empty_table()
    summed = days.group_by(_DAY).aggregate([("records", "sum")]).rename_columns(_DAYS_SCHEMA.names)
    return summed.cast(_DAYS_SCHEMA).sort_by([(name, "ascending") for name in _DAY])


def _securities(table: pa.Table) -> pa.Table:
    """The days on which securities traded under their tickers: LISTED_SCHEMA."""
    wanted = pa.array(SECURITY_MARKETS, pa.int16())
    mask = pc.and_(pc.is_in(table["market_type"], value_set=wanted), pc.is_valid(table["isin"]))
    chosen = table.select(LISTED_SCHEMA.names).filter(mask)
    texts = {name: chosen[name].cast(pa.string()) for name in ("isin", "ticker")}
    for name, column in texts.items():
        chosen = chosen.set_column(chosen.column_names.index(name), name, column)
    return chosen.cast(LISTED_SCHEMA)
