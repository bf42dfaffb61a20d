"""How commands speak: plain sentences and tables on a terminal, JSON for programs, progress on standard error."""

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
from dashboard.core.text import UNSAFE, counted, visible

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.calls.ingest.lenient_csv import Reject
    from dashboard.services.call_fetcher import Progress as Tell

out = Console(emoji=False)
err = Console(stderr=True, emoji=False)
bars = Console(stderr=True, emoji=False)
"""Where progress is shown; ``trunkgate --quiet`` makes it quiet."""
MOST_LINES = 3
"""Number of rejected rows that the output lists one by one."""
MOST_NAMED = 5
"""Addresses that a sentence names."""


class Format(StrEnum):
    """How a command prints its answer."""

    TEXT = "text"
    JSON = "json"


def json_text(value: Any) -> str:
    """Return a value as JSON that a program reads unchanged and in which a terminal finds nothing to obey."""
    return UNSAFE.sub(_escaped, json.dumps(value, indent=2, default=str, ensure_ascii=False))


def say_json(value: Any) -> None:
    """Print a JSON value to standard output, and nothing else."""
    sys.stdout.write(json_text(value) + "\n")


def _escaped(match: re.Match[str]) -> str:
    return json.dumps(match.group())[1:-1]


def say(text: str) -> None:
    """Print a line: what comes from outside is never read as markup, and nothing in it is obeyed by the terminal."""
    out.print(visible(text), markup=False, highlight=False, soft_wrap=True)


def remark(text: str) -> None:
    """Print a line beside the answer, to standard error."""
    err.print(visible(text), markup=False, highlight=False, soft_wrap=True)


def complain(text: str) -> None:
    """Print an error."""
    err.print(visible(f"trunkgate: {text}"), markup=False, highlight=False, soft_wrap=True)


def ask(question: str) -> None:
    """
    Ask the operator to confirm.

    Raises:
        InputError: They declined, or nobody is at the terminal.
    """
    if not sys.stdin.isatty():
        raise InputError("There is no terminal to confirm on, so nothing was changed. Add --yes to confirm beforehand.")
    if not confirmed(question):
        raise InputError("Declined. Nothing was changed.")


def confirmed(question: str) -> bool:
    """Ask a question at the terminal; an end of input or an interrupt is a no, as nobody said yes."""
    try:
        return typer.confirm(visible(question))
    except typer.Abort:
        return False


def tell_rejects(rejects: Sequence[Reject], count: int) -> None:
    """Print the first of the rows that an import put aside, each with its place, and where the others are listed."""
    for bad in rejects[:MOST_LINES]:
        complain(f"{bad.file}, line {bad.line}{f', field {bad.column}' if bad.column else ''}: {bad.reason}")
    if rejects:
        rest = count - min(len(rejects), MOST_LINES)
        more = f"{counted(rest, 'more row')} put aside. " if rest else ""
        complain(f"{more}`trunkgate export` writes what was put aside to rejected_rows.csv, with its text.")


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Tell]:
    """
    Show how far long work is, on standard error and only on a terminal.

    Args:
        quiet: Show nothing, as with ``trunkgate --quiet``.
    """
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415 - help does without it

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        console=bars,
        transient=True,
        disable=quiet or bars.quiet or not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("Starting", total=1.0)
        yield lambda what, share: bar.update(task, description=visible(what), completed=share)


def describe_file_only(rows: pd.DataFrame) -> str:
    """Return a sentence about calls that the carrier's export does not have; ``rows`` as ``CallStore.file_only``."""
    calls, sources, days = int(rows["calls"].sum()), sorted(set(rows["source_ip"])), sorted(set(rows["day"]))
    named = ", ".join(source or "an unknown address" for source in sources[:MOST_NAMED])
    more = f" and {len(sources) - MOST_NAMED:,} more" if len(sources) > MOST_NAMED else ""
    subject = "1 imported call is" if calls == 1 else f"{calls:,} imported calls are"
    when = f"on {days[0]}" if len(days) == 1 else f"from {days[0]} to {days[-1]}"
    return f"{subject} not in the carrier's export: ${rows['cost_usd'].sum():,.2f}, {when}, from {named}{more}."


def table(rows: Sequence[tuple[str, ...]], *, numbers: int) -> None:
    """Print aligned columns; the last ones hold numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sides = ["<"] * (len(widths) - numbers) + [">"] * numbers
    for row in rows:
        say("   ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)))
