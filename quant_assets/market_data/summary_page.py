"""The page and the tables of a market's summary: what is shown, in which words.

Numbers come from summary.py, the frame of the page and its charts from pages/.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from quant_assets.market_data.rules import explanations
from quant_assets.market_data.summary import Summary
from quant_assets.pages.shell import Section, chart, page, shown, table

# Lines of a chart have so many colours; reasons beyond them are drawn as one.
DRAWN_REASONS = 5
OTHERS = "others"
LISTED_FILES = 200
LISTED_DAYS = 60

_BARS = 'QA.lines("bars", data.days, [{ name: "bars", values: data.bars }], data.bars_size);'
_REJECTED = 'QA.lines("rejected", data.months, data.reasons, data.rejected_size);'
_TABLE_HEADS = ("table", "records", "symbols", "first", "last", "partitions", "size")
_YEAR_HEADS = ("year", "sessions", "without bars", "bars", "symbols", "gaps", "rejected rows")


def summary_page(summary: Summary) -> str:
    """The page, with no need of a network."""
    months, reasons = rejected_by_month(summary)
    days = [f"{day:%Y-%m-%d}" for day in summary.bars.index]
    size = {"width": 1130, "height": 240}
    return page(
        f"Market data: {summary.label}",
        _subtitle(summary),
        [
            Section(
                "Tables",
                "What is stored: rows, symbols, the dates they span, partitions (a session each, "
                "one without rows included), and the room they take.",
                table(_TABLE_HEADS, table_rows(summary), range(1, 7), "No table is there yet."),
            ),
            Section(
                "Sessions and bars",
                "Bars of each session, and year by year: sessions from the market's first day to "
                "the last one with bars, those without any bar, and gaps: sessions between a "
                "symbol's first and last bar on which it has none.",
                chart("bars", "Number of bars by session")
                + table(_YEAR_HEADS, year_rows(summary), range(7), "There are no bars yet.")
                + _absent(summary),
                _BARS,
            ),
            Section(
                "Rejected rows",
                "Rows of the source that broke a rule, by the first rule they broke, month by "
                "month. Each of them is kept in table quarantine with where it came from.",
                chart("rejected", "Rejected rows by month and reason")
                + table(("reason", "rows", "share", "what it means"), _reasons(summary), (1, 2))
                if summary.reasons
                else "<p>No row was rejected.</p>",
                _REJECTED if summary.reasons else "",
            ),
            Section("Raw files", _files_sentence(summary), _files(summary)),
            *(
                Section(
                    f"Rows of {name}",
                    f"The first {rows.num_rows} rows of its last day.",
                    _rows(rows),
                )
                for name, rows in summary.samples.items()
            ),
        ],
        {
            "days": days,
            "bars": summary.bars.tolist(),
            "bars_size": {**size, "y": "bars a session"},
            "months": months,
            "reasons": [{"name": name, "values": values} for name, values in reasons.items()],
            "rejected_size": {**size, "y": "rows a month"},
        },
        "A size is that of compressed files. Times of files are UTC.",
    )


def markdown(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as Markdown for the UI, all but the first column on the right."""
    lines = [f"| {' | '.join(shown(value) for value in row)} |" for row in rows]
    rule = "| --- |" + " ---: |" * (len(heads) - 1)
    return "\n".join([f"| {' | '.join(heads)} |", rule, *lines])


def tables_markdown(summary: Summary) -> str:
    """The tables as Markdown."""
    return markdown(_TABLE_HEADS, table_rows(summary))


def years_markdown(summary: Summary) -> str:
    """The years as Markdown."""
    return markdown(_YEAR_HEADS, year_rows(summary))


def reasons_markdown(counts: Iterable[tuple[str, int]]) -> str:
    """Rejected rows by reason as Markdown, the most frequent first; words where there are none."""
    rows = [(reason, count) for reason, count in counts if count]
    return markdown(("reason", "rows"), rows) if rows else "No row was rejected."


