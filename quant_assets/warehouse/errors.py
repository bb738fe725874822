"""What can go wrong in the warehouse, as types a caller can catch.

Belongs here: exception classes only. Each message names the table, the place and what to do about
it.
"""


class WarehouseError(Exception):
    """Base of every error that the warehouse raises on purpose."""


class SchemaError(WarehouseError, ValueError):
    """A frame does not fit the declared schema of its table.

    `table` and `column` name the place (`column` is None when the whole row is meant), `key` is the
    key of the first offending row (None when the error is about a column as such) and `rows` counts
    the offending rows (0 likewise).
    """

    def __init__(
        self,
        message: str,
        *,
        table: str,
        column: str | None = None,
        key: dict[str, object] | None = None,
        rows: int = 0,
    ) -> None:
        super().__init__(message)
        self.table = table
        self.column = column
        self.key = key
        self.rows = rows


class UnknownTableError(WarehouseError, ValueError):
    """A table name that no schema declares, or that no market of the warehouse has."""


class UnknownColumnError(WarehouseError, ValueError):
    """A column that the table does not have was asked for."""


class CorruptPartitionError(WarehouseError):
    """A partition's file cannot be read: cut short, or not Parquet at all."""


class QueryError(WarehouseError, ValueError):
    """A SQL query that the engine refused, with the engine's own words."""


class PartialWriteError(WarehouseError, OSError):
    """The storage refused to take all of a window (disk full, quota, network).

    `written` and `missing` are the partition keys that were replaced whole, and those that still
    hold what they held before. `errno` is that of the failure, so that a caller can tell a full
    disk (ENOSPC) from the rest.
    """

    def __init__(
        self, message: str, *, errno: int | None, written: list[str], missing: list[str]
    ) -> None:
        super().__init__(message)
        self.errno = errno
        self.written = written
        self.missing = missing


class ServerError(WarehouseError):
    """The ClickHouse server refused a statement; `code` is its own number for why, if it told."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class LostConnectionError(ServerError):
    """The ClickHouse server could not be reached, or was lost before it answered.

    Whether it has carried out the last statement is not known.
    """


class MigrationError(WarehouseError):
    """A table on the server differs from its declaration in a way that loses or reorders data."""


class BusyTableError(WarehouseError):
    """Another writer has held a table for longer than this one was ready to wait."""
