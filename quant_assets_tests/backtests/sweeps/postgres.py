"""A PostgreSQL server of its own for tests: a fresh cluster in a temporary folder, ended after."""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def binaries() -> Path | None:
    """The folder of initdb and postgres: on the path, or where Debian puts it."""
    places = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    found = shutil.which("initdb")
    return Path(places[0]) if places else Path(found).resolve().parent if found else None


@contextmanager
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that only this machine reaches; skips where there is no PostgreSQL.

    The server refuses to run as root: there it runs as the user `postgres`, or `nobody`.
    """
    pytest.importorskip("psycopg2", reason="no psycopg2: pip install 'quant-assets[postgres]'")
    place = binaries()
    if place is None:
        pytest.skip("no PostgreSQL here: install the Debian package postgresql")
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="qa-pg-"))
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        _run(
            user,
            folder,
            place / "initdb",
            "-D",
            folder / "data",
            "-U",
            "tester",
            "-A",
            "trust",
            "-N",
        )
        port = _free_port()
        options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        )
        control = (place / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w")
        _run(user, folder, *control, "-o", options, "start")
        try:
            yield f"postgresql+psycopg2://tester@127.0.0.1:{port}/postgres"
        finally:
            _run(user, folder, *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> pwd.struct_passwd | None:
    """Whom the server runs as; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is no other user")


def _run(user: pwd.struct_passwd | None, folder: Path, *command: object) -> None:
    who = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, **who,
    )  # type: ignore[call-overload]  # fmt: skip
    assert done.returncode == 0, done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
