"""The commands about pages: `tear-sheet` makes one, `pages` serves them all.

Here are arguments and what is printed. The tear sheet stands in quant_assets.performance, the
server in pages/server.py; `quant-assets ui` starts it from here.
"""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from quant_assets.settings import Settings, load_settings
from quant_assets.settings_files import ConfigError, near_name

if TYPE_CHECKING:
    from quant_assets.performance.page.sheet_data import SheetData

PORT = 3001
PORTS = click.IntRange(0, 65535)  # 0 is any that is free


@click.command("tear-sheet")
@click.argument("market")
@click.argument("strategy")
@click.option("--pdf", type=click.Path(path_type=Path, dir_okay=False), help="Write a PDF.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the page.")
@click.option(
    "--quantstats",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write QuantStats' own report.",
)
def tear_sheet(
    market: str, strategy: str, pdf: Path | None, html: Path | None, quantstats: Path | None
) -> None:
    """Make the tear sheet of STRATEGY on MARKET from its last backtest.

    Without an option the figures are printed.
    """
    from quant_assets.performance.metrics import METRICS
    from quant_assets.performance.page.formats import by_unit
    from quant_assets.performance.page.measured import measure

    sheet = _sheet(load_settings(), market, strategy)
    measured = measure(sheet)
    if pdf is not None:
        from quant_assets.performance.tear_sheet_pdf import tear_sheet_pdf

        _written(pdf, tear_sheet_pdf(sheet, measured))
    if html is not None:
        from quant_assets.performance.page.render import render

        _written(html, render(sheet, measured).encode())
    if quantstats is not None:
        from quant_assets.performance.quantstats_report import quantstats_report

        report = quantstats_report(sheet)
        if report.page is None:
            raise click.ClickException(f"no QuantStats report: {report.missing}")
        _written(quantstats, report.page.encode())
    if pdf is html is quantstats is None:
        for name, value in measured.own.items():
            metric = METRICS[name]
            click.echo(f"{metric.title:40} {by_unit(value, metric.unit):>14}")


@click.command("pages")
@click.option("--port", type=PORTS, default=PORT, show_default=True, help="Port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
def pages(host: str, port: int) -> None:
    """Serve the pages among the artefacts: tear sheets, reports, summaries."""
    from quant_assets.artifacts import open_artifacts
    from quant_assets.pages.server import PagesServer

    settings = load_settings()
    listening = listen(host, port)
    with PagesServer(open_artifacts(settings.artifacts_root), listening) as server:
        click.echo(f"pages: {address_of(listening)}")
        server.serve_forever()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        OSError: the port is taken, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def address_of(listening: socket.socket) -> str:
    """What a browser on this machine is given to reach it."""
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def with_pages(settings: Settings, host: str, port: int) -> Settings:
    """Serve the pages in a process that ends with this one, and let the settings link there.

    Where `pages_url` is set somebody else serves them. A port that is taken costs the links only.
    """
    if settings.tear_sheets.pages_url is not None:
        return settings
    try:
        listening = listen(host, port)
    except OSError as error:
        click.echo(f"pages are not served at {host}:{port}: {error.strerror or error}", err=True)
        return settings
    with listening:
        descriptor = listening.fileno()
        command = [sys.executable, "-m", "quant_assets.cli_pages", settings.artifacts_root]
        subprocess.Popen([*command, str(descriptor)], pass_fds=[descriptor], close_fds=True)
        os.environ["QUANT_ASSETS_PAGES_URL"] = address_of(listening)
        click.echo(f"pages: {address_of(listening)}")
    rules = settings.tear_sheets.model_copy(
        update={"pages_url": os.environ["QUANT_ASSETS_PAGES_URL"]}
    )
    return settings.model_copy(update={"tear_sheets": rules})


def _sheet(settings: Settings, name: str, strategy_name: str) -> "SheetData":
    """The sheet of a strategy's last backtest.

    Raises:
        ConfigError: there is no such market or strategy, it cannot run there, or has no backtest.
    """
    from quant_assets.backtests.availability import fits, offered
    from quant_assets.backtests.strategies.registry import discover
    from quant_assets.orchestration.instance import open_instance
    from quant_assets.orchestration.sheet_inputs import strategy_sheet_of
    from quant_assets.warehouse.store import open_warehouse

    market = settings.market(name)
    strategies = discover(settings.strategies.folders)
    if strategy_name not in strategies:
        near = near_name(strategy_name, strategies)
        raise ConfigError(f"no strategy {strategy_name!r}{near}; there are {', '.join(strategies)}")
    strategy = strategies[strategy_name]
    parameters = settings.strategies.parameters(strategy_name, name)
    if reason := fits(strategy, offered(market, settings), parameters):
        raise ConfigError(f"strategy {strategy_name!r} cannot run on market {name!r}: {reason}")
    with open_instance(settings) as instance:
        sheet, _ = strategy_sheet_of(instance, open_warehouse(settings), settings, market, strategy)
    if not len(sheet.dates):
        why = "; ".join(sheet.warnings) or (
            f"`quant-assets backfill {name} --select backtest` makes its backtest"
        )
        raise ConfigError(f"strategy {strategy_name!r} has no returns on market {name!r}: {why}")
    return sheet


def _written(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    click.echo(str(path))


def _serve(root: str, descriptor: int) -> None:
    """What the process does that `with_pages` starts; Ctrl-C reaches the parent, which ends it."""
    from quant_assets.artifacts import open_artifacts
    from quant_assets.pages.server import serve_for_parent

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve_for_parent(open_artifacts(root), socket.socket(fileno=descriptor))


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
