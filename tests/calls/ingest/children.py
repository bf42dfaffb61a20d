"""Imports in child processes: one to be killed, one that another waits for, one whose disk fills up."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.store import CallStore
from dashboard.core.errors import DashboardError
from tests.paths import ROOT

IMPORT = "import"
HOLD = "hold"


def begin_import(home: Path, files: Sequence[Path], how: str = IMPORT) -> subprocess.Popen[str]:
    """
    Start an import in a child process.

    Args:
        home: Home to import into.
        files: Exports.
        how: ``IMPORT`` returns once everything is loaded and the import begins; ``HOLD`` returns once the import holds
            the writer lock, and the import continues after a line on its standard input.
    """
    program = [sys.executable, "-m", "tests.calls.ingest.children", how, str(home), *map(str, files)]
    child = subprocess.Popen(program, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begins\n"
    return child


def run_import(home: str, *files: str) -> None:
    """Import; print a line when the import begins."""
    store = CallStore(Path(home))
    print("begins", flush=True)  # noqa: T201 - output of a child process
    import_files(store, [Path(path) for path in files])


def hold_import(home: str, *files: str) -> None:
    """Import; print a line when this process holds the writer lock, and continue after a line of standard input."""
    waited = threading.Lock()

    def wait_once() -> bool:
        if waited.acquire(blocking=False):
            print("begins", flush=True)  # noqa: T201 - output of a child process
            sys.stdin.readline()
        return False

    import_files(CallStore(Path(home)), [Path(path) for path in files], stop=wait_once)


def tried(store: CallStore, path: Path) -> str:
    """Import one file; return the error message, or ``""`` if there was none."""
    try:
        (result,) = import_files(store, [path])
    except DashboardError as exc:
        return str(exc)
    return result.error


def fill_up() -> None:
    """
    Import on a small disk that is nearly full, then on the same disk with space.

    The arguments are the disk, a small export and a large one. The results are printed as JSON.
    """
    disk, small, large = map(Path, sys.argv[1:])
    store = CallStore(disk / "home")
    filler = disk / "filler"
    told: dict[str, object] = {"first": tried(store, small), "stored": store.count()}
    before = store.calls()
    with filler.open("wb") as file:
        try:
            while True:
                file.write(bytes(2**16))
                file.flush()
        except OSError:
            file.truncate(file.tell() - 2**19)
    told |= {
        "full": tried(store, large),
        "kept": store.count(),
        "same": before.equals(CallStore(disk / "home").calls()),
    }
    filler.unlink()
    told |= {"again": tried(store, large), "all": store.count()}
    print(json.dumps(told))  # noqa: T201 - output of a child process


if __name__ == "__main__":
    if sys.argv[1] == IMPORT:
        run_import(*sys.argv[2:])
    elif sys.argv[1] == HOLD:
        hold_import(*sys.argv[2:])
    else:
        fill_up()
