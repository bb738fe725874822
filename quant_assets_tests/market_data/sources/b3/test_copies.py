"""Parsed copies: made once for a content, whole or not at all; and the checksums they go by."""

import os
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from quant_assets.market_data.sources.b3 import copies as module
from quant_assets.market_data.sources.b3.copies import Copies, Selection
from quant_assets.market_data.sources.b3.cotahist import CutFileError, read_cotahist
from quant_assets.market_data.sources.b3.folder import RawFile, list_files
from quant_assets.market_data.sources.b3.layout import RECORDS_SCHEMA
from quant_assets.market_data.sources.b3.manifest import Manifest, checksum
from quant_assets.market_data.sources.base import SourceError
from quant_assets.warehouse.window import Window
from quant_assets_tests.market_data.sources.b3.samples import record, write

ALL = Selection(None, None)
YEAR = Window(date(2024, 1, 1), date(2024, 12, 31))


def lines(count: int = 20) -> list[str]:
    return [
        record(day=date(2024, 1, 1 + i), ticker=f"AB{i % 3}D3", isin=f"BRAB{i % 3}DACNOR1")
        for i in range(count)
    ]


def file_in(folder: Path) -> RawFile:
    (file,) = list_files(folder)
    return file


def made(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def test_a_copy_holds_what_the_parser_reads(tmp_path: Path) -> None:
    bad = record(day=date(2024, 1, 9)).replace("R$", "R\x02")
    path = write(tmp_path / "COTAHIST_A2024.ZIP", [*lines(), bad])
    copy = Copies(tmp_path / "c").open(file_in(tmp_path), thread_no=2)
    quotes = read_cotahist(path)
    assert copy.quotes(YEAR, ALL, RECORDS_SCHEMA.names).to_pylist() == quotes.table.to_pylist()
    assert copy.rejected.to_pylist() == quotes.rejected.to_pylist()
    assert copy.tally == quotes.tally
    assert copy.dates.tolist() == [date(2024, 1, 1 + i) for i in range(20)]
    assert pa.compute.sum(copy.days["records"]).as_py() == 20
    assert copy.rejected_dates.tolist() == [date(2024, 1, 9)]


def test_quotes_are_selected(tmp_path: Path) -> None:
    some = [*lines(3), record(day=date(2024, 1, 2), ticker="FUND11", klass="12")]
    some.append(record(day=date(2024, 1, 2), ticker="AB0D3F", klass="96", market=20))
    write(tmp_path / "COTAHIST_A2024.TXT", some)
    copy = Copies(tmp_path / "c").open(file_in(tmp_path))
    day = Window(date(2024, 1, 2), date(2024, 1, 2))

    def tickers(selection: Selection) -> list[str]:
        found: list[str] = copy.quotes(day, selection, ["ticker"])["ticker"].to_pylist()
        return found

    assert tickers(ALL) == ["AB1D3", "FUND11", "AB0D3F"]
    assert tickers(Selection((10,), ("02",))) == ["AB1D3"]
    assert tickers(Selection((10,), None)) == ["AB1D3", "FUND11"]
    assert tickers(Selection((20,), ("96",))) == ["AB0D3F"]
    assert tickers(Selection((), None)) == []


def test_a_file_is_parsed_once(tmp_path: Path) -> None:
    path = write(tmp_path / "COTAHIST_A2024.ZIP", lines())
    for _ in range(2):
        Copies(tmp_path / "c").open(file_in(tmp_path))
    (name,) = made(tmp_path / "c")
    stamp = (tmp_path / "c" / name).stat().st_mtime_ns
    os.utime(path, ns=(1, 1))  # another time of the same content
    copy = Copies(tmp_path / "c").open(file_in(tmp_path))
    assert copy.entry.sha256 == checksum(path)
    assert made(tmp_path / "c") == [name]
    assert (tmp_path / "c" / name).stat().st_mtime_ns == stamp


def test_another_content_is_parsed_anew_and_the_old_copy_goes(tmp_path: Path) -> None:
    write(tmp_path / "COTAHIST_A2024.TXT", lines())
    copies = Copies(tmp_path / "c")
    copies.open(file_in(tmp_path))
    before = made(tmp_path / "c")
    write(tmp_path / "COTAHIST_A2024.TXT", lines(7))
    assert copies.open(file_in(tmp_path)).tally.records == 7
    after = made(tmp_path / "c")
    assert len(after) == 1
    assert after != before


def test_a_content_changed_behind_our_back_is_found_when_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "COTAHIST_A2024.TXT", lines())
    copies = Copies(tmp_path / "c")
    copies.open(file_in(tmp_path))
    state = path.stat()
    path.write_bytes(path.read_bytes().replace(b"AB1D3", b"ZZ1D3"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    tickers = ["ticker"]
    assert "ZZ1D3" not in copies.open(file_in(tmp_path)).quotes(YEAR, ALL, tickers)[0].to_pylist()
    anew = copies.open(file_in(tmp_path), anew=True)
    assert "ZZ1D3" in anew.quotes(YEAR, ALL, tickers)[0].to_pylist()


def test_a_cut_file_leaves_no_copy(tmp_path: Path) -> None:
    write(tmp_path / "COTAHIST_A2024.TXT", lines(), count=99)
    with pytest.raises(CutFileError, match=r"22 records were read .*its trailer says 99"):
        Copies(tmp_path / "c").open(file_in(tmp_path))
    assert made(tmp_path / "c") == []


def test_another_format_makes_copies_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "COTAHIST_A2024.TXT", lines())
    Copies(tmp_path / "c").open(file_in(tmp_path))
    before = made(tmp_path / "c")
    monkeypatch.setattr(module, "_FORMAT", 10**6)
    Copies(tmp_path / "c").open(file_in(tmp_path))
    assert len(made(tmp_path / "c")) == 1
    assert made(tmp_path / "c") != before


def test_forgotten_copies_are_gone(tmp_path: Path) -> None:
    write(tmp_path / "COTAHIST_A2024.TXT", lines())
    copies = Copies(tmp_path / "c")
    copies.forget()
    copies.open(file_in(tmp_path))
    copies.forget()
    assert made(tmp_path / "c") == []
    assert copies.manifest.entries() == {}


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    write(tmp_path / "COTAHIST_A2024.TXT", lines())
    (tmp_path / "c").write_text("a file")
    with pytest.raises(SourceError, match=r"cannot be made: .*name another in source\.cache"):
        Copies(tmp_path / "c").open(file_in(tmp_path))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": {"x": 1}}'])
def test_a_spoiled_manifest_is_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    manifest = Manifest(tmp_path)
    assert manifest.entries() == {}
    path = write(tmp_path / "COTAHIST_A2024.TXT", lines(1))
    assert manifest.note(path).sha256 == checksum(path)
    assert list(manifest.entries()) == [path.name]


def test_the_names_of_the_exchange_are_understood(tmp_path: Path) -> None:
    names = [
        *("COTAHIST_D03012024.ZIP", "COTAHIST_M012024.ZIP", "COTAHIST_A2023.TXT"),
        *("COTAHIST_A2024.TXT", "cotahist_a2024.zip", "COTAHIST_M132024.ZIP", "notes.txt"),
        *("COTAHIST_A2022.ZIP.part", ".COTAHIST_A2022.ZIP.part", "COTAHIST_D31022024.ZIP"),
    ]
    for name in names:
        (tmp_path / name).touch()
    found = list_files(tmp_path)
    assert [file.name for file in found] == [
        *("COTAHIST_A2023.TXT", "cotahist_a2024.zip"),
        *("COTAHIST_M012024.ZIP", "COTAHIST_D03012024.ZIP"),
    ]
    assert found[1].days == YEAR
    assert found[2].days == Window(date(2024, 1, 1), date(2024, 1, 31))
    assert found[3].days == Window(date(2024, 1, 3), date(2024, 1, 3))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot be listed: .*make it, or correct source\.path"):
        list_files(tmp_path / "none")
