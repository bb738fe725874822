"""The landing sensor on a prefix of S3: what arrives, changes and goes, and how much it asks."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from quant_assets.market_data.sources import objects
from quant_assets.orchestration import sensors
from quant_assets.warehouse.s3 import open_client, split_address
from quant_assets_tests.graphs import Graph
from quant_assets_tests.markets import bars, market_block, sessions, small_settings
from quant_assets_tests.warehouse.conftest import s3_root

__all__ = ["s3_root"]

DAYS = sessions()


class Counting:
    """A client of S3 that counts the listings it is asked for."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.asked: list[dict[str, Any]] = []

    def list_objects_v2(self, **arguments: Any) -> Any:
        self.asked.append(arguments)
        return self.client.list_objects_v2(**arguments)


class Landing:
    """A prefix that files land under, and a sensor with its cursor that looks at it."""

    def __init__(self, folder: Path, root: str, instance: dg.DagsterInstance) -> None:
        self.root = root
        self.client = open_client()
        self.bucket, self.prefix = split_address(root)
        self.folder = folder
        self.instance = instance
        self.cursor: str | None = None
        self.reason: str | None = None
        self.s3 = Counting(self.client)
        self.graph = self.at("")

    def at(self, pattern: str, **source: Any) -> Graph:
        """The graph of a market whose files are those of a pattern below the prefix."""
        source = {"kind": "files", "path": f"{self.root}/vendor{pattern}", **source}
        settings = small_settings(self.folder, {"tiny": market_block(source=source)})
        self.graph = Graph(settings)
        return self.graph

    def key(self, name: str) -> str:
        return f"{self.prefix}/{name}"

    def content(self, name: str, frame: pd.DataFrame) -> bytes:
        path = self.folder / "scratch"
        frame.to_csv(path, index=False) if ".csv" in name else frame.to_parquet(path, index=False)
        return path.read_bytes()

    def deliver(self, name: str, days: Sequence[date], seed: int = 7) -> bytes:
        content = self.content(name, bars(days, seed=seed))
        self.put(name, content)
        return content

    def put(self, name: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=self.key(name), Body=content)

    def remove(self, name: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=self.key(name))

    def look(self) -> list[tuple[str, str]]:
        self.s3.asked.clear()
        sensor = self.graph.repository.get_sensor_def("tiny_landing")
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            repository_def=self.graph.repository,
            resources={"s3": self.s3},
        ) as context:
            found = sensor.evaluate_tick(context)
        self.cursor, self.reason = found.cursor, found.skip_message
        requests = found.run_requests or []
        return [
            (request.partition_key, request.partition_key)
            if request.partition_key
            else (
                request.tags["dagster/asset_partition_range_start"],
                request.tags["dagster/asset_partition_range_end"],
            )
            for request in requests
        ]


@pytest.fixture
def landing(tmp_path: Path, s3_root: str, request: pytest.FixtureRequest) -> Iterator[Landing]:
    place = f"{s3_root}/{re.sub(r'[^a-z0-9_]+', '-', request.node.name)}"
    with dg.DagsterInstance.ephemeral() as instance:
        yield Landing(tmp_path, place, instance)


def span(first: date, last: date | None = None) -> tuple[str, str]:
    return str(first), str(last or first)


def test_what_arrives_changes_and_goes(landing: Landing) -> None:
    assert landing.look() == []
    assert "vendor: no file matches" in str(landing.reason)
    landing.deliver("vendor/a.parquet", DAYS[3:9])
    landing.deliver("vendor/2024/b.csv", DAYS[10:12])
    landing.deliver("vendor-of-others/c.csv", DAYS[20:22])
    landing.put("vendor/readme.md", b"notes")
    landing.put("vendor/_b.csv", b"half")
    assert landing.look() == [span(DAYS[3], DAYS[8]), span(DAYS[10], DAYS[11])]
    assert landing.look() == []
    assert landing.reason == "nothing new among 2 files"
    landing.deliver("vendor/a.parquet", DAYS[8:10], seed=8)
    assert landing.look() == [span(DAYS[3], DAYS[9])]
    landing.remove("vendor/2024/b.csv")
    assert landing.look() == [span(DAYS[10], DAYS[11])]
    assert landing.look() == []


def test_a_change_within_a_second_that_keeps_the_size_is_seen(landing: Landing) -> None:
    """S3 tells times to the second; the ETag tells the content."""
    content = landing.deliver("vendor/a.csv", DAYS[:2])
    landing.look()
    landing.put("vendor/a.csv", content.replace(b"AAA", b"AAX"))
    assert landing.look() == [span(DAYS[0], DAYS[1])]
    assert landing.look() == []


def test_an_object_on_its_way_is_not_there_yet(landing: Landing) -> None:
    """An upload in parts shows when it is completed, and not before."""
    landing.deliver("vendor/a.csv", DAYS[:1])
    landing.look()
    at = {"Bucket": landing.bucket, "Key": landing.key("vendor/b.csv")}
    upload = landing.client.create_multipart_upload(**at)["UploadId"]
    content = landing.content("b.csv", bars(DAYS[4:6]))
    part = landing.client.upload_part(**at, UploadId=upload, PartNumber=1, Body=content)
    assert landing.look() == []
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    landing.client.complete_multipart_upload(**at, UploadId=upload, MultipartUpload=parts)
    assert landing.look() == [span(DAYS[4], DAYS[5])]


