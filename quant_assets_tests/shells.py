"""A user's shell with a small market, for tests of the command line."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from quant_assets.cli import main
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets_tests.markets import (
    bars,
    environment,
    files_market,
    process_environment,
    small_settings,
)


@dataclass
class Shell:
    """A user's shell: home, config and environment in a folder."""

    folder: Path
    markets: dict[str, Any]

    @property
    def home(self) -> Path:
        """What QUANT_ASSETS_HOME names."""
        return self.folder / "home"

    @property
    def warehouse(self) -> ParquetWarehouse:
        """The tables."""
        return ParquetWarehouse(str(self.home / "warehouse"))

    @property
    def program(self) -> str:
        """The installed command."""
        return str(Path(sys.executable).with_name("quant-assets"))

    def run(self, *arguments: str, **variables: str) -> Result:
        """A command, in this process."""
        with process_environment(self.folder, self.markets, **variables):
            result = CliRunner().invoke(main, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.stderr
        return result

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command, in a process of its own."""
        return self.process(self.program, *arguments)

    def python(self, script: str, *arguments: str) -> "subprocess.Popen[str]":
        """A script of Python, in a process of its own."""
        return self.process(sys.executable, "-c", script, *arguments)

    def process(self, *command: str) -> "subprocess.Popen[str]":
        """Any command, with this shell's environment."""
        keep = {
            n: v for n, v in os.environ.items() if not n.startswith(("DAGSTER", "QUANT_ASSETS"))
        }
        keep["PYTHONPATH"] = str(Path(__file__).parents[1])
        return subprocess.Popen(
            command,
            env=keep | environment(self.folder, self.markets),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def shell_in(folder: Path) -> Shell:
    """A shell with a market `tiny` of files, and an empty home."""
    markets = {"tiny": files_market(folder / "data", bars())}
    small_settings(folder, markets)
    return Shell(folder, markets)
