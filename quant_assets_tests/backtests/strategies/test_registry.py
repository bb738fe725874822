"""Discovery: what is found, and what is said about plugins that are wrong."""

from pathlib import Path

import pytest

from quant_assets.backtests.strategies.base import StrategyError
from quant_assets.backtests.strategies.registry import discover, find
from quant_assets.settings import load_settings

PLUGIN = """
import numpy as np
from pydantic import Field
from quant_assets.backtests.strategies.base import Strategy, StrategyParameters

class Mine(Strategy):
    name = "mine"
    title = "Mine"
    description = "Holds the first."
    family = "test"
    needs = ("close",)

    class Parameters(StrategyParameters):
        share: float = Field(0.5, ge=0, le=1, description="what is held")

    def lookback(self, parameters):
        return 0

    def target_weights(self, data, parameters):
        weights = np.zeros(data.shape)
        weights[:, 0] = parameters.share
        return weights
"""

FIELDS = "    def fields(self, parameters):\n        return {}\n\n    def lookback"


def plugin(folder: Path, text: str = PLUGIN, name: str = "mine.py") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


SHIPPED = [
    "betting_against_beta", "cross_sectional_momentum", "donchian_breakout", "dual_momentum",
    "equal_weight", "factor_quantile", "high_52_week", "index_trend", "low_volatility",
    "model_quantile", "multi_factor", "pairs", "rate_easing", "sector_rotation", "sharpe_momentum",
    "short_term_reversal", "sma_crossover", "small_cap_momentum", "time_series_momentum", "value",
    "volatility_targeting",
]  # fmt: skip


def test_the_shipped_strategies_are_found() -> None:
    assert list(discover()) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_each_shipped_strategy_names_its_source_and_a_grid(name: str) -> None:
    strategy = find(name)
    assert "Source" in str(type(strategy).__doc__)
    assert 1 <= len(strategy.grid) <= 3
    assert strategy.title != name


def test_a_file_in_a_further_folder_is_a_strategy(tmp_path: Path) -> None:
    plugin(tmp_path, "VALUE = 1", "_helper.py")
    found = discover([plugin(tmp_path)])
    assert list(found) == sorted([*SHIPPED, "mine"])
    assert found["mine"].parse({"share": 0.25}).model_dump() == {"share": 0.25}
    assert "mine" not in discover()


def test_files_of_one_name_in_two_folders_are_two_strategies(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        plugin(tmp_path / name, PLUGIN.replace('"mine"', f'"{name}"'))
    found = discover([tmp_path / "one", tmp_path / "two"])
    assert {"one", "two"} < set(found)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "mine"', "", "`name` must be set to a text"),
        ('name = "mine"', 'name = "My strategy"', "lower-case letters.*Got 'My strategy'"),
        ('title = "Mine"', 'title = " "', "`title` must be set to a text"),
        ('description = "Holds the first."', "", "`description` must be set"),
        ('family = "test"', "family = 3", "`family` must be set to a text"),
        ('needs = ("close",)', "", "`needs` must be a tuple"),
        ('needs = ("close",)', 'needs = ("close", "clsoe")', r"unknown fields \['clsoe'\]"),
        (
            'needs = ("close",)',
            'needs = ("close", "factor:style")',
            r"unknown fields \['factor:style'",
        ),
        (
            "    def lookback",
            "    grid = {'shares': (1, 2)}\n    def lookback",
            "`grid` names 'shares'",
        ),
        (
            "    def lookback",
            "    grid = {'share': 0.5}\n    def lookback",
            "'share' a tuple of two",
        ),
        (
            "    def lookback",
            "    grid = {'share': (1, 1)}\n    def lookback",
            "two or more different",
        ),
        (
            "    def lookback",
            "    grid = {'share': (1, 2)}\n    def lookback",
            "share = 2 is allowed in no",
        ),
        (
            "    def lookback",
            "    grid = dict.fromkeys('abcd')\n    def lookback",
            "at most 3 parameters",
        ),
        ("    def lookback", FIELDS.format("('close', 'x')"), r"`fields` returns unknown.*'x'"),
        (
            "    def lookback",
            FIELDS.format("('open',)"),
            "`fields` leaves out close, which `needs`",
        ),
        ("    def lookback", FIELDS.format("1 / 0"), "its defaults do not work: ZeroDivisionError"),
        ("def lookback", "def look_back", "the methods lookback must be written"),
        (', description="what is held"', "", "parameter `share` must have a description"),
        ("Field(0.5, ", "Field(", "parameter `share` must have a default"),
        ("class Parameters(StrategyParameters)", "class Parameters", "subclass of StrategyParam"),
        ("class Mine(Strategy)", "class Mine", "exactly one subclass of Strategy. Got 0"),
        ("import numpy as np", "import no_such_package_at_all", "ModuleNotFoundError: No module"),
        ("import numpy as np", "import numpy as", "SyntaxError"),
        ('name = "mine"', 'name = "low_volatility"', "two strategies are named 'low_volatility'"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in PLUGIN
    with pytest.raises(StrategyError, match=message) as error:
        discover([plugin(tmp_path, PLUGIN.replace(old, new))])
    assert str(tmp_path / "mine.py") in str(error.value)


def test_two_strategies_in_a_file_are_refused(tmp_path: Path) -> None:
    two = PLUGIN + "\n\nclass Other(Mine):\n    name = 'other'\n"
    with pytest.raises(StrategyError, match=r"Got 2 \(Mine, Other\)"):
        discover([plugin(tmp_path, two)])


def test_two_files_with_one_name_are_both_told(tmp_path: Path) -> None:
    plugin(tmp_path, name="a.py")
    with pytest.raises(StrategyError, match=r"'mine': .*a\.py and .*b\.py"):
        discover([plugin(tmp_path, name="b.py")])


def test_an_absent_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(StrategyError, match="nowhere does not exist"):
        discover([tmp_path / "nowhere"])


def test_unknown_names_come_with_near_ones() -> None:
    assert find("low_volatility").name == "low_volatility"
    with pytest.raises(StrategyError, match="did you mean 'low_volatility'"):
        find("low_volatilty")
    with pytest.raises(
        StrategyError, match=r"no strategy 'qqq' Known: betting_against_beta, cross"
    ):
        find("qqq")
    with pytest.raises(StrategyError, match="Known: none"):
        find("qqq", {})


def test_the_default_settings_name_strategies_and_parameters_that_there_are() -> None:
    configured = load_settings(environment={"QUANT_ASSETS_HOME": "unused"}).strategies
    found = discover(configured.folders)
    assert set(configured.strategies) == set(found)
    for name, block in configured.strategies.items():
        for values in ({}, *block.markets.values()):
            find(name, found).parse({**block.parameters, **values})
