"""The way to a ClickHouse server: one pool of connections, and what to try again.

Belongs here: connecting with the credentials of the environment, sending statements and frames, the
translation of failures, repeating what was lost on the way. Not here: the address
(clickhouse_address.py), what is sent.

The password comes from QUANT_ASSETS_CLICKHOUSE_PASSWORD only. It is handed to the driver and kept
nowhere else: no address, message or repr holds it.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import pyarrow as pa

from quant_assets.warehouse.clickhouse_address import PASSWORD, Address
from quant_assets.warehouse.clickhouse_ddl import name
from quant_assets.warehouse.errors import LostConnectionError, ServerError

_CONNECTIONS = 16
_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 600  # a month of order books is copied in one statement
_PATIENCE_SECONDS = 60.0  # a restart of a server takes less
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 3.0
# The server is there but cannot just now: too busy, stopping, starting, a lost node behind it.
_TRANSIENT = {159, 202, 209, 210, 236, 252, 279, 319, 425, 439, 999}
_REFUSED_USER = {192, 193, 194, 516}

Result = TypeVar("Result")


class Server:
    """A server at an address; connects when first asked, from any number of threads.

    `patience` is how many seconds a statement that may be repeated is tried before it fails.
    """

    def __init__(self, address: Address, patience: float = _PATIENCE_SECONDS) -> None:
        self.address = address
        self.patience = patience
        self._client: Any = None
        self._connecting = threading.Lock()

    def __repr__(self) -> str:
        return f"Server({str(self.address)!r})"

    def run(self, statement: str, settings: Mapping[str, Any] | None = None) -> None:
        """A statement whose second time changes nothing; repeated when it was lost on the way."""
        self.repeat(lambda: self.once(statement, settings))

    def once(self, statement: str, settings: Mapping[str, Any] | None = None) -> None:
        """A statement that is not repeated here: the caller knows what to do when it is lost."""
        with self._failures():
            self._connected().command(statement, settings=dict(settings or {}))

    def rows(self, query: str) -> list[dict[str, Any]]:
        """The rows of a small answer."""
        found: list[dict[str, Any]] = self.query(query).to_pylist()
        return found

    def query(self, query: str, settings: Mapping[str, Any] | None = None) -> pa.Table:
        """The answer to a query, which is repeated when it was lost on the way."""
        return self.repeat(lambda: self._query(query, settings or {}))

    def known(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the settings that the server knows; older ones lack some."""

        def known() -> dict[str, Any]:
            with self._failures():
                present = self._connected().server_settings
            return {key: value for key, value in settings.items() if key in present}

        return self.repeat(known)

    def insert(self, target: str, frame: pa.Table, settings: Mapping[str, Any]) -> None:
        """Rows into a table, not repeated: after a loss it is unknown how many have arrived."""
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, frame.schema, options=options) as writer:
            writer.write_table(frame)
        with self._failures():
            columns = ", ".join(map(name, frame.column_names))
            self._connected().raw_insert(
                f"{target} ({columns})",
                insert_block=sink.getvalue().to_pybytes(),
                settings=dict(settings),
                fmt="Arrow",
            )

    def repeat(self, action: Callable[[], Result]) -> Result:
        """What the action gives, tried again after each lost connection until patience ends."""
        waited, pause = 0.0, _FIRST_PAUSE
        while True:
            try:
                return action()
            except LostConnectionError:
                if waited + pause > self.patience:
                    raise
                time.sleep(pause)
                waited, pause = waited + pause, min(2 * pause, _LONGEST_PAUSE)

    def _query(self, query: str, settings: Mapping[str, Any]) -> pa.Table:
        # The server answers when it knows the whole of it: an error is never the tail of an answer.
        whole = {"wait_end_of_query": 1, **settings}
        with self._failures():
            try:
                return self._connected().query_arrow(query, settings=whole, use_strings=True)
            except pa.ArrowInvalid as error:
                # The format has a footer: what broke off cannot be taken for a short answer.
                raise LostConnectionError(
                    f"{self._where()}: the answer broke off ({error})"
                ) from None

    def _connected(self) -> Any:
        if self._client is None:
            with self._connecting:
                if self._client is None:
                    self._client = self._connect()
        return self._client

    def _connect(self) -> Any:
        import clickhouse_connect
        from clickhouse_connect.driver.httputil import get_pool_manager

        address = self.address
        pool = get_pool_manager(maxsize=_CONNECTIONS, ca_cert=address.ca_cert)
        return clickhouse_connect.get_client(
            host=address.host,
            port=address.port,
            username=address.user,
            password=os.environ.get(PASSWORD, ""),
            secure=address.secure,
            interface="https" if address.secure else "http",
            pool_mgr=pool,
            connect_timeout=_CONNECT_SECONDS,
            send_receive_timeout=_ANSWER_SECONDS,
            autogenerate_session_id=False,  # a session is for one thread at a time
            query_retries=0,
            show_clickhouse_errors=True,
        )

    def _where(self) -> str:
        return f"the ClickHouse server {self.address.host}:{self.address.port}"

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """The driver's errors as ours."""
        from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
        from urllib3.exceptions import HTTPError

        try:
            yield
        except (HTTPError, ConnectionError) as error:
            raise LostConnectionError(f"{self._where()} was lost: {error}") from None
        except ClickHouseError as error:
            code, text = getattr(error, "code", None), _own_words(str(error))
            if code in _REFUSED_USER:
                raise ServerError(
                    f"{self._where()} refused the user {self.address.user!r}: check the user in "
                    f"QUANT_ASSETS_WAREHOUSE and {PASSWORD}. {text}",
                    code=code,
                ) from None
            if code is None and "CERTIFICATE_VERIFY_FAILED" in text:
                raise ServerError(
                    f"{self._where()} shows a certificate that is not trusted: name the file of "
                    f"its authority with &ca_cert=… in QUANT_ASSETS_WAREHOUSE. {text}"
                ) from None
            if code in _TRANSIENT or (code is None and isinstance(error, OperationalError)):
                raise LostConnectionError(f"{self._where()} was lost: {text}", code=code) from None
            raise ServerError(f"{self._where()}: {text}", code=code) from None


def _own_words(message: str) -> str:
    """The server's message without what the driver puts around it."""
    start = message.find("Code: ")
    text = message[start:] if start >= 0 else message
    return text.split(" (for url ")[0].strip()
