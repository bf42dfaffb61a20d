"""``calls import``: export files from disk into the call store."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dashboard.cli.output import Format, complain, progress, say, say_json
from dashboard.cli.rooms import read_settings

app = typer.Typer(help="The call store.", no_args_is_help=True)

SOME_REJECTED = 1


@app.callback()
def calls() -> None:
    """Read and keep CDR export files."""


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="CDR export files, plain or gzip.")],
    *,
    output: Annotated[Format, typer.Option("--format", help="How to print the result per file.")] = Format.TEXT,
) -> None:
    """
    Read CDR export files into the store; what is there already is not added again.

    Ends with 0 when every row of every file was kept or was there already, 1 when some rows or files
    were rejected, 2 on an error of its own.
    """
    from dashboard.calls.ingest import import_files  # noqa: PLC0415 - loads DuckDB and pandas, for seconds
    from dashboard.calls.store import CallStore  # noqa: PLC0415 - as above

    settings = read_settings()
    with progress(quiet=output is Format.JSON) as tell:
        results = import_files(CallStore(settings.home), files, keep_days=settings.keep_calls_days, progress=tell)
    if output is Format.JSON:
        say_json([asdict(result) for result in results])
    else:
        for result in results:
            if result.error:
                complain(result.error)
            aside = f", {result.rejected:,} put aside" if result.rejected else ""
            aside += f", {result.late:,} older than calls are kept" if result.late else ""
            quiet = not (result.kept or result.duplicate or result.rejected or result.late or result.error)
            counted = "no calls in it" if quiet else f"{result.kept:,} kept, {result.duplicate:,} there already{aside}"
            say(f"{result.file}: {counted}.")
    if any(result.rejected or result.error for result in results):
        raise typer.Exit(SOME_REJECTED)
