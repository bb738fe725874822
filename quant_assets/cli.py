"""The command line: `quant-assets demo | ui | backfill | status | sql | check-factor | …`.

Here are arguments and progress. Results go to the standard output, progress and errors to the
standard error; how errors end a command stands in cli_errors.py. What a command does stands in the
packages; heavy ones are imported inside the commands.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from quant_assets.cli_errors import INTERRUPTED, Commands, say
from quant_assets.cli_order_book import verify_book
from quant_assets.cli_pages import PORT as PAGES_PORT
from quant_assets.cli_pages import PORTS, pages, tear_sheet, with_pages
from quant_assets.settings import Market, Settings, load_settings
from quant_assets.settings_files import ConfigError

if TYPE_CHECKING:
    from quant_assets.orchestration.backfill import Report

DAY = click.DateTime(formats=["%Y-%m-%d"])
_PAGES_PORT = click.option(
    "--pages-port",
    type=PORTS,
    default=PAGES_PORT,
    show_default=True,
    help="Port that pages are served on.",
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="quant-assets")
def main() -> None:
    """Quantitative research as one graph of partitioned assets.

    The data lie in QUANT_ASSETS_HOME (default ~/.quant_assets), the settings in
    QUANT_ASSETS_CONFIG (defaults inside the package).
    """


main.add_command(verify_book)
main.add_command(tear_sheet)
main.add_command(pages)


@main.command()
@click.option("--serve/--no-serve", default=True, help="Open the UI afterwards (the default).")
@click.option("--port", type=PORTS, default=3000, show_default=True, help="Port of the UI.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address the UI listens on.")
@_PAGES_PORT
def demo(serve: bool, port: int, host: str, pages_port: int) -> None:
    """Backfill the simulated market through to its tear sheets, then serve the UI."""
    from quant_assets.compiled import warm_up_all

    settings = load_settings()
    settings.market("demo")  # before the compiler is set to work
    click.echo(f"home: {settings.home}")
    if serve:
        settings = with_pages(settings, host, pages_port)
    with _timed("compiling kernels (once after installation)"):
        warm_up_all()
    report = _backfill(settings, "demo", None, None, None)
    for what, folder in (("tear sheet", "tear_sheet"), ("comparison", "strategy_comparison")):
        for page in _html(settings, f"demo/{folder}"):
            click.echo(f"{what}: {page}")
    if not report.success:
        sys.exit(_code(report))
    if serve:
        _serve(settings, host, port)


@main.command()
@click.option("--port", type=PORTS, default=3000, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@_PAGES_PORT
def ui(host: str, port: int, pages_port: int) -> None:
    """Serve the Dagster UI and the pages it links to, and run schedules and sensors."""
    _serve(with_pages(load_settings(), host, pages_port), host, port)


@main.command()
@click.argument("market")
@click.option("--from", "start", type=DAY, help="First day; by default the market's first.")
@click.option("--to", "end", type=DAY, help="Last day; by default the last one that has ended.")
@click.option(
    "--select",
    help="What to materialize: names of assets with commas; `+name` with all upstream of it, "
    "`name+` with all downstream; `group:factors`; a job (daily, models, summaries, strategies). "
    "By default the whole graph.",
)
@click.option("--year", type=click.IntRange(1900, 2999), help="Only this year.")
@click.option(
    "--rebuild",
    is_flag=True,
    help="Begin from the raw files: throw away what was parsed and noted of them, read each "
    "anew, and fetch again what is not as long as it is on the server.",
)
@click.option(
    "--without-corporate-actions",
    "without_actions",
    is_flag=True,
    help="As if there were no splits and dividends: adjusted bars are the raw ones.",
)
def backfill(
    market: str,
    start: datetime | None,
    end: datetime | None,
    select: str | None,
    year: int | None,
    rebuild: bool,
    without_actions: bool,
) -> None:
    """Materialize a range of days of MARKET, with the months and strategies that depend on them."""
    from quant_assets.market_data.sources.registry import open_source

    settings = load_settings()
    if without_actions:
        settings = settings.without_corporate_actions(market)
    first, last = start.date() if start else None, end.date() if end else None
    if year is not None:
        if first or last:
            raise click.UsageError("--year and --from/--to exclude each other")
        first, last = _days_of(year, settings.market(market))
    if rebuild:
        open_source(settings.market(market)).forget()
    report = _backfill(settings, market, first, last, select)
    if not report.success:
        sys.exit(_code(report))


@main.command()
@click.argument("market", required=False)
def status(market: str | None) -> None:
    """Show what is materialized, missing and failed, asset by asset."""
    from rich.console import Console
    from rich.table import Table

    from quant_assets.orchestration.build import build_defs
    from quant_assets.orchestration.instance import open_instance
    from quant_assets.orchestration.status import asset_status

    settings = load_settings()
    names = [settings.market(market).name] if market else list(settings.markets)
    repository = build_defs(settings).get_repository_def()
    with open_instance(settings) as instance:
        for name in names:
            table = Table(title=settings.markets[name].label, title_justify="left")
            for heading in ("asset", "partitions", "materialized", "missing", "failed", "last"):
                table.add_column(heading, justify="left" if heading == "asset" else "right")
            for row in asset_status(repository, instance, name):
                failed = f"[red]{row.failed:,}[/red]" if row.failed else "0"
                table.add_row(
                    row.asset,
                    f"{row.partitions:,}",
                    f"{row.materialized:,}",
                    f"{row.missing:,}",
                    failed,
                    row.last or "-",
                )
            Console(width=None if sys.stdout.isatty() else 120).print(table)


@main.command()
@click.argument("query")
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", help="Output."
)
def sql(query: str, form: str) -> None:
    """Ask the warehouse in ClickHouse's SQL: tables are `market.asset`, such as us.bars."""
    from quant_assets.api import sql as ask

    frame = ask(query)
    if form == "csv":
        click.echo(frame.to_csv(index=False), nl=False)
    elif form == "json":
        click.echo(frame.to_json(orient="records", date_format="iso"))
    else:
        click.echo(frame.to_string(index=False, max_rows=60))


