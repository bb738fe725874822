"""COTAHIST: a year's file of 2,000,000 records parsed to typed columns.

The peer is pandas.read_fwf, told every field's place and type, on the same file; what it then needs
for the same columns (decimals, quotation factor, dates) is part of its time. Results agree when
every column of every record is equal, floats to the last bit. The file is made here: no quote in it
is real.
"""

import os
import resource
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.compiled import warm_up_all
from quant_assets.market_data.sources.b3.cotahist import Quotes, read_cotahist
from quant_assets.market_data.sources.b3.layout import FIELDS, Field
from quant_assets.market_data.sources.b3.record_kernels import RECORD_LENGTH
from quant_assets_tests.benchmarks.harness import Result, compare, main

PEER = "pandas.read_fwf"
THREADS = min(2, os.cpu_count() or 1)
_STRIDE = RECORD_LENGTH + 2
_MAKING = 100_000  # records made at a time

# (class, market type, share of the records): about what a year of the exchange holds
_KINDS = (
    ("02", 10, 0.18),
    ("12", 10, 0.04),
    ("96", 20, 0.16),
    ("62", 30, 0.02),
    ("78", 70, 0.33),
    ("82", 80, 0.27),
)


def make_file(path: Path, records: int, seed: int = 11) -> None:
    """Write a file with `records` quotes over the weekdays of 2023, header and trailer."""
    rng = np.random.default_rng(seed)
    weekdays = pd.bdate_range("2023-01-02", "2023-12-29")
    with path.open("wb") as out:
        out.write(b"00COTAHIST.2023BOVESPA 20231229".ljust(RECORD_LENGTH) + b"\r\n")
        for first in range(0, records, _MAKING):
            rows = np.arange(first, min(first + _MAKING, records))
            days = weekdays[rows * len(weekdays) // records]
            out.write(_quotes(rng, days).tobytes())
        trailer = b"99COTAHIST.2023BOVESPA 20231229" + b"%011d" % (records + 2)
        out.write(trailer.ljust(RECORD_LENGTH) + b"\r\n")


def _quotes(rng: np.random.Generator, days: pd.DatetimeIndex) -> np.ndarray:
    """Quotes as rows of bytes, (rows, 247)."""
    rows = len(days)
    bytes_ = np.full((rows, _STRIDE), ord(" "), np.uint8)
    bytes_[:, -2:] = (13, 10)
    shares = [kind[2] for kind in _KINDS]
    kind = rng.choice(len(_KINDS), rows, p=np.array(shares) / sum(shares))
    symbol = rng.integers(0, 600, rows)
    derived = kind >= 4
    serial = np.where(derived, rng.integers(0, 90, rows), 0)
    low = rng.integers(100, 9_000, rows)
    spread = rng.integers(0, 300, rows)
    volume = rng.integers(1, 40_000, rows) * 100
    values = {
        "date": days.year * 10_000 + days.month * 100 + days.day,
        "market_type": np.array([k[1] for k in _KINDS])[kind],
        "open": low + spread // 3,
        "high": low + spread,
        "low": low,
        "average": low + spread // 2,
        "close": low + spread * 2 // 3,
        "best_bid": low + spread // 2,
        "best_ask": low + spread // 2 + 1,
        "trades": rng.integers(1, 99_999, rows),
        "volume": volume,
        "turnover": volume * (low + spread // 2),
        "strike": np.where(derived, low + 10 * serial, 0),
        "strike_correction": np.zeros(rows, int),
        "expiry": np.where(derived, 20_231_215, 99_991_231),
        "quotation_factor": np.where(symbol % 50 == 7, 1000, 1),
        "strike_points": np.where(derived, (low + 10 * serial) * 10_000, 0),
        "distribution": 100 + symbol % 150,
    }
    letters = np.stack([65 + symbol // 26 % 26, 65 + symbol % 26], axis=1)
    for field in FIELDS:
        place = slice(field.start, field.start + field.length)
        if field.name in values:
            bytes_[:, place] = _digits(np.asarray(values[field.name]), field.length)
    _put(bytes_, "bulletin_class", np.array([k[0] for k in _KINDS])[kind])
    _put(bytes_, "ticker", np.where(derived, "XX  L000", np.where(kind == 2, "XX  3F", "XX  3")))
    ticker = _field("ticker").start
    bytes_[:, ticker + 2 : ticker + 4] = letters
    bytes_[derived, ticker + 5 : ticker + 8] = _digits(serial[derived], 3)
    _put(bytes_, "name", np.full(rows, "COMPANHIA"))
    bytes_[:, _field("name").start + 10 : _field("name").start + 12] = letters
    _put(bytes_, "specification", np.array(["ON      NM", "PN      N2", "PNA"])[symbol % 3])
    _put(bytes_, "currency", np.full(rows, "R$"))
    _put(bytes_, "isin", np.full(rows, "BRXX  ACNOR1"))
    bytes_[:, _field("isin").start + 4 : _field("isin").start + 6] = letters
    bytes_[kind == 3, _field("term_days").start : _field("term_days").start + 3] = (48, 51, 48)
    bytes_[:, :2] = (48, 49)
    return bytes_


def _field(name: str) -> Field:
    return next(field for field in FIELDS if field.name == name)


def _digits(values: np.ndarray, length: int) -> np.ndarray:
    """Numbers as rows of digits, padded with zeros, (rows, length)."""
    powers = 10 ** np.arange(length - 1, -1, -1, dtype=np.int64)
    digits: np.ndarray = (values[:, None] // powers % 10 + 48).astype(np.uint8)
    return digits


def _put(bytes_: np.ndarray, name: str, texts: np.ndarray) -> None:
    """Write texts into a field, blanks after them."""
    field = _field(name)
    padded = np.char.ljust(texts.astype(f"S{field.length}"), field.length)
    bytes_[:, field.start : field.start + field.length] = padded.view(np.uint8).reshape(
        len(texts), field.length
    )


def read_theirs(path: Path) -> pd.DataFrame:
    """The same columns by pandas: numbers as int64 and float64, dates, texts as categories."""
    texts = [field.name for field in FIELDS if field.kind in ("text", "date")]
    frame = pd.read_fwf(
        path,
        colspecs=[(field.start, field.start + field.length) for field in FIELDS],
        names=[field.name for field in FIELDS],
        header=None,
        skiprows=1,
        encoding="latin-1",
        dtype=dict.fromkeys(texts, str),
        keep_default_na=False,
        na_values={"term_days": [""]},
    )
    frame = frame.iloc[:-1].copy()  # without the trailer
    factor = frame["quotation_factor"].astype("int64")
    for field in FIELDS:
        column = frame[field.name]
        if field.kind == "price":
            frame[field.name] = column.astype("int64") / (100.0 * factor)
        elif field.kind == "amount":
            frame[field.name] = column.astype("int64") / 10.0**field.decimals
        elif field.kind == "date":
            frame[field.name] = pd.to_datetime(column.where(column != "99991231"), format="%Y%m%d")
        elif field.kind == "text":
            frame[field.name] = column.astype("category")
    return frame


def same_rows(ours: Quotes, theirs: pd.DataFrame) -> bool:
    """Every column of every record is equal; what is missing is missing in both."""
    if not ours.tally.whole or ours.rejected.num_rows or len(theirs) != ours.table.num_rows:
        return False
    for field in FIELDS:
        mine = ours.table[field.name]
        if field.kind == "text":
            its = pa.array(theirs[field.name].astype(object), pa.string(), from_pandas=True)
            its = pc.if_else(pc.equal(its, ""), pa.scalar(None, pa.string()), its)
            mine = mine.cast(pa.string())
        else:
            its = pa.array(theirs[field.name], from_pandas=True).cast(field.type)
        if not mine.combine_chunks().equals(its):
            return False
    return True


def alone(path: Path) -> Result:
    """Ours in a process of its own: the memory it needs from its start to its end."""
    script = (
        "import sys, time; from quant_assets.compiled import warm_up_all; "
        "from quant_assets.market_data.sources.b3.cotahist import read_cotahist; warm_up_all(); "
        "start = time.perf_counter(); quotes = read_cotahist(sys.argv[1], thread_no=2); "
        "print(time.perf_counter() - start, quotes.tally.whole)"
    )
    command = [sys.executable, "-c", script, str(path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**10
    seconds, whole = round(float(said[0]), 6), said[1] == "True"
    case = f"{path.suffix[1:]}, a process of its own"
    return Result("cotahist", case, seconds, None, None, None, whole, round(peak, 1))


def cases(quick: bool) -> Iterator[Result]:
    """2,000,000 records; 20,000 when quick."""
    records = 20_000 if quick else 2_000_000
    warm_up_all()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "COTAHIST_A2023.TXT"
        make_file(path, records)
        archive = path.with_suffix(".ZIP")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
            out.write(path, path.name)
        for file in (path, archive):
            yield alone(file)
        # the peer takes minutes, so that one turn has to do
        yield compare(
            "cotahist",
            f"{records:,} records, TXT",
            lambda: read_cotahist(path, thread_no=THREADS),
            PEER,
            lambda: read_theirs(path),
            same_rows,
            repeats=3 if quick else 1,
        )


if __name__ == "__main__":
    main("cotahist", cases)
