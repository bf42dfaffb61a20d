"""The journal: append-only, chained and anchored; truncation is detected."""

from __future__ import annotations

import os
import resource
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from dashboard.core.errors import JournalError, StateError
from dashboard.domain.changes import AllowAddress, Plan, ReplayImpact
from dashboard.storage.anchors import FILE, JOURNAL, START, VERSIONS, WRITING, WRITTEN, Anchors, Head
from dashboard.storage.database import ANCHORED, State
from dashboard.storage.database import journal as table
from dashboard.storage.journal import PHASE_DONE, Journal, JournalEntry
from dashboard.storage.sealing import GENESIS, of_entry
from tests.texts import golden, golden_pattern
from tests.waiting import WAIT_S

NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)

PLAN = Plan(
    title="Allow 198.51.100.24",
    changes=(AllowAddress(network="198.51.100.24"),),
    before={"allowed_ips": {}},
    impact=ReplayImpact(labels={}, decided=1),
    made_at=datetime(2026, 11, 20, tzinfo=UTC),
)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Open a fresh database."""
    state = State.open(tmp_path)
    yield state
    state.close()


@pytest.fixture
def journal(state: State) -> Journal:
    """Write two fixes with four entries."""
    journal = Journal(state)
    for _ in range(2):
        begun = journal.begin(PLAN, actor="ana (browser)", before={"allowed_ips": {}})
        journal.finish(begun, PLAN, phase=PHASE_DONE, before={}, after={"allowed_ips": {"198.51.100.24": {}}})
    return journal


def tamper(home: Path, *statements: str) -> None:
    """Modify the database directly, without the product."""
    with sqlite3.connect(home / "state.db") as connection:
        for trigger in ("journal_keeps_update", "journal_keeps_delete"):
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_empty_journal_verifies(state: State) -> None:
    """An empty journal verifies as a chain of no entries."""
    assert (0, GENESIS) == (Journal(state).verify(), Journal(state).head())


def test_intact_journal_verifies(journal: Journal) -> None:
    """An intact journal verifies with every entry and its head."""
    assert journal.verify(journal.head()) == 4


def test_a_begun_fix_stands_in_the_journal_before_it_ends(state: State) -> None:
    """The first entry, with the whole plan, is on disk before anything is changed."""
    journal = Journal(state)
    journal.begin(PLAN, actor="ana", before={})

    (entry,) = Journal(state).entries()

    assert (entry.phase, Plan.model_validate(entry.content["plan"])) == ("begun", PLAN)


@pytest.mark.parametrize("verb", ["UPDATE journal SET actor = 'somebody else'", "DELETE FROM journal"])
def test_database_rejects_updates_of_the_journal(journal: Journal, state: State, verb: str) -> None:
    """The database refuses to update or delete rows of the journal."""
    with pytest.raises(StateError, match="append-only"), state.writing() as connection:
        connection.exec_driver_sql(verb)
    assert journal.verify() == 4


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE journal SET actor = 'bob' WHERE id = 2", "entry 2 was changed"),
        ("UPDATE journal SET content = '{}' WHERE id = 3", "entry 3 was changed"),
        ("DELETE FROM journal WHERE id = 2", "entry 2 is missing"),
    ],
)
def test_tampering_breaks_the_chain(journal: Journal, tmp_path: Path, statement: str, message: str) -> None:
    """A changed or removed entry breaks the chain, and the first such entry is named."""
    tamper(tmp_path, statement)

    with pytest.raises(JournalError, match=message):
        journal.verify()


def test_removed_tail_is_detected_by_anchors(journal: Journal, tmp_path: Path) -> None:
    """Without its last entries the chain is valid but does not match the anchored heads."""
    tamper(tmp_path, "DELETE FROM journal WHERE id > 2")

    with pytest.raises(JournalError, match=golden_pattern("errors.journal.entry_is_missing") + " .* UTC"):
        journal.verify()


def test_an_earlier_head_is_still_contained(state: State, journal: Journal) -> None:
    """A head noted earlier is in the chain of today's head; its first digits, as in messages, are sufficient."""
    head = journal.head()
    entry = journal.begin(PLAN, actor="ana", before={})

    assert Journal(state).verify(head) == 5
    assert Journal(state).verify(head[:12]) == 5
    assert Journal(state).verify(entry.short_hash.upper()) == 5
    with pytest.raises(JournalError, match=golden_pattern("errors.journal.no_head")):
        journal.verify("f" * 12)
    for unusable in ("abc1234", "not a head", "0" * 65):
        with pytest.raises(JournalError, match="is no head"):
            journal.verify(unusable)


