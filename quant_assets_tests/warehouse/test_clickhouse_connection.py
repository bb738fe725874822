"""Addresses, credentials and TLS: what is refused, and that no secret shows anywhere."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from quant_assets.settings import load_settings
from quant_assets.settings_files import ConfigError
from quant_assets.warehouse.clickhouse import ClickHouseWarehouse
from quant_assets.warehouse.clickhouse_address import PASSWORD, Address
from quant_assets.warehouse.clickhouse_server import Server
from quant_assets.warehouse.errors import ServerError
from quant_assets.warehouse.parquet import ParquetWarehouse
from quant_assets.warehouse.store import open_store, open_warehouse
from quant_assets_tests.warehouse.frames import bars, days, window
from quant_assets_tests.warehouse.server_process import ServerProcess

SECRET = "a-secret-that-must-not-show"


def certificate(file: Path) -> Path:
    """A PEM with a key and a certificate for 127.0.0.1 that it has signed itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test server")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Path]]:
    """A server behind TLS and a password, and the file of its certificate."""
    folder = tmp_path_factory.mktemp("guarded")
    pem = certificate(folder / "server.pem")
    process = ServerProcess(folder / "data", "--password", SECRET, "--certificate", str(pem))
    yield process, pem
    process.kill()


def test_tls_and_password_from_the_environment(
    guarded: tuple[ServerProcess, Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    process, pem = guarded
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(PASSWORD, SECRET)
    root = f"clickhouse://analyst@127.0.0.1:{process.port}/team?secure=1&ca_cert={pem}"
    store = open_store(root, ["us"])
    assert isinstance(store, ClickHouseWarehouse)
    store.replace("us/bars", window(days(2)), bars(days(2)))
    assert store.read("us/bars").num_rows == 6
    with pytest.raises(ServerError) as caught:
        store.server.run("SELECT throwIf(1)")
    shown = f"{store!r} {store.server!r} {store.root} {caught.value!r} {caplog.text}"
    assert root in shown
    assert SECRET not in shown


def test_a_wrong_password_is_told_without_it(
    guarded: tuple[ServerProcess, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    process, pem = guarded
    monkeypatch.setenv(PASSWORD, "wrong-" + SECRET)
    address = f"clickhouse://analyst@127.0.0.1:{process.port}/team?secure=1&ca_cert={pem}"
    store = ClickHouseWarehouse(Server(Address.parse(address)))
    with pytest.raises(ServerError, match=f"refused the user 'analyst': check .* {PASSWORD}") as e:
        store.read("us/bars")
    assert SECRET not in str(e.value)


def test_a_certificate_that_is_not_trusted(guarded: tuple[ServerProcess, Path]) -> None:
    address = f"clickhouse://analyst@127.0.0.1:{guarded[0].port}/team?secure=1"
    store = ClickHouseWarehouse(Server(Address.parse(address)))
    with pytest.raises(ServerError, match=r"certificate that is not trusted.*&ca_cert="):
        store.read("us/bars")


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("clickhouse://host", Address("default", "host", 8123, "quant_assets")),
        ("clickhouse://me@host/db?secure=1", Address("me", "host", 8443, "db", secure=True)),
        (
            "clickhouse://a%40b@[::1]:9/db?secure=1&ca_cert=/ca.pem",
            Address("a@b", "::1", 9, "db", secure=True, ca_cert="/ca.pem"),
        ),
    ],
)
def test_addresses(text: str, parsed: Address) -> None:
    assert Address.parse(text) == parsed
    assert Address.parse(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"clickhouse://me:{SECRET}@host/db", f"without a password: set {PASSWORD} to it"),
        (f"clickhouse://me:a/{SECRET}@host/db", "must be written clickhouse://user@host"),
        (f"clickhouse://me:9/{SECRET}@host/db", "without a password"),
        ("clickhouse://", "must be written clickhouse://user@host"),
        ("clickhouse://host:x/db", "must be written clickhouse://user@host"),
        ("clickhouse://host/a/b", "must be written clickhouse://user@host"),
        ("clickhouse://host/db?secur=1", "takes the options secure, ca_cert"),
        (f"clickhouse://host/db?password={SECRET}", "takes the options secure, ca_cert"),
        ("clickhouse://host/db?secure=yes", "secure must be 0 or 1"),
        (f"https://me:{SECRET}@host", "must be a folder, s3://bucket/prefix or clickhouse://"),
    ],
)
def test_addresses_that_are_refused(tmp_path: Path, text: str, message: str) -> None:
    environment = {"QUANT_ASSETS_HOME": str(tmp_path), "QUANT_ASSETS_WAREHOUSE": text}
    with pytest.raises(ConfigError, match=f"QUANT_ASSETS_WAREHOUSE: root: .*{message}") as caught:
        load_settings(environment=environment)
    assert SECRET not in str(caught.value)


def test_the_setting_chooses_the_store(tmp_path: Path) -> None:
    home = {"QUANT_ASSETS_HOME": str(tmp_path), "QUANT_ASSETS_MARKETS": "demo"}
    assert isinstance(open_warehouse(load_settings(environment=home)), ParquetWarehouse)
    team = {**home, "QUANT_ASSETS_WAREHOUSE": "clickhouse://me@nowhere.invalid/db"}
    store = open_warehouse(load_settings(environment=team))
    assert isinstance(store, ClickHouseWarehouse)  # and nobody has been asked for anything yet
    assert store.root == "clickhouse://me@nowhere.invalid:8123/db"
    assert isinstance(open_store(team["QUANT_ASSETS_WAREHOUSE"]), ClickHouseWarehouse)
