"""Notifications: a failed run reaches a real web server, a real mail server, and the log."""

import datetime
import http.server
import json
import logging
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from quant_assets.orchestration.notifications import describe, failure_sensor, notify
from quant_assets.settings_notifiers import Email, Log, Notifier, Webhook

MESSAGE = {
    "run_id": "0123456789abcdef",
    "job": "us_daily",
    "partitions": {"partition": "2024-01-02"},
    "message": "Steps failed: ['us__bars'].",
    "errors": [{"step": "us__bars", "error": "no column 'close' – Straße"}],
}
LOG = logging.getLogger("test_notifications")


def port_of(server: socketserver.BaseServer) -> int:
    address: Any = server.server_address
    return int(address[1])


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield port_of(server)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def web_server(status: int = 200) -> Iterator[tuple[str, list[tuple[str, str, Any]]]]:
    """(url, what was posted as (path, content type, JSON)) of an HTTP server."""
    posted: list[tuple[str, str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, self.headers["Content-Type"], json.loads(body)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with serving(http.server.HTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"http://127.0.0.1:{port}", posted


class MailServer(socketserver.TCPServer):
    """As much of SMTP as a client needs: EHLO, STARTTLS, AUTH PLAIN and LOGIN, MAIL, RCPT, DATA."""

    allow_reuse_address = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), MailHandler)
        self.tls = tls
        self.mails: list[Message] = []
        self.recipients: list[str] = []
        self.commands: list[str] = []
        self.refused: tuple[str, ...] = ()


class MailHandler(socketserver.StreamRequestHandler):
    server: MailServer

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
        self.wfile.flush()

    def finish(self) -> None:
        super().finish()
        if self.connection is not self.request:
            self.connection.close()

    def handle(self) -> None:
        self.say("220 test ESMTP")
        while line := self.rfile.readline():
            command = line.decode().strip()
            verb = command.split(":")[0].split(" ")[0].upper()
            self.server.commands.append(verb)
            if command.lower().startswith(tuple(self.server.refused)):
                self.say("550 refused")
            elif verb == "EHLO":
                self.say("250-test")
                if self.server.tls:
                    self.say("250-STARTTLS")
                self.say("250 AUTH PLAIN")
            elif verb == "STARTTLS" and self.server.tls:
                self.say("220 go on")
                try:
                    secure = self.server.tls.wrap_socket(self.connection, server_side=True)
                except (ssl.SSLError, ConnectionError):
                    return
                self.connection = secure
                self.rfile, self.wfile = secure.makefile("rb"), secure.makefile("wb")
            elif verb == "AUTH":
                self.say("235 welcome")
            elif verb == "RCPT":
                self.server.recipients.append(command.partition("<")[2].partition(">")[0])
                self.say("250 ok")
            elif verb == "DATA":
                self.say("354 go on")
                lines = []
                while (text := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(text)
                self.server.mails.append(message_from_bytes(b"".join(lines)))
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


def email(port: int, **keys: Any) -> Email:
    block = {"kind": "email", "host": "localhost", "port": port, "sender": "quant@example.com"}
    block |= {"recipients": ["desk@example.com", "risk@example.com"], "starttls": False}
    return Email.model_validate(block | keys)


def test_a_webhook_gets_json() -> None:
    with web_server() as (url, posted):
        notify(Webhook(kind="webhook", url=f"{url}/hook"), MESSAGE, LOG)
    ((path, kind, body),) = posted
    assert (path, kind) == ("/hook", "application/json")
    assert body["text"] == "run 01234567 of us_daily failed: Steps failed: ['us__bars']."
    assert {key: body[key] for key in MESSAGE} == MESSAGE


def test_a_webhook_that_answers_with_an_error() -> None:
    with web_server(500) as (url, posted), pytest.raises(OSError, match="HTTP Error 500"):
        notify(Webhook(kind="webhook", url=url), MESSAGE, LOG)
    assert len(posted) == 1


def test_a_mail_arrives() -> None:
    server = MailServer()
    with serving(server) as port:
        notify(email(port), MESSAGE, LOG)
    (mail,) = server.mails
    assert mail["Subject"] == "quant_assets: run 01234567 of us_daily failed"
    assert mail["From"] == "quant@example.com"
    assert mail["To"] == "desk@example.com, risk@example.com"
    assert server.recipients == ["desk@example.com", "risk@example.com"]
    body = mail.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert json.loads(body) == MESSAGE
    assert "AUTH" not in server.commands


def test_a_user_and_a_password_are_given() -> None:
    server = MailServer()
    with serving(server) as port:
        notify(email(port, user="quant", password="secret"), MESSAGE, LOG)
    assert "AUTH" in server.commands
    assert len(server.mails) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost that nobody vouches for, with its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def secure_server(certificate: Path) -> MailServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return MailServer(context)


def test_a_mail_goes_over_tls_before_the_password(
    secure_server: MailServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(secure_server) as port:
        notify(email(port, starttls=True, user="quant", password="secret"), MESSAGE, LOG)
    commands = secure_server.commands
    assert commands.index("STARTTLS") < commands.index("AUTH")
    assert len(secure_server.mails) == 1


def test_a_mail_server_that_nobody_vouches_for_gets_no_password(
    secure_server: MailServer,
) -> None:
    with serving(secure_server) as port, pytest.raises(ssl.SSLCertVerificationError):
        notify(email(port, starttls=True, user="quant", password="secret"), MESSAGE, LOG)
    assert "AUTH" not in secure_server.commands
    assert secure_server.mails == []


def test_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger=LOG.name):
        notify(Log(kind="log"), MESSAGE, LOG)
    assert caplog.messages == [f"run 01234567 of us_daily failed: {json.dumps(MESSAGE)}"]


@contextmanager
def failed_run(fault: Callable[[], None]) -> Iterator[Callable[[], dg.RunFailureSensorContext]]:
    """A maker of contexts, as the daemon gives them, of a run whose asset has failed."""

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["2024-01-02"]))
    def bars() -> None:
        fault()

    @dg.sensor(name="unused", asset_selection="*")
    def unused() -> None: ...

    job = dg.Definitions(
        assets=[bars], jobs=[dg.define_asset_job("us_daily", [bars])]
    ).resolve_job_def("us_daily")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, partition_key="2024-01-02", raise_on_error=False
        )

        def context() -> dg.RunFailureSensorContext:
            return dg.build_run_status_sensor_context(
                sensor_name="run_failures",
                dagster_event=next(e for e in result.all_events if e.is_job_failure),
                dagster_instance=instance,
                dagster_run=result.dagster_run,
            ).for_run_failure()

        yield context


