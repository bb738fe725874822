"""How the command line ends when something goes wrong: one message and an exit code.

0 done, 1 something failed, 2 wrong usage or settings, 130 interrupted. A fault of the program keeps
its stack trace. What the commands do is not known here.
"""

from typing import Any

import click

from quant_assets.settings_files import ConfigError

INTERRUPTED = 130  # as shells have it: 128 and the number of the signal


class Commands(click.Group):
    """The commands; what goes wrong on purpose ends with one message and the exit code for it."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            say(str(error))
            ctx.exit(2)
        except KeyboardInterrupt:
            say("interrupted")
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click knows what to do; a broken pipe is `| head` that has seen enough
        except Exception as error:
            message = _expected(error)
            if message is None:
                raise
            say(message)
            ctx.exit(1)


def say(message: str) -> None:
    """Tell of an error on the standard error."""
    click.echo(f"error: {message}", err=True)


def _expected(error: Exception) -> str | None:
    """The message of an error that is not a fault of the program; None for one that is."""
    from sqlalchemy.exc import DatabaseError, OperationalError

    from quant_assets.market_data.order_book.sampling import BookError
    from quant_assets.market_data.sources.base import SourceError
    from quant_assets.warehouse.errors import WarehouseError

    # locked, read-only or full; not a database
    if isinstance(error, OperationalError) or type(error) is DatabaseError:
        return f"the database of runs and events, or that of models: {error.orig}"
    return (
        str(error) if isinstance(error, (OSError, WarehouseError, SourceError, BookError)) else None
    )
