"""The files source on S3, on moto's server: the same rows as from a local folder."""

from pathlib import Path

import pyarrow.fs as pafs
import pytest

from quant_assets.market_data.sources.base import SourceError
from quant_assets.market_data.sources.files import Files
from quant_assets.market_data.sources.storage import Storage
from quant_assets.warehouse.storage import open_filesystem
from quant_assets_tests.market_data.examples import DAYS, WHOLE, files_market
from quant_assets_tests.market_data.sources.test_files import csv, line, parquet


@pytest.fixture(scope="module")
def folders(s3_root: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The same files in a local folder and under an S3 prefix."""
    local = tmp_path_factory.mktemp("vendor")
    parquet(local / "a.parquet", DAYS * 3, group=5)
    csv(local / "2024" / "b.csv", line(DAYS[0]), line(DAYS[3], "BBB"))
    filesystem, prefix = open_filesystem(f"{s3_root}/vendor")
    pafs.copy_files(str(local), prefix, destination_filesystem=filesystem)
    return local, f"{s3_root}/vendor"


@pytest.mark.parametrize("pattern", ["", "/a.parquet", "/*.parquet", "/20*/b.csv"])
def test_s3_has_the_rows_of_the_local_files(folders: tuple[Path, str], pattern: str) -> None:
    local, remote = (Files(files_market(f"{folder}{pattern}")) for folder in folders)
    assert remote.read(WHOLE).equals(local.read(WHOLE))
    assert remote.count_rows(WHOLE) == local.count_rows(WHOLE)
    assert [file.size for file in remote.list_files()] == [file.size for file in local.list_files()]
    first = remote.list_files()[0].path
    assert first.startswith("s3://")
    assert remote.coverage(first) == local.coverage(local.list_files()[0].path)


def test_nothing_there_is_told(folders: tuple[Path, str]) -> None:
    with pytest.raises(SourceError, match=r"vendor/\*\.txt: no file matches"):
        Storage(f"{folders[1]}/*.txt").files(False)
