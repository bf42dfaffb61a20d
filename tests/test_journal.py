"""The journal: append-only, chained, and a cut tail is seen."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dashboard.changes import AllowAddress, Impact, Plan
from dashboard.errors import JournalError, StateError
from dashboard.journal import DONE, GENESIS, Journal
from dashboard.state import State

PLAN = Plan(
    title="Allow 198.51.100.24",
    changes=(AllowAddress(network="198.51.100.24"),),
    before={"allowed_ips": {}},
    impact=Impact(labels={}, decided=1),
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
    """Write two fixes, four entries."""
    journal = Journal(state)
    for _ in range(2):
        begun = journal.begin(PLAN, actor="ana (browser)", before={"allowed_ips": {}})
        journal.finish(begun, PLAN, phase=DONE, before={}, after={"allowed_ips": {"198.51.100.24": {}}})
    return journal


def tamper(home: Path, *statements: str) -> None:
    """Change the database behind the product's back."""
    with sqlite3.connect(home / "state.db") as connection:
        for trigger in ("journal_keeps_update", "journal_keeps_delete"):
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_an_empty_journal_holds(state: State) -> None:
    """Nothing done is a chain of no entries."""
    assert (0, GENESIS) == (Journal(state).verify(), Journal(state).head())


def test_a_whole_journal_holds(journal: Journal) -> None:
    """Every entry as it was written, and the head among them."""
    assert journal.verify(journal.head()) == 4


def test_a_begun_fix_stands_in_the_journal_before_it_ends(state: State) -> None:
    """The first entry is on disk before anything is changed, with the whole plan in it."""
    journal = Journal(state)
    journal.begin(PLAN, actor="ana", before={})

    (entry,) = Journal(state).entries()

    assert (entry.phase, Plan.model_validate(entry.content["plan"])) == ("begun", PLAN)


@pytest.mark.parametrize("verb", ["UPDATE journal SET actor = 'somebody else'", "DELETE FROM journal"])
def test_the_database_refuses_to_rewrite(journal: Journal, state: State, verb: str) -> None:
    """Rows of the journal can be neither changed nor deleted through the database."""
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
def test_tampering_is_found(journal: Journal, tmp_path: Path, statement: str, message: str) -> None:
    """An entry changed or taken out breaks the chain, and the first such entry is named."""
    tamper(tmp_path, statement)

    with pytest.raises(JournalError, match=message):
        journal.verify()


def test_a_cut_tail_is_found_by_the_head(journal: Journal, tmp_path: Path) -> None:
    """Without its last entries the chain still holds, but not against a head noted before."""
    head = journal.head()
    tamper(tmp_path, "DELETE FROM journal WHERE id > 2")

    assert journal.verify() == 2
    with pytest.raises(JournalError, match="does not contain the head"):
        journal.verify(head)


def test_an_earlier_head_is_still_contained(state: State, journal: Journal) -> None:
    """A head noted some time ago is on the way to today's."""
    head = journal.head()
    journal.begin(PLAN, actor="ana", before={})

    assert Journal(state).verify(head) == 5
