"""The state database: versions, migrations, concurrent processes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from dashboard.core.errors import StaleInputError, StateError
from dashboard.storage.database import HEAD, SEALED, State, begins, metadata
from dashboard.storage.migrations import config
from dashboard.storage.sealing import GENESIS, of_version
from tests.old_homes import make_database
from tests.texts import golden_pattern

NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Open a fresh database."""
    state = State.open(tmp_path)
    yield state
    state.close()


def test_equal_content_confirms_and_other_content_is_a_new_version(state: State) -> None:
    """Changed content is saved as a new version; equal content updates the last one's time."""
    written = [
        state.save_version("routes", content, valid_from=NOW + delay, seen_at=NOW + delay, known_by="carrier")
        for content, delay in [([1], timedelta(0)), ([1], timedelta(1)), ([2], timedelta(2))]
    ]

    assert [True, False, True] == written
    assert [([1], NOW + timedelta(1)), ([2], NOW + timedelta(2))] == [
        (row["content"], row["seen_at"]) for row in state.versions("routes")
    ]


def test_content_made_from_an_older_version_is_refused(state: State) -> None:
    """Content based on a version that has a successor is refused, and the error names its author and its time."""
    with_ids = {"pbxs": 0, "pbx_addresses": 0}
    state.save_version("pbxs", [1], valid_from=NOW, seen_at=NOW, known_by="ana", based_on=with_ids)
    state.save_version("pbxs", [1], valid_from=NOW, seen_at=NOW, known_by="ana", based_on={"pbxs": 1})
    later = NOW + timedelta(minutes=1)

    for kind in ("pbxs", "pbx_addresses"):
        with pytest.raises(StaleInputError, match="^" + golden_pattern("errors.account.changed_by") + " "):
            state.save_version(kind, [2], valid_from=later, seen_at=later, known_by="kim", based_on=with_ids)
    with pytest.raises(StaleInputError):
        state.save_version("pbxs", [1], valid_from=later, seen_at=later, known_by="kim", based_on=with_ids)

    (row,) = state.sealed_versions()
    assert ("pbxs", [1], NOW, "ana") == (row["kind"], row["content"], row["seen_at"], row["known_by"])


def test_versions_never_run_backwards(state: State) -> None:
    """A version older than the previous one begins at the previous one's time."""
    state.save_version("account", 1, valid_from=NOW, seen_at=NOW, known_by="carrier")
    state.save_version("account", 2, valid_from=NOW - timedelta(days=3), seen_at=NOW, known_by="carrier")

    assert [NOW, NOW] == [row["valid_from"] for row in state.versions("account")]


def test_a_version_of_a_clock_that_was_ahead_is_followed_by_one_of_now(state: State) -> None:
    """After a clock that was ahead, equal content gets one new version, and no version begins after its successor."""
    ahead = NOW + timedelta(days=3)
    before = NOW - timedelta(days=1)
    state.save_version("routes", 1, valid_from=before, seen_at=before, known_by="carrier")
    state.save_version("routes", 2, valid_from=ahead, seen_at=ahead, known_by="carrier")

    assert state.save_version("routes", 2, valid_from=NOW, seen_at=NOW, known_by="carrier")
    assert not state.save_version("routes", 2, valid_from=NOW, seen_at=NOW + timedelta(hours=1), known_by="carrier")
    assert state.save_version("routes", 3, valid_from=ahead, seen_at=NOW + timedelta(hours=2), known_by="carrier")

    rows = state.versions("routes")
    assert [before, ahead, NOW, NOW + timedelta(hours=2)] == [row["valid_from"] for row in rows]
    assert [before, NOW, NOW, NOW + timedelta(hours=2)] == begins(rows)


def test_times_keep_their_microseconds_and_zone(state: State) -> None:
    """A UTC time is read back as the same instant."""
    state.save_version("account", 1, valid_from=NOW, seen_at=NOW, known_by="carrier")
    version = state.latest("account")

    assert version is not None
    assert NOW == version["valid_from"]


def test_migrations_make_the_tables_that_the_code_uses(state: State) -> None:
    """Alembic finds no difference between the migrations and the tables in the code."""
    with state.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)

    assert [] == differences


def test_the_newest_migration_is_the_one_the_code_knows() -> None:
    """``HEAD`` must be the last revision, because a database at ``HEAD`` is not migrated."""
    assert HEAD == ScriptDirectory.from_config(config()).get_current_head()


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_earlier_database_is_migrated(tmp_path: Path, revision: str) -> None:
    """A database of an earlier revision keeps its data and is migrated; its versions are sealed unchanged."""
    make_database(tmp_path, revision)

    again = State.open(tmp_path)
    with again.reading() as connection:
        made = sa.inspect(connection).has_table("set_up_notes")
    found = again.versions("account")
    began = again.get(SEALED)
    again.close()

    assert made
    assert [{"credentials_on": True}, {"credentials_on": False}] == [row["content"] for row in found]
    assert [GENESIS, found[0]["hash"]] == [row["previous_hash"] for row in found]
    assert [of_version(row) for row in found] == [row["hash"] for row in found]
    assert 2 == began["versions"]


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file in place of the folder gives an error that names it."""
    (tmp_path / "home").write_text("in the way")

    with pytest.raises(StateError, match=golden_pattern("errors.home.cannot_be_used")):
        State.open(tmp_path / "home")


def test_a_newer_database_is_left_alone(state: State, tmp_path: Path) -> None:
    """A revision that this version does not know is refused with the remedy."""
    with state.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StateError, match=r"newer version \(revision 9999\).*TRUNKGATE_HOME"):
        State.open(tmp_path)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """A file that is not a database gives an error that names it."""
    (tmp_path / "state.db").write_bytes(b"this is not a database at all" * 100)

    with pytest.raises(StateError, match=golden_pattern("errors.home.database_cannot_be_used")):
        State.open(tmp_path)


def test_writers_wait_for_each_other(state: State) -> None:
    """Eight threads that increment the same value lose no update."""
    state.put("count", 0)

    def count() -> None:
        for _ in range(10):
            with state.writing() as connection:
                value = connection.execute(sa.text("SELECT value FROM meta WHERE key = 'count'")).scalar_one()
                connection.execute(sa.text("UPDATE meta SET value = :v WHERE key = 'count'"), {"v": int(value) + 1})

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert state.get("count") == 80


def test_the_file_is_durable(state: State, tmp_path: Path) -> None:
    """The database is in WAL mode, so that readers and a writer do not block each other."""
    assert state.url.endswith("state.db")
    connection = sqlite3.connect(tmp_path / "state.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_writes_are_counted_by_thread(state: State) -> None:
    """Writes are counted per thread, so that a writer knows its earlier reads are outdated and others keep theirs."""
    state.put("a", 1)
    mine = state.writes
    other = threading.Thread(target=lambda: state.put("b", 2))
    other.start()
    other.join()
    assert state.writes == mine
    state.put("c", 3)
    assert state.writes > mine
