"""The engine's words about a query that is wrong, as errors that say what would be right.

Belongs here: telling a table that is not there, with near names, from any other fault of a query.
Both stores answer alike. Not here: running queries.
"""

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from quant_assets.warehouse.errors import QueryError, UnknownTableError
from quant_assets.warehouse.schemas import SCHEMAS

if TYPE_CHECKING:
    from quant_assets.warehouse.store import Warehouse

_UNKNOWN_TABLE = re.compile(r"Code: 60\b.*?identifier '([^']*)'|Code: 60\b.*?Table (\S+)", re.S)
_UNKNOWN_DATABASE = re.compile(r"Code: 81\b.*?Database (\S+)", re.S)
# The driver ends every query with FORMAT …: where a name is missing at the end, the engine takes
# the word for it.
_APPENDED = "FORMAT"


def table_names(warehouse: "Warehouse") -> list[str]:
    """Full names of the tables that SQL can name: all declared ones, and wide ones that exist."""
    declared = [schema.name for schema in SCHEMAS.values() if not schema.wide]
    names = {f"{market}/{asset}" for market in warehouse.markets for asset in declared}
    return sorted(names | set(warehouse.tables()))


def explained(message: str, query: str, warehouse: "Warehouse") -> Exception:
    """The engine's error as one of ours; for a table that is not there with near names."""
    found = _UNKNOWN_TABLE.search(message) or _UNKNOWN_DATABASE.search(message)
    if found is None:
        return QueryError(message)
    name = next(group for group in found.groups() if group).strip("`'.,")
    if name.split(".")[-1] == _APPENDED and not re.search(rf"\b{_APPENDED}\b", query):
        return QueryError(
            f"Syntax error: the query ends where the name of a table should stand: …{query[-40:]!r}"
        )
    known = [table.replace("/", ".") for table in table_names(warehouse)]
    near = get_close_matches(name, known, n=3)
    if near:
        hint = f"did you mean {', '.join(near)}?"
    elif known:
        hint = f"markets are {', '.join(warehouse.markets)}, tables {', '.join(known)}"
    else:
        hint = f"nothing has been written under {warehouse.root} yet"
    return UnknownTableError(f"no table {name!r} (tables are named market.table); {hint}")
