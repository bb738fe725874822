"""Settings: defaults, overrides, environment, and a message with file and key for every slip."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from quant_assets.settings import Market, Settings, load_settings
from quant_assets.settings_files import ConfigError, near_name
from quant_assets.settings_research import Strategies, StrategySettings
from quant_assets.settings_sources import FilesSource
from quant_assets_tests.markets import (
    files_market,
    market_block,
    simulated_market,
    small_settings,
    write_config,
)

US = {"QUANT_ASSETS_US_DATA": "/vendor/us", "QUANT_ASSETS_BENCHMARK_DATA": "/vendor/indices"}


def of_environment(tmp_path: Path, **variables: str) -> Settings:
    return load_settings(None, {"QUANT_ASSETS_HOME": str(tmp_path), **variables})


def test_the_defaults_are_valid_and_only_the_demo_is_active(tmp_path: Path) -> None:
    settings = of_environment(tmp_path)
    assert list(settings.markets) == ["demo"]
    assert settings.markets["demo"].simulated
    assert "QUANT_ASSETS_US_DATA is not set" in settings.inactive["us"]
    assert "us.source.path" in settings.inactive["us"]
    assert settings.home == tmp_path
    assert settings.warehouse_root == f"{tmp_path}/warehouse"
    assert settings.artifacts_root == f"{tmp_path}/artifacts"
    assert settings.mlflow_tracking_uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert settings.thread_no >= 1


def test_a_market_whose_variables_are_set_is_active(tmp_path: Path) -> None:
    us = of_environment(tmp_path, **US).markets["us"]
    assert isinstance(us.source, FilesSource)
    assert us.source.path == "/vendor/us/*.parquet"
    assert us.source.symbols is not None
    assert us.source.symbols.path == "/vendor/us/symbols.csv"
    assert us.index is not None
    assert us.index.path.startswith("/vendor/indices/")
    assert not us.simulated


def test_the_environment_comes_before_the_files(tmp_path: Path) -> None:
    settings = of_environment(
        tmp_path,
        QUANT_ASSETS_MARKETS="demo",
        QUANT_ASSETS_WAREHOUSE="s3://research/warehouse",
        QUANT_ASSETS_ARTIFACTS="/data/artifacts",
        QUANT_ASSETS_MLFLOW_TRACKING_URI="http://tracking:5000",
        QUANT_ASSETS_THREAD_NO="3",
        **US,
    )
    assert settings.warehouse_root == "s3://research/warehouse"
    assert settings.artifacts_root == "/data/artifacts"
    assert settings.mlflow_tracking_uri == "http://tracking:5000"
    assert settings.thread_no == 3
    assert list(settings.markets) == ["demo"]
    assert settings.inactive["us"] == "QUANT_ASSETS_MARKETS does not name it"
    assert len(set(settings.inactive.values())) == 1


def test_the_home_may_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/researcher")
    settings = load_settings(None, {})
    assert settings.home == Path("/home/researcher/.quant_assets")
    settings = load_settings(None, {"QUANT_ASSETS_HOME": "~/data"})
    assert settings.warehouse_root == "/home/researcher/data/warehouse"


def test_a_users_file_overrides_key_by_key(tmp_path: Path) -> None:
    write_config(
        tmp_path,
        markets={"demo": {"source": {"symbols": 50}, "title": "Mine"}},
        models={"lightgbm": {"parameters": {"num_leaves": 3}}},
    )
    settings = load_settings(tmp_path / "config", {"QUANT_ASSETS_HOME": str(tmp_path)})
    demo = settings.markets["demo"]
    assert demo.source.model_dump() == {
        "kind": "simulated",
        "symbols": 50,
        "seed": 5,
        "signal_ic": 0.05,
    }
    assert (demo.title, demo.start) == ("Mine", date(2023, 1, 3))
    default = of_environment(tmp_path).models["lightgbm"]
    assert default.parameters["num_leaves"] != 3
    assert settings.models["lightgbm"] == default.model_copy(
        update={"parameters": default.parameters | {"num_leaves": 3}}
    )


def test_the_config_folder_comes_from_the_environment(tmp_path: Path) -> None:
    config = write_config(tmp_path, markets={"demo": {"title": "Mine"}})
    settings = of_environment(tmp_path, QUANT_ASSETS_CONFIG=str(config))
    assert settings.markets["demo"].title == "Mine"
    with pytest.raises(ConfigError, match=r"QUANT_ASSETS_CONFIG: there is no folder .*nowhere"):
        of_environment(tmp_path, QUANT_ASSETS_CONFIG=str(tmp_path / "nowhere"))


SLIPS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": (
        {"calender": "XNYS"},
        "markets.yaml: tiny.calender: unknown key (did you mean 'calendar'?)",
    ),
    "no kind of source": ({"source": {}}, "markets.yaml: tiny.source: `kind` is missing; add it"),
    "unknown kind of source": (
        {"source": {"kind": "file"}},
        "tiny.source: `kind` must be one of 'files', 'b3', 'cn_daily', 'simulated'. Got 'file'",
    ),
    "missing key": (
        {"source": {"kind": "files"}},
        "markets.yaml: tiny.source.path: missing; add it",
    ),
    "unknown key of a source": (
        {"source": {"kind": "files", "path": "x", "pth": "y"}},
        "tiny.source.pth: unknown key (did you mean 'path'?)",
    ),
    "a column that is none of ours": (
        {"source": {"kind": "files", "path": "x", "columns": {"clse": "c"}}},
        "markets.yaml: tiny.source.columns.clse: Input should be 'date', 'symbol'",
    ),
    "time zone": (
        {"timezone": "America/New York"},
        "tiny.timezone: no time zone 'America/New York' (did you mean 'America/New_York'?)",
    ),
    "order of days": (
        {"end": date(2023, 1, 1)},
        "end 2023-01-01 lies before start 2024-01-02",
    ),
    "models before the data": (
        {"models_from": date(2024, 1, 1)},
        "models_from 2024-01-01 must lie after start 2024-01-02",
    ),
    "models in the middle of a month": (
        {"models_from": date(2024, 2, 5)},
        "tiny.models_from: must be the first day of a month. Got 2024-02-05 instead",
    ),
    "a late schedule": ({"daily_at": "19:30"}, "tiny.daily_at: must lie before 18:00"),
    "a number out of bounds": (
        {"trading": {"slippage": {"bps": -1}}},
        "tiny.trading.slippage.bps: Input should be greater than or equal to 0. Got -1 instead",
    ),
    "no date": ({"start": "2024-13-01"}, "markets.yaml: tiny.start: "),
    "currency": ({"currency": "US dollars"}, "markets.yaml: tiny.currency: "),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_a_market_is_named(tmp_path: Path, slip: str) -> None:
    keys, message = SLIPS[slip]
    with pytest.raises(ConfigError) as caught:
        small_settings(tmp_path, {"tiny": simulated_market() | keys})
    assert message in str(caught.value)
    assert "markets.yaml" in str(caught.value)


def test_every_slip_is_named_at_once(tmp_path: Path) -> None:
    block = market_block(source={"kind": "simulated"}, titel="x", currency=None)
    with pytest.raises(ConfigError) as caught:
        small_settings(tmp_path, {"tiny": block})
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert all(line.startswith("markets.yaml: tiny.") for line in lines)


RANGE = {"low": 80, "high": 5}
FILES: dict[str, tuple[dict[str, Any], str]] = {
    "warehouse key": (
        {"warehouse": {"rot": "x"}},
        "warehouse.yaml: rot: unknown key (did you mean 'root'?)",
    ),
    "warehouse scheme": (
        {"warehouse": {"root": "ftp://x"}},
        "warehouse.yaml: root: must be a folder, s3://bucket/prefix or "
        "clickhouse://user@host:port/database. Got ftp://… instead",
    ),
    "notifications key": (
        {"notifications": {"notifier": []}},
        "notifications.yaml: notifier: unknown key (did you mean 'notifiers'?)",
    ),
    "kind of notifier": (
        {"notifications": {"notifiers": [{"kind": "slack"}]}},
        "notifications.yaml: notifiers.0: `kind` must be one of 'webhook', 'email', 'log'",
    ),
    "mail without recipients": (
        {
            "notifications": {
                "notifiers": [{"kind": "email", "host": "x", "sender": "y", "recipients": []}]
            }
        },
        "notifications.yaml: notifiers.0.recipients: ",
    ),
    "horizons": (
        {"factors": {"horizons": [5, 1]}},
        "factors.yaml: horizons: must be ascending sessions between 1 and 252",
    ),
    "model": (
        {"models": {"lightgbm": {"embarg": 5}}},
        "models.yaml: lightgbm.embarg: unknown key (did you mean 'embargo'?)",
    ),
    "strategies": (
        {"strategies": {"strategies": {"low_volatility": {"enable": True}}}},
        "strategies.yaml: strategies.low_volatility.enable: unknown key (did you mean 'enabled'?)",
    ),
    "no folder of strategies": (
        {"strategies": {"folders": [""]}},
        "strategies.yaml: folders.0: String should have at least 1 character",
    ),
    "range of a search": (
        {"strategies": {"strategies": {"pairs": {"sweep": {"grid": {"exit": RANGE}}}}}},
        "strategies.yaml: strategies.pairs.sweep.grid.exit: low 80 must lie below high 5",
    ),
    "a whole file": (
        {"portfolio": {"source": "strategies"}},
        "portfolio.yaml: strategies must name at least one when the source is `strategies`",
    ),
}


@pytest.mark.parametrize("slip", FILES)
def test_a_slip_in_another_file_is_named(tmp_path: Path, slip: str) -> None:
    config, message = FILES[slip]
    with pytest.raises(ConfigError) as caught:
        small_settings(tmp_path, {"tiny": simulated_market()}, config)
    (line,) = str(caught.value).splitlines()
    assert message in line
    assert "{'" not in line  # a block is not printed whole


@pytest.mark.parametrize(
    ("name", "hint"),
    [("strategy.yaml", "'strategies.yaml'"), ("markets.yml", "'markets.yaml'"), ("q.yaml", "")],
)
def test_a_file_with_another_name_is_not_passed_over(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / name).write_text("{}")
    (tmp_path / "dagster.yaml").write_text("{}")
    (tmp_path / "notes.txt").write_text("ours")
    meant = f" (did you mean {hint}?)" if hint else ""
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, {"QUANT_ASSETS_HOME": str(tmp_path)})
    assert f"{name}: no file of settings has this name{meant}; there are" in str(caught.value)


def test_a_webhooks_address_is_not_shown(tmp_path: Path) -> None:
    notifiers = [{"kind": "webhook", "url": "hooks.example.com/a-secret"}]
    with pytest.raises(ConfigError, match=r"notifiers\.0\.url: must begin with https://") as caught:
        small_settings(
            tmp_path, {"tiny": simulated_market()}, {"notifications": {"notifiers": notifiers}}
        )
    assert "a-secret" not in str(caught.value)


def test_a_secret_comes_from_the_environment(tmp_path: Path) -> None:
    notifiers = [{"kind": "webhook", "url": "${HOOK}"}]
    config = {"notifications": {"notifiers": notifiers}}
    with pytest.raises(ConfigError, match=r"notifiers\[0\]\.url: the environment variable HOOK"):
        small_settings(tmp_path, {"tiny": simulated_market()}, config)
    settings = small_settings(
        tmp_path, {"tiny": simulated_market()}, config, HOOK="https://example.com"
    )
    assert settings.notifiers[0].model_dump() == {"kind": "webhook", "url": "https://example.com"}


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("QUANT_ASSETS_THREAD_NO", "many", "must be a whole number from 1 to 1024. Got 'many'"),
        ("QUANT_ASSETS_THREAD_NO", "0", "must be a whole number from 1 to 1024. Got '0'"),
        ("QUANT_ASSETS_WAREHOUSE", "gs://x", "must be a folder, s3://"),
        ("QUANT_ASSETS_MARKETS", "dem", "no market 'dem' in markets.yaml (did you mean 'demo'?)"),
        ("QUANT_ASSETS_MARKETS", " , ", "names no market"),
    ],
)
def test_a_slip_in_the_environment_is_named(
    tmp_path: Path, variable: str, value: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        of_environment(tmp_path, **{variable: value})
    assert str(caught.value).startswith(variable)
    assert message in str(caught.value)


def test_a_market_that_is_asked_for_by_name_needs_its_variables(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"us\.source\.path: .* QUANT_ASSETS_US_DATA is not set"):
        of_environment(tmp_path, QUANT_ASSETS_MARKETS="demo,us")
    assert list(of_environment(tmp_path, QUANT_ASSETS_MARKETS=" demo ,").markets) == ["demo"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("demo: {", "markets.yaml: not valid YAML"),
        ("- demo", "must hold keys and values. Got list instead"),
        ("demo: 3", "markets.yaml: demo: must be a block of keys. Got 3 instead"),
        ("Demo: {}", "markets.yaml: Demo: a market's name is lower case letters"),
    ],
)
def test_a_file_that_holds_something_else(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "markets.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, {"QUANT_ASSETS_HOME": str(tmp_path)})
    assert message in str(caught.value)


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "markets.yaml").write_text("# nothing yet\n")
    assert list(load_settings(tmp_path, {"QUANT_ASSETS_HOME": str(tmp_path)}).markets) == ["demo"]


def test_asking_for_a_market(tmp_path: Path) -> None:
    settings = of_environment(tmp_path)
    assert settings.market("demo").name == "demo"
    with pytest.raises(ConfigError, match=r"no market 'dmo' \(did you mean 'demo'\?\)"):
        settings.market("dmo")
    with pytest.raises(ConfigError, match=r"'us' is not active: .*QUANT_ASSETS_US_DATA"):
        settings.market("us")


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = of_environment(tmp_path)
    with pytest.raises(ValidationError, match="frozen"):
        settings.thread_no = 5  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        settings.markets["demo"].title = "x"  # type: ignore[misc]


def test_made_up_markets_are_labelled(tmp_path: Path) -> None:
    settings = small_settings(
        tmp_path, {"sim": simulated_market(), "tiny": files_market(tmp_path / "data")}
    )
    assert settings.markets["sim"].label == "Small simulation (simulated data)"
    assert settings.markets["sim"].index_title == "Simulated index"
    assert settings.markets["tiny"].label == "Test market"
    assert settings.markets["tiny"].index_title == "Index"
    titled = market_block(
        name="tiny",
        source={"kind": "files", "path": "x"},
        index={"path": "i", "title": "The index"},
    )
    assert Market.model_validate(titled).index_title == "The index"


def test_parameters_of_strategies_by_market() -> None:
    choice = StrategySettings(parameters={"a": 1, "b": 1}, markets={"us": {"b": 2}})
    strategies = Strategies(strategies={"one": choice, "two": StrategySettings(enabled=False)})
    assert strategies.parameters("one", "us") == {"a": 1, "b": 2}
    assert strategies.parameters("one", "demo") == {"a": 1, "b": 1}
    assert strategies.parameters("three", "us") == {}
    assert strategies.enabled(["one", "two", "three"]) == ["one", "three"]
    with pytest.raises(ConfigError, match=r"strategies\.two: no such strategy \(did you mean"):
        strategies.enabled(["one", "twos"])


def test_near_names() -> None:
    assert near_name("barz", ["bars", "labels"]) == " (did you mean 'bars'?)"
    assert near_name("xyz", ["bars", "labels"]) == ""
