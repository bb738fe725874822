"""Whoever talks to S3 for us acts as the same user: of the environment, or of its profile."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

EMPTY = (
    b'<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Name>bucket</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>"
)
# Each asks for a prefix of its own name, so that the server can tell them apart.
ASK = """
import dagster as dg
import pyarrow.fs as pafs
from quant_assets.orchestration.resources import s3_resource
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.s3 import open_client
from quant_assets.warehouse.storage import open_filesystem

open_client().list_objects_v2(Bucket="bucket", Prefix="boto3/")
client = s3_resource()(dg.build_init_resource_context())
client.list_objects_v2(Bucket="bucket", Prefix="dagster_aws/")
filesystem, path = open_filesystem("s3://bucket/pyarrow")
filesystem.get_file_info(pafs.FileSelector(path, allow_not_found=True))
ParquetWarehouse("s3://bucket/chdb", ["us"]).sql("SELECT count() FROM us.bars")
"""
ASKING = ("boto3", "dagster_aws", "pyarrow", "chdb")


class Service(ThreadingHTTPServer):
    """Answers every listing with nothing, and keeps who asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: dict[str, set[tuple[str, str]]] = {}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        signed = self.headers.get("Authorization", "")
        found = re.search(r"Credential=([^/]*)/[^/]*/([^/]*)/", signed)
        for name in ASKING:
            if f"prefix={name}" in self.path:
                who = found.groups() if found else ("nobody", "")
                assert isinstance(self.server, Service)
                self.server.seen.setdefault(name, set()).add((who[0], who[1]))
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(EMPTY)))
        self.end_headers()
        self.wfile.write(EMPTY)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(service: Service, **environment: str) -> dict[str, set[tuple[str, str]]]:
    """Who each of them said to be, and in which region."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    kept |= {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{service.server_port}", **environment}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK],
        env=kept,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return service.seen


KEYS = {"AWS_ACCESS_KEY_ID": "of-environment", "AWS_SECRET_ACCESS_KEY": "x"}


def profile(folder: Path) -> dict[str, str]:
    """The variables of a user who has a profile."""
    path = folder / "credentials"
    lines = [f"[{n}]\naws_access_key_id = of-{n}\naws_secret_access_key = x\n" for n in ("a", "b")]
    path.write_text("\n".join(lines))
    return {"AWS_SHARED_CREDENTIALS_FILE": str(path), "AWS_PROFILE": "b"}


def users(seen: dict[str, set[tuple[str, str]]]) -> dict[str, set[str]]:
    return {name: {user for user, _ in each} for name, each in seen.items()}


def test_the_keys_of_the_environment(service: Service) -> None:
    seen = ask(service, AWS_REGION="eu-west-1", **KEYS)
    assert users(seen) == {name: {"of-environment"} for name in ASKING}
    # chDB signs for the region that an address of AWS names, and looks at no variable
    assert {region for name in ASKING[:3] for _, region in seen[name]} == {"eu-west-1"}


def test_the_profile_of_the_environment(service: Service, tmp_path: Path) -> None:
    seen = ask(service, AWS_REGION="eu-west-1", **profile(tmp_path))
    assert users(seen) == {name: {"of-b"} for name in ASKING}


def test_keys_come_before_the_profile(service: Service, tmp_path: Path) -> None:
    seen = ask(service, AWS_REGION="eu-west-1", **KEYS, **profile(tmp_path))
    assert users(seen) == {name: {"of-environment"} for name in ASKING}
