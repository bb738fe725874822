"""The Dagster instance of a home: made on the first use, or the one that DAGSTER_HOME names."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from quant_assets.orchestration.event_log import PooledSqliteEventLogStorage
from quant_assets.orchestration.instance import open_instance, prepare, shipped
from quant_assets.settings import Settings
from quant_assets.settings_files import ConfigError
from quant_assets_tests.markets import process_environment, simulated_market, small_settings


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """A home that does not exist yet, in a process in which nothing is set."""
    markets = {"sim": simulated_market()}
    with process_environment(tmp_path, markets):
        yield small_settings(tmp_path, markets)


def test_the_first_use_makes_the_home(settings: Settings) -> None:
    assert not settings.home.exists()
    folder = prepare(settings)
    assert folder == settings.home / "dagster"
    assert os.environ["DAGSTER_HOME"] == str(folder)
    assert os.environ["QUANT_ASSETS_HOME"] == str(settings.home)
    link = folder / "dagster.yaml"
    assert link.is_symlink()
    assert link.resolve() == shipped("dagster.yaml").resolve()
    assert sorted(path.name for path in folder.iterdir()) == ["dagster.yaml"]
    assert prepare(settings) == folder


def test_the_link_follows_the_installed_version(settings: Settings) -> None:
    folder = settings.home / "dagster"
    folder.mkdir(parents=True)
    (folder / "dagster.yaml").symlink_to("/an/older/version/dagster.yaml")
    prepare(settings)
    assert (folder / "dagster.yaml").resolve() == shipped("dagster.yaml").resolve()


def test_a_users_own_file_stays(settings: Settings) -> None:
    folder = settings.home / "dagster"
    folder.mkdir(parents=True)
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    prepare(settings)
    assert (folder / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


def test_a_users_own_instance_is_used(settings: Settings, tmp_path: Path) -> None:
    os.environ["DAGSTER_HOME"] = str(tmp_path)
    assert prepare(settings) == tmp_path
    assert not (settings.home / "dagster").exists()


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("some/folder", "must be an absolute path. Got 'some/folder'"),
        ("/nowhere", "no folder /now"),
    ],
)
def test_an_instance_that_cannot_be(settings: Settings, folder: str, message: str) -> None:
    os.environ["DAGSTER_HOME"] = folder
    with pytest.raises(ConfigError, match=f"^DAGSTER_HOME.*{message}"):
        prepare(settings)


def test_the_shipped_files_are_there_and_hold_no_path() -> None:
    for name in ("dagster.yaml", "workspace.yaml"):
        text = shipped(name).read_text()
        assert yaml.safe_load(text)
        assert "/home/" not in text
        assert str(Path.home()) not in text


def test_the_instance_keeps_its_events_in_the_pooled_log(settings: Settings) -> None:
    with open_instance(settings) as instance:
        assert isinstance(instance.event_log_storage, PooledSqliteEventLogStorage)
        assert instance.root_directory == str(settings.home / "dagster")
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        assert instance.get_runs() == []
