"""Parquet under killed processes, full disks, several writers: partitions stay whole, no litter."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from quant_assets.warehouse import storage
from quant_assets.warehouse.errors import PartialWriteError
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.staging import STAGING, Staging, sweep
from quant_assets_tests.warehouse.frames import DAY, bars, days, window

DAYS = 12


@pytest.fixture
def warehouse(parquet: ParquetWarehouse) -> ParquetWarehouse:
    return parquet


PRELUDE = """
    import os, signal, sys
    from quant_assets.warehouse import storage
    from quant_assets.warehouse.parquet import ParquetWarehouse
    from quant_assets_tests.warehouse.frames import bars, days, window

    dates = days({days})
    warehouse = ParquetWarehouse(sys.argv[1])
"""


def script(body: str, root: str, *arguments: str, **format_values: object) -> list[str]:
    """The command line of a Python process that runs `body` after the prelude."""
    prelude = textwrap.dedent(PRELUDE).format(days=DAYS)
    return [sys.executable, "-c", prelude + textwrap.dedent(body), root, *arguments]


def environment() -> dict[str, str]:
    checkout = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": checkout}


def run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )


def stray_files(root: str | Path) -> list[Path]:
    """Everything below the root that is neither a partition nor a folder on the way to one."""
    return [
        path
        for path in Path(root).rglob("*")
        if STAGING in path.parts or (path.is_file() and path.name != storage.PART)
    ]


def versions(warehouse: ParquetWarehouse) -> list[int]:
    """Which seed each partition holds, after checking that it holds one version whole."""
    dates = days(DAYS)
    expected = {seed: bars(dates, seed=seed) for seed in (1, 2)}
    found = []
    for day in dates:
        part = warehouse.read("us/bars", window([day]))
        close = part.column("close").to_pylist()
        matches = []
        for seed, frame in expected.items():
            wanted = frame.filter(pa.compute.equal(frame["date"], day))
            if wanted.column("close").to_pylist() == close:
                matches.append(seed)
        assert len(matches) == 1, f"{day} is neither old nor new"
        found += matches
    return found


KILLED_WHILE_WRITING = """
    write, count = storage.write_file, 0
    def write_file(*arguments):
        global count
        count += 1
        if count == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        write(*arguments)
    storage.write_file = write_file
    warehouse.replace("us/bars", window(dates), bars(dates, seed=2), dates=dates)
"""
KILLED_WHILE_RENAMING = """
    replace, count = os.replace, 0
    def killed(source, target):
        global count
        replace(source, target)
        count += 1
        if count == 5:
            os.kill(os.getpid(), signal.SIGKILL)
    os.replace = killed
    warehouse.replace("us/bars", window(dates), bars(dates, seed=2), dates=dates)
"""


@pytest.mark.parametrize(
    ("body", "new"),
    [(KILLED_WHILE_WRITING, 0), (KILLED_WHILE_RENAMING, 5)],
    ids=["write", "rename"],
)
def test_a_killed_process_leaves_partitions_whole(
    warehouse: ParquetWarehouse, body: str, new: int
) -> None:
    dates = days(DAYS)
    warehouse.replace("us/bars", window(dates), bars(dates, seed=1), dates=dates)
    assert run(script(body, warehouse.root)).returncode == -signal.SIGKILL
    assert stray_files(warehouse.root)
    assert versions(warehouse) == [2] * new + [1] * (DAYS - new)
    # the run is started again and finishes
    warehouse.replace("us/bars", window(dates), bars(dates, seed=2), dates=dates)
    assert versions(warehouse) == [2] * DAYS
    assert stray_files(warehouse.root) == []


def test_a_killed_first_write_leaves_no_half_partition(warehouse: ParquetWarehouse) -> None:
    run(script(KILLED_WHILE_RENAMING, warehouse.root))
    assert warehouse.partitions("us/bars") == [str(day) for day in days(5)]
    assert warehouse.read("us/bars").num_rows == 15


LIMITED = """
    import resource
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    many = [f"S{i:05d}" for i in range(5000)]
    frame = bars(dates[:1], seed=2)
    import pyarrow as pa
    frame = pa.concat_tables([frame, bars(dates[1:2], many, seed=2)])
    try:
        warehouse.replace("us/bars", window(dates[:2]), frame)
    except OSError as error:
        print(type(error).__name__, error.errno, error)
