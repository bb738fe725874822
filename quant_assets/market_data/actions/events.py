"""Events of corporate actions: the kinds there are, and the table that sources make of them.

Here live the vocabulary and the shape. What an event does to a price is in factors.py; where events
are read is the business of sources/.
"""

import pyarrow as pa
import pyarrow.compute as pc

from quant_assets.warehouse.schemas import schema_of

ACTIONS_SCHEMA = schema_of("corporate_actions").arrow
KEY = ("ex_date", "symbol", "kind")

KINDS = {
    "split": "one share becomes `ratio` shares",
    "bonus": "new shares for nothing: one share becomes `ratio` shares, more than one",
    "reverse_split": "one share becomes `ratio` shares, less than one",
    "dividend": "`cash` is paid for each share",
    "interest_on_capital": "`cash` is paid for each share, before the tax that is kept back",
    "subscription": "each share may buy `ratio` new ones at `price`",
    "spin_off": "a part of the company leaves it; `cash`, if told, is its worth for each share",
    "ex_right": "`cash` is what the exchange took off the price, but for a bonus told beside it",
    "other": "kept and told, never applied",
}
# Only these change how many shares there are: the ratio of any other kind multiplies nothing.
SHARE_RATIO = frozenset({"split", "bonus", "reverse_split"})
# A set of rules of one exchange may raise the reference price too (China, after a reverse split).
MAY_BE_NEGATIVE = frozenset({"ex_right"})


def event_table(events: pa.Table) -> pa.Table:
    """Events in the schema `corporate_actions`, sorted by its key.

    Args:
        events: `ex_date`, `symbol`, `kind`, `source` and any other columns of the schema but
            `number`; absent ones become null. An event that stands there twice counts once,
            wherever it was read (the least `source` stays). Different events of one day, symbol
            and kind are numbered from 1, by their values.
    """
    columns = []
    for field in ACTIONS_SCHEMA:
        if field.name in events.column_names:
            columns.append(events[field.name].cast(field.type))
        elif field.name != "number":
            columns.append(pa.nulls(events.num_rows, field.type))
    told = [name for name in ACTIONS_SCHEMA.names if name != "number"]
    same = [name for name in told if name != "source"]
    whole = pa.table(dict(zip(told, columns, strict=True)))
    different = whole.group_by(same, use_threads=False).aggregate([("source", "min")])
    different = different.rename_columns([*same, "source"])
    different = different.sort_by([(name, "ascending") for name in same])
    numbers, last = [], None
    for key in zip(*(different[name].to_pylist() for name in KEY), strict=True):
        numbers.append(numbers[-1] + 1 if key == last else 1)
        last = key
    numbered = different.append_column("number", pa.array(numbers, pa.int32()))
    return numbered.select(ACTIONS_SCHEMA.names).cast(ACTIONS_SCHEMA).combine_chunks()


def unknown_kinds(kinds: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Where a column of kinds, without nulls, holds something that is no kind."""
    return pc.invert(pc.is_in(kinds, value_set=pa.array(list(KINDS))))
