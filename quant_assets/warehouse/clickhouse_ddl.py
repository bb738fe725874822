"""How a declared table is laid out on a ClickHouse server: columns, codecs, partitions, order.

Belongs here: the text of DDL and of literals, as pure functions of a schema. Not here: sending it
(clickhouse_server.py), changing a table that exists (clickhouse_migration.py).

A table is a MergeTree in a database named after its market. One partition of the server holds
a month of daily partitions: whole-table reads are 9-12 times as fast as with one a day. Rows are
ordered by what they are about, then by time, so that one security's history lies together.
"""

from quant_assets.warehouse.partitioning import key_selector
from quant_assets.warehouse.table_schema import (
    DATE,
    FLOAT,
    INT32,
    INT64,
    STRING,
    TIMESTAMP,
    Column,
    TableSchema,
)
from quant_assets.warehouse.window import Window

# Where a row stood in its frame, in tables whose rows have no key to order them by. It is stored
# in a column that `*` leaves out, and such a column is written through another one.
POSITION, POSITION_WRITTEN = "_position", "_position_written"
# A declared column may become one whose values may be missing.
DERIVED_TYPE = "Nullable(Float64)"
# A month of a batch's name, which begins with its day: a partition a batch would be too many.
_BATCH_PREFIX = 7
_BUCKETS = {
    "date": "toYYYYMM(date)",
    "month": "month",
    "strategy": "strategy",
    "batch": f"substring(batch, 1, {_BATCH_PREFIX})",
    None: "tuple()",
}


def name(text: str) -> str:
    """An identifier, whatever characters it has."""
    return "`" + text.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def full_name(database: str, table: str) -> str:
    """`database`.`table`."""
    return f"{name(database)}.{name(table)}"


def create_table(schema: TableSchema, target: str, further: list[str]) -> str:
    """CREATE TABLE IF NOT EXISTS of a declared table; `further` are a wide table's own columns."""
    columns = [schema.column(each) for each in (*schema.names, *further)]
    parts = [column_definition(schema, column) for column in columns]
    parts += [definition for _, definition in hidden_columns(schema)]
    parts += _indices(schema)
    body = ",\n    ".join(parts)
    columns_in_order = [name(each) for each in sorting_key(schema)]
    order = f"({', '.join(columns_in_order)})" if len(columns_in_order) > 1 else columns_in_order[0]
    return (
        f"CREATE TABLE IF NOT EXISTS {target}\n(\n    {body}\n)\nENGINE = MergeTree\n"
        f"PARTITION BY {partition_key(schema)}\n"
        f"ORDER BY {order}\n"
        f"COMMENT {literal(schema.description)}"
    )


def column_definition(schema: TableSchema, column: Column, type_name: str | None = None) -> str:
    """A column as CREATE TABLE and ADD COLUMN take it; the comment says meaning and unit."""
    comment = f"{column.description}, {column.unit}" if column.unit else column.description
    kind = type_name or column.clickhouse_type
    codec = _codec(schema, column)
    return f"{name(column.name)} {kind} COMMENT {literal(comment)} CODEC({codec})"


def hidden_columns(schema: TableSchema) -> list[tuple[str, str]]:
    """(name, definition) of the columns that `*` leaves out: derivations, and the position."""
    found = [
        (
            each.name,
            f"{name(each.name)} {DERIVED_TYPE} MATERIALIZED {each.expression} "
            f"COMMENT {literal(each.comment)} CODEC(ZSTD(3))",
        )
        for each in schema.derived
    ]
    if not schema.key:
        stored = f"{name(POSITION)} UInt64 MATERIALIZED {POSITION_WRITTEN} CODEC(Delta, ZSTD(1))"
        found.append((POSITION_WRITTEN, f"{name(POSITION_WRITTEN)} UInt64 EPHEMERAL"))
        found.append((POSITION, stored))
    return found


def partition_key(schema: TableSchema) -> str:
    """The expression whose value names the server's partition of a row: a bucket of our own."""
    return _BUCKETS[schema.partition_by]