"""


def test_a_storage_that_takes_no_more(warehouse: ParquetWarehouse) -> None:
    dates = days(DAYS)
    warehouse.replace("us/bars", window(dates), bars(dates, seed=1), dates=dates)
    result = run(script(LIMITED, warehouse.root))
    assert result.stdout.startswith(f"PartialWriteError {errno.EFBIG} us/bars: 0 of 2"), result
    assert "hold what they held before" in result.stdout
    assert stray_files(warehouse.root) == []
    assert versions(warehouse) == [1] * DAYS


def failing(calls: int, error: OSError, original: Callable[..., Any]) -> Callable[..., Any]:
    """`original` that raises `error` from the given call on."""
    count = 0

    def call(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count >= calls:
            raise error
        return original(*arguments)

    return call


DISK_FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("function", "whole"), [("write_file", 0), ("_rename", 4)])
def test_a_full_disk_says_what_was_written(
    warehouse: ParquetWarehouse, monkeypatch: pytest.MonkeyPatch, function: str, whole: int
) -> None:
    dates = days(DAYS)
    warehouse.replace("us/bars", window(dates), bars(dates, seed=1), dates=dates)
    with monkeypatch.context() as patch:
        patch.setattr(storage, function, failing(5, DISK_FULL, getattr(storage, function)))
        with pytest.raises(PartialWriteError) as caught:
            warehouse.replace("us/bars", window(dates), bars(dates, seed=2), dates=dates)
    error, keys = caught.value, [str(day) for day in dates]
    assert error.errno == errno.ENOSPC
    assert (error.written, error.missing) == (keys[:whole], keys[whole:])
    assert f"us/bars: {whole} of 12 partitions were written whole; the other {12 - whole}" in str(
        error
    )
    assert "No space left on device" in str(error)
    assert f"then materialize {keys[whole]}..{keys[-1]} again" in str(error)
    assert versions(warehouse) == [2] * whole + [1] * (DAYS - whole)
    assert stray_files(warehouse.root) == []


def test_an_interrupt_leaves_nothing_behind(
    warehouse: ParquetWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "_rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        warehouse.replace("us/bars", window(days(2)), bars(days(2)))
    assert stray_files(warehouse.root) == []


WRITER = """
    first, count, seed = (int(a) for a in sys.argv[2:])
    mine = dates[first:first + count]
    sys.stdout.write("ready\\n"); sys.stdout.flush(); sys.stdin.readline()
    for _ in range(25):
        warehouse.replace("us/bars", window(mine), bars(dates, seed=seed).filter(
            __import__("pyarrow").compute.is_in(bars(dates)["date"],
            value_set=__import__("pyarrow").array(mine))), dates=mine)
"""


def test_two_writers_and_a_reader_at_once(warehouse: ParquetWarehouse) -> None:
    dates = days(DAYS)
    warehouse.replace("us/bars", window(dates), bars(dates, seed=1), dates=dates)
    writers = [
        subprocess.Popen(
            script(WRITER, warehouse.root, str(first), "8", str(seed)),
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for first, seed in ((0, 1), (4, 2))
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    reads = 0
    while any(writer.poll() is None for writer in writers):
        assert warehouse.read("us/bars").num_rows == 3 * DAYS
        reads += 1
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert reads > 5
    found = versions(warehouse)
    assert found[:4] == [1] * 4
    assert found[8:] == [2] * 4
    assert stray_files(warehouse.root) == []


def test_a_living_writer_is_not_swept(tmp_path: Path) -> None:
    with Staging(tmp_path) as mine:
        (mine.folder / "0.parquet").write_bytes(b"x")
        with Staging(tmp_path) as other:
            sweep(tmp_path)
            assert (mine.folder / "0.parquet").exists()
            assert other.folder.exists()
        assert mine.folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_any_shape_are_swept(tmp_path: Path) -> None:
    area = tmp_path / STAGING
    (area / "without-lock").mkdir(parents=True)
    (area / "with-lock").mkdir()
    (area / "with-lock" / "lock").touch()
    (area / "with-lock" / "0.parquet").write_bytes(b"half")
    sweep(tmp_path)
    assert list(area.iterdir()) == []
    with Staging(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_between_making_and_locking_is_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, swept = Path.mkdir, list[Path]()

    def mkdir(path: Path, *arguments: Any, **options: Any) -> None:
        original(path, *arguments, **options)
        if not swept and path.parent.name == STAGING:
            swept.append(path)
            sweep(tmp_path)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with Staging(tmp_path) as staging:
        assert staging.folder.is_dir()
        assert [staging.folder] != swept
        sweep(tmp_path)
        assert staging.folder.is_dir()


def test_the_folder_of_a_partition_may_vanish_while_it_is_written(
    warehouse: ParquetWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, removed = os.replace, list[Path]()

    def replace(source: Path, target: Path) -> None:
        if target.parent.exists() and not removed:
            removed.append(target)
            target.parent.rmdir()
        original(source, target)

    monkeypatch.setattr(os, "replace", replace)
    warehouse.replace("us/bars", window(days(1)), bars(days(1)))
    assert removed
    assert warehouse.partitions("us/bars") == [str(DAY)]