def broken() -> None:
    raise ValueError("the file is cut short")


def test_what_is_told_of_a_run() -> None:
    with failed_run(broken) as context:
        told = describe(context())
    assert told["job"] == "us_daily"
    assert told["partitions"]["partition"] == "2024-01-02"
    (error,) = told["errors"]
    assert error["step"] == "bars"
    assert "ValueError: the file is cut short" in error["error"]
    assert "bars" in told["message"]
    json.dumps(told)


def tell(notifiers: list[Notifier]) -> None:
    """Evaluate the sensor on a failed run, as the daemon does."""
    sensor = failure_sensor(notifiers)
    with failed_run(broken) as context:
        sensor(context())


def test_every_notifier_is_told() -> None:
    mail = MailServer()
    with web_server() as (url, posted), serving(mail) as port:
        tell([Log(kind="log"), Webhook(kind="webhook", url=url), email(port)])
    assert len(posted) == len(mail.mails) == 1
    assert posted[0][2]["job"] == "us_daily"


class Garbage(socketserver.StreamRequestHandler):
    """A server that does not speak HTTP."""

    def handle(self) -> None:
        self.request.recv(1 << 16)
        self.wfile.write(b"this is not HTTP\r\n\r\n")


def unreachable() -> int:
    """A port on which nobody listens."""
    with socketserver.TCPServer(("127.0.0.1", 0), Garbage) as server:
        return port_of(server)


@pytest.mark.parametrize("how", ["refused", "status", "garbage", "mail refused", "no mail server"])
def test_one_out_of_reach_does_not_stop_the_rest(how: str) -> None:
    mail = MailServer()
    mail.refused = ("mail from",)
    broken_web = socketserver.TCPServer(("127.0.0.1", 0), Garbage)
    with (
        web_server() as (good, posted),
        web_server(503) as (bad, _),
        serving(broken_web) as garbage,
        serving(mail) as refusing,
    ):
        faulty: dict[str, Notifier] = {
            "refused": Webhook(kind="webhook", url=f"http://127.0.0.1:{unreachable()}"),
            "status": Webhook(kind="webhook", url=bad),
            "garbage": Webhook(kind="webhook", url=f"http://127.0.0.1:{garbage}"),
            "mail refused": email(refusing),
            "no mail server": email(unreachable()),
        }
        tell([faulty[how], Webhook(kind="webhook", url=good)])
    assert len(posted) == 1


def test_the_sensor_runs_unasked() -> None:
    sensor = failure_sensor([Log(kind="log")])
    assert sensor.name == "run_failures"
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert sensor.description == "Tells of failed runs: log"
