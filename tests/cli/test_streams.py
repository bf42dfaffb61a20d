"""Standard streams: a reader that ends early, a closed stream, a full disk, an encoding that lacks characters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from dashboard.cli.streams import OUTPUT_CLOSED
from tests.cli.conftest import PROGRAM, Program
from tests.texts import golden
from tests.waiting import WAIT_S


def shell(program: Program, script: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a shell script in which ``$T`` is the program."""
    return subprocess.run(
        ["/bin/sh", "-c", script],
        env=program.environment(T=PROGRAM[0], **environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=WAIT_S,
        check=False,
    )


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("command", ["--help", "--version", "journal list --format json", "journal list", "nosuch"])
def test_reader_that_ends_early_has_its_own_status(bare: Program, command: str, stream: str) -> None:
    """A command whose output nobody reads ends with a status that no result has, and without a traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    streams: dict[str, int] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writing}
    done = subprocess.run(
        [*PROGRAM, *command.split()],
        env=bare.environment(),
        stdin=subprocess.DEVNULL,
        timeout=WAIT_S,
        check=False,
        **streams,
    )
    os.close(writing)

    uses_it = (stream == "stderr") == (command == "nosuch")
    assert done.returncode == (OUTPUT_CLOSED if uses_it else 2 if command == "nosuch" else 0)
    assert b"Traceback" not in (done.stderr or b"")
    assert b"Exception ignored" not in (done.stderr or b"")


@pytest.mark.parametrize("command", ["journal list --format json", "journal list", "--help"])
def test_full_disk_is_an_error(bare: Program, command: str) -> None:
    """Output that cannot be written is an error that names the stream, however little it is."""
    done = shell(bare, f"$T {command} > /dev/full")

    assert done.returncode == 2
    assert done.stderr.decode().endswith(golden("commands.output.no_space_left") + "\n")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
@pytest.mark.parametrize(
    ("command", "status"), [("journal list --format json", 0), ("journal verify", 0), ("account paste missing", 2)]
)
def test_closed_streams_change_nothing(bare: Program, command: str, status: int, closed: str) -> None:
    """A closed stream is replaced: the status is the same, and nothing that is printed goes into a file of the home."""
    done = shell(bare, f"$T {command} {closed}")

    assert done.returncode == status
    assert b"fault of trunkgate" not in done.stderr
    assert not any(b"journal" in path.read_bytes() for path in bare.home.glob("*.lock"))


def test_characters_that_an_encoding_lacks_are_escaped(bare: Program) -> None:
    """On a terminal without UTF-8 every character is printed or escaped, and JSON remains JSON."""
    text = "Zürich 東京 😀"
    write = f"sys.stdout.write(json.dumps({text!r}, ensure_ascii=False)); streams.flush()"
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys; from dashboard.cli import streams; streams.prepare(); {write}"],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        timeout=WAIT_S,
        check=True,
    )
    printed: Any = json.loads(done.stdout.decode("latin-1"))

    assert printed == text
    assert "Zürich".encode("latin-1") in done.stdout
    shown = shell(bare, "$T account paste Zürich-東京", PYTHONIOENCODING="ascii")
    assert shown.returncode == 2
    assert rb"rich-\u6771\u4eac: The file cannot be read" in shown.stderr
