"""Options of the program: version, quiet progress, shell completion; and the modules that its help loads."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from dashboard import __version__
from dashboard.cli.entry_point import Program, app
from dashboard.cli.output import bars
from tests.texts import golden
from tests.waiting import WAIT_S

HEAVY = ("pandas", "pydantic", "pydantic_settings", "sqlalchemy", "requests", "filelock", "phonenumbers", "duckdb")
REPORTING = """
import sys
from dashboard.cli.entry_point import app
from dashboard.cli.output import echo, echo_error, progress
app([*sys.argv[1:], "journal", "list"], standalone_mode=False)
with progress() as tell:
    tell("Reading", 0.5)
echo_error("One row is wrong.")
echo("Two rows were kept.")
"""


def fail(asked: bool) -> None:
    """Exit with 1 if an option is given."""
    if asked:
        raise typer.Exit(1)


def on_a_terminal(arguments: Sequence[str]) -> tuple[str, str]:
    """Run a command that reports progress; return its standard output, and its standard error on a terminal."""
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", REPORTING, *arguments],
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
            timeout=WAIT_S,
            check=True,
        )
    finally:
        os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 4096):
            written += piece
    except OSError:  # Linux reports the end of a terminal as an error
        pass
    finally:
        os.close(ours)
    return done.stdout, written.decode()


def test_version_is_printed_without_a_home(tmp_path: Path) -> None:
    """``--version`` prints one line to standard output and creates no folder."""
    answer = CliRunner().invoke(app, ["--version"])

    assert (answer.exit_code, answer.stdout) == (0, f"trunkgate {__version__}\n")
    assert list(tmp_path.iterdir()) == []


def test_no_command_is_an_error_that_shows_the_help() -> None:
    """Without a command the help is printed and the status is 2, although the program has options of its own."""
    answer = CliRunner().invoke(app, [])

    assert answer.exit_code == 2
    assert "Usage: trunkgate" in answer.output


def test_empty_journal_is_a_sentence() -> None:
    """An empty journal prints a sentence, so that a reader does not suspect missing output."""
    answer = CliRunner().invoke(app, ["journal", "list"])

    assert (answer.exit_code, answer.stdout) == (0, golden("commands.journal.no_entries") + "\n")


def test_empty_journal_is_an_empty_list_in_json() -> None:
    """An empty journal is an empty JSON list, the same type as for a journal with entries."""
    answer = CliRunner().invoke(app, ["journal", "list", "--format", "json"])

    assert (answer.exit_code, json.loads(answer.stdout)) == (0, [])


def test_progress_is_shown_on_a_terminal() -> None:
    """Progress goes to standard error, results go to standard output."""
    out, err = on_a_terminal([])

    assert "Reading" in err
    assert out.endswith("Two rows were kept.\n")


def test_quiet_hides_progress_and_keeps_results_and_errors() -> None:
    """With ``--quiet`` the terminal shows only the error, and results are still printed."""
    out, err = on_a_terminal(["--quiet"])

    assert err == "trunkgate: One row is wrong.\r\n"
    assert out.endswith("Two rows were kept.\n")


def test_quiet_holds_for_one_invocation() -> None:
    """``--quiet`` does not affect later commands of the same process, such as a test."""
    CliRunner().invoke(app, ["--quiet", "journal", "list"])
    first = bars.quiet
    CliRunner().invoke(app, ["journal", "list"])

    assert (True, False) == (first, bars.quiet)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("trunkgate jour", ["journal"]),
        ("trunkgate journal ", ["anchor", "list", "verify"]),
        ("trunkgate check --fail-on inf", ["informational"]),
    ],
)
def test_bash_completion_names_commands_and_values(words: str, expected: list[str], tmp_path: Path) -> None:
    """Bash completion lists commands and values without reading or creating a home."""
    environment = {"_TRUNKGATE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    answer = CliRunner().invoke(app, [], env=environment, prog_name="trunkgate")

    assert (answer.exit_code, sorted(answer.stdout.split())) == (0, expected)
    assert list(tmp_path.iterdir()) == []


def test_an_option_of_the_program_that_fails_ends_with_two() -> None:
    """A failing program option exits with 2: Typer's 1, e.g. for an unknown shell, has other meanings in commands."""
    probe = typer.Typer(cls=Program)

    @probe.callback()
    def options(*, _failing: Annotated[bool, typer.Option("--failing", callback=fail, is_eager=True)] = False) -> None:
        """Take the option."""

    @probe.command()
    def command() -> None:
        """Fail as a command does."""
        raise typer.Exit(1)

    assert CliRunner().invoke(probe, ["--failing"]).exit_code == 2
    assert CliRunner().invoke(probe, ["command"]).exit_code == 1


def test_help_loads_nothing_that_is_slow_to_load() -> None:
    """Slow modules are loaded by running commands only, because a shell runs the program to complete words."""
    code = f"import sys, dashboard.cli.entry_point; print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=WAIT_S, check=True)

    assert done.stdout == "\n"