@main.command()
def tables() -> None:
    """Describe every table, column by column, as Markdown."""
    from quant_assets.warehouse.schemas import documentation

    click.echo(documentation())


@main.command("check-factor")
@click.argument("expression")
@click.option("--market", help="Try it on the last sessions of this market's bars, too.")
def check_factor(expression: str, market: str | None) -> None:
    """Put an expression through the gate that a new factor must pass; exit code 1 if it fails.

    Syntax and types, knowledge of the future, coverage, likeness to the factors there are.
    """
    from quant_assets.api import judge

    verdict = judge(expression, market)
    marks = {True: "passed", False: "FAILED", None: "remark"}
    for finding in verdict.findings:
        first, *more = finding.detail.splitlines()
        click.echo(f"{marks[finding.passed]}  {finding.step}: {first}")
        for line in more:
            click.echo(f"        {line}")
    if verdict.normal_form is not None:
        click.echo(f"look-back: {verdict.lookback} sessions")
        click.echo(f"normal form: {verdict.normal_form}")
    if not verdict.passed:
        sys.exit(1)


@main.command("check-config")
def check_config() -> None:
    """Read every setting, build the graph, and say what is active."""
    from quant_assets.backtests.availability import fitting
    from quant_assets.backtests.strategies.registry import enabled_strategies
    from quant_assets.orchestration.build import build_defs

    settings = load_settings()
    strategies = enabled_strategies(settings.strategies)
    graph = build_defs(settings).get_repository_def().asset_graph
    click.echo(f"home       {settings.home}")
    click.echo(f"warehouse  {settings.warehouse_root}")
    click.echo(f"artefacts  {settings.artifacts_root}")
    click.echo(f"mlflow     {_without_password(settings.mlflow_tracking_uri)}")
    click.echo(f"threads    {settings.thread_no}")
    for name, market in settings.markets.items():
        assets = sum(key.path[0] == name for key in graph.get_all_asset_keys())
        click.echo(f"market     {name}: {market.label}, {market.calendar}, {assets} assets")
        runs = fitting(strategies, market, settings)
        click.echo(f"strategies {name}: {', '.join(runs.able) or 'none'}")
        for strategy, reason in runs.unable.items():
            click.echo(f"unfit      {name}: {strategy}: {reason}")
    for name, reason in settings.inactive.items():
        click.echo(f"inactive   {name}: {reason}")