def test_each_entry_is_anchored_before_it_counts(journal: Journal, state: State) -> None:
    """
    Each entry has an anchor line before and after its commit, following an initial line.

    Only the owner can read the file.
    """
    lines = [anchor for anchor in state.anchors.read() if anchor.chain == JOURNAL]
    hashes = [entry.hash for entry in journal.entries()]

    assert 0o600 == state.anchors.path.stat().st_mode & 0o777
    assert [(START, 0, GENESIS)] == [(line.step, line.entries, line.head) for line in lines[:1]]
    assert [(step, number, head) for number, head in enumerate(hashes, start=1) for step in (WRITING, WRITTEN)] == [
        (line.step, line.entries, line.head) for line in lines[1:]
    ]


def test_without_an_anchor_nothing_begins_and_an_outcome_is_still_recorded(state: State, journal: Journal) -> None:
    """
    Without an anchor no fix begins, and the outcome of a begun fix is recorded with the reason.

    The reason states why the outcome has no anchor.
    """
    begun = journal.begin(PLAN, actor="ana", before={})
    kept = state.anchors.path.read_bytes()
    state.anchors.path.unlink()
    state.anchors.path.mkdir()

    with pytest.raises(JournalError, match=golden_pattern("errors.journal.cannot_be_anchored") + " .*: Is a directory"):
        journal.begin(PLAN, actor="ana", before={})
    ended = journal.finish(begun, PLAN, phase=PHASE_DONE, before={}, after={})
    state.anchors.path.rmdir()
    state.anchors.path.write_bytes(kept)

    assert (ended,) == journal.examine().unanchored


def fail_to_anchor(state: State, journal: Journal, count: int) -> list[JournalEntry]:
    """Begin some fixes, and record their outcomes while the anchor file cannot be written."""
    begun = [journal.begin(PLAN, actor="ana", before={}) for _ in range(count)]
    state.anchors.path.rename(state.anchors.path.with_suffix(".kept"))
    state.anchors.path.mkdir()
    ended = [journal.finish(each, PLAN, phase=PHASE_DONE, before={}, after={}) for each in begun]
    state.anchors.path.rmdir()
    state.anchors.path.with_suffix(".kept").rename(state.anchors.path)
    return ended


def test_outcomes_without_an_anchor_get_it_with_the_next_entry(state: State, journal: Journal) -> None:
    """The next entry writes all missing anchors before its own; verify then reports them as late."""
    ended = fail_to_anchor(state, journal, 2)
    assert ended == list(journal.examine().unanchored)

    later = journal.begin(PLAN, actor="ana", before={})

    found = journal.examine()
    lines = [(line.step, line.entries, line.head) for line in state.anchors.read()[-6:]]
    both = [(step, each.id, each.hash) for each in ended for step in (WRITING, WRITTEN)]
    assert [*both, *((step, later.id, later.hash) for step in (WRITING, WRITTEN))] == lines
    assert ((), 2) == (found.unanchored, len(found.notes))
    assert found.notes[0].startswith(golden("errors.journal.was_not_anchored", id=ended[0].id))
    assert golden("errors.journal.anchored_since") in found.notes[0]


def test_outcomes_without_an_anchor_get_it_by_hand(state: State, journal: Journal) -> None:
    """``journal anchor`` writes missing anchors and lists their entries."""
    ended = fail_to_anchor(state, journal, 2)

    assert ended == list(journal.anchor().unanchored)
    assert () == journal.examine().unanchored


