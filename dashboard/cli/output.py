"""Output of commands: sentences and tables on a terminal, JSON for programs, progress on standard error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from dashboard.core.errors import InputError
from dashboard.core.text import UNSAFE, counted, join, visible

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.calls.ingest import Reject
    from dashboard.core.progress import Progress as Tell

out = Console(emoji=False)
err = Console(stderr=True, emoji=False)
bars = Console(stderr=True, emoji=False)
"""Console for progress; ``trunkgate --quiet`` silences it."""
MOST_LINES = 3
"""Number of rejected rows that the output lists one by one."""
MOST_NAMED = 5
"""Maximum number of addresses listed in a sentence."""


class Format(StrEnum):
    """Output format of a command."""

    TEXT = "text"
    JSON = "json"


def json_text(value: Any) -> str:
    """Return a value as JSON in which unsafe characters, such as terminal controls, are written as escapes."""
    return UNSAFE.sub(_escaped, json.dumps(value, indent=2, default=str, ensure_ascii=False))


def echo_json(value: Any) -> None:
    """Print a JSON value to standard output, and nothing else."""
    sys.stdout.write(json_text(value) + "\n")


def _escaped(match: re.Match[str]) -> str:
    return json.dumps(match.group())[1:-1]


def echo(text: str) -> None:
    """Print a line to standard output, without interpreting markup and with unsafe characters replaced."""
    out.print(visible(text), markup=False, highlight=False, soft_wrap=True)


def remark(text: str) -> None:
    """Print an additional line to standard error."""
    err.print(visible(text), markup=False, highlight=False, soft_wrap=True)


def echo_error(text: str) -> None:
    """Print an error message to standard error."""
    err.print(visible(f"trunkgate: {text}"), markup=False, highlight=False, soft_wrap=True)


def ask(question: str) -> None:
    """
    Ask the operator to confirm.

    Raises:
        InputError: The operator declined, or there is no terminal.
    """
    if not sys.stdin.isatty():
        raise InputError("There is no terminal to confirm on, so nothing was changed. Add --yes to confirm beforehand.")
    if not confirmed(question):
        raise InputError("Declined. Nothing was changed.")


def confirmed(question: str) -> bool:
    """Ask a question at the terminal and return whether the answer is yes; end of input or an interrupt means no."""
    try:
        return typer.confirm(visible(question))
    except typer.Abort:
        return False


def prompt(question: str) -> str:
    """
    Ask for a text at the terminal.

    Raises:
        typer.Abort: The input ended or was interrupted.
    """
    return str(typer.prompt(visible(question)))


def echo_rejects(rejects: Sequence[Reject], count: int) -> None:
    """Print the first rows that an import rejected, each with its position, and where all of them are listed."""
    for bad in rejects[:MOST_LINES]:
        echo_error(f"{bad.file}, line {bad.line}{f', field {bad.column}' if bad.column else ''}: {bad.reason}")
    if rejects:
        omitted = count - min(len(rejects), MOST_LINES)
        further_rows = f"{counted(omitted, 'more row')} put aside. " if omitted else ""
        echo_error(f"{further_rows}`trunkgate export` writes what was put aside to rejected_rows.csv, with its text.")


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Tell]:
    """
    Show the progress of a long operation on standard error, if that is a terminal.

    Args:
        quiet: Show nothing, as with ``trunkgate --quiet``.
    """
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415 - not needed for help

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        console=bars,
        transient=True,
        disable=quiet or bars.quiet or not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("Starting", total=1.0)
        yield lambda activity, share: bar.update(task, description=visible(activity), completed=share)


def describe_file_only(rows: pd.DataFrame) -> str:
    """Return a sentence on imported calls missing from the carrier's export; ``rows`` as in ``CallStore.file_only``."""
    calls = int(rows["calls"].sum())
    sources = sorted(set(rows["source_ip"]))
    days = sorted(set(rows["day"]))
    source_list = join((source or "an unknown address" for source in sources), MOST_NAMED)
    subject = "1 imported call is" if calls == 1 else f"{calls:,} imported calls are"
    period = f"on {days[0]}" if len(days) == 1 else f"from {days[0]} to {days[-1]}"
    return f"{subject} not in the carrier's export: ${rows['cost_usd'].sum():,.2f}, {period}, from {source_list}."


def table(rows: Sequence[tuple[str, ...]], *, numbers: int) -> None:
    """Print rows in aligned columns, each on one line; the last ``numbers`` columns are aligned right."""
    lines = [[" ".join(visible(cell).split()) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    alignments = ["<"] * (len(widths) - numbers) + [">"] * numbers
    for row in lines:
        cells = (f"{cell:{alignment}{width}}" for cell, alignment, width in zip(row, alignments, widths, strict=True))
        echo("   ".join(cells).rstrip())
