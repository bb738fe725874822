"""Replacing the rows of a window on a ClickHouse server so that no reader ever sees half of it.

Belongs here: staging tables and the one statement that puts them into place. Not here: who may
write (clickhouse_locks.py), which partitions a window has (partitioning.py).

Everything is prepared in a staging table of the same structure: the new rows, and those that stay
of the server's partitions (months) that the window touches. One month is then put into place by
REPLACE PARTITION; of several, the staging table gets the untouched months as hard links and takes
the table's place by EXCHANGE TABLES. Both are one step for every reader.

Until that step nothing has happened: when a connection is lost, the staging table is left and a
new one begun. REPLACE PARTITION done twice is done once; of EXCHANGE TABLES, which done twice is
undone, the table's identity tells whether it has happened. So nothing is lost and nothing doubled.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import count

import numpy as np
import pyarrow as pa

from quant_assets.warehouse import clickhouse_ddl as ddl
from quant_assets.warehouse.clickhouse_locks import Claim
from quant_assets.warehouse.clickhouse_server import Server
from quant_assets.warehouse.errors import LostConnectionError, ServerError
from quant_assets.warehouse.table_schema import TableSchema

_BATCH_BYTES = 64 * 2**20
_UNKNOWN_TABLE, _OTHER_STRUCTURE = 60, 122
_SETTINGS = {"max_partitions_per_insert_block": 0}  # a decade is 120 months in one insert


class ClaimLostError(ServerError):
    """Another writer has taken over the table meanwhile; nothing of this window was written."""


class WindowWriter:
    """Writes windows of one table under a claim.

    `columns` are the table's stored columns but for derived ones.
    """

    def __init__(
        self, server: Server, claim: Claim, schema: TableSchema, table: str, columns: list[str]
    ) -> None:
        self._server = server
        self._claim = claim
        self._schema = schema
        self._database, self._table = table.split("/")
        self._target = ddl.full_name(self._database, self._table)
        self._columns = columns
        self._numbers = count()

    def buckets(self, condition: str) -> set[str]:
        """The server's partitions that hold rows of the condition."""
        found = self._server.rows(
            f"SELECT DISTINCT toString({ddl.partition_key(self._schema)}) AS bucket "
            f"FROM {self._target} WHERE {condition}"
        )
        return {"tuple()" if self._schema.partition_by is None else row["bucket"] for row in found}

    def replace(self, condition: str, buckets: set[str], frame: pa.Table) -> None:
        """Puts `frame`, rows of the buckets only, in the place of the rows of the condition."""
        try:
            stage = self._server.repeat(lambda: self._fill(condition, buckets, frame))
            if len(buckets) == 1:
                self._replace_bucket(stage, next(iter(buckets)))
            else:
                self._exchange(stage)
        except ServerError as error:
            if error.code in (_UNKNOWN_TABLE, _OTHER_STRUCTURE):
                raise ClaimLostError(str(error), code=error.code) from None
            raise
        finally:
            self._drop_stages()

    def _fill(self, condition: str, buckets: set[str], frame: pa.Table) -> str:
        """A new staging table with the new rows and those that stay; gives its name."""
        name = f"{self._claim.stage}{next(self._numbers)}"
        stage = ddl.full_name(self._claim.database, name)
        self._server.once(f"CREATE TABLE {stage} AS {self._target}")
        for batch in self._batches(frame):
            self._server.insert(stage, batch, _SETTINGS)
        arrived = self._server.rows(f"SELECT toInt64(count()) AS n FROM {stage}")[0]["n"]
        if arrived != frame.num_rows:
            # An insert whose answer was lost may have been sent again on the way.
            raise LostConnectionError(
                f"{frame.num_rows} rows were sent to {stage}, it has {arrived}"
            )
        if condition != "1":
            hidden = [] if self._schema.key else [(ddl.POSITION_WRITTEN, ddl.POSITION)]
            pairs = [*((column, column) for column in self._columns), *hidden]
            written = ", ".join(ddl.name(column) for column, _ in pairs)
            read = ", ".join(ddl.name(column) for _, column in pairs)
            among = ", ".join(ddl.bucket_literal(self._schema, each) for each in sorted(buckets))
            self._server.once(
                f"INSERT INTO {stage} ({written}) SELECT {read} FROM {self._target} "
                f"WHERE {ddl.partition_key(self._schema)} IN ({among}) AND NOT ({condition})",
                _SETTINGS,
            )
        if len(buckets) > 1:
            for identity in self._untouched(buckets):
                self._server.once(
                    f"ALTER TABLE {stage} ATTACH PARTITION ID {ddl.literal(identity)} "
                    f"FROM {self._target}"
                )
        return name

    def _batches(self, frame: pa.Table) -> Iterator[pa.Table]:
        if not self._schema.key:
            frame = frame.append_column(
                ddl.POSITION_WRITTEN, pa.array(np.arange(len(frame), dtype=np.uint64))
            )
        size = max(1, _BATCH_BYTES * len(frame) // max(frame.nbytes, 1))
        for start in range(0, len(frame), size):
            yield frame.slice(start, size)

    def _untouched(self, buckets: set[str]) -> list[str]:
        found = self._server.rows(
            "SELECT DISTINCT partition, partition_id FROM system.parts WHERE active "
            f"AND database = {ddl.literal(self._database)} AND table = {ddl.literal(self._table)}"
        )
        return [row["partition_id"] for row in found if row["partition"] not in buckets]

    def _replace_bucket(self, stage: str, bucket: str) -> None:
        # An empty staging table empties the partition. DROP PARTITION would do so too, but a writer
        # that has lost its claim could still do that.
        from_nothing = self._server.known({"allow_replace_partition_from_empty_source": 1})
        self._server.run(
            f"ALTER TABLE {self._target} REPLACE PARTITION "
            f"{ddl.bucket_literal(self._schema, bucket)} "
            f"FROM {ddl.full_name(self._claim.database, stage)}",
            from_nothing,
        )

    def _exchange(self, stage: str) -> None:
        identity = self._identity(self._claim.database, stage)
        if identity is None:
            raise ClaimLostError(f"{stage} is gone", code=_UNKNOWN_TABLE)

        def exchange() -> None:
            if self._identity(self._database, self._table) != identity:
                prepared = ddl.full_name(self._claim.database, stage)
                self._server.once(f"EXCHANGE TABLES {self._target} AND {prepared}")

        self._server.repeat(exchange)

    def _identity(self, database: str, table: str) -> str | None:
        found = self._server.rows(
            "SELECT toString(uuid) AS identity FROM system.tables "
            f"WHERE database = {ddl.literal(database)} AND name = {ddl.literal(table)}"
        )
        return found[0]["identity"] if found else None

    def _drop_stages(self) -> None:
        # What cannot be dropped now is dropped by the next writer of the table.
        with suppress(ServerError):
            found = self._server.rows(
                "SELECT name FROM system.tables "
                f"WHERE database = {ddl.literal(self._claim.database)} "
                f"AND startsWith(name, {ddl.literal(self._claim.stage)})"
            )
            for row in found:
                target = ddl.full_name(self._claim.database, row["name"])
                self._server.once(f"DROP TABLE IF EXISTS {target}")