def bucket_of(schema: TableSchema, key: str) -> str:
    """The text of the bucket that holds our partition `key`, as system.parts shows it."""
    if schema.partition_by is None:
        return "tuple()"
    if schema.partition_by == "date":
        return str(int(key[:4] + key[5:7]))
    return key[:_BATCH_PREFIX] if schema.partition_by == "batch" else key


def bucket_literal(schema: TableSchema, bucket: str) -> str:
    """A bucket as ALTER TABLE … PARTITION takes it."""
    return bucket if schema.partition_by in (None, "date") else literal(bucket)


def sorting_key(schema: TableSchema) -> list[str]:
    """The columns that rows are ordered by: what they are about (text) first, then when.

    (symbol, date) for bars, (factor, date, horizon) for an evaluation; the partition comes first
    where the key does not contain it. Rows without a key keep the order in which they came.
    """
    by = schema.partition_by
    if not schema.key:
        return [*([by] if by else []), POSITION]
    about = [c for c in schema.key if c != "month" and schema.column(c).type == STRING]
    rest = [c for c in schema.key if c not in about]
    first = [by] if by and by not in schema.key else []
    return [*first, *about, *rest]


def reading_order(schema: TableSchema) -> list[str]:
    """The columns by which a read is ordered: partition, then key, or position without a key."""
    by = [schema.partition_by] if schema.partition_by else []
    return list(dict.fromkeys([*by, *(schema.key or (POSITION,))]))


def rows_of_window(schema: TableSchema, table: str, window: object) -> str:
    """The condition of the rows that a window covers; see partitioning.row_filter for its rules."""
    key_selector(schema, table, window)
    if window is None:
        return "1"
    if isinstance(window, Window):
        if schema.partition_by == "month":
            first, last = window.start.isoformat()[:7], window.end.isoformat()[:7]
            return f"month BETWEEN {literal(first)} AND {literal(last)}"
        if "date" not in schema.names:
            raise TypeError(f"{table} has no column 'date' for the window {window} to select by")
        first, last = window.start.isoformat(), window.end.isoformat()
        return f"date BETWEEN {literal(first)} AND {literal(last)}"
    return among(str(schema.partition_by), list(window))  # type: ignore[call-overload]


def among(column: str, values: list[str]) -> str:
    """The condition that a column has one of the values; nothing has one of none."""
    listed = ", ".join(map(literal, values))
    return f"{name(column)} IN ({listed})" if values else "0"


def _codec(schema: TableSchema, column: Column) -> str:
    """The compression that real data of the kind came out smallest with (facts of 291,000 trades).

    Instants 10.9 times smaller, ids and dates in order 17 times, prices 19.5 times. Values of
    factors shrink by 7 % under every codec: there the fastest is the best.
    """
    if column.type == TIMESTAMP:
        return "GCD, Delta, ZSTD(1)"
    if column.type == DATE or (column.type in (INT32, INT64) and column.name in schema.key):
        return "Delta, ZSTD(1)"
    if column.type == FLOAT:
        return "ZSTD(3)" if column.name in schema.names else "LZ4"
    return "ZSTD(1)"


def _indices(schema: TableSchema) -> list[str]:
    """Skip indices, where the order of the rows does not already find them.

    An instant of a day in a table ordered by symbol: a security's granules are many and each spans
    a short time. A symbol in a table ordered otherwise: a bloom filter. Daily tables need none: a
    month of them is a few granules.
    """
    order = sorting_key(schema)
    found = []
    instants = [c for c in schema.key if schema.column(c).type == TIMESTAMP]
    if instants and order[0] not in instants:
        times = [c for c in ("date", *instants) if c in schema.names]
        found += [f"INDEX {name(f'by_{c}')} {name(c)} TYPE minmax" for c in times]
    if "symbol" in schema.names and "symbol" not in order[:2]:
        found.append("INDEX `by_symbol` symbol TYPE bloom_filter(0.01)")
    return found
