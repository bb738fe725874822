"""The files of a day: archives, compression, what is damaged and what is not there."""

import zipfile
from datetime import date
from pathlib import Path

import pytest

from quant_assets.market_data.order_book.files import DayFile, files_of
from quant_assets.market_data.sources.base import SourceError
from quant_assets_tests.market_data.order_book.deliveries import deliver

DAY = date(2024, 3, 4)
TEXT = b"a,b\n" + b"1,2\n" * 5000


def content(file: DayFile) -> bytes:
    with file.open() as stream:
        return stream.read()


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.csv.xz", "x.csv.zip", "x.csv.bz2"])
def test_packed_files_are_unpacked(tmp_path: Path, name: str) -> None:
    if name.endswith(".bz2"):
        import bz2

        path = deliver(tmp_path, name, bz2.compress(TEXT))
    else:
        path = deliver(tmp_path, name, TEXT)
    (file,) = files_of(str(path), DAY, "%Y%m%d")
    assert content(file) == TEXT
    assert file.base_name.startswith("x.csv")


def test_the_date_is_put_into_the_path(tmp_path: Path) -> None:
    deliver(tmp_path, "20240304/a.csv", b"1")
    deliver(tmp_path, "20240304/b.csv", b"2")
    deliver(tmp_path, "20240305/a.csv", b"3")
    found = files_of(str(tmp_path / "{date}" / "*.csv"), DAY, "%Y%m%d")
    assert [content(file) for file in found] == [b"1", b"2"]
    assert files_of(str(tmp_path / "{date}" / "*.csv"), DAY, "%Y-%m-%d") == []
    assert files_of(str(tmp_path / "{date}"), date(2024, 3, 6), "%Y%m%d") == []


def test_members_of_an_archive_are_files_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "day.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sub/", "")
        archive.writestr("sub/z.csv", "2")
        archive.writestr("a.csv", "1")
    first, second = files_of(str(path), DAY, "%Y%m%d")
    assert (content(first), content(second)) == (b"1", b"2")
    assert second.name == f"{path}:sub/z.csv"
    assert second.base_name == "z.csv"
    assert content(second.beside("z.csv")) == b"2"
    assert second.beside("y.csv").name == f"{path}:sub/y.csv"
    assert content(first.beside("a.csv")) == b"1"


@pytest.mark.parametrize("name", ["x.csv.gz", "x.csv.xz", "x.csv.zip"])
def test_a_cut_file_is_named(tmp_path: Path, name: str) -> None:
    path = deliver(tmp_path, name, bytes(range(256)) * 3000)
    path.write_bytes(path.read_bytes()[:-60])

    def read_all() -> list[bytes]:
        return [content(file) for file in files_of(str(path), DAY, "%Y%m%d")]

    with pytest.raises(SourceError, match=rf"{name}.*: cannot be unpacked, it may be cut short"):
        read_all()


def test_a_file_that_goes_away_is_named(tmp_path: Path) -> None:
    path = deliver(tmp_path, "x.csv", b"1")
    (file,) = files_of(str(path), DAY, "%Y%m%d")
    path.unlink()
    with pytest.raises(SourceError, match=r"x\.csv: the file is gone; deliver it again"):
        content(file)
