"""The server of pages: what it gives, what it refuses, and that it ends with its parent."""

import http.client
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from quant_assets.artifacts import LocalArtifacts
from quant_assets.cli_pages import address_of, listen
from quant_assets.pages.server import PagesServer
from quant_assets_tests.end_to_end.servers import SCRIPTS, answers, wait_for

PAGE = "us/tear_sheet/a/tear_sheet.html"


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server over some artefacts."""
    artifacts = LocalArtifacts(tmp_path_factory.mktemp("artifacts"))
    artifacts.put(PAGE, "<p>Sharpe</p>")
    artifacts.put("us/tear_sheet/a/equity.png", b"png")
    artifacts.put("models/us/lightgbm/2024-01/model.txt", "secret")
    artifacts.put("us/<b>.html", "x")
    listening = listen("127.0.0.1", 0)
    with PagesServer(artifacts, listening) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def asked(port: int, path: str, method: str = "GET", host: str | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path, headers={"Host": host} if host else {})
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


def test_pages_are_given(port: int) -> None:
    assert asked(port, f"/{PAGE}") == (200, "<p>Sharpe</p>")
    assert asked(port, f"/{PAGE}?x=1#y") == (200, "<p>Sharpe</p>")
    assert asked(port, f"/{PAGE}", "HEAD") == (200, "")
    assert asked(port, "/us/tear_sheet/a/equity.png") == (200, "png")
    status, index = asked(port, "/")
    assert status == 200
    assert f'href="/{PAGE}"' in index
    assert "us/&lt;b&gt;.html" in index
    assert "model.txt" not in index


@pytest.mark.parametrize(
    "path",
    [
        *("/models/us/lightgbm/2024-01/model.txt", "/us/nothing.html", "/us/tear_sheet"),
        *("/../../etc/passwd", "/%2e%2e/x.html", "/us/.hidden.html", "//etc/x.html", "/a%00.html"),
    ],
)
def test_nothing_else_is_given(port: int, path: str) -> None:
    assert asked(port, path)[0] == 404


def test_other_names_and_methods_are_refused(port: int) -> None:
    assert asked(port, "/", host="evil.example")[0] == 403
    assert asked(port, "/", host=f"localhost:{port}")[0] == 200
    assert asked(port, "/", "POST")[0] == 501


def test_a_taken_port_is_an_error_at_once(port: int) -> None:
    with pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", port)


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    parent = (
        "import sys, time\n"
        "from quant_assets.cli_pages import with_pages\n"
        "from quant_assets.settings import load_settings\n"
        "print(with_pages(load_settings(), '127.0.0.1', 0).tear_sheets.pages_url, flush=True)\n"
        "sys.stdin.read()\n"
    )
    env = {"QUANT_ASSETS_HOME": str(tmp_path), "PATH": str(SCRIPTS), "PYTHONPATH": _root()}
    process = subprocess.Popen(
        [sys.executable, "-c", parent],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    )
    assert process.stdout is not None
    told, url = process.stdout.readline().strip(), process.stdout.readline().strip()
    assert told == f"pages: {url}"
    wait_for(lambda: answers(f"{url}/") or None, 30, "the server's start")
    process.kill()
    process.communicate()
    wait_for(lambda: None if answers(f"{url}/") else True, 30, "the server's end")


def _root() -> str:
    return str(Path(__file__).parents[2])


def test_the_address_that_a_browser_is_given() -> None:
    with listen("0.0.0.0", 0) as everywhere:
        assert address_of(everywhere) == f"http://127.0.0.1:{everywhere.getsockname()[1]}"