def _without_password(uri: str) -> str:
    """A URI with the password of its authority hidden."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(uri).render_as_string(hide_password=True)
    except ArgumentError:
        return uri


def _serve(settings: Settings, host: str, port: int) -> None:
    """Replace this process by `dagster dev`: webserver, daemon and code server."""
    from quant_assets.orchestration.instance import open_instance, shipped

    with open_instance(settings):
        pass  # its databases are made before webserver and daemon open them at once
    click.echo(f"UI: http://{host}:{port}")
    workspace = str(shipped("workspace.yaml"))
    # Without Dagster's word that `dagster dev` will be called `dg dev`.
    python = [sys.executable, "-W", "ignore"]
    command = [*python, "-m", "dagster", "dev", "-w", workspace, "-h", host, "-p", str(port)]
    os.execv(sys.executable, command)


def _html(settings: Settings, folder: str) -> list[str]:
    """Where the pages in a folder of the artefacts lie."""
    from quant_assets.artifacts import open_artifacts

    artifacts = open_artifacts(settings.artifacts_root)
    return [artifacts.address(name) for name in artifacts.names(folder) if name.endswith(".html")]


def _days_of(year: int, market: Market) -> tuple[date, date | None]:
    """The days of a year as far as the market has them; no last day for a year that goes on.

    Raises:
        ConfigError: the market has no day in it.
    """
    from quant_assets.market_data.calendars import today

    end = min(market.end or date.max, today(market))
    if not market.start.year <= year <= end.year:
        raise ConfigError(
            f"--year {year}: the days of {market.name} are those from {market.start} to {end} "
            "(`start` and `end` in markets.yaml)"
        )
    last = min(date(year, 12, 31), market.end or date.max)
    return max(date(year, 1, 1), market.start), None if last >= today(market) else last


@contextmanager
def _timed(what: str) -> Iterator[None]:
    click.echo(f"{what} …", nl=False)
    start = time.perf_counter()
    yield
    click.echo(f" {time.perf_counter() - start:.1f} s")


def _backfill(
    settings: Settings, name: str, start: date | None, end: date | None, select: str | None
) -> "Report":
    """Plan and run a backfill with a progress display; say what failed."""
    from quant_assets.orchestration import backfill
    from quant_assets.orchestration.build import build_defs
    from quant_assets.orchestration.instance import open_instance
    from quant_assets.orchestration.partitions import MarketPartitions
    from quant_assets.orchestration.selection import parse_selection

    market = MarketPartitions(settings.market(name))
    window = backfill.window_of(market, start, end)
    repository = build_defs(settings).get_repository_def()
    selection = parse_selection(select, name, repository)
    stages = backfill.plan(repository, market, selection, window)
    if not stages:
        raise ConfigError(f"nothing to do: no partition of {select or name} lies in {window}")
    began = time.perf_counter()
    with open_instance(settings) as instance, _progress(stages) as (on_start, on_event, on_end):
        report = backfill.execute(stages, repository, instance, on_start, on_event, on_end)
    good = sum(outcome.success for outcome in report.outcomes)
    planned = sum(len(stage.runs) for stage in stages)
    count = sum(o.run.asset_partitions for o in report.outcomes if o.success)
    click.echo(
        f"{good} of {planned} runs succeeded, {count:,} asset partitions, "
        f"{time.perf_counter() - began:.1f} s"
    )
    skipped = [key.path[-1] for o in report.outcomes if o.skipped for key in o.run.keys]
    if skipped:
        names = ",".join(dict.fromkeys(skipped))
        click.echo(f"on what there is, what was skipped runs by --select {names}", err=True)
    if report.interrupted:
        say("interrupted; what is done stays, and the same command does all of it anew")
    return report


def _code(report: "Report") -> int:
    """The exit code for a backfill that did not succeed."""
    return INTERRUPTED if report.interrupted else 1


@contextmanager
def _progress(
    stages: list[Any],
) -> Iterator[tuple[Callable[[Any], None], Callable[[Any], None], Callable[[Any], None]]]:
    """A bar over all asset partitions, and a line for each run that has ended."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    total = sum(run.asset_partitions for stage in stages for run in stage.runs)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=total)
        began = time.perf_counter()

        def on_start(run: Any) -> None:
            nonlocal began
            began = time.perf_counter()
            bar.update(task, description=escape(str(run)[:60]))

        def on_event(event: Any) -> None:
            if event.event_type_value == "ASSET_MATERIALIZATION":
                bar.advance(task)
            elif event.event_type_value == "STEP_START":
                bar.update(task, description=event.step_key.replace("__", "/")[:60])

        def on_end(outcome: Any) -> None:
            seconds, run = time.perf_counter() - began, escape(str(outcome.run))
            if outcome.success:
                console.print(f"[green]done[/green]    {seconds:6.1f} s  {run}")
            elif outcome.interrupted:
                console.print(f"[red]stopped[/red] {seconds:6.1f} s  {run}")
            elif outcome.skipped:
                console.print(
                    f"[yellow]skipped[/yellow]  {run}: {', '.join(outcome.lacks)} not made"
                )
            else:
                console.print(f"[red]failed[/red]  {seconds:6.1f} s  {run} (run {outcome.run_id})")
                console.print(f"        {outcome.error}", markup=False)

        yield on_start, on_event, on_end
