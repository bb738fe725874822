"""The command `quant-assets verify-book`: a rebuilt book held against the vendor's snapshots.

Here are arguments and what is printed. How books are rebuilt and compared stands in
market_data/order_book; the other commands in cli.py.
"""

import sys
from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

if TYPE_CHECKING:
    import pyarrow as pa

    from quant_assets.market_data.order_book.rules import BookRules
    from quant_assets.market_data.order_book.verification import Comparison

_NANOSECONDS = 10**9


@click.command("verify-book")
@click.argument("exchange")
@click.argument("day", type=click.DateTime(formats=["%Y-%m-%d"]))
@click.option(
    "--events",
    multiple=True,
    required=True,
    metavar="FORMAT=PATH",
    help="Orders and trades, such as mdl_sse_orders=orders.csv.gz; once for each file or pattern. "
    "{date} in a path stands for the day, as YYYYMMDD.",
)
@click.option(
    "--snapshots",
    multiple=True,
    required=True,
    metavar="FORMAT=PATH",
    help="The vendor's snapshots, such as mdl_sse_snapshots=snapshots.csv.gz.",
)
@click.option("--symbol", "symbols", multiple=True, help="Only this symbol; may be repeated.")
@click.option("--name", help="The symbol of files that do not tell it.")
@click.option(
    "--levels",
    type=click.Choice(["5", "10"]),
    default="5",
    show_default=True,
    help="Best levels that must be equal for success.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    default=0.25,
    show_default=True,
    help="Seconds that a snapshot may show the book before or after the second of its stamp.",
)
@click.option(
    "--list", "listed", default=20, show_default=True, help="Differences that are written out."
)
def verify_book(
    exchange: str,
    day: datetime,
    events: tuple[str, ...],
    snapshots: tuple[str, ...],
    symbols: tuple[str, ...],
    name: str | None,
    levels: str,
    tolerance: float,
    listed: int,
) -> None:
    """Rebuild the books of DAY from orders and trades and hold them against the snapshots.

    EXCHANGE says how orders and trades are told: shanghai, shenzhen, nasdaq, bitstamp. Exit code 1
    if a book has a fault or an aligned snapshot of continuous trading differs in its best levels,
    volume, turnover or last price, or if none could be aligned.
    """
    from quant_assets.market_data.order_book.verification import verify

    rules = _rules(exchange)
    asked = frozenset(symbols) or None
    ours, theirs = (
        _read(files, content, day.date(), rules.timezone, asked, name)
        for content, files in (("events", events), ("snapshots", snapshots))
    )
    comparisons = verify(ours, theirs, rules, tolerance)
    for comparison in comparisons:
        for line in _lines(comparison, rules.timezone, listed):
            click.echo(line)
    if not all(comparison.passed(int(levels)) for comparison in comparisons):
        sys.exit(1)


def _rules(exchange: str) -> "BookRules":
    from difflib import get_close_matches

    from quant_assets.market_data.order_book.rules import RULES

    if exchange in RULES:
        return RULES[exchange]
    near = get_close_matches(exchange, RULES, 1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    raise click.BadParameter(f"EXCHANGE must be one of {', '.join(RULES)}. Got {exchange!r}{meant}")


def _read(
    files: tuple[str, ...],
    content: str,
    day: date,
    timezone: str,
    symbols: frozenset[str] | None,
    name: str | None,
) -> "pa.Table":
    """The rows of all files; what is rejected is told on the standard error."""
    import pyarrow as pa

    from quant_assets.market_data.order_book.files import files_of
    from quant_assets.market_data.order_book.readers.base import Request
    from quant_assets.market_data.order_book.readers.registry import FORMATS, open_reader

    tables = []
    for each in files:
        form, _, path = each.partition("=")
        if not path or form not in FORMATS or open_reader(form).content != content:
            known = [key for key in FORMATS if open_reader(key).content == content]
            raise click.BadParameter(
                f"--{content} must be FORMAT=PATH with one of the formats {', '.join(known)}. "
                f"Got {each!r}"
            )
        found = files_of(path, day, "%Y%m%d")
        if not found:
            raise click.BadParameter(f"--{content}: there is no file at {path} for {day}")
        for file in found:
            pieces = list(open_reader(form).read(file, Request(day, timezone, symbols, name)))
            tables += [piece.table for piece in pieces]
            rejected = sum(len(piece.rejected) for piece in pieces)
            if rejected:
                click.echo(f"{file.name}: {rejected:,} rows cannot be used", err=True)
    return pa.concat_tables(tables)


def _lines(comparison: "Comparison", timezone: str, listed: int) -> Iterable[str]:
    report, total = comparison.report, comparison.aligned
    yield f"{comparison.symbol}: {report.events:,} events, {report.orders:,} orders"
    for fault in report.faults:
        yield (
            f"  FAULT  {fault.what}: {fault.count:,} events, the first at "
            f"{_clock(fault.timestamp, timezone)}, sequence {fault.sequence}"
        )
    yield (
        f"  {comparison.continuous:,} of {comparison.snapshots:,} snapshots are of continuous "
        f"trading; {total:,} of them aligned by {comparison.key}"
    )
    for how, number in comparison.chosen.items():
        yield f"    {how:14} {number:>8,}"
    yield f"    {comparison.states:.1f} different states to choose from on average"
    for what, number in comparison.equal.items():
        yield f"  {what:16} equal in {number:,} of {total:,}"
    for each in comparison.unaligned[:listed]:
        yield f"  not aligned  {_clock(each.timestamp, timezone)}: {each.reason}"
    for difference in comparison.differences[:listed]:
        yield (
            f"  differs  {_clock(difference.timestamp, timezone)} {difference.column}: "
            f"vendor {difference.vendor:.12g}, rebuilt {difference.rebuilt:.12g}"
        )
    left = sum(
        max(len(rows) - listed, 0) for rows in (comparison.unaligned, comparison.differences)
    )
    if left:
        yield f"  and {left:,} more"


def _clock(timestamp: int, timezone: str) -> str:
    """The time of day at the exchange."""
    seconds, rest = divmod(timestamp, _NANOSECONDS)
    local = datetime.fromtimestamp(seconds, ZoneInfo(timezone))
    return f"{local:%H:%M:%S}.{rest // 10**6:03d}"
