"""`quant-assets ui`: it serves until it is interrupted, and leaves nothing behind."""

from pathlib import Path

import pytest

from quant_assets_tests.end_to_end.api import Api
from quant_assets_tests.end_to_end.platform import MARKET, MARKETS, SECONDS
from quant_assets_tests.end_to_end.servers import (
    SCRIPTS,
    answers,
    clean_environment,
    free_port,
    running,
    wait_for,
)
from quant_assets_tests.markets import environment, small_settings

pytestmark = pytest.mark.ui


def test_it_serves_and_ends_whole(tmp_path: Path) -> None:
    small_settings(tmp_path, MARKETS)
    env = clean_environment(**environment(tmp_path, MARKETS))
    api = Api(f"http://127.0.0.1:{free_port()}")
    command = [str(SCRIPTS / "quant-assets"), "ui", "--port", api.url.rpartition(":")[2]]
    with running("ui", command, tmp_path, env) as ui:
        wait_for(lambda: answers(f"{api.url}/server_info"), SECONDS, "the start of the UI", ui)
        wait_for(api.is_loaded, SECONDS, "the code location", ui)
        assert api.asset(MARKET, "bars")["partitionKeys"][0] == "2024-01-02"
        wait_for(api.daemon_is_healthy, SECONDS, "the daemon's first sign of life", ui)
        assert f"UI: {api.url}" in ui.said()
    assert ui.left() == []
    assert not answers(f"{api.url}/server_info")
