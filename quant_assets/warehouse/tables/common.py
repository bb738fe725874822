"""Columns that several groups of tables share.

Belongs here: a column that means the same in tables of more than one group, and short spellings
for frequent kinds of columns. Not here: columns of one group.
"""

from quant_assets.warehouse.table_schema import DATE, FLOAT, STRING, Column

SESSION = Column("date", DATE, "session date; the row holds what was known at its close")
SYMBOL = Column("symbol", STRING, "ticker of the security in its market")


def number(name: str, description: str, unit: str = "", minimum: float | None = None) -> Column:
    """A float column that may be missing."""
    return Column(name, FLOAT, description, unit, nullable=True, minimum=minimum)


def share(name: str, description: str) -> Column:
    """A float column between 0 and 1 that may be missing."""
    return Column(name, FLOAT, description, nullable=True, minimum=0, maximum=1)


def correlation(name: str, description: str) -> Column:
    """A correlation coefficient that may be missing.

    Computed in floating point it may pass 1 by rounding, so the bounds have a margin.
    """
    return Column(name, FLOAT, description, nullable=True, minimum=-1 - 1e-9, maximum=1 + 1e-9)
