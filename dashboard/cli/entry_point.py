"""
Command line of the program: the actions of the pages, without a browser.

Every command exits with 0 if it did what was asked, and with 2 and a message of one sentence on an error of its own;
``--help`` of each command explains its other exit codes.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dashboard import __version__
from dashboard.cli import (
    account,
    authorized,
    calls,
    check,
    fix,
    inventory,
    link,
    onboard,
    probe,
    replay,
    review,
    serve,
    streams,
)
from dashboard.cli.output import bars, echo, echo_error
from dashboard.core import private
from dashboard.core.errors import DashboardError

OWN_ERROR = 2
INTERRUPTED = 130


class Program(TyperGroup):
    """Group of all commands; an error in its own options exits with 2, as in every command."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Parse the options before the command; see the base class."""
        try:
            return super().make_context(*args, **options)
        except typer.Exit as exc:
            if exc.exit_code:  # completion for an unsupported shell: Typer exits with 1
                raise typer.Exit(OWN_ERROR) from None
            raise


app = typer.Typer(
    cls=Program,
    name="trunkgate",
    help="Operations dashboard of phone systems behind a SIP trunk with IP-based authentication.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # joins the lines of a paragraph, so that it fills the terminal
    pretty_exceptions_enable=False,
)
for part in (serve, link, check, fix, onboard, review, replay, authorized, probe):
    for command in part.app.registered_commands:
        app.registered_commands.append(command)
app.add_typer(calls.app, name="calls")
app.add_typer(account.app, name="account")
app.add_typer(inventory.app, name="inventory")
app.add_typer(fix.journal_app, name="journal")


def _print_version(is_requested: bool) -> None:  # noqa: FBT001 - Typer calls it with the value alone
    """Print the version and exit, if the option is given."""
    if is_requested:
        echo(f"trunkgate {__version__}")
        raise typer.Exit


@app.callback()
def trunkgate(
    *,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress; results and errors are printed.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Apply the options before the command."""
    bars.quiet = quiet


def _run() -> None:
    """Run the command, and write all of its output before its exit status counts."""
    try:
        app()
    except SystemExit:
        streams.flush()
        raise


def main() -> None:
    """
    Run the command line; an error prints a message and exits with 2.

    An interrupt exits with 130, and an output whose reader has ended, as with ``| head -1``, with 141.
    """
    private.restrict()
    streams.prepare()
    try:
        _run()
    except DashboardError as exc:
        echo_error(str(exc))
        sys.exit(OWN_ERROR)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except OSError as exc:
        file_note = f" ({exc.filename})" if exc.filename else ""
        echo_error(f"The disk or a folder could not be used: {exc.strerror or exc}{file_note}.")
        sys.exit(OWN_ERROR)
    except Exception as exc:  # a bug must not exit with a status that has another meaning
        from dashboard.core.settings import TRACEBACK, wants_traceback  # noqa: PLC0415 - loads pydantic

        logging.getLogger(__name__).debug("A command met a fault.", exc_info=True)
        echo_error(
            f"This is a fault of trunkgate's own ({type(exc).__name__}: {exc}). Please report it, "
            f"with what {TRACEBACK}=1 shows."
        )
        if wants_traceback(os.environ):
            raise
        sys.exit(OWN_ERROR)
