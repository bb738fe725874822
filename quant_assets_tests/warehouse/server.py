"""A ClickHouse server for tests: its HTTP interface on a local port, answered by chDB's engine.

    python -m quant_assets_tests.warehouse.server FOLDER [--port N] [--password P] [--certificate F]

prints its port and serves until it is ended. What is stored in FOLDER outlives it. POST /fault
takes one fault for the next statement that matches (see Fault), GET /faults tells how many are due.
"""

import argparse
import base64
import json
import os
import re
import ssl
import sys
import tempfile
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

INSERT = re.compile(rb"\s*(INSERT INTO .+? FORMAT (\w+))\s*\n", re.S)
FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*;?\s*$", re.I)
# Parameters of a request that are no settings of the query.
TRANSPORT = {
    "query",
    "query_id",
    "database",
    "default_format",
    "compress",
    "wait_end_of_query",
    "client_protocol_version",
    "enable_http_compression",
    "send_progress_in_http_headers",
    "http_headers_progress_interval_ms",
    "cancel_http_readonly_queries_on_client_close",
}


@dataclass
class Fault:
    """What goes wrong at the statement that matches `pattern`, after `skip` others that do.

    `action` is `half` (half of the rows of an insert arrive, then the connection is cut), `before`
    and `after` (the connection is cut before or after the statement is carried out), `die_before`
    and `die_after` (so does the server), `stall` (it takes `seconds` until it is begun).
    """

    pattern: str
    action: str
    skip: int = 0
    seconds: float = 0.0


class Engine:
    """chDB's engine in a folder; one statement at a time, each in a session of its own."""

    def __init__(self, folder: str) -> None:
        import chdb

        self.folder = folder
        self.lock = threading.Lock()
        self.keep = chdb.connect(folder)

    def execute(self, statement: bytes, default_format: str, settings: dict[str, str]) -> bytes:
        import chdb

        with self.lock:
            session = chdb.connect(self.folder)
            try:
                for name, value in settings.items():
                    session.query(f"SET {name} = '{value}'")
                insert = INSERT.match(statement)
                if insert:
                    return self._insert(session, insert, statement[insert.end() :])
                answer: bytes = session.query(statement.decode(), default_format).bytes() or b""
                return answer
            finally:
                session.close()

    def _insert(self, session: Any, insert: "re.Match[bytes]", data: bytes) -> bytes:
        with tempfile.NamedTemporaryFile(suffix=".rows") as file:
            file.write(data)
            file.flush()
            head, kind = insert[1].decode(), insert[2].decode()
            target = head[: head.rindex("FORMAT")]
            session.query(f"{target} FROM INFILE '{file.name}' FORMAT {kind}")
        return b""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms for an acknowledgement
    server: "Server"

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ping":
            return self.answer(200, b"Ok.\n")
        if urlsplit(self.path).path == "/faults":
            return self.answer(200, str(len(self.server.faults)).encode())
        return self.statement(b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if urlsplit(self.path).path == "/fault":
            self.server.faults.append(Fault(**json.loads(self.rfile.read(length))))
            return self.answer(200, b"")
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return self.statement(self.chunks())
        return self.statement(self.rfile.read(length))

    def chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def statement(self, body: bytes) -> None:
        parameters = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        query = parameters.get("query", "").encode()
        statement = b"\n".join(part for part in (query, body) if part)
        if not self.allowed():
            return self.refuse(516, f"default: Authentication failed: {self.headers.get('Host')}")
        fault = self.server.fault_at(statement[:4000].decode(errors="replace"))
        if fault == "half":
            statement = half_of(statement)
        if fault == "before":
            return self.cut()
        if fault == "die_before":
            os._exit(9)
        found = FORMAT.search(statement[-64:])
        settings = {name: v for name, v in parameters.items() if name not in TRANSPORT}
        try:
            result = self.server.engine.execute(statement, "TabSeparated", settings)
        except Exception as error:
            code = re.search(r"Code: (\d+)", str(error))
            return self.refuse(int(code[1]) if code else 1, str(error))
        if fault in ("half", "after"):
            return self.cut()
        if fault == "die_after":
            os._exit(9)
        kind = found[1].decode() if found else "TabSeparated"
        return self.answer(200, result, {"X-ClickHouse-Format": kind} if result else {})

    def allowed(self) -> bool:
        if self.server.password is None:
            return True
        given = self.headers.get("Authorization", "").removeprefix("Basic ")
        return base64.b64decode(given).decode().partition(":")[2] == self.server.password

    def refuse(self, code: int, message: str) -> None:
        text = message if message.startswith("Code:") else f"Code: {code}. DB::Exception: {message}"
        self.answer(500, text.encode(), {"X-ClickHouse-Exception-Code": str(code)})

    def cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(2)

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"X-ClickHouse-Timezone": "UTC", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        return


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, folder: str, port: int, password: str | None) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.engine = Engine(folder)
        self.password = password
        self.faults: list[Fault] = []
        self.lock = threading.Lock()

    def fault_at(self, statement: str) -> str | None:
        """The action of the fault that is due at a statement, which is then spent."""
        with self.lock:
            for fault in self.faults:
                if re.search(fault.pattern, statement):
                    if fault.skip:
                        fault.skip -= 1
                        return None
                    self.faults.remove(fault)
                    break
            else:
                return None
        if fault.action == "stall":
            threading.Event().wait(fault.seconds)
        return fault.action

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def half_of(statement: bytes) -> bytes:
    """An insert of Arrow rows with the first half of them."""
    import pyarrow as pa

    insert = INSERT.match(statement)
    assert insert is not None
    rows = pa.ipc.open_file(statement[insert.end() :]).read_all()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, rows.schema) as writer:
        writer.write_table(rows.slice(0, len(rows) // 2))
    half: bytes = sink.getvalue().to_pybytes()
    return statement[: insert.end()] + half


def end_with(parent: int) -> None:
    """Ends the server when the tests that started it are gone, however they ended."""
    while os.getppid() == parent:
        threading.Event().wait(1)
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--password")
    parser.add_argument("--certificate", help="PEM with key and certificate: serve TLS")
    options = parser.parse_args()
    server = Server(options.folder, options.port, options.password)
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
