"""Tables as Markdown, for the pages of assets in the UI.

Here lives the writing only; which rows and columns are worth showing is for the assets to say.
"""

from collections.abc import Sequence

import dagster as dg
import pyarrow as pa

MOST_ROWS = 50


def table_metadata(
    table: pa.Table, columns: Sequence[str], most: int = MOST_ROWS
) -> dg.MarkdownMetadataValue:
    """Some columns of the first `most` rows; the last line says how many more there are."""
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    for row in table.select(columns).slice(0, most).to_pylist():
        lines.append(f"| {' | '.join(_cell(row[name]) for name in columns)} |")
    if not table.num_rows:
        return dg.MetadataValue.md("none")
    more = table.num_rows - most
    return dg.MetadataValue.md(
        "\n".join([*lines, *([f"\n… and {more:,} more"] if more > 0 else [])])
    )


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value).replace("|", "\\|").replace("\n", " ")
