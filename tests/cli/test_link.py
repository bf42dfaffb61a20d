"""Files of a killed dashboard in its home: they are recognized and removed, and its link is revoked."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dashboard.cli import link
from dashboard.services.access import links

PORT = 8501
OTHER = 8502
ROUNDS = 100
HOLD = """
import sys
from pathlib import Path
from dashboard.cli import link
home, port = Path(sys.argv[1]), int(sys.argv[2])
with link.announced(home, port, browser=False):
    link.page_file(home, port).write_text(link._redirect(link.link_file(home, port).read_text().strip()))
    print("announced", flush=True)
    sys.stdin.read()
"""


@contextmanager
def announced(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Run a process that has announced a dashboard, until its standard input or the block ends."""
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
    """Return the paths of the files of a dashboard."""
    return [link.note(home, port), link.link_file(home, port), link.page_file(home, port)]


def token_of(home: Path, port: int) -> str:
    """Return the token of a dashboard's first link."""
    return link.link_file(home, port).read_text().strip().partition("token=")[2]


@pytest.mark.parametrize("beside", [False, True])
def test_leftovers_of_a_killed_dashboard_are_removed(bare: Any, *, beside: bool) -> None:
    """
    The next start or the next ``trunkgate link`` removes the files of a killed dashboard and revokes its link.

    A copy of the link does not work either. Files of a running dashboard, and links made for others, remain.
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
    """A dashboard that ends removes its files, and a copy of its link does not open the next dashboard."""
    bare.home.mkdir(mode=0o700)
    with announced(bare.home, PORT) as child:
        token = token_of(bare.home, PORT)
        child.communicate()

    assert not any(path.exists() for path in files(bare.home, PORT))
    assert links.use(bare.home, token) is None


def test_unlocked_note_is_ignored(bare: Any) -> None:
    """A note that is not locked is removed: after a reboot another program may have the pid in it."""
    bare.home.mkdir(mode=0o700)
    link.note(bare.home, PORT).write_text('{"pid": 1, "port": 8501}')

    assert "No dashboard" in bare("link").sentence
    assert not link.note(bare.home, PORT).exists()


def test_files_that_a_killed_start_had_not_finished_go_away(bare: Any) -> None:
    """Files of a killed start are removed, also under their temporary names; a link in one of them is revoked."""
    bare.home.mkdir(mode=0o700)
    token = links.make(bare.home)
    names = ["serve-8501.new", ".serve-8501.new.123", ".open-8501.html.123", ".link-8501.txt.123"]
    others = ["serve-8501.new.123", ".link-8501.txt", "link-8501.txt.bak", "serve-99999999.new"]
    for name in names + others:
        (bare.home / name).write_text(f"http://127.0.0.1:8501/enter?token={token}")

    link.clear(bare.home)

    assert not [name for name in names if (bare.home / name).exists()]
    assert [name for name in others if (bare.home / name).exists()] == others
    assert links.use(bare.home, token) is None


def test_a_dashboard_that_starts_is_not_taken_for_a_killed_one(bare: Any) -> None:
    """A dashboard on the port of a killed one keeps its note and link while other threads remove the leftovers."""
    bare.home.mkdir(mode=0o700)
    ended = threading.Event()

    def clear() -> None:
        while not ended.is_set():
            link.clear(bare.home)

    clearing = [threading.Thread(target=clear) for _ in range(2)]
    for each in clearing:
        each.start()
    lost = 0
    try:
        for _ in range(ROUNDS):
            link.note(bare.home, PORT).write_text('{"pid": 1, "port": 8501}')
            with link.announced(bare.home, PORT, browser=False):
                there = all(path.exists() for path in (link.note(bare.home, PORT), link.link_file(bare.home, PORT)))
                lost += not (there and links.use(bare.home, token_of(bare.home, PORT)))
    finally:
        ended.set()
        for each in clearing:
            each.join()

    assert lost == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how another descriptor was opened")
def test_the_lock_of_a_dashboard_can_be_had_on_nfs(bare: Any) -> None:
    """The locked note is open for writing, which NFS requires for an exclusive lock."""
    bare.home.mkdir(mode=0o700)
    with link.announced(bare.home, PORT, browser=False):
        found = link.note(bare.home, PORT).stat()
        held = [
            int(line.split()[1], 8)
            for file in Path("/proc/self/fdinfo").iterdir()
            if Path("/proc/self/fd", file.name).exists() and os.path.samestat(os.fstat(int(file.name)), found)
            for line in file.read_text().splitlines()
            if line.startswith("flags:")
        ]

    assert [flags & os.O_ACCMODE for flags in held] == [os.O_RDWR]
