"""The vocabulary of declared tables: columns and TableSchema, and what follows from a declaration.

Belongs here: the types, the Arrow schema and the ClickHouse types derived from them. Not here:
the declarations (schemas.py) and the checks of frames (validation.py).
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

if TYPE_CHECKING:
    import pandas as pd

    from quant_assets.warehouse.errors import SchemaError

PartitionBy = Literal["date", "month", "strategy", "batch"]
# How the values of a column are written in files. `delta`: the differences from row to row, for
# what grows steadily (instants, sequence numbers, running totals); `dictionary`: each different
# value once, for few of them; `plain`: as they are.
Encoding = Literal["delta", "dictionary", "plain"]

DATE = pa.date32()
STRING = pa.string()
FLOAT = pa.float64()
INT8 = pa.int8()
INT32 = pa.int32()
INT64 = pa.int64()
BOOL = pa.bool_()
# An instant: clocks of several machines and time zones meet in one table.
TIMESTAMP = pa.timestamp("ns", tz="UTC")

# Date32 and not Date: ClickHouse's Date begins in 1970, and price histories do not.
_CLICKHOUSE = {
    DATE: "Date32",
    STRING: "String",
    FLOAT: "Float64",
    INT8: "Int8",
    INT32: "Int32",
    INT64: "Int64",
    BOOL: "Bool",
    TIMESTAMP: "DateTime64(9, 'UTC')",
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Missing values are nulls; NaN counts as missing and is stored as null. `minimum` and `maximum`
    are inclusive, `above` is an exclusive lower bound (prices are above 0). Floats are always
    finite. `encoding` is chosen by the type where none is given: plain for floats, which hardly
    repeat, dictionary for the rest.
    """

    name: str
    type: pa.DataType
    description: str
    unit: str = ""
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    encoding: Encoding | None = None

    @property
    def clickhouse_type(self) -> str:
        """The ClickHouse type, `Nullable(…)` where nulls are allowed."""
        name = _CLICKHOUSE[self.type]
        return f"Nullable({name})" if self.nullable else name

    @property
    def bounds(self) -> str:
        """The bounds in words of mathematics, "" without any: `> 0`, `0 … 1`, `>= 0`."""
        if self.above is not None:
            return f"> {self.above:g}" + (
                f", <= {self.maximum:g}" if self.maximum is not None else ""
            )
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} … {self.maximum:g}"
        if self.minimum is not None:
            return f">= {self.minimum:g}"
        return f"<= {self.maximum:g}" if self.maximum is not None else ""


@dataclass(frozen=True, slots=True)
class Derived:
    """A number that follows from the other columns of its row, for SQL only.

    `expression` is ClickHouse's SQL over declared columns, null where one of them is. SQL knows
    the column by its name and leaves it out of `*`; a read does not have it. A server keeps its
    values, over files they are computed when asked for.
    """

    name: str
    expression: str
    description: str
    unit: str = ""

    @property
    def comment(self) -> str:
        """What stands beside the column on the server; another expression is another comment."""
        return f"{self.description} = {self.expression}"


@dataclass(frozen=True)
class TableSchema:
    """A declared table: everything that is known about its rows before any is written.

    `key` names the columns whose values identify a row ((): rows have no identity). `partition_by`
    names the column that says which partition a row belongs to (None: the table is one piece). A
    `wide` table may hold any further float64 columns, nullable, such as one a factor. A
    partition may be without rows; whether that is a fault is for the checks to say. `derived` are
    frequent derivations that SQL knows by name. Of a `huge` table the size of its files counts more
    than the time to write them.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: PartitionBy | None
    description: str
    wide: bool = False
    wide_description: str = field(default="one further column")
    derived: tuple[Derived, ...] = ()
    huge: bool = False

    @cached_property
    def arrow(self) -> pa.Schema:
        """The Arrow schema of the declared columns."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the declared columns, in order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def dated_by(self) -> str | None:
        """The column of dates by which people tell the rows apart, None if there is none."""
        dates = [column.name for column in self.columns if column.type == DATE]
        of_key = [name for name in dates if name in self.key]
        return next(iter(of_key), "date" if "date" in dates else None)

    def column(self, name: str) -> Column:
        """The declared column `name`, or what a wide table declares of any further column."""
        for column in self.columns:
            if column.name == name:
                return column
        if self.wide:
            return Column(name, FLOAT, self.wide_description, nullable=True)
        raise KeyError(f"{self.name} has no column {name!r}")

    def arrow_with(self, names: list[str]) -> pa.Schema:
        """The Arrow schema of exactly the columns `names`, a wide table's included."""
        fields = (self.column(name) for name in names)
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in fields])

    def clickhouse_structure(self, names: list[str] | None = None) -> str:
        """Columns with ClickHouse types, as `CREATE TABLE` and the `file` function take them."""
        columns = self.columns if names is None else [self.column(name) for name in names]
        return ", ".join(f"`{column.name}` {column.clickhouse_type}" for column in columns)

    def validate(self, frame: "pa.Table | pd.DataFrame", *, table: str | None = None) -> pa.Table:
        """The frame as the table stores it, or SchemaError naming the first offending row.

        `table` is the full name for messages (`us/bars`). See validation.conform and
        validation.violations.
        """
        from quant_assets.warehouse.validation import conform, violations

        conformed = conform(self, frame, table=table)
        for violation in violations(self, conformed, table=table):
            raise violation
        return conformed

    def violations(self, frame: pa.Table, *, table: str | None = None) -> "list[SchemaError]":
        """Every rule that rows of `frame` break, one error a rule; for checks of stored tables."""
        from quant_assets.warehouse.validation import conform, violations

        return list(violations(self, conform(self, frame, table=table), table=table))
