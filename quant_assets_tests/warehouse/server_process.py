"""The test server (server.py) in a process of its own, and what tests do to it."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from quant_assets.warehouse.clickhouse import ClickHouseWarehouse
from quant_assets.warehouse.clickhouse_address import Address
from quant_assets.warehouse.clickhouse_locks import TableLocks
from quant_assets.warehouse.clickhouse_server import Server

PATIENCE = 20.0


class ServerProcess:
    """A server on a folder; `options` are those of its command line."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.options = options
        self.port = 0
        self.start()

    def start(self) -> None:
        """Begins to serve, on the port of before if there was one."""
        command = [sys.executable, "-m", "quant_assets_tests.warehouse.server", str(self.folder)]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), *self.options],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def wait(self) -> None:
        """Waits until the server has died by itself."""
        self.process.wait(60)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def kill(self) -> None:
        """Ends the server as a lost machine would: at once."""
        self.process.kill()
        self.wait()

    @property
    def root(self) -> str:
        return f"clickhouse://default@127.0.0.1:{self.port}/quant_assets"

    def warehouse(
        self, *markets: str, lease: float = 30.0, wait: float = 60.0
    ) -> ClickHouseWarehouse:
        """A store on the server, with a pool of connections of its own."""
        server = Server(Address.parse(self.root), patience=PATIENCE)
        return ClickHouseWarehouse(server, markets, TableLocks(server, lease, wait))

    def fault(self, pattern: str, action: str, skip: int = 0, seconds: float = 0.0) -> None:
        """See server.Fault."""
        body = {"pattern": pattern, "action": action, "skip": skip, "seconds": seconds}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/fault", json.dumps(body).encode()
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 200

    def faults_due(self) -> int:
        """How many faults have not come up yet."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/faults") as answer:
            return int(answer.read())


def empty(server: Server) -> None:
    """Removes every database that is not the server's own."""
    own = "'default', 'system', 'information_schema', 'INFORMATION_SCHEMA'"
    for row in server.rows(f"SELECT name FROM system.databases WHERE name NOT IN ({own})"):
        server.run(f"DROP DATABASE IF EXISTS `{row['name']}` SYNC")