def rejected_by_month(summary: Summary) -> tuple[list[str], dict[str, list[int]]]:
    """Months from the first to the last bar or rejected row, and each drawn reason's rows in them.

    The most frequent reasons; those beyond DRAWN_REASONS together as "others".
    """
    if not len(summary.rejected):
        return [], {}
    known = [*summary.rejected["month"], *(f"{day:%Y-%m}" for day in summary.bars.index[[0, -1]])]
    months = _months(min(known), max(known))
    names = [name for name, _ in summary.reasons]
    drawn = names if len(names) <= DRAWN_REASONS + 1 else names[:DRAWN_REASONS]
    frame = summary.rejected.assign(
        reason=summary.rejected["reason"].where(summary.rejected["reason"].isin(drawn), OTHERS)
    )
    grid = frame.pivot_table(
        index="month", columns="reason", values="rows", aggfunc="sum", fill_value=0
    ).reindex(months, fill_value=0)
    order = [*drawn, *([OTHERS] if len(drawn) < len(names) else [])]
    return months, {name: [int(v) for v in grid[name]] for name in order}


def table_rows(summary: Summary) -> list[list[object]]:
    """A row of cells for each table."""
    return [
        [t.name, t.records, t.symbols, _day(t.first), _day(t.last), t.partitions, _size(t.size)]
        for t in summary.tables
    ]


def year_rows(summary: Summary) -> list[list[object]]:
    """A row of cells for each year, the latest first."""
    return [
        [str(y.year), y.sessions, y.without_bars, y.bars, y.symbols, y.gaps, y.rejected]
        for y in reversed(summary.years)
    ]


def _subtitle(summary: Summary) -> str:
    bars = next((t for t in summary.tables if t.name == "bars"), None)
    if bars is None or not bars.records:
        return "There are no bars yet."
    rejected = sum(count for _, count in summary.reasons)
    return (
        f"{bars.records:,} bars of {bars.symbols:,} symbols, {bars.first} to {bars.last}; "
        f"{rejected:,} rows rejected, {len(summary.without_bars):,} sessions without bars."
    )


def _absent(summary: Summary) -> str:
    days = summary.without_bars
    if not days:
        return "<p>Every session has bars.</p>" if summary.years else ""
    more = f" and {len(days) - LISTED_DAYS:,} more" if len(days) > LISTED_DAYS else ""
    return f"<p>Without bars: {', '.join(map(str, days[-LISTED_DAYS:]))}{more}.</p>"


def _reasons(summary: Summary) -> list[list[object]]:
    means = explanations()
    whole = sum(count for _, count in summary.reasons)
    return [
        [reason, count, f"{count / whole:.1%}", means.get(reason)]
        for reason, count in summary.reasons
    ]


def _files_sentence(summary: Summary) -> str:
    if summary.files_fault:
        return f"They cannot be listed: {summary.files_fault}"
    if not summary.files:
        return "The source of this market has no files."
    size = _size(sum(file.size for file in summary.files))
    shown_ = f"; the {LISTED_FILES} newest" if len(summary.files) > LISTED_FILES else ""
    return f"{len(summary.files):,} files, {size}{shown_}, the newest first."


def _files(summary: Summary) -> str:
    if not summary.files:
        return ""
    rows = [
        [file.path, file.size, f"{datetime.fromtimestamp(file.mtime_ns / 1e9, UTC):%Y-%m-%d %H:%M}"]
        for file in summary.files[:LISTED_FILES]
    ]
    return table(("file", "bytes", "changed"), rows, (1,))


def _rows(rows: pa.Table) -> str:
    numbers = [k for k, f in enumerate(rows.schema) if pa.types.is_floating(f.type)]
    numbers += [k for k, f in enumerate(rows.schema) if pa.types.is_integer(f.type)]
    return table(rows.column_names, [list(row.values()) for row in rows.to_pylist()], numbers)


def _months(first: str, last: str) -> list[str]:
    found: list[Any] = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 1).tolist()
    return [f"{month:%Y-%m}" for month in found]


def _day(day: Any) -> str | None:
    return None if day is None else str(day)


def _size(count: int) -> str:
    """Bytes as people read them."""
    value, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