def test_an_entry_with_something_else_for_its_content_has_no_excuse(state: State, journal: Journal) -> None:
    """A malformed entry is named like any other without an anchor."""
    row = {**journal.entries()[-1].__dict__, "id": 5, "previous_hash": journal.head(), "content": ["not_anchored"]}
    row["hash"] = of_entry(row)
    with state.writing() as connection:
        connection.execute(table.insert().values(**row))

    with pytest.raises(JournalError, match=golden_pattern("errors.journal.entry_has_no_anchor", entry=5)):
        journal.examine()


def test_an_anchor_is_written_whole_or_not_at_all(state: State, journal: Journal) -> None:
    """If a full disk accepts only the beginning of a line, the beginning is removed again."""
    size = state.anchors.path.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, limits[1]))
    try:
        with pytest.raises(
            JournalError, match=golden_pattern("errors.journal.cannot_be_anchored") + " .*: File too large"
        ):
            state.anchors.append(Head(JOURNAL, WRITTEN, 4, journal.head()))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert size == state.anchors.path.stat().st_size
    journal.begin(PLAN, actor="ana", before={})
    assert journal.verify() == 5


def test_a_link_in_place_of_the_anchors_is_not_followed(state: State, journal: Journal) -> None:
    """
    A link in place of the anchor file is followed neither for writing nor for reading.

    Writing would change another file.
    """
    state.anchors.path.rename(target := state.anchors.path.with_name("elsewhere"))
    state.anchors.path.symlink_to(target)
    kept = target.read_bytes()

    with pytest.raises(
        JournalError,
        match=golden_pattern("errors.journal.cannot_be_anchored")
        + " .*: it "
        + golden_pattern("errors.journal.link")
        + r"\.",
    ):
        journal.begin(PLAN, actor="ana", before={})
    with pytest.raises(JournalError, match=golden_pattern("errors.journal.link_put_file")):
        journal.examine()
    assert kept == target.read_bytes()


def test_a_pipe_in_place_of_the_anchors_is_reported_and_blocks_nothing(state: State, journal: Journal) -> None:
    """A named pipe without a writer does not block verification, which reports it with the remedy."""
    state.anchors.path.unlink()
    os.mkfifo(state.anchors.path)

    with pytest.raises(JournalError, match=golden_pattern("errors.journal.device")):
        journal.examine()


def test_a_version_that_cannot_be_anchored_is_not_recorded(state: State) -> None:
    """A version without an anchor is not recorded, because its removal could not be detected."""
    state.anchors.path.unlink()
    state.anchors.path.mkdir()

    with pytest.raises(JournalError, match="cannot be anchored"):
        state.save_version("account", 1, valid_from=NOW, seen_at=NOW, known_by="carrier")
    assert state.latest("account") is None


@pytest.mark.parametrize("table", ["journal", "versions"])
def test_no_client_replaces_a_row(journal: Journal, state: State, tmp_path: Path, table: str) -> None:
    """
    ``INSERT OR REPLACE``, which deletes without a delete trigger, is refused.

    This holds also for a client that disables such triggers.
    """
    state.save_version("account", 1, valid_from=NOW, seen_at=NOW, known_by="carrier")
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        for verb in ("INSERT OR REPLACE", "REPLACE"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(f"{verb} INTO {table} SELECT * FROM {table} WHERE id = 1")  # noqa: S608 - our names
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET hash = ''"):  # noqa: S608 - as above
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)

    assert journal.verify() == 4


def test_confirming_a_version_changes_nothing_that_is_sealed(journal: Journal, state: State) -> None:
    """Confirming updates the time and actor of the last confirmation; the first recording does not change."""
    state.save_version("account", {"a": 1}, valid_from=NOW, seen_at=NOW, known_by="kim")
    state.save_version("account", {"a": 1}, valid_from=NOW, seen_at=NOW + timedelta(days=1), known_by="carrier")

    (version,) = state.versions("account")
    assert (NOW + timedelta(days=1), "carrier") == (version["seen_at"], version["known_by"])
    assert (NOW, "kim") == (version["recorded_at"], version["recorded_by"])
    assert journal.verify() == 4


