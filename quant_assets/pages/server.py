"""A small web server of the pages among the artefacts, so that the UI can link to them.

A browser refuses links from the UI to `file:` addresses, and pages on S3 have none that it could
open. This serves what people look at, by name, and nothing else: only GET, only the suffixes of
pages, nothing outside the artefacts. It has no log-in; it listens where it is told to.

Belongs here: the requests and the list of pages. What starts it stands in cli_tear_sheet.py.
"""

import os
import socket
import threading
import time
from collections.abc import Iterable
from functools import partial
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from quant_assets.artifacts import Artifacts
from quant_assets.pages.shell import Section, page

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".csv": "text/csv; charset=utf-8",
}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECONDS = 0.5  # between two looks at whether the parent lives


class PagesServer(ThreadingHTTPServer):
    """Serves on a socket that listens already.

    Args:
        artifacts: whose pages are served.
        listening: the socket.
    """

    daemon_threads = True

    def __init__(self, artifacts: Artifacts, listening: socket.socket) -> None:
        address = listening.getsockname()
        super().__init__(address[:2], partial(_Handler, artifacts), bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.server_address = address
        self.server_name, self.server_port = str(address[0]), int(address[1])


class _Handler(BaseHTTPRequestHandler):
    server_version = "quant-assets"
    sys_version = ""

    def __init__(self, artifacts: Artifacts, *arguments: object) -> None:
        self._artifacts = artifacts
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer with a page, or with the list of them."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """The same without the page."""
        self._answer(with_body=False)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal is the UI's."""

    def _answer(self, with_body: bool) -> None:
        if not self._meant():
            self._refuse(HTTPStatus.FORBIDDEN, "this server is not asked by that name")
            return
        name = unquote(urlsplit(self.path).path).lstrip("/")
        try:
            content, kind = self._content(name)
        except (FileNotFoundError, IsADirectoryError, ValueError):
            self._refuse(HTTPStatus.NOT_FOUND, f"there is no page {name!r}")
            return
        except OSError as error:
            self._refuse(HTTPStatus.BAD_GATEWAY, str(error))
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if with_body:
            self.wfile.write(content)

    def _content(self, name: str) -> tuple[bytes, str]:
        if not name:
            return index_page(self._artifacts.names()).encode(), KINDS[".html"]
        kind = KINDS.get(PurePosixPath(name).suffix)
        hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
        if kind is None or hidden or "\0" in name:
            raise ValueError(name)
        return self._artifacts.get(name), kind

    def _meant(self) -> bool:
        """Whether the request names this server: a foreign page may lead its own name here."""
        if self.connection.getsockname()[0] not in _LOOPBACK:
            return True
        host = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        return host in _LOOPBACK

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        body = f"{words}\n".encode(errors="replace")
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def index_page(names: Iterable[str]) -> str:
    """The list of pages, by their first folder."""
    folders: dict[str, list[str]] = {}
    for name in sorted(names):
        if PurePosixPath(name).suffix in (".html", ".pdf"):
            folders.setdefault(name.partition("/")[0], []).append(name)
    sections = [
        Section(
            folder,
            f"{len(listed)} pages.",
            "<ul>"
            + "".join(f'<li><a href="/{quote(n)}">{escape(n)}</a></li>' for n in listed)
            + "</ul>",
        )
        for folder, listed in folders.items()
    ]
    return page("Pages", "Everything that was made to be read.", sections)


def serve_for_parent(artifacts: Artifacts, listening: socket.socket) -> None:
    """Serve for as long as the process lives that started this one."""
    parent = os.getppid()
    server = PagesServer(artifacts, listening)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS)
        server.shutdown()

    threading.Thread(target=watch, daemon=True).start()
    with server:
        server.serve_forever(_SECONDS)
