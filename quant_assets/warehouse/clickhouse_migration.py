"""Tables on a server that follow their declarations: made, widened, or refused.

Belongs here: comparing a stored table with its schema, and the ALTER statements that add to it. Not
here: rows.

Nothing stored is ever changed in meaning. A column that is new is added; where rows are there that
have no value for it, it is added as Nullable, as a read of an older Parquet file gives null. A
column that may be missing from now on becomes Nullable. A column whose type changed and a new order
of rows are refused: what they need is a new table and a backfill, by somebody's decision.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.warehouse import clickhouse_ddl as ddl
from quant_assets.warehouse.clickhouse_server import Server
from quant_assets.warehouse.errors import MigrationError, SchemaError
from quant_assets.warehouse.table_schema import Column, TableSchema

_FIRST_DAY, _LAST_DAY = date(1900, 1, 1), date(2299, 12, 31)


@dataclass(frozen=True)
class Stored:
    """A table as it is on the server: whether this call made it or changed it, and its columns."""

    changed: bool
    columns: list[str]


def stored_columns(server: Server, database: str, table: str) -> dict[str, dict[str, Any]]:
    """The columns of a table by name, in order; {} where there is no table."""
    found = server.rows(
        "SELECT name, type, default_kind, comment FROM system.columns "
        f"WHERE database = {ddl.literal(database)} AND table = {ddl.literal(table)} "
        "ORDER BY position"
    )
    return {row["name"]: row for row in found}


def bring_up_to_date(
    server: Server, schema: TableSchema, full: str, further: list[str] | None = None
) -> Stored:
    """Makes `market/asset` hold the declared columns and `further` ones of a wide table.

    Raises MigrationError, having changed nothing, where that cannot be done without a loss.
    """
    database, table = full.split("/")
    target = ddl.full_name(database, table)
    stored = stored_columns(server, database, table)
    if not stored:
        server.run(f"CREATE DATABASE IF NOT EXISTS {ddl.name(database)}")
        server.run(ddl.create_table(schema, target, further or []))
        return Stored(True, [*schema.names, *(further or [])])
    rows = _check_layout(server, schema, full)
    changes = _changes(schema, full, stored, further or [], has_rows=rows > 0)
    if changes:
        server.run(f"ALTER TABLE {target} {', '.join(changes)}")
    for statement in _recomputed(schema, stored):
        server.run(f"ALTER TABLE {target} {statement}")
    ordinary = [name for name, column in stored.items() if not column["default_kind"]]
    new = [name for name in (*schema.names, *(further or [])) if name not in stored]
    return Stored(bool(changes), ordinary + new)


def check_dates(server: Server, table: str, frame: pa.Table) -> None:
    """Raises SchemaError for a day that this server would store as another one.

    Older servers keep days from 1900 to 2299 and change others without a word.
    """
    for field in frame.schema:
        if not pa.types.is_date(field.type):
            continue
        extremes = pc.min_max(frame.column(field.name)).as_py()
        for day in extremes.values():
            if day is None or _FIRST_DAY <= day <= _LAST_DAY:
                continue
            text = ddl.literal(day.isoformat())
            if server.rows(f"SELECT toString(toDate32({text})) = {text} AS kept")[0]["kept"] != 1:
                raise SchemaError(
                    f"{table}: column {field.name!r} holds {day}; this server keeps days from "
                    f"{_FIRST_DAY} to {_LAST_DAY} only, newer ones keep every day",
                    table=table,
                    column=field.name,
                )


def _check_layout(server: Server, schema: TableSchema, full: str) -> int:
    """The number of rows; MigrationError where they are ordered or divided in another way."""
    database, table = full.split("/")
    (found,) = server.rows(
        "SELECT engine, partition_key, sorting_key, toInt64(ifNull(total_rows, 1)) AS rows "
        f"FROM system.tables WHERE database = {ddl.literal(database)} "
        f"AND name = {ddl.literal(table)}"
    )
    order = ", ".join(ddl.sorting_key(schema))
    wanted = {"partition_key": ddl.partition_key(schema), "sorting_key": order}
    for what, value in wanted.items():
        if found[what] != value:
            raise MigrationError(
                f"{full}: the table on the server has the {what.replace('_', ' ')} ({found[what]}),"
                f" declared is ({value}). {_way_out(full)}"
            )
    return int(found["rows"])


def _way_out(full: str) -> str:
    target = full.replace("/", ".")
    return (
        "A stored table is not rebuilt by itself: put it aside on the server (RENAME TABLE "
        f"{target} TO {target}_old), then materialize {full} again."
    )


def _changes(
    schema: TableSchema,
    full: str,
    stored: dict[str, dict[str, Any]],
    further: list[str],
    has_rows: bool,
) -> list[str]:
    changes = []
    before = ""
    for name in (*schema.names, *further):
        column = schema.column(name)
        if name not in stored:
            place = (
                (f" AFTER {ddl.name(before)}" if before else " FIRST")
                if name in schema.names
                else ""
            )
            kind = f"Nullable({column.clickhouse_type})"
            known = column.nullable or not has_rows
            definition = ddl.column_definition(schema, column, None if known else kind)
            changes.append(f"ADD COLUMN IF NOT EXISTS {definition}{place}")
        elif _widened(schema, full, column, stored[name]["type"]):
            changes.append(f"MODIFY COLUMN {ddl.name(name)} {column.clickhouse_type}")
        before = name
    for name, definition in ddl.hidden_columns(schema):
        if name not in stored:
            changes.append(f"ADD COLUMN IF NOT EXISTS {definition}")
    return changes


def _widened(schema: TableSchema, full: str, column: Column, stored: str) -> bool:
    """Whether a column must become Nullable; MigrationError where its type is another one."""
    wanted = column.clickhouse_type
    if stored in (wanted, f"Nullable({wanted})"):
        return False
    if wanted == f"Nullable({stored})" and column.name not in ddl.sorting_key(schema):
        return True
    raise MigrationError(
        f"{full}: column {column.name!r} is {stored} on the server, declared is {wanted}. "
        f"{_way_out(full)}"
    )


def _recomputed(schema: TableSchema, stored: dict[str, dict[str, Any]]) -> list[str]:
    """What gives a derivation whose expression has changed its new values, old rows included."""
    definitions = dict(ddl.hidden_columns(schema))
    statements = []
    for each in schema.derived:
        if each.name in stored and stored[each.name]["comment"] != each.comment:
            statements.append(f"MODIFY COLUMN {definitions[each.name]}")
            statements.append(f"MATERIALIZE COLUMN {ddl.name(each.name)}")
    return statements
