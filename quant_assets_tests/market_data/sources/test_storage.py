"""Where files lie: a file, a folder, a glob; what is left out; s3:// in test_files_on_s3.py."""

from pathlib import Path

import pytest

from quant_assets.market_data.sources.base import SourceError
from quant_assets.market_data.sources.storage import Storage, format_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "b.csv",
        "a.parquet",
        "2024/c.csv.gz",
        "2024/d.txt.zip",
        "notes.md",
        "_part.csv",
        ".hidden.csv",
        "_old/e.csv",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


def names(path: Path | str, any_suffix: bool = False) -> list[str]:
    storage = Storage(str(path))
    return [storage.relative(file.path) for file in storage.files(any_suffix)]


def test_a_folder_is_its_tables_with_those_of_its_subfolders(folder: Path) -> None:
    assert names(folder) == ["2024/c.csv.gz", "a.parquet", "b.csv"]
    assert names(f"{folder}/") == ["2024/c.csv.gz", "a.parquet", "b.csv"]


def test_with_a_format_a_folder_is_all_its_files(folder: Path) -> None:
    everything = ["2024/c.csv.gz", "2024/d.txt.zip", "a.parquet", "b.csv", "notes.md"]
    assert names(folder, any_suffix=True) == everything


def test_a_file_is_itself(folder: Path) -> None:
    assert names(folder / "notes.md") == ["notes.md"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.csv", ["b.csv"]),
        ("_*.csv", ["_part.csv"]),
        ("[ab].*", ["a.parquet", "b.csv"]),
        ("20?4/*.csv.gz", ["2024/c.csv.gz"]),
        ("*/c*", ["2024/c.csv.gz"]),
    ],
)
def test_a_glob_matches_component_by_component(
    folder: Path, pattern: str, found: list[str]
) -> None:
    assert names(f"{folder}/{pattern}") == found


def test_a_name_with_a_wildcards_sign_is_found_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a[1].csv").write_text("x")
    assert names(tmp_path / "a[1].csv") == ["a[1].csv"]


def test_a_changed_file_is_another(folder: Path) -> None:
    before = Storage(str(folder)).files(False)
    (folder / "b.csv").write_text("longer")
    after = Storage(str(folder)).files(False)
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, True, False]


@pytest.mark.parametrize("path", ["nowhere", "nowhere/*.csv", "*.xlsx"])
def test_nothing_there_is_told(folder: Path, path: str) -> None:
    with pytest.raises(SourceError, match=r"no file matches; put Parquet or CSV files there"):
        Storage(f"{folder}/{path}").files(False)


def test_other_schemes_are_refused() -> None:
    with pytest.raises(SourceError, match="from local paths and from s3://"):
        Storage("ftp://host/file.csv")


def test_formats_by_suffix() -> None:
    assert format_of("x/A.PARQUET") == "parquet"
    assert format_of("x.csv.gz") == "csv"
    assert format_of("x.csv/readme") is None
