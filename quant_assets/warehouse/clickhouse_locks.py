"""One writer a table at a time, between processes and machines, on nothing but the server itself.

Belongs here: claims of tables, their lease, and shutting out a writer that has lost its claim. Not
here: what a writer does with a table (clickhouse_writing.py).

A claim is an empty table `<market>.<asset>.lock.<number>` in the bookkeeping database: CREATE TABLE
succeeds for one only. The highest number counts; its comment names the owner, or says that it is
free. The owner renews the comment, whose age the server's own clock tells; a claim not renewed for
the length of the lease is over, and the next number may be taken. The highest one is never removed,
so numbers only grow.

A writer that was merely slow may still be at work when its claim is over. All it does to a table
goes through staging tables that carry its number; who takes the next number drops those first, and
waits until no statement uses them (SYNC), so that what the slow writer would do next fails.
"""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from quant_assets.warehouse.clickhouse_ddl import full_name, literal, name
from quant_assets.warehouse.clickhouse_server import Server
from quant_assets.warehouse.errors import BusyTableError, ServerError

_FREE = "free"
_TABLE_EXISTS, _UNKNOWN_DATABASE = 57, 81
_POLL_SECONDS = 0.05
LEASE_SECONDS = 30.0
PATIENCE_SECONDS = 900.0


@dataclass(frozen=True)
class Claim:
    """A table that this process alone may write at present."""

    database: str
    table: str
    number: int

    @property
    def stage(self) -> str:
        """The prefix of the names of its staging tables."""
        return f"{self.table}.stage.{self.number}."


class TableLocks:
    """Claims of tables on one server.

    `lease` is after how many seconds without a sign of life a claim is over, `patience` how many
    seconds to wait for one.
    """

    def __init__(
        self,
        server: Server,
        lease: float = LEASE_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._server = server
        self._database = server.address.database
        self._lease = lease
        self._patience = patience

    @contextmanager
    def claim(self, table: str) -> Iterator[Claim]:
        """The claim of `market.asset` for the length of the block; BusyTableError when patience
        ends.
        """
        owner = f"owner {uuid.uuid4().hex}"
        claim = self._acquire(table, owner)
        done = threading.Event()
        renewal = threading.Thread(target=self._renew, args=(claim, owner, done), daemon=True)
        renewal.start()
        try:
            yield claim
        finally:
            done.set()
            renewal.join()
            self._release(claim)

    def _acquire(self, table: str, owner: str) -> Claim:
        deadline = time.monotonic() + self._patience
        while True:
            held = self._current(table)
            if held is None or held["comment"] == _FREE or held["age"] > self._lease:
                claim = Claim(self._database, table, held["number"] + 1 if held else 1)
                if self._take(claim, owner):
                    self._clear(claim)
                    return claim
            elif time.monotonic() > deadline:
                raise BusyTableError(
                    f"{table.replace('.', '/')} has been written by another process for "
                    f"{self._patience:g} s; wait for its end, or stop it, and materialize again"
                )
            time.sleep(_POLL_SECONDS)

    def _current(self, table: str) -> dict[str, Any] | None:
        """The highest claim of a table: number, comment, age in seconds by the server's clock."""
        prefix = f"{table}.lock."
        found = self._server.rows(
            f"SELECT toUInt64(substring(name, {len(prefix) + 1})) AS number, comment, "
            "toInt64(now() - metadata_modification_time) AS age FROM system.tables "
            f"WHERE database = {literal(self._database)} AND startsWith(name, {literal(prefix)}) "
            "ORDER BY number DESC LIMIT 1"
        )
        return found[0] if found else None

    def _take(self, claim: Claim, owner: str) -> bool:
        """Whether the claim is ours: created by us, and no higher one was there already."""
        create = f"CREATE TABLE {self._lock_of(claim)} (x UInt8) ENGINE = Null COMMENT "
        try:
            self._server.run(create + literal(owner))
        except ServerError as error:
            if error.code == _UNKNOWN_DATABASE:
                self._server.run(f"CREATE DATABASE IF NOT EXISTS {name(self._database)}")
                return self._take(claim, owner)
            if error.code != _TABLE_EXISTS:
                raise
            # by another writer, or by our own statement whose answer was lost
        held = self._current(claim.table)
        if held is not None and held["number"] == claim.number:
            return bool(held["comment"] == owner)
        # a stale look at the claims: this number had been in use and removed before
        self._server.run(f"DROP TABLE IF EXISTS {self._lock_of(claim)}")
        return False

    def _clear(self, claim: Claim) -> None:
        """Removes lower claims, and shuts their owners out by dropping what they write through."""
        prefixes = (f"{claim.table}.stage.", f"{claim.table}.lock.")
        found = self._server.rows(
            f"SELECT name FROM system.tables WHERE database = {literal(self._database)} "
            f"AND ({' OR '.join(f'startsWith(name, {literal(each)})' for each in prefixes)})"
        )
        for row in found:
            prefix = next(each for each in prefixes if row["name"].startswith(each))
            if int(row["name"].removeprefix(prefix).split(".")[0]) < claim.number:
                target = full_name(self._database, row["name"])
                self._server.run(f"DROP TABLE IF EXISTS {target} SYNC")

    def _renew(self, claim: Claim, owner: str, done: threading.Event) -> None:
        while not done.wait(self._lease / 4):
            try:
                self._comment(claim, owner)
            except ServerError:
                continue  # lost for now or for good: who took over has shut this writer out

    def _release(self, claim: Claim) -> None:
        try:
            self._comment(claim, _FREE)
        except ServerError:
            return  # it ends by itself when the lease is over

    def _comment(self, claim: Claim, text: str) -> None:
        self._server.once(f"ALTER TABLE {self._lock_of(claim)} MODIFY COMMENT {literal(text)}")

    def _lock_of(self, claim: Claim) -> str:
        return full_name(self._database, f"{claim.table}.lock.{claim.number}")