def test_a_file_that_was_cut_asks_for_nothing(landing: Landing) -> None:
    landing.deliver("vendor/a.parquet", DAYS[:2])
    whole = landing.content("b.parquet", bars(DAYS[5:7]))
    landing.put("vendor/b.parquet", whole[: len(whole) // 2])
    assert landing.look() == [span(DAYS[0], DAYS[1])]
    assert landing.look() == []
    assert "vendor/b.parquet: is not a readable Parquet file" in str(landing.reason)
    landing.put("vendor/b.parquet", whole)
    assert landing.look() == [span(DAYS[5], DAYS[6])]


def test_a_bucket_that_is_gone_asks_for_nothing(landing: Landing) -> None:
    landing.deliver("vendor/a.csv", DAYS[:3])
    landing.look()
    known, landing.s3.client = landing.s3.client, None

    class Gone:
        def list_objects_v2(self, **arguments: Any) -> Any:
            return known.list_objects_v2(**{**arguments, "Bucket": "no-such-bucket"})

    landing.s3.client = Gone()
    assert landing.look() == []
    assert "cannot be listed: The specified bucket does not exist" in str(landing.reason)
    landing.s3.client = known
    assert landing.look() == []
    assert landing.reason == "nothing new among 1 files"


@pytest.mark.parametrize(
    ("pattern", "listed", "found"),
    [
        ("", "vendor/", ["a", "b", "c"]),
        ("/day=*.csv", "vendor/day=", ["a", "b"]),
        ("/day=2024-01*/*.csv", "vendor/day=2024-01", ["c"]),
        ("/day=a.csv", "vendor/day=a.csv", ["a"]),
    ],
)
def test_only_what_can_match_is_listed(
    landing: Landing, pattern: str, listed: str, found: list[str]
) -> None:
    names = {"a": "vendor/day=a.csv", "b": "vendor/day=b.csv", "c": "vendor/day=2024-01/c.csv"}
    for place, name in enumerate(names.values()):
        landing.deliver(name, DAYS[2 * place : 2 * place + 1])
    landing.at(pattern)
    days = sorted(DAYS[2 * "abc".index(name)] for name in found)
    assert landing.look() == [span(day) for day in days]
    (asked,) = landing.s3.asked
    assert asked["Prefix"] == landing.key(listed)


def test_other_files_among_those_of_prices_ask_for_nothing(landing: Landing) -> None:
    landing.deliver("vendor/a.csv", DAYS[:1])
    landing.put("vendor/symbols.csv", b"symbol\nAAA\n")
    landing.at("", symbols={"path": f"{landing.root}/vendor/symbols.csv"})
    assert landing.look() == [span(DAYS[0])]


def test_a_large_prefix_is_looked_through_in_turns(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two requests of three objects a turn, for eleven files; what arrives last is seen at once."""
    monkeypatch.setattr(objects.look_at, "__defaults__", ("", "", 2, 3))
    for number in range(11):
        landing.deliver(f"vendor/{number:02}.csv", DAYS[number : number + 1])
    assert landing.look() == [span(DAYS[0], DAYS[5])]
    assert len(landing.s3.asked) == 2
    assert landing.look() == [span(DAYS[6], DAYS[10])]
    assert landing.look() == []
    assert len(landing.s3.asked) == 3  # a turn, and what lies behind the last known key
    landing.deliver("vendor/11.csv", DAYS[11:12])
    landing.deliver("vendor/01.csv", DAYS[1:2], seed=8)
    landing.remove("vendor/02.csv")
    seen = [day for _ in range(3) for day in landing.look()]
    assert seen == [span(DAYS[11]), span(DAYS[1], DAYS[2])]
    assert landing.look() == []
    assert len(json.loads(str(landing.cursor))["files"]) == 11


def test_a_new_file_behind_all_others_does_not_wait_for_its_turn(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects.look_at, "__defaults__", ("", "", 1, 4))
    for number in range(9):
        landing.deliver(f"vendor/{number:02}.csv", DAYS[number : number + 1])
    for _ in range(3):
        landing.look()
    landing.deliver("vendor/20.csv", DAYS[20:21])
    assert landing.look() == [span(DAYS[20])]  # while the turn is at the first ones


def test_a_first_delivery_of_many_files_takes_several_looks(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is materialized already is not asked for, to the end of it."""
    for number in range(4):
        landing.deliver(f"vendor/{number}.csv", DAYS[3 * number : 3 * number + 3])
    assert landing.graph.backfill(landing.instance, "tiny", "+bars", DAYS[2], DAYS[4]).success
    monkeypatch.setattr(sensors, "SECONDS_OF_OPENING", -1.0)
    asked = [landing.look() for _ in range(5)]
    assert asked == [
        [span(DAYS[0], DAYS[1])],
        [span(DAYS[5])],
        [span(DAYS[6], DAYS[8])],
        [span(DAYS[9], DAYS[11])],
        [],
    ]
    landing.deliver("vendor/0.csv", DAYS[:3], seed=8)
    assert landing.look() == [span(DAYS[0], DAYS[2])]


def test_the_sensor_has_its_client_from_dagster_aws(landing: Landing) -> None:
    """Without a stand-in the resource of the graph is the one that is asked."""
    landing.deliver("vendor/a.csv", DAYS[:1])
    repository = landing.graph.repository
    sensor = repository.get_sensor_def("tiny_landing")
    assert sensor.required_resource_keys == {"s3"}
    with dg.build_sensor_context(
        instance=landing.instance,
        repository_def=repository,
        resources={"s3": repository.get_top_level_resources()["s3"]},
    ) as context:
        found = sensor.evaluate_tick(context)
    assert [request.partition_key for request in found.run_requests or []] == [str(DAYS[0])]
