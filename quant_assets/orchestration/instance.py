"""The Dagster instance of a home: where it lies and how a process comes to it.

Here are folders and environment only; what the instance stores is said in dagster.yaml.
"""

import fcntl
import os
from pathlib import Path

import dagster as dg

from quant_assets.settings import Settings
from quant_assets.settings_files import ConfigError

PACKAGE = Path(__file__).parents[1]


def shipped(name: str) -> Path:
    """A file that stands at the top of a checkout and travels inside the wheel."""
    inside = PACKAGE / name
    return inside if inside.exists() else PACKAGE.parent / name


def prepare(settings: Settings) -> Path:
    """Make the folders of the home, and DAGSTER_HOME point to its instance unless it is set.

    `dagster.yaml` is linked, not copied, so that it follows the installed version; a user who wants
    another one replaces the link by a file, or sets DAGSTER_HOME.

    Raises:
        ConfigError: DAGSTER_HOME is set, but not to a folder by its absolute path.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    if not os.environ.get("DAGSTER_HOME"):
        folder = settings.home / "dagster"
        folder.mkdir(exist_ok=True)
        link = folder / "dagster.yaml"
        if link.is_symlink() or not link.exists():
            fresh = folder / f".dagster.yaml.{os.getpid()}"
            fresh.symlink_to(shipped("dagster.yaml"))
            fresh.replace(link)
        os.environ["DAGSTER_HOME"] = str(folder)
    elif not Path(os.environ["DAGSTER_HOME"]).is_absolute():
        raise ConfigError(
            f"DAGSTER_HOME must be an absolute path. Got {os.environ['DAGSTER_HOME']!r} instead"
        )
    elif not Path(os.environ["DAGSTER_HOME"]).is_dir():
        raise ConfigError(
            f"DAGSTER_HOME: there is no folder {os.environ['DAGSTER_HOME']}; make it, or unset the "
            f"variable to use {settings.home / 'dagster'}"
        )
    # Child processes (webserver, daemon, runs) read the same home.
    os.environ["QUANT_ASSETS_HOME"] = str(settings.home)
    return Path(os.environ["DAGSTER_HOME"])


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance of the settings' home.

    The first process makes its databases. Dagster's own would fail in a second one that makes them
    at the same moment, so they are opened one after the other.
    """
    with (prepare(settings) / ".instance.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return dg.DagsterInstance.get()
