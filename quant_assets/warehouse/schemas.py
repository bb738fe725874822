"""Every table of the warehouse: the one list of declarations, and what is read from it.

Belongs here: the look-up of a table's schema and the documentation page. The declarations stand
in tables/, one module a group: columns with type, unit, meaning, nullability and bounds, the key,
the partitioning. The Arrow schema, validation on write, ClickHouse types, generated asset checks
and the documentation page all come from them. Not here: how tables are stored (parquet.py).

Conventions: floats are float64; money in the market's currency; returns are simple; dates are
local session dates; a row dated t holds what was known at the close of t; a missing value is null.
"""

from difflib import get_close_matches

from quant_assets.warehouse.errors import SchemaError, UnknownTableError
from quant_assets.warehouse.table_schema import FLOAT, Column, TableSchema
from quant_assets.warehouse.tables import (
    backtests,
    combined,
    factors,
    market_data,
    mining,
    models,
    order_book,
    recommendations,
    sweeps,
)

__all__ = [
    "SCHEMAS",
    "Column",
    "SchemaError",
    "TableSchema",
    "documentation",
    "is_declared",
    "schema_of",
    "split_table",
]

_TABLES = (
    *market_data.TABLES,
    *order_book.TABLES,
    *factors.TABLES,
    *mining.TABLES,
    *models.TABLES,
    *backtests.TABLES,
    *combined.TABLES,
    *sweeps.TABLES,
    *recommendations.TABLES,
)
_FACTORS = "factors_<library>"
_FACTORS_PREFIX = "factors_"
SCHEMAS: dict[str, TableSchema] = {schema.name: schema for schema in _TABLES}


def split_table(table: str) -> tuple[str, str]:
    """(market, asset) of a full name such as `us/bars`; UnknownTableError for any other form."""
    parts = table.split("/")
    if len(parts) != 2 or not all(part.isidentifier() for part in parts):
        raise UnknownTableError(f"a table is named market/asset, such as us/bars; got {table!r}")
    return parts[0], parts[1]


def schema_of(table: str) -> TableSchema:
    """The schema of `us/bars` or `bars`; every `factors_<library>` shares one declaration.

    Raises UnknownTableError with near names for a table that is not declared.
    """
    asset = split_table(table)[1] if "/" in table else table
    if is_declared(asset):
        return SCHEMAS.get(asset) or SCHEMAS[_FACTORS]
    near = get_close_matches(asset, SCHEMAS, n=3)
    hint = f"did you mean {', '.join(near)}?" if near else f"declared are {', '.join(SCHEMAS)}"
    raise UnknownTableError(f"no table {table!r}; {hint}")


def is_declared(asset: str) -> bool:
    """Whether `asset` (without its market) is a declared table or names a factor library."""
    library = asset.removeprefix(_FACTORS_PREFIX)
    return asset in SCHEMAS or (asset.isidentifier() and library not in ("", asset))


def documentation() -> str:
    """A Markdown page of all tables: what each is, its key and partitions, and every column."""
    lines = [
        "# Tables",
        "",
        "Full names are `market/table` (`us/bars`), in SQL `market.table` (`us.bars`).",
        "",
    ]
    for schema in _TABLES:
        lines += [f"## {schema.name}", "", schema.description, "", _identity(schema), ""]
        lines += [
            "| column | type | unit | missing | bounds | meaning |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        further = (
            [Column("…", FLOAT, schema.wide_description, nullable=True)] if schema.wide else []
        )
        lines += [_documented(column) for column in (*schema.columns, *further)]
        lines.append("")
        for each in schema.derived:
            lines += [f"In SQL also `{each.name}` = {each.expression}: {each.description}.", ""]
    return "\n".join(lines)


def _identity(schema: TableSchema) -> str:
    key = f"Key: {', '.join(schema.key)}." if schema.key else "No key."
    pieces = (
        f"One partition a {schema.partition_by}." if schema.partition_by else "Not partitioned."
    )
    return f"{key} {pieces}"


def _documented(column: Column) -> str:
    missing = "may be null" if column.nullable else ""
    cells = (
        f"`{column.name}`",
        str(column.type),
        column.unit,
        missing,
        column.bounds,
        column.description,
    )
    return f"| {' | '.join(cells)} |"