def test_clock_set_back_keeps_the_chain_valid(tmp_path: Path, state: State, journal: Journal) -> None:
    """Entries are ordered by number, versions begin no earlier than the previous one, and the jump is reported."""
    row = journal.entries()[-1].__dict__
    ahead = {
        **row,
        "id": 5,
        "at": datetime.now(UTC) + timedelta(days=1),
        "previous_hash": row["hash"],
        "phase": "begun",
    }
    ahead["hash"] = of_entry(ahead)
    state.anchors.append(Head(JOURNAL, WRITING, 5, ahead["hash"]))
    with state.writing() as connection:
        connection.execute(table.insert().values(**ahead))
    state.close()

    again = State.open(tmp_path)
    entry = Journal(again).begin(PLAN, actor="ana", before={})
    found = Journal(again).examine()
    again.close()

    assert (6, 6) == (entry.id, found.entries)
    assert [golden("errors.journal.clock_went_back")] == list(found.notes)


def test_two_processes_share_one_chain_of_anchors(tmp_path: Path, state: State) -> None:
    """Anchor lines of several processes form one chain."""
    others = [State.open(tmp_path) for _ in range(4)]

    def write(one: State) -> None:
        for _ in range(5):
            Journal(one).begin(PLAN, actor="ana", before={})

    threads = [Thread(target=write, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in others:
        one.close()

    assert Journal(state).verify() == 20


def test_a_line_that_was_cut_off_is_skipped(state: State, journal: Journal) -> None:
    """A truncated line of a killed process is skipped, and the next line continues after it."""
    with state.anchors.path.open("ab") as file:
        file.write(b'{"at": "2026-11-')
    journal.begin(PLAN, actor="ana", before={})

    assert journal.verify() == 5


def test_each_head_goes_to_syslog(tmp_path: Path) -> None:
    """The configured syslog receives every head before the entry counts; an unreachable one stops the fix."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        daemon.settimeout(WAIT_S)
        state = State.open(tmp_path / "home", anchors=Anchors(tmp_path / "home", syslog=str(tmp_path / "log")))
        entry = Journal(state).begin(PLAN, actor="ana", before={})
        sent = [daemon.recv(4096).decode() for _ in range(3)]
    (tmp_path / "log").unlink()

    assert golden("commands.journal.journal_line", hash=entry.hash) in sent[-1]
    with pytest.raises(JournalError, match=golden_pattern("errors.journal.cannot_be_anchored") + " .* and "):
        Journal(state).begin(PLAN, actor="ana", before={})
    state.close()


@pytest.mark.parametrize(
    "syslog", ["127.0.0.1:99999", "127.0.0.1:0", "host:", "/", " ", "x" * 300, f"{'x' * 64}.example:1"]
)
def test_a_syslog_that_is_none_is_a_sentence(tmp_path: Path, syslog: str) -> None:
    """Any socket error of such an address becomes a message."""
    with pytest.raises(
        JournalError, match=golden_pattern("errors.journal.cannot_be_anchored") + " .* Nothing is recorded"
    ):
        Anchors(tmp_path, syslog=syslog).append(Head("journal", "start", 0, "0"))


def forget_anchors(home: Path) -> bytes:
    """Remove the database's record of the first anchor, as if the process had ended before it; return the anchors."""
    with closing(sqlite3.connect(home / "state.db")) as connection:
        connection.execute("DELETE FROM meta WHERE key = ?", (ANCHORED,))
        connection.commit()
    return (home / FILE).read_bytes()


def torn(whole: bytes, at: str) -> bytes:
    """Return what a loss of power leaves of the first two anchors."""
    first, second = whole.splitlines(keepends=True)
    return {
        "zeros": bytes(300),
        "half a line": first[: len(first) // 2],
        "a line without its end": first.rstrip(),
        "one line": first,
        "a line and a half": first + second[: len(second) // 2],
        "a line and zeros": first + bytes(len(second)),
        "both lines": whole,
    }[at]


@pytest.mark.parametrize(
    ("at", "notes"),
    [
        ("zeros", 1),
        ("half a line", 1),
        ("a line without its end", 0),
        ("one line", 0),
        ("a line and a half", 0),
        ("a line and zeros", 0),
        ("both lines", 0),
    ],
)
def test_first_anchors_that_were_cut_off_are_written_again(tmp_path: Path, at: str, notes: int) -> None:
    """A home whose first anchors were cut off works at the next start; damaged lines before them are reported."""
    State.open(tmp_path).close()
    whole = forget_anchors(tmp_path)
    (tmp_path / FILE).write_bytes(torn(whole, at))

    with closing(State.open(tmp_path)) as state:
        state.save_version("account", {}, valid_from=NOW, seen_at=NOW, known_by="carrier")
        journal = Journal(state)
        journal.finish(journal.begin(PLAN, actor="ana", before={}), PLAN, phase=PHASE_DONE, before={}, after={})

        found = journal.examine()
        assert (2, 1, notes) == (found.entries, found.versions, len(found.notes))
        assert [JOURNAL, VERSIONS] == [line.chain for line in state.anchors.read() if line.step == START]
    assert all(golden("errors.journal.damaged_lines", line=2) in note for note in found.notes)


def test_first_anchors_of_a_home_with_entries_that_were_cut_off_are_completed(
    journal: Journal, state: State, tmp_path: Path
) -> None:
    """An update begins the anchors of a home with entries; the second of the two first lines is written again."""
    assert 4 == journal.verify()
    state.close()
    forget_anchors(tmp_path)
    (tmp_path / FILE).unlink()
    State.open(tmp_path).close()
    (tmp_path / FILE).write_bytes(torn(forget_anchors(tmp_path), "a line and a half"))

    with closing(State.open(tmp_path)) as opened:
        found = Journal(opened).examine()

    assert (4, 4, ()) == (found.entries, found.older, found.notes)


def test_damaged_anchors_beside_an_emptied_database(tmp_path: Path) -> None:
    """The home opens, and the damage is reported."""
    State.open(tmp_path).close()
    (tmp_path / FILE).write_bytes(b"\xff garbage \0\n" * 20)
    (tmp_path / "state.db").write_bytes(b"")

    with closing(State.open(tmp_path)) as state:
        (note,) = Journal(state).examine().notes

    assert golden("errors.journal.damaged_lines", line=21) in note


def test_damaged_anchors_of_a_journal_with_entries_are_refused(journal: Journal, state: State, tmp_path: Path) -> None:
    """Nothing can be recorded until the file is back, and the message says what to do; reading still works."""
    assert 4 == journal.verify()
    state.close()
    whole = forget_anchors(tmp_path)
    (tmp_path / FILE).write_bytes(bytes(len(whole)))

    with closing(State.open(tmp_path)) as opened:
        again = Journal(opened)
        for attempt in (again.verify, again.anchor, lambda: again.begin(PLAN, actor="ana", before={})):
            with pytest.raises(
                JournalError, match=golden_pattern("errors.journal.no_valid_line_cut") + ".*from a backup"
            ):
                attempt()
        assert 4 == len(again.entries())

    (tmp_path / FILE).write_bytes(whole)
    with closing(State.open(tmp_path)) as opened:
        assert 4 == Journal(opened).verify()


def test_an_emptied_database_is_found_though_the_first_anchors_came_late(tmp_path: Path) -> None:
    """If the anchors began late, they still prove the state of the home at that time."""
    calls = tmp_path / "calls" / "generations"
    calls.mkdir(parents=True)
    (calls / "1.json").write_text("{}")
    (tmp_path / "journal.anchors").mkdir()
    with closing(State.open(tmp_path)) as opened:
        (tmp_path / "journal.anchors").rmdir()
        opened.begin_anchors()

        with pytest.raises(JournalError, match=golden_pattern("errors.journal.calls_from_before") + " was created"):
            Journal(opened).verify()
