"""Several files, writers and days: precedence of rows, waiting for locks, and calls that continue into the next day."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event, Semaphore

import pytest

from dashboard.calls.ingest.file_reader import stage
from dashboard.calls.ingest.importer import import_files
from dashboard.calls.ingest.progress import FileProgress
from dashboard.calls.ingest.readers.interface import Shared
from dashboard.calls.ingest.readers.sql_rows import LARGE
from dashboard.calls.ingest.staged import Staged
from dashboard.calls.store.engine import Engine
from dashboard.calls.store.store import CallStore
from dashboard.core.errors import StoreError
from tests.calls.exports import HEADER, NOON, WITH_ID, a_row, as_csv, at, rows_at
from tests.calls.ingest.children import HOLD, begin_import, tried
from tests.waiting import WAIT_S

HOUR = timedelta(hours=1)
A_DAY = timedelta(days=1)
MIDNIGHT = NOON + timedelta(hours=12)


class Turn(Semaphore):
    """Lock held by another party; signals when an import waits for it."""

    def __init__(self) -> None:
        super().__init__(0)
        self.asked = Event()

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:  # noqa: FBT002 - Lock signature
        """Wait for the lock."""
        self.asked.set()
        return super().acquire(blocking, timeout)

    __enter__ = acquire


@pytest.mark.parametrize("files", [("1", "2"), ("2", "13"), ("31", "2", "4")])
@pytest.mark.parametrize("at_once", [True, False])
def test_of_several_files_the_last_is_right(
    store: CallStore, export: Callable[..., Path], files: tuple[str, ...], *, at_once: bool
) -> None:
    """Of an id in several files, the last row of the last file is stored, in one import or in several."""
    paths = [
        export(as_csv([a_row(cdr_id="c1", duration=seconds) for seconds in rows], WITH_ID), f"{number}.csv")
        for number, rows in enumerate(files)
    ]
    for some in [paths] if at_once else [[path] for path in paths]:
        import_files(store, some)

    assert [int(files[-1][-1])] == list(store.calls()["duration_s"])


def test_a_call_that_runs_on_counts_on_a_day_that_was_there_before(
    store: CallStore, export: Callable[..., Path]
) -> None:
    """A new call from one stored day into the next counts as in progress on the second day."""
    import_files(store, [export(rows_at(NOON, MIDNIGHT + timedelta(seconds=10)), "days.csv")])
    long = a_row(start_time=at(MIDNIGHT - HOUR), end_time=at(MIDNIGHT + HOUR), duration="7200", customer_ip="")

    import_files(store, [export([long], "long.csv")])

    load = store.load(since=MIDNIGHT).set_index("minute_at")["concurrent"]
    assert [2, 2, 1] == list(load.iloc[:3])
    assert 60 == len(load)


@pytest.mark.parametrize("how", ["replaced", "written over"])
def test_a_file_of_the_same_size_is_read_again_once_it_changed(
    store: CallStore, export: Callable[..., Path], how: str
) -> None:
    """Rows staged before a stop are not used for another or rewritten file of the same size."""
    path = export(rows_at(NOON, duration="60"), "a.csv")
    import_files(store, [path], stop=lambda: any(store.generations.work.glob("staged/*/staged.json")))
    was = path.stat()
    other = export(rows_at(NOON, duration="61"), "b.csv")
    if how == "replaced":
        os.utime(other, ns=(was.st_atime_ns, was.st_mtime_ns))
        other.replace(path)
    else:
        path.write_bytes(other.read_bytes())
        os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns + 1))

    import_files(store, [path])

    assert was.st_size == path.stat().st_size
    assert [61] == list(store.calls()["duration_s"])


def test_two_processes_that_import_at_once_take_turns(tmp_path: Path, export: Callable[..., Path]) -> None:
    """Both processes succeed, and the store has the calls of both, each once."""
    home = tmp_path / "home"
    shared = rows_at(*(NOON + timedelta(seconds=n) for n in range(3000)))
    files = [
        export([*shared, *rows_at(*(NOON + n * A_DAY + timedelta(seconds=m) for m in range(500)))], f"{n}.csv")
        for n in (1, 2)
    ]
    with begin_import(home, [files[0]]) as first, begin_import(home, [files[1]]) as second:
        ended = [child.wait(WAIT_S) for child in (first, second)]

    assert [0, 0] == ended
    assert 4000 == CallStore(home).count()
    assert {1} == set(CallStore(home).calls(limit=5000).groupby(["started_at", "call_key"]).size())


def test_import_without_waiting_gets_busy_message(tmp_path: Path, export: Callable[..., Path]) -> None:
    """An import that does not wait for the lock gets a message and loses nothing; it succeeds once the lock is free."""
    home = tmp_path / "home"
    first = export(rows_at(*(NOON + timedelta(seconds=n) for n in range(3000))), "first.csv")
    second = export(rows_at(NOON + 3 * A_DAY), "second.csv")
    store = CallStore(home, lock_wait_s=0)
    with begin_import(home, [first], HOLD) as child:
        told = tried(store, second)
        child.communicate("go on\n", timeout=WAIT_S)

    assert "another" in told.lower()
    assert (child.returncode, store.count()) == (0, 3000)
    assert ("", 3001) == (tried(store, second), store.count())


def test_a_large_file_that_waits_for_its_turn_leaves_the_engine_to_small_ones(
    tmp_path: Path, export: Callable[..., Path]
) -> None:
    """Large files are read one at a time; waiting large files do not block small ones."""
    rows = [a_row(start_time="2026-11-02T12:00:00Z", callerid=n) for n in range(700)]
    noted = ({**row, "note": "x" * 50_000} for row in rows)
    large = export(as_csv(noted, [*HEADER, "note"]), "large.csv")
    small = export(rows, "small.csv")
    engine = Engine(tmp_path / "engine")
    with ThreadPoolExecutor(1) as days, ThreadPoolExecutor(2) as pool:
        turn = Turn()
        shared = Shared(days, turn, Semaphore(1))

        def begin(path: Path) -> Future[Staged]:
            work = tmp_path / path.stem
            return pool.submit(stage, path, work, engine, whole=False, watch=FileProgress(), shared=shared)

        waits = begin(large)
        assert turn.asked.wait(WAIT_S)
        try:
            read = begin(small).result(WAIT_S).rows
        finally:
            turn.release()

        assert large.stat().st_size > LARGE
        assert (read, waits.result(WAIT_S).rows) == (700, 700)


def test_a_file_that_waits_for_the_engine_is_left_once_the_import_is_stopped(
    tmp_path: Path, export: Callable[..., Path]
) -> None:
    """A file that waits for the engine is not started after a stop."""
    path = export([a_row(start_time="2026-11-02T12:00:00Z")])
    engine = Engine(tmp_path / "engine")
    watch = FileProgress()
    turn = Turn()
    with ThreadPoolExecutor(1) as days, ThreadPoolExecutor(1) as pool:
        shared = Shared(days, engines=turn)
        waits = pool.submit(stage, path, tmp_path / "work", engine, whole=False, watch=watch, shared=shared)
        assert turn.asked.wait(WAIT_S)
        watch.interrupt()
        turn.release()

        with pytest.raises(StoreError, match="stopped"):
            waits.result(WAIT_S)
