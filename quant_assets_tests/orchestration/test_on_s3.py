"""A small market that lies on S3 whole: files, tables, models, pages; nothing secret is told."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from quant_assets.artifacts import open_artifacts
from quant_assets.models.store import ModelStore
from quant_assets.orchestration.backfill import Report
from quant_assets.orchestration.resources import s3_resource
from quant_assets.settings import Settings
from quant_assets.warehouse.s3 import open_client
from quant_assets_tests.graphs import Graph, errors
from quant_assets_tests.markets import THEIR_WARNINGS, tracked
from quant_assets_tests.orchestration.s3_market import (
    DAYS,
    END,
    START,
    SYMBOLS,
    deliver,
    landed,
    settings_at,
)
from quant_assets_tests.warehouse.conftest import s3_root

__all__ = ["s3_root"]

pytestmark = THEIR_WARNINGS

# Who talks to S3, at the level of a user who looks for a fault. (All of Python at that level takes
# minutes: the compiler of the kernels talks, too.)
TALKATIVE = (
    "boto3",
    "botocore",
    "s3transfer",
    "urllib3",
    "dagster",
    "mlflow",
    "clickhouse_connect",
)
# The first is what the fixture s3_root puts into the environment.
SECRETS = ("a-secret-that-must-not-show", "a-token-that-must-not-show", "a-password-not-to-show")


NOTIFICATIONS = {
    "notifications": {
        "notifiers": [
            {
                "kind": "email",
                "host": "localhost",
                "sender": "a@example.com",
                "recipients": ["b@example.com"],
                "user": "a",
                "password": "${QUANT_ASSETS_SMTP_PASSWORD}",
            }
        ]
    },
}


class Listening(logging.Handler):
    """Keeps every message of every logger, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []
        self.names: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(f"{record.name} {self.format(record)} {record.__dict__}")
        self.names.add(record.name)


