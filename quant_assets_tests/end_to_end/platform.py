"""The platform that the end-to-end tests share: a small market, its servers, what was launched.

How servers live and die stands in `servers.py`; what the tests demand stands in the tests.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from quant_assets.orchestration.instance import shipped
from quant_assets.settings import Settings
from quant_assets_tests.end_to_end.api import Api
from quant_assets_tests.end_to_end.servers import (
    SCRIPTS,
    Server,
    answers,
    clean_environment,
    free_port,
    running,
    wait_for,
)
from quant_assets_tests.markets import environment, sessions, simulated_market, small_settings

MARKET = "sim"
START, END = date(2024, 1, 2), date(2024, 4, 30)
FIRST, LAST = date(2024, 1, 31), date(2024, 3, 28)  # the range that is launched
MONTH, STRATEGY = "2024-03", "low_volatility"
CHAIN = (
    *("bars", "quarantine", "adjusted_bars", "universe", "benchmark"),
    *("factors_style", "factor_evaluation"),
)
STRATEGY_ASSETS = ("backtest", "tear_sheet")
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
MARKETS = {MARKET: simulated_market(30, start=START, end=END, models_from=date(2024, 4, 1))}
# Thirty symbols over three months: strategies that decide on less than the defaults do.
CONFIG = {
    "strategies": {
        "strategies": {
            STRATEGY: {"parameters": {"window": 21, "minimum_returns": 15, "minimum_names": 5}}
        }
    }
}
SECONDS = 120


@dataclass
class Platform:
    """A running platform on which a range of days was launched over GraphQL."""

    settings: Settings
    api: Api
    servers: list[Server]
    backfill_id: str = ""
    launched: dict[str, str] = field(default_factory=dict)

    @property
    def days(self) -> list[str]:
        """The partitions of the range: from FIRST to LAST."""
        return [str(day) for day in sessions(FIRST, LAST)]

    def runs_of_backfill(self) -> list[dict[str, Any]]:
        """The runs that the daemon made of the range, once all of them have ended."""

        def ended() -> list[dict[str, Any]] | None:
            _, runs = self.api.backfill(self.backfill_id)
            over = all(run["status"] in ENDED for run in runs)
            return runs if runs and over else None

        return wait_for(ended, SECONDS, "the runs of the backfill", *self.servers)

    def launch(self, assets: tuple[str, ...], partition: str) -> str:
        """The run that materializes one partition; launched once, by whoever asks first."""
        if partition not in self.launched:
            self.launched[partition] = self.api.launch_run(MARKET, assets, partition)
        return self.launched[partition]

    def ended(self, run_id: str) -> str:
        """How a run ended."""

        def status() -> str | None:
            now = self.api.run_status(run_id)
            return now if now in ENDED else None

        return wait_for(status, SECONDS, f"run {run_id}", *self.servers)

    @property
    def tear_sheet(self) -> Path:
        """The page of the strategy."""
        return (
            Path(self.settings.artifacts_root)
            / MARKET
            / "tear_sheet"
            / STRATEGY
            / "tear_sheet.html"
        )


@contextmanager
def platform_in(folder: Path) -> Iterator[Platform]:
    """Webserver and daemon on a fresh home, with a range of the daily chain launched.

    The daemon looks for backfills when it starts and then every 30 s, which no setting shortens:
    so the range is asked for first and the daemon started then.
    """
    settings = small_settings(folder, MARKETS, CONFIG)
    env = clean_environment(**environment(folder, MARKETS))
    # The unpartitioned asset before the chain; the command also makes the instance.
    command = [str(SCRIPTS / "quant-assets"), "backfill", MARKET, "--select", "corporate_actions"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    env["DAGSTER_HOME"] = str(settings.home / "dagster")
    workspace = str(shipped("workspace.yaml"))
    port = free_port()
    serve = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port)]
    with ExitStack() as stack:
        webserver = stack.enter_context(
            running("webserver", [*serve, "-w", workspace], folder, env)
        )
        api = Api(f"http://127.0.0.1:{port}")
        wait_for(
            lambda: answers(f"{api.url}/server_info"), SECONDS, "the webserver's start", webserver
        )
        wait_for(api.is_loaded, SECONDS, "the code location", webserver)
        platform = Platform(settings, api, [webserver])
        platform.backfill_id = api.launch_backfill(MARKET, CHAIN, platform.days)
        daemon = stack.enter_context(
            running(
                "daemon", [str(SCRIPTS / "dagster-daemon"), "run", "-w", workspace], folder, env
            )
        )
        platform.servers.append(daemon)
        yield platform
