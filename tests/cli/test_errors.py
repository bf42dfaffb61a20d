"""Errors of the program: one sentence and status 2; and help that lists every status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dashboard.cli.entry_point import app
from tests.texts import golden
from tests.waiting import WAIT_S

pytestmark = pytest.mark.slow

COMMANDS = [
    "serve",
    "emulator",
    "sync",
    "check",
    "export",
    "onboard",
    "fix",
    "undo",
    "replay",
    "authorized",
    "probe",
    "calls import",
    "calls forget",
    "calls repair",
    "inventory lint",
    "inventory read",
    "inventory write",
    "journal verify",
    "journal list",
]
KEYS = {"FLOWROUTE_ACCESS_KEY": "abc", "FLOWROUTE_SECRET_KEY": "def"}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_the_exit_statuses(command: str, tmp_path: Path) -> None:
    """The help of each command lists its exit statuses, e.g. for cron jobs, and creates no home."""
    answer = CliRunner().invoke(app, [*command.split(), "--help"])

    assert answer.exit_code == 0
    assert "Ends" in answer.output
    assert list(tmp_path.iterdir()) == []


def test_help_fills_the_lines_of_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Help is wrapped at the terminal width; the line breaks of the source would leave lines of one or two words."""
    monkeypatch.setenv("COLUMNS", "80")
    said = CliRunner().invoke(app, ["inventory", "read", "--help"]).output

    assert golden("commands.with_ami_variables") in said


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"TRUNKGATE_WINDOW_DAYS": "many"}, "TRUNKGATE_WINDOW_DAYS"),
        ({"TRUNKGATE_PUBLIC_RANGES": "203.0.113.0/99"}, "203.0.113.0/99"),
        ({"FLOWROUTE_ACCESS_KEY": "abc"}, "FLOWROUTE_SECRET_KEY"),
        ({"FLOWROUTE_BASE_URL": "http://127.0.0.1:9"}, "FLOWROUTE_ACCESS_KEY"),
    ],
)
def test_a_wrong_setting_is_named(bare: Any, environment: dict[str, str], words: str) -> None:
    """The error names the invalid or missing setting, before a home is created."""
    answer = bare("check", **environment)

    assert answer.status == 2
    assert words in answer.sentence
    assert not bare.home.exists()


def test_a_corrupt_state_database_is_named(bare: Any) -> None:
    """The error names the corrupt file, and the file is not overwritten."""
    bare.home.mkdir()
    (bare.home / "state.db").write_bytes(b"this is no database " * 200)

    for command in (("check",), ("journal", "verify"), ("fix", "a", "b")):
        answer = bare(*command)
        assert answer.status == 2
        assert "state.db" in answer.sentence
    assert (bare.home / "state.db").read_bytes().startswith(b"this is no database")


@pytest.mark.parametrize("command", [("check",), ("journal", "verify"), ("calls", "import", "x.csv"), ("emulator",)])
def test_a_home_that_cannot_be_made_is_named(bare: Any, command: tuple[str, ...]) -> None:
    """The error names the home if a file exists in its place."""
    bare.home.write_text("")

    answer = bare(*command)

    assert answer.status == 2
    assert str(bare.home) in answer.sentence


def test_a_home_of_a_real_account_needs_its_key(bare: Any, unavailable: str) -> None:
    """Without its key the home of a real account is an error; it is not filled with the sample account."""
    first = bare("check", "--no-sync", FLOWROUTE_BASE_URL=unavailable, **KEYS)
    assert first.status in (2, 3)

    without = bare("check")
    assert without.status == 2
    assert golden("errors.account.belongs_to", host="127.0.0.1") in without.sentence
    assert "def" not in without.err


def test_a_carrier_that_does_not_answer_is_one_sentence(bare: Any) -> None:
    """If no server listens at the carrier's address, the message names the network and does not contain the key."""
    answer = bare("sync", FLOWROUTE_BASE_URL="http://127.0.0.1:9", **KEYS)

    assert answer.status == 2
    assert golden("errors.http.check_network_and_proxy") in answer.sentence
    assert "def" not in answer.err


def test_help_and_the_journal_load_no_data_frames() -> None:
    """The command line starts without heavy libraries, because shell completion and cron jobs run it often."""
    heavy = "{'pandas', 'fastapi', 'duckdb', 'streamlit'}"
    code = f"import sys, dashboard.cli.entry_point; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=WAIT_S, check=False)

    assert (done.stderr.strip(), done.returncode) == ("", 0)


def test_a_file_in_the_way_of_a_folder_is_a_sentence(bare: Any) -> None:
    """A file in place of a folder is a sentence with its path and status 2, which has no other meaning."""
    assert bare("sync").status == 0
    (bare.home / "exports").rmdir()
    (bare.home / "exports").write_text("")

    answer = bare("sync")

    assert answer.status == 2
    assert str(bare.home / "exports") in answer.sentence


def test_a_review_without_a_terminal_names_the_option(shared: Any) -> None:
    """Without a terminal nothing is marked, and the error names the option that confirms beforehand."""
    found = shared("check", "--format", "json").json
    subject = next(
        row["subject"] for row in found if row["check"] == "past_loss_is_reviewed" and row["status"] == "fail"
    )

    answer = shared("review", subject, "--no-sync")

    assert answer.status == 2
    assert golden("commands.no_terminal") in answer.err
