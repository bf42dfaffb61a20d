"""Killed imports and disks that fill up: stored calls remain, and a rerun completes the import."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.store import CallStore
from tests.calls.exports import NOON, Row, a_row, at
from tests.calls.ingest.children import ROOT, begin_import
from tests.texts import golden
from tests.waiting import WAIT_S

KILLS = 4
"""Number of evenly spaced times at which an import is killed."""
A_WEEK = timedelta(days=7)
DAYS = 6
CALLS_A_DAY = 1_500


def calls_of(days: range, *, seed: int, ids: bool = True) -> list[Row]:
    """Return calls of some days; each has an id, so that a later file can correct it."""
    rng = random.Random(seed)
    found = []
    for day in days:
        for number in range(CALLS_A_DAY):
            began = NOON + timedelta(days=day, seconds=rng.randrange(-40_000, 40_000))
            end = at(began + timedelta(seconds=60))
            row = a_row(start_time=at(began), end_time=end, destination=f"1{rng.randrange(10**9, 10**10)}")
            found.append(row | ({"cdr_id": f"{day}-{number}"} if ids else {}))
    return found


def in_order(rows: list[Row]) -> list[Row]:
    """Sort calls by time, as in an export."""
    return sorted(rows, key=lambda row: str(row["start_time"]))


def as_they_come(rows: list[Row]) -> list[Row]:
    """Keep calls unordered."""
    return rows


Order = Callable[[list[Row]], list[Row]]


def everything(store: CallStore) -> pd.DataFrame:
    """Return every call, sorted for comparison."""
    found = store.calls(limit=100_000)
    return found.sort_values("call_key", ignore_index=True)


@pytest.mark.slow
@pytest.mark.parametrize("order", [in_order, as_they_come])
def test_kill_during_import_keeps_the_store_complete(tmp_path: Path, export: Callable[..., Path], order: Order):
    """
    After a kill at any time, a reader sees the complete store before or after the import, and a rerun completes it.

    The import has new days, stored days, and corrections of their calls; the columnar reader reads files in order of
    time, the engine the others.
    """
    header = [*a_row(), "cdr_id"]
    base = export(csv_text(calls_of(range(3), seed=1), header), "base.csv")
    more = [
        export(csv_text(order(calls_of(range(1, DAYS), seed=2)), header), "more.csv"),
        export(csv_text(order(calls_of(range(2, DAYS - 1), seed=3)), header), "last.csv.gz"),
    ]
    import_files(CallStore(tmp_path / "base"), [base])
    before = everything(CallStore(tmp_path / "base"))
    took = import_until(tmp_path / "base", tmp_path / "whole", more, None)
    after = everything(CallStore(tmp_path / "whole"))
    rolled_up = CallStore(tmp_path / "whole").traffic(since=NOON - A_WEEK)
    killed = []

    for number in range(KILLS):
        home = tmp_path / f"killed-{number}"
        import_until(tmp_path / "base", home, more, took * (number + 0.5) / KILLS)
        found = everything(CallStore(home))
        killed.append(len(found) == len(before))
        assert found.equals(before) or found.equals(after)
        assert [result.error for result in import_files(CallStore(home), more)] == ["", ""]
        assert everything(CallStore(home)).equals(after)
        assert CallStore(home).traffic(since=NOON - A_WEEK).equals(rolled_up)
        assert not (home / "calls" / "scratch").exists()

    assert len(after) > len(before)
    assert any(killed)


def csv_text(rows: list[Row], header: list[str]) -> str:
    """Return rows as CSV below a given header."""
    frame = pd.DataFrame(rows, columns=header)
    return frame.to_csv(index=False, lineterminator="\n")


def import_until(base: Path, home: Path, files: list[Path], kill_after_s: float | None) -> float:
    """Import into a copy of a store and kill the import after the given seconds; return its running time."""
    shutil.copytree(base, home)
    with begin_import(home, files) as child:
        since = time.perf_counter()
        if kill_after_s is None:
            assert child.wait(WAIT_S) == 0
            return time.perf_counter() - since
        time.sleep(kill_after_s)  # the kill comes at a time of the run, not at an event
        child.kill()
        child.wait(WAIT_S)
        return time.perf_counter() - since


@pytest.mark.slow
@pytest.mark.parametrize("order", [in_order, as_they_come])
def test_full_disk_keeps_stored_calls(tmp_path: Path, export: Callable[..., Path], order: Order):
    """A full disk gives a message and keeps the stored calls; with space again, the import stores all calls."""
    small = export(calls_of(range(1), seed=1, ids=False), "small.csv")
    many = [row for seed in range(8) for row in calls_of(range(1, DAYS), seed=seed, ids=False)]
    large = export(order(many), "large.csv")
    disk = tmp_path / "disk"
    disk.mkdir()
    unshare = shutil.which("unshare") or pytest.skip(
        "NOT AVAILABLE: unshare. Install it with: apt-get install util-linux"
    )
    program = [sys.executable, "-m", "tests.calls.ingest.children", str(disk), str(small), str(large)]
    mounted = f'mount -t tmpfs -o size=24m none {disk} && exec "$@"'
    done = subprocess.run(
        [unshare, "--user", "--map-root-user", "--mount", "sh", "-c", mounted, "sh", *program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"NOT AVAILABLE: a disk of one's own (user namespaces): {done.stderr.strip()}")
    told = json.loads(done.stdout.splitlines()[-1])

    assert ("", CALLS_A_DAY) == (told["first"], told["stored"])
    assert golden("errors.calls.no_space_left") in told["full"]
    assert "free some space" in told["full"]
    assert (CALLS_A_DAY, True) == (told["kept"], told["same"])
    assert ("", CALLS_A_DAY + 8 * (DAYS - 1) * CALLS_A_DAY) == (told["again"], told["all"])
