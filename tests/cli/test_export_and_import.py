"""``trunkgate export``, ``calls import`` and ``sync``."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dashboard.storage.database import State
from dashboard.storage.store_changes import store_changes
from tests.calls.exports import NOON, as_csv, rows_at
from tests.texts import golden

pytestmark = pytest.mark.slow
TABLES = [
    "findings",
    "allowed_ips",
    "pbxs",
    "pbx_addresses",
    "pbx_numbers",
    "pbx_config",
    "numbers",
    "routes",
    "edges",
    "traffic",
    "calls",
    "imported_only_calls",
    "rejected_rows",
    "journal",
]


@pytest.fixture(scope="module")
def exported(shared: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Export the shared home once; return the folder and the findings of ``check`` on the same data."""
    folder = tmp_path_factory.mktemp("exported") / "new"
    answer = shared("export", folder, "--no-sync")
    assert (answer.status, answer.err) == (0, "")
    return folder, shared("check", "--no-sync", "--format", "json").json


THIEF = "203.0.113.66:5060"


def test_the_manifest_seals_every_table(exported: tuple[Path, Any]) -> None:
    """The manifest lists every table with its correct size and hash."""
    folder, _ = exported
    manifest = json.loads((folder / "manifest.json").read_text())

    assert manifest["account"] == "SAMPLE"
    assert sorted(f"{name}.csv" for name in TABLES) == sorted(row["name"] for row in manifest["files"])
    for row in manifest["files"]:
        data = (folder / row["name"]).read_bytes()
        assert (row["bytes"], row["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_every_row_says_sample(exported: tuple[Path, Any]) -> None:
    """Every row of the sample account is marked SAMPLE, so that it is not mistaken for data of a real account."""
    folder, _ = exported
    for name in TABLES:
        with (folder / f"{name}.csv").open(newline="") as lines:
            reader = csv.DictReader(lines)
            assert (reader.fieldnames or [""])[0] == "account"
            assert {row["account"] for row in reader} <= {"SAMPLE"}


def test_compliance_table_equals_check_output(exported: tuple[Path, Any]) -> None:
    """findings.csv has a row per verdict of ``check``, with equal check, subject, status, severity and confidence."""
    folder, found = exported
    names = ("check", "subject", "status", "severity", "confidence")
    with (folder / "findings.csv").open(newline="") as lines:
        rows = [tuple(row[name] for name in names) for row in csv.DictReader(lines)]

    assert sorted(rows) == sorted(tuple(row[name] for name in names) for row in found)


def test_a_folder_that_cannot_be_written_is_an_error_of_its_own(shared: Any, tmp_path: Path) -> None:
    """If the target folder is a file, the export fails with one sentence and status 2."""
    (tmp_path / "file").write_text("")

    answer = shared("export", tmp_path / "file", "--no-sync")

    assert (answer.status, "cannot be written" in answer.sentence) == (2, True)


def test_importing_twice_adds_nothing(shared: Any, bare: Any) -> None:
    """The second import of an export finds all rows as duplicates, and both imports exit with 0."""
    file = max((shared.home / "emulator-exports").rglob("*.gz"), key=lambda export: export.stat().st_size)

    first, second = (bare("calls", "import", "--format", "json", file) for _ in range(2))

    assert (first.status, second.status) == (0, 0)
    (new,), (again,) = first.json, second.json
    assert set(new) == {"file", "kept", "duplicate", "rejected", "late", "error", "rejects"}
    assert new["kept"] > 0
    assert (again["kept"], again["duplicate"]) == (0, new["kept"] + new["duplicate"])


def test_files_that_cannot_be_read_each_say_why(bare: Any, tmp_path: Path) -> None:
    """A missing file, a folder, an empty file and a gzip bomb each have a result, in order; status 1, no traceback."""
    empty = tmp_path / "empty.csv"
    bomb = tmp_path / "bomb.csv.gz"
    empty.write_bytes(b"")
    with gzip.open(bomb, "wb") as packed:
        for _ in range(400):
            packed.write(bytes(1 << 20))
    files = [tmp_path / "missing.csv", tmp_path, empty, bomb]

    answer = bare("calls", "import", "--format", "json", *files)

    assert answer.status == 1
    assert "Traceback" not in answer.err
    assert len(answer.json) == len(files)
    for file, row in zip(files, answer.json, strict=True):
        assert file.name in row["file"]
        assert row["error"]
        assert row["kept"] == 0


def test_import_without_a_file_is_an_error_of_its_own(bare: Any) -> None:
    """``calls import`` without a file exits with 2."""
    assert bare("calls", "import").status == 2


def test_a_day_is_forgotten_and_imported_anew(bare: Any, tmp_path: Path) -> None:
    """``calls forget`` removes a day only with a confirmation; importing the same file restores the day."""
    file = tmp_path / "export.csv"
    file.write_text(as_csv(rows_at(NOON, NOON + timedelta(days=1))))
    bare("calls", "import", file)

    nobody_to_ask = bare("calls", "forget", f"{NOON:%Y-%m-%d}")
    done = bare("calls", "forget", f"{NOON:%Y-%m-%d}", "--yes")
    again = bare("calls", "forget", f"{NOON:%Y-%m-%d}", "--yes")
    (back,) = bare("calls", "import", "--format", "json", file).json

    assert 0 != nobody_to_ask.status
    assert (0, golden("commands.calls.call_is_forgotten", day=f"{NOON:%Y-%m-%d}")) == (
        done.status,
        done.out.partition(" Import")[0],
    )
    assert (2, golden("commands.calls.no_calls_of_day", day=f"{NOON:%Y-%m-%d}") in again.sentence) == (
        again.status,
        True,
    )
    assert (1, 1) == (back["kept"], back["duplicate"])
    with closing(State.open(bare.home)) as state:
        records = store_changes(state)
    assert ["begun", "done", "begun", "failed"] == [one.phase for one in records]
    assert {golden("commands.journal.store_change", command="forget", day=f"{NOON:%Y-%m-%d}", calls=1)} == {
        one.title for one in records[:2]
    }


def test_sync_says_what_it_fetched(shared: Any) -> None:
    """A sync prints what it fetched, and that an unchanged account has no changes."""
    answer = shared("sync", "--quick")

    assert answer.status == 0
    assert answer.out.startswith("Fetched ")
    assert golden("commands.calls.nothing_has_changed") in answer.out


def test_a_home_makes_its_own_account(bare: Any) -> None:
    """Without a running emulator a command starts one and stops it when the command ends."""
    answer = bare("sync", TRUNKGATE_SAMPLE_CALLS="200")

    assert (answer.status, answer.err) == (0, "")
    assert not (bare.home / "emulator.json").exists()


def test_calls_that_came_too_late_are_told(bare: Any, tmp_path: Path) -> None:
    """Calls of a day of which only sums are stored are left out, counted on standard error, and the status is 1."""
    now = datetime.now(UTC).replace(microsecond=0)
    old = now - timedelta(days=120)
    first = tmp_path / "first.csv"
    late = tmp_path / "late.csv"
    first.write_text(as_csv(rows_at(old, now - timedelta(days=1))))
    late.write_text(as_csv(rows_at(old, duration="61")))
    kept = {"TRUNKGATE_KEEP_CALLS_DAYS": "93"}

    assert bare("calls", "import", first, **kept).status == 0
    answer = bare("calls", "import", late, **kept)

    assert (answer.status, golden("commands.calls.left_out") in answer.err) == (1, True)
    assert golden("commands.calls.older_than_calls_are_kept") in answer.out


def test_a_day_is_counted_again(bare: Any, tmp_path: Path) -> None:
    """``calls repair`` recomputes a day without changing its calls; a day that is not stored is an error."""
    file = tmp_path / "export.csv"
    file.write_text(as_csv(rows_at(NOON, NOON + timedelta(days=1))))
    bare("calls", "import", file)

    done = bare("calls", "repair", f"{NOON:%Y-%m-%d}")
    unknown = bare("calls", "repair", "2020-01-01")
    (again,) = bare("calls", "import", "--format", "json", file).json

    assert (0, golden("commands.calls.counted_again", day=f"{NOON:%Y-%m-%d}")) == (done.status, done.out.strip())
    assert (2, "nothing to repair" in unknown.sentence) == (unknown.status, True)
    assert (0, 2) == (again["kept"], again["duplicate"])


@contextmanager
def lock_unusable(home: Path) -> Iterator[None]:
    """Put a folder in the place of the writer's lock, so that nothing can be removed from the store."""
    lock = home / "calls" / "writer.lock"
    lock.unlink()
    lock.mkdir()
    yield
    lock.rmdir()


def test_imported_calls_survive_a_sync_and_are_reported_until_they_are_dropped(bare: Any, tmp_path: Path) -> None:
    """Import announces what the next sync does; syncs keep the calls apart and exit with 1 until they are dropped."""
    file = tmp_path / "thief.csv"
    file.write_text(as_csv(rows_at(datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5), customer_ip=THIEF)))
    environment = {"TRUNKGATE_SAMPLE_CALLS": "200"}

    imported = bare("calls", "import", file)
    synced = bare("sync", **environment)
    again = bare("sync", "--quick", **environment)
    declined = bare("calls", "drop-imported")
    with lock_unusable(bare.home):
        failed = bare("calls", "drop-imported", "--yes")
    dropped = bare("calls", "drop-imported", "--yes")
    clean = bare("sync", "--quick", **environment)

    assert (0, True) == (imported.status, golden("commands.calls.next_sync_fetches") in imported.out)
    for answer in (synced, again):
        assert 1 == answer.status
        assert golden("commands.calls.imported_call_not_in_export") in answer.err
        assert f"from {THIEF.partition(':')[0]}." in answer.err
    assert (2, True) == (declined.status, golden("commands.add_yes") in declined.err)
    assert (2, True) == (failed.status, golden("commands.calls.writer_lock") in failed.err)
    assert (0, True) == (dropped.status, "1 call was removed" in dropped.out)
    with closing(State.open(bare.home)) as state:
        records = store_changes(state)
    assert [("begun", 1), ("failed", 0), ("begun", 1), ("done", 1)] == [(one.phase, one.calls) for one in records]
    assert [True, False, True] == [one.action == two.action for one, two in pairwise(records)]
    assert (0, "") == (clean.status, clean.err)


def test_first_rejected_rows_are_named(bare: Any, tmp_path: Path) -> None:
    """Three rejected rows are named with file, line, field and reason; others are counted, with where to find them."""
    file = tmp_path / "bad.csv"
    file.write_text(as_csv([*rows_at(NOON), *(rows_at(NOON, duration=f"{n}x")[0] for n in range(5))]))

    answer = bare("calls", "import", file)
    told = [line for line in answer.err.splitlines() if "field duration" in line]

    assert 1 == answer.status
    assert 3 == len(told)
    assert all(line.startswith("trunkgate: bad.csv, line ") for line in told)
    assert golden("commands.calls.not_whole_seconds") in told[0]
    assert golden("commands.calls.put_aside") in answer.err
