"""Fixtures of the warehouse's tests: both stores, a ClickHouse server, and an S3 service."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

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

    with s3_server() as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "test-key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-that-must-not-show")
        boto3.client("s3").create_bucket(Bucket="research")
        yield "s3://research/warehouse"


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of moto's server, which begins empty.

    It serves S3 alone: to tell which service a request is for costs moto more than to answer it.
    """
    from moto.core.base_backend import BackendDict
    from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = create_backend_app("s3")
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        BackendDict.reset()
