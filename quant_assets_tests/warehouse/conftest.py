"""Fixtures of the warehouse's tests: both stores, a ClickHouse server, and an S3 service."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from quant_assets.warehouse.clickhouse import ClickHouseWarehouse
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.store import Warehouse
from quant_assets_tests.warehouse.server_process import ServerProcess, empty


@pytest.fixture
def parquet(tmp_path: Path) -> ParquetWarehouse:
    """An empty store in a folder that does not exist yet."""
    return ParquetWarehouse(str(tmp_path / "warehouse"), markets=["us"])


@pytest.fixture(scope="session")
def server_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A ClickHouse server in a process of its own."""
    process = ServerProcess(tmp_path_factory.mktemp("clickhouse"))
    yield process
    process.kill()


@pytest.fixture(scope="session")
def _connected(server_process: ServerProcess) -> ClickHouseWarehouse:
    return server_process.warehouse("us")


@pytest.fixture
def clickhouse(_connected: ClickHouseWarehouse) -> Iterator[ClickHouseWarehouse]:
    """An empty store on the server."""
    empty(_connected.server)
    yield _connected
    empty(_connected.server)


@pytest.fixture(params=["parquet", "clickhouse"])
def warehouse(request: pytest.FixtureRequest) -> Warehouse:
    """An empty store of either kind."""
    store: Warehouse = request.getfixturevalue(request.param)
    return store


@pytest.fixture(scope="module")
def s3_root() -> Iterator[str]:
    """An empty prefix in a bucket of a moto server; the environment points at it meanwhile."""
    import boto3  # type: ignore[import-untyped]
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "test-key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-that-must-not-show")
        boto3.client("s3").create_bucket(Bucket="research")
        yield "s3://research/warehouse"
    server.stop()
