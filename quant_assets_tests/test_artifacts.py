"""Artefacts in a folder and on S3: the same behaviour, whole files, errors that say what to do."""

import os
import threading
from pathlib import Path

import boto3  # type: ignore[import-untyped]
import pytest

from quant_assets.artifacts import ArtifactError, Artifacts, S3Artifacts, open_artifacts
from quant_assets.warehouse.s3 import open_client, split_address
from quant_assets_tests.warehouse.conftest import s3_root

__all__ = ["s3_root"]


@pytest.fixture(params=["folder", "s3"])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> Artifacts:
    """Artefacts in a place of their own that holds nothing yet."""
    if request.param == "folder":
        return open_artifacts(str(tmp_path / "not" / "yet"))
    root = request.getfixturevalue("s3_root")
    return open_artifacts(f"{root}/{request.node.name.partition('[')[0]}")


def test_what_is_put_is_there(artifacts: Artifacts) -> None:
    assert artifacts.names() == []
    address = artifacts.put("us/tear_sheet/a/page.html", "<p>é</p>")
    assert address == artifacts.address("us/tear_sheet/a/page.html")
    assert address == f"{artifacts.address('')}/us/tear_sheet/a/page.html"
    artifacts.put("us/tear_sheet/b/page.html", b"\x00\xff")
    artifacts.put("us/tear_sheet_of_others/page.html", "")
    assert artifacts.get("us/tear_sheet/a/page.html") == "<p>é</p>".encode()
    assert artifacts.get("us/tear_sheet/b/page.html") == b"\x00\xff"
    assert artifacts.get("us/tear_sheet_of_others/page.html") == b""
    both = ["us/tear_sheet/a/page.html", "us/tear_sheet/b/page.html"]
    assert artifacts.names("us/tear_sheet") == both
    assert artifacts.names() == [*both, "us/tear_sheet_of_others/page.html"]


def test_the_last_one_wins_and_what_is_removed_is_gone(artifacts: Artifacts) -> None:
    artifacts.put("a.html", "one")
    artifacts.put("a.html", "two")
    assert artifacts.get("a.html") == b"two"
    artifacts.remove("a.html")
    artifacts.remove("a.html")
    assert artifacts.names() == []
    with pytest.raises(FileNotFoundError, match=r"a\.html"):
        artifacts.get("a.html")


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "a/../../b", "a//b", "a/", "./a"])
def test_names_that_lead_elsewhere_are_refused(artifacts: Artifacts, name: str) -> None:
    with pytest.raises(ValueError, match="a name must be relative"):
        artifacts.put(name, b"")
    with pytest.raises(ValueError, match="a name must be relative"):
        artifacts.get(name)


def test_a_text_that_is_none_leaves_the_old_one(artifacts: Artifacts) -> None:
    artifacts.put("a.html", "old")
    with pytest.raises(UnicodeEncodeError):
        artifacts.put("a.html", "\ud800")
    assert artifacts.get("a.html") == b"old"
    assert artifacts.names() == ["a.html"]


def test_a_reader_never_sees_half_a_file(artifacts: Artifacts) -> None:
    contents = [bytes([value]) * 300_000 for value in (1, 2)]
    artifacts.put("a.bin", contents[0])
    stop, seen = threading.Event(), set()

    def read() -> None:
        while not stop.is_set():
            seen.add(artifacts.get("a.bin"))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(12):
        artifacts.put("a.bin", contents[turn % 2])
    stop.set()
    reader.join()
    assert seen
    assert seen <= set(contents)


@pytest.mark.parametrize("step", ["write", "rename"])
def test_a_fault_of_the_disk_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    artifacts = open_artifacts(str(tmp_path))
    artifacts.put("deep/a.html", "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    owner, name = (os, "fsync") if step == "write" else (Path, "replace")
    monkeypatch.setattr(owner, name, full)
    with pytest.raises(OSError, match="No space left"):
        artifacts.put("deep/a.html", "new")
    monkeypatch.undo()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.html"]
    assert artifacts.get("deep/a.html") == b"old"


def test_pages_are_served_as_pages(s3_root: str) -> None:
    """A browser that is handed the object shows it instead of saving it."""
    bucket, prefix = split_address(s3_root)
    artifacts = open_artifacts(f"{s3_root}/typed")
    kinds = {"a.html": "text/html; charset=utf-8", "model.json": "application/json"}
    for name, kind in {**kinds, "b.unknown": "application/octet-stream"}.items():
        artifacts.put(name, "x")
        head = open_client().head_object(Bucket=bucket, Key=f"{prefix}/typed/{name}")
        assert head["ContentType"] == kind


def test_listings_of_many_pages(s3_root: str) -> None:
    client = open_client()
    bucket, prefix = split_address(s3_root)
    for number in range(1005):
        client.put_object(Bucket=bucket, Key=f"{prefix}/many/{number:04}", Body=b"")
    client.put_object(Bucket=bucket, Key=f"{prefix}/many/", Body=b"")  # a console makes such ones
    assert open_artifacts(f"{s3_root}/many").names() == [f"{n:04}" for n in range(1005)]


def test_a_bucket_may_hold_nothing_else(s3_root: str) -> None:
    boto3.client("s3").create_bucket(Bucket="alone")
    artifacts = open_artifacts("s3://alone")
    assert artifacts.put("us/a.html", "x") == "s3://alone/us/a.html"
    assert artifacts.names() == artifacts.names("us") == ["us/a.html"]


def test_a_refusal_says_where_and_what_to_check(s3_root: str) -> None:
    artifacts = open_artifacts("s3://no-such-bucket/models")
    where = r"s3://no-such-bucket/models/a could not be "
    with pytest.raises(ArtifactError, match=where + r"written: .*\(NoSuchBucket\).*s3:PutObject"):
        artifacts.put("a", b"")
    with pytest.raises(ArtifactError, match=where + r"read: .*\(NoSuchBucket\).*s3:GetObject"):
        artifacts.get("a")
    with pytest.raises(ArtifactError, match=r"models could not be listed: .*s3:ListBucket"):
        artifacts.names()


def test_no_way_to_the_service_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "test-key",
        "AWS_SECRET_ACCESS_KEY": "a-secret-that-must-not-show",
        "AWS_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ArtifactError, match=r"s3://b/p/a could not be read: Could not connect"):
        open_artifacts("s3://b/p").get("a")


def test_other_places_are_refused() -> None:
    with pytest.raises(ValueError, match="must lie in a folder or on s3://"):
        open_artifacts("gs://bucket/prefix")
    with pytest.raises(ValueError, match=r"must be s3://bucket/prefix"):
        open_artifacts("s3:///prefix")


def test_the_given_client_is_the_one_that_is_used(s3_root: str) -> None:
    class Counting:
        puts = 0

        def put_object(self, **_: object) -> None:
            self.puts += 1

    client = Counting()
    artifacts = open_artifacts(s3_root, client)
    assert isinstance(artifacts, S3Artifacts)
    assert repr(artifacts) == f"S3Artifacts({s3_root!r})"
    artifacts.put("a", b"")
    assert client.puts == 1
