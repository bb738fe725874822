"""Settings of portfolios: defaults, markets that differ, and slips with file and key."""

from pathlib import Path
from typing import Any

import pytest

from quant_assets.settings import Settings
from quant_assets.settings_files import ConfigError
from quant_assets_tests.markets import simulated_market, small_settings


def settings(folder: Path, **portfolio: Any) -> Settings:
    return small_settings(folder, {"sim": simulated_market()}, {"portfolio": portfolio})


def test_the_defaults(tmp_path: Path) -> None:
    found = settings(tmp_path).portfolio.of("sim")
    assert (found.source, found.method, found.names) == ("model", "hierarchical_risk_parity", 30)
    assert (found.limits.sector, found.limits.turnover) == (0.3, 0.5)
    assert settings(tmp_path).portfolio.of("us").limits.sectors_by == "industry"


def test_a_market_differs_key_by_key(tmp_path: Path) -> None:
    found = settings(
        tmp_path, names=10, limits={"turnover": 0.2}, markets={"sim": {"limits": {"sector": 0.4}}}
    ).portfolio.of("sim")
    assert found.names == 10
    assert (found.limits.sector, found.limits.turnover, found.limits.position) == (0.4, 0.2, 0.05)


@pytest.mark.parametrize(
    ("portfolio", "message"),
    [
        ({"method": "hrp"}, r"portfolio.yaml: method: .* Got 'hrp' instead"),
        ({"naems": 3}, r"portfolio.yaml: naems: unknown key \(did you mean 'names'\?\)"),
        ({"limits": {"sektor": 0.3}}, r"limits.sektor: unknown key \(did you mean 'sector'\?\)"),
        ({"limits": {"position": 0}}, r"limits.position: .* greater than 0. Got 0 instead"),
        ({"gross": 1.5}, r"gross must be at most 1 for long_only: cash is not borrowed. Got 1.5"),
        ({"lookback": 60}, r"minimum_returns must be at most lookback, 60. Got 120"),
        ({"source": "strategies"}, r"strategies must name at least one"),
        ({"strategies": {"low_volatility": 2}}, r"the share of low_volatility must lie above 0"),
    ],
)
def test_slips_are_named(tmp_path: Path, portfolio: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings(tmp_path, **portfolio)


@pytest.mark.parametrize(
    ("market", "message"),
    [
        ({"names": 0}, r"portfolio.yaml: markets.sim.names: .* Got 0 instead"),
        ({"limits": 3}, r"portfolio.yaml: markets.sim.limits: must hold keys and values. Got 3"),
    ],
)
def test_slips_of_a_market_are_named(tmp_path: Path, market: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings(tmp_path, markets={"sim": market}).portfolio.of("sim")