@dataclass
class OnS3:
    """The market after its run."""

    folder: Path
    root: str
    settings: Settings
    graph: Graph
    instance: dg.DagsterInstance
    asked: list[Any]
    report: Report
    heard: Listening
    failed: Report
    texts: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def on_s3(
    tmp_path_factory: pytest.TempPathFactory, s3_root: str, tracking_database: Path
) -> Iterator[OnS3]:
    folder = tmp_path_factory.mktemp("on_s3")
    root = f"{s3_root}/platform"
    heard = Listening()
    event_log = {
        "module": "quant_assets.orchestration.event_log",
        "class": "PooledSqliteEventLogStorage",
        "config": {"base_dir": str(folder)},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SESSION_TOKEN", SECRETS[1])
        logging.getLogger().addHandler(heard)
        levels = {name: logging.getLogger(name).level for name in TALKATIVE}
        try:
            for name in TALKATIVE:
                logging.getLogger(name).setLevel(logging.DEBUG)
            deliver(folder, root)
            settings, away = (
                settings_at(
                    folder,
                    root,
                    warehouse,
                    NOTIFICATIONS,
                    QUANT_ASSETS_SMTP_PASSWORD=SECRETS[2],
                )
                for warehouse in (f"{root}/warehouse", "s3://no-such-bucket/warehouse")
            )
            with dg.instance_for_test(
                {"event_log_storage": event_log}, temp_dir=str(folder)
            ) as instance:
                graph = Graph(tracked(settings, tracking_database))
                asked = landed(graph, instance)
                report = graph.backfill(instance, "tiny", "+tear_sheet,market_data_summary")
                failed = Graph(away).backfill(instance, "tiny", "benchmark", START, START)
                yield OnS3(folder, root, settings, graph, instance, asked, report, heard, failed)
        finally:
            logging.getLogger().removeHandler(heard)
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


def test_the_landing_sensor_asks_for_the_days_that_landed(on_s3: OnS3) -> None:
    (request,) = on_s3.asked
    assert request.tags["dagster/asset_partition_range_start"] == str(START)
    assert request.tags["dagster/asset_partition_range_end"] == str(END)


def test_the_whole_chain_runs(on_s3: OnS3) -> None:
    assert errors(on_s3.report) == []
    tables = {name.removeprefix("tiny/") for name in on_s3.graph.warehouse.tables()}
    assert tables >= {"bars", "factors_own", "predictions", "backtest", "tear_sheet"}
    held = on_s3.graph.warehouse.read("tiny/bars")
    assert held.num_rows == len(DAYS) * len(SYMBOLS) - 1
    assert on_s3.graph.warehouse.read("tiny/quarantine").num_rows == 1
    adjusted = on_s3.graph.warehouse.read("tiny/adjusted_bars", columns=["price_factor"])
    assert set(adjusted["price_factor"].to_pylist()) == {1.0, 2.0}
    predicted = on_s3.graph.warehouse.read("tiny/predictions")
    assert predicted.num_rows == 2 * len(SYMBOLS)


def test_models_and_pages_lie_on_s3(on_s3: OnS3) -> None:
    assert on_s3.settings.artifacts_root == f"{on_s3.root}/artefacts"
    artifacts = open_artifacts(on_s3.settings.artifacts_root)
    assert ModelStore(artifacts).months("tiny", "lightgbm") == ["2024-02"]
    assert ModelStore(artifacts).load("tiny", "lightgbm", "2024-02").text.startswith("tree")
    names = artifacts.names("tiny")
    pages = [
        "tiny/market_data_summary/market_data_summary.html",
        "tiny/tear_sheet/model_quantile/tear_sheet.html",
    ]
    assert set(names) >= set(pages)
    for page in pages:
        assert b"<!doctype html>" in artifacts.get(page)[:100].lower()
    tracked = artifacts.names("mlflow")
    assert any(name.endswith("importance.png") for name in tracked)
    assert not (on_s3.settings.home / "artifacts").exists()
    assert not (on_s3.settings.home / "warehouse").exists()


def test_the_ui_is_told_where_the_page_lies(on_s3: OnS3) -> None:
    event = on_s3.instance.get_latest_materialization_event(dg.AssetKey(["tiny", "tear_sheet"]))
    assert event is not None
    assert event.asset_materialization is not None
    page = event.asset_materialization.metadata["page"].value
    assert page == f"{on_s3.root}/artefacts/tiny/tear_sheet/model_quantile/tear_sheet.html"


def test_the_summary_lists_the_raw_files(on_s3: OnS3) -> None:
    event = on_s3.instance.get_latest_materialization_event(
        dg.AssetKey(["tiny", "market_data_summary"])
    )
    assert event is not None
    assert event.asset_materialization is not None
    told = {name: each.value for name, each in event.asset_materialization.metadata.items()}
    assert told["raw_files"] == 4
    assert told["sessions_without_bars"] == 0
    assert f"| bars | {len(DAYS) * len(SYMBOLS) - 1:,} | 20 |" in str(told["tables"])
    assert "| 2024 | 23 | 0 |" in str(told["years"])
    assert re.search(r"\| \w+ \| 1 \|", str(told["rejected_by_reason"]))
    assert str(told["bars_and_rejected_rows"]).startswith("![bars and rejected rows](data:image")


def test_what_cannot_be_reached_is_named(on_s3: OnS3) -> None:
    (error,) = errors(on_s3.failed)
    assert "s3://no-such-bucket/warehouse" in error


def test_no_log_event_or_file_tells_a_secret(on_s3: OnS3) -> None:
    heard = on_s3.heard
    assert {"botocore.hooks", "dagster"} & {n.split(":")[0] for n in heard.names}
    said = "\n".join(heard.said)
    assert len(said) > 100_000
    written = {path: path.read_bytes() for path in on_s3.folder.rglob("*") if path.is_file()}
    assert any(path.suffix == ".db" for path in written)
    artifacts = open_artifacts(on_s3.root)
    stored = {name: artifacts.get(name) for name in artifacts.names() if "warehouse" not in name}
    for secret in SECRETS:
        assert secret not in said
        assert [str(p) for p, content in written.items() if secret.encode() in content] == []
        assert [name for name, content in stored.items() if secret.encode() in content] == []


def test_no_representation_tells_a_secret(on_s3: OnS3) -> None:
    repository = on_s3.graph.repository
    resources = repository.get_top_level_resources()
    artifacts = open_artifacts(on_s3.settings.artifacts_root)
    warehouse = on_s3.graph.warehouse
    shown = [
        *map(repr, (on_s3.settings, artifacts, ModelStore(artifacts), warehouse)),
        *map(str, (on_s3.settings, artifacts, warehouse)),
        *(repr(vars(thing)) for thing in (artifacts, warehouse, warehouse.storage)),
        repr(open_client()),
        *(f"{each!r} {vars(each)}" for each in resources.values()),
    ]
    assert "s3" in resources
    for secret in (*SECRETS[:2],):
        assert not any(secret in text for text in shown)
    assert SECRETS[2] not in repr(on_s3.settings)
    assert getattr(on_s3.settings.notifiers[0], "password", "") == SECRETS[2]


def test_errors_of_access_tell_no_secret(on_s3: OnS3) -> None:
    artifacts = open_artifacts("s3://no-such-bucket/x")
    told = []
    for call in (lambda: artifacts.get("a"), lambda: artifacts.put("a", ""), artifacts.names):
        with pytest.raises(OSError, match="no-such-bucket") as raised:
            call()
        told += [str(raised.value), repr(raised.value), repr(raised.value.__cause__)]
    for secret in SECRETS:
        assert not any(secret in text for text in told)


def test_the_resource_holds_region_and_address_alone(on_s3: OnS3) -> None:
    told = repr(vars(s3_resource()))
    assert not any(secret in told for secret in SECRETS)
    client = s3_resource()(dg.build_init_resource_context())
    assert client.meta.region_name == "us-east-1"
    assert client.meta.endpoint_url.startswith("http://127.0.0.1:")
