"""A file server that misbehaves as told, on a real socket, for tests of downloads.

    with serving({"a.ZIP": data}) as server:
        server.faults["a.ZIP"] = [Status(500), Cut(1000)]

Each fault is what one answer is like, in turn; after them the server behaves: it knows ranges,
ETags and dates. `server.asked` has (name, headers) of every request.
"""

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODIFIED = "Tue, 02 Jan 2024 22:00:00 GMT"


@dataclass(frozen=True)
class Status:
    """An answer with a status and nothing else."""

    code: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """The connection ends after so many bytes of the body."""

    after: int


@dataclass(frozen=True)
class Length:
    """The announced length is wrong by so much; the body is all there."""

    by: int


@dataclass(frozen=True)
class Stall:
    """Nothing is said for so many seconds, after so many bytes of the body (None: at all)."""

    seconds: float
    after: int | None = None


@dataclass(frozen=True)
class Body:
    """Another content, as if it were the file."""

    data: bytes


@dataclass(frozen=True)
class WrongRange:
    """A part that begins elsewhere than asked."""

    start: int


Fault = Status | Cut | Length | Stall | Body | WrongRange


@dataclass
class Server:
    """What is served, how it misbehaves, and what was asked."""

    files: dict[str, bytes]
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    ranges: bool = True
    conditions: bool = True
    editions: bool = True
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sent: int = 0
    url: str = ""

    def requests(self, name: str) -> list[dict[str, str]]:
        """The headers of every request for a file."""
        return [headers for asked, headers in self.asked if asked == name]


def etag(data: bytes) -> str:
    """The server's word for an edition."""
    return f'"{hashlib.sha256(data).hexdigest()[:16]}"'


@contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[Server]:
    """A server of these files on a free port."""
    server = Server(dict(files))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            # a client that gives up is what some tests want
            with suppress(ConnectionError):
                answer(self, server)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    http.block_on_close = False
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def answer(handler: BaseHTTPRequestHandler, server: Server) -> None:
    """One answer, as the next fault says."""
    name = handler.path.lstrip("/")
    asked = dict(handler.headers.items())
    server.asked.append((name, asked))
    waiting = server.faults.get(name, [])
    fault = waiting.pop(0) if waiting else None
    if isinstance(fault, Status):
        head(handler, fault.code, {"Content-Length": "0", **fault.headers})
        return
    if name not in server.files:
        head(handler, 404, {"Content-Length": "0"})
        return
    data = fault.data if isinstance(fault, Body) else server.files[name]
    edition = {"ETag": etag(data), "Last-Modified": MODIFIED} if server.editions else {}
    if server.conditions and asked.get("If-None-Match") == etag(data):
        head(handler, 304, edition)
        return
    if isinstance(fault, Stall) and fault.after is None:
        time.sleep(fault.seconds)
        handler.close_connection = True
        return
    status, start = 200, 0
    wanted = asked.get("Range")
    if wanted and server.ranges and asked.get("If-Range") in (None, etag(data)):
        status, start = 206, int(wanted.removeprefix("bytes=").rstrip("-"))
        if start >= len(data):
            head(handler, 416, {"Content-Range": f"bytes */{len(data)}", "Content-Length": "0"})
            return
        start = fault.start if isinstance(fault, WrongRange) else start
        edition["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
    body = data[start:]
    by = fault.by if isinstance(fault, Length) else 0
    head(handler, status, {"Content-Length": str(len(body) + by), **edition})
    whole = body
    if isinstance(fault, Cut | Stall) and fault.after is not None:
        body = body[: fault.after]
    handler.wfile.write(body)
    server.sent += len(body)
    if isinstance(fault, Stall):
        handler.wfile.flush()
        time.sleep(fault.seconds)
    if len(body) < len(whole) or by:
        handler.close_connection = True


def head(handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str]) -> None:
    """The beginning of an answer."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
