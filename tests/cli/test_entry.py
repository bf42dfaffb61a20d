"""What a dashboard that was killed leaves in its home: recognized, removed, and of no use to whoever finds it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dashboard import links
from dashboard.cli import entry

PORT, OTHER = 8501, 8502
HOLD = """
import sys
from pathlib import Path
from dashboard.cli import entry
home, port = Path(sys.argv[1]), int(sys.argv[2])
with entry.announced(home, port, browser=False):
    entry.page_file(home, port).write_text(entry._redirect(entry.link_file(home, port).read_text().strip()))
    print("announced", flush=True)
    sys.stdin.read()
"""


@contextmanager
def announced(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Run a process that has announced a dashboard, until its standard input ends."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home), str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with child:
        assert child.stdout is not None
        while (line := child.stdout.readline()) != "announced\n":
            assert line, "It ended before it had announced anything."
        yield child
        child.kill()


def files(home: Path, port: int) -> list[Path]:
    """Name the files of a dashboard."""
    return [entry.note(home, port), entry.link_file(home, port), entry.page_file(home, port)]


def token_of(home: Path, port: int) -> str:
    """Return the token of a dashboard's first link."""
    return entry.link_file(home, port).read_text().strip().partition("token=")[2]


@pytest.mark.parametrize("beside", [False, True])
def test_what_a_killed_dashboard_left_goes_away(bare: Any, *, beside: bool) -> None:
    """
    With the next start, or the next ``trunkgate link``; its link opens nothing, also from a copy of the file.

    Files of a dashboard that runs, and links that were made for others, stay.
    """
    bare.home.mkdir(mode=0o700)
    with announced(bare.home, PORT) as child:
        child.kill()
        child.wait()
    assert all(path.exists() for path in files(bare.home, PORT))
    left = token_of(bare.home, PORT)
    others = links.make(bare.home, valid_s=7_200)

    if beside:
        with announced(bare.home, OTHER):
            assert not any(path.exists() for path in files(bare.home, PORT))
            answer = bare("link", "--port", PORT)
            assert all(path.exists() for path in files(bare.home, OTHER))
            assert links.use(bare.home, token_of(bare.home, OTHER)) is not None
    else:
        answer = bare("link")
        assert not any(path.exists() for path in files(bare.home, PORT))

    assert "No dashboard" in answer.sentence
    assert links.use(bare.home, left) is None
    assert links.use(bare.home, others) is not None


def test_a_dashboard_that_ends_takes_its_link_with_it(bare: Any) -> None:
    """The file is gone, and whoever copied the link cannot use it with the next dashboard."""
    bare.home.mkdir(mode=0o700)
    with announced(bare.home, PORT) as child:
        token = token_of(bare.home, PORT)
        child.communicate()

    assert not any(path.exists() for path in files(bare.home, PORT))
    assert links.use(bare.home, token) is None


def test_a_note_that_names_a_living_process_is_not_believed(bare: Any) -> None:
    """After a restart of the machine another program has the number of the one that wrote it."""
    bare.home.mkdir(mode=0o700)
    entry.note(bare.home, PORT).write_text('{"pid": 1, "port": 8501}')

    assert "No dashboard" in bare("link").sentence
    assert not entry.note(bare.home, PORT).exists()
