"""Several libraries' tables as one: the frame that evaluation and correlations read."""

from collections.abc import Sequence

import pyarrow as pa

KEY = ("date", "symbol")


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """The factor columns of all tables beside one key.

    Args:
        tables: wide tables with `date` and `symbol`; every library has a row for every bar of the
            days it was computed for, so their keys are the same as a rule, and nothing is copied.

    Returns:
        `date`, `symbol` and the factors of all, sorted by the key; null where a library has no row.

    Raises:
        ValueError: a factor stands in two libraries.
    """
    first, *others = tables
    result = first
    for table in others:
        twice = set(result.column_names) & set(table.column_names) - set(KEY)
        if twice:
            raise ValueError(f"two libraries have a factor named {', '.join(sorted(twice))}")
        if all(result[name].equals(table[name]) for name in KEY):
            for name in table.column_names:
                if name not in KEY:
                    result = result.append_column(name, table[name])
        else:
            result = result.join(table, list(KEY), join_type="full outer")
            result = result.sort_by([(name, "ascending") for name in KEY])
    return result
