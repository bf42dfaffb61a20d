"""Records of changes of the call store: beginning and outcome."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from dashboard.core.errors import StoreError
from dashboard.domain.actors import local_actor
from dashboard.storage.database import State
from dashboard.storage.store_changes import FORGET, open_changes, recorded, store_changes
from tests.calls.exports import NOON
from tests.texts import golden

ANA = local_actor("command line")
DAY = NOON.date()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Open an empty state database."""
    opened = State.open(tmp_path / "home")
    yield opened
    opened.close()


def test_both_records_name_the_change_and_the_actor(state: State) -> None:
    """The beginning has how the actor signed in; the outcome has the number of calls that were changed."""
    with recorded(state, FORGET, actor=ANA, days=[DAY], calls=2, generation="1") as outcome:
        assert [FORGET] == [one.command for one in open_changes(state)]
        outcome.calls = 1

    begun, done = store_changes(state)
    assert ("begun", "done") == (begun.phase, done.phase)
    assert (begun.action, begun.actor) == (done.action, done.actor) == (done.action, ANA.name)
    assert (dict(ANA.by), (DAY,)) == (begun.by, begun.days)
    assert golden("commands.journal.store_change", command="forget", day=DAY, calls=1) == done.title
    assert [] == open_changes(state)


def test_an_error_is_the_outcome(state: State) -> None:
    """The reason is recorded."""
    with (
        pytest.raises(StoreError),
        recorded(state, FORGET, actor=ANA, days=[DAY], calls=1, generation="1"),
    ):
        raise StoreError("The store has no calls of that day.")

    assert ("failed", golden("commands.calls.no_calls_that_day")) == (
        store_changes(state)[-1].phase,
        store_changes(state)[-1].message,
    )


def test_records_of_the_version_before_are_read(state: State) -> None:
    """They have removals of imported calls only, whose outcome does not repeat the days."""
    begun = {"action": "a", "phase": "begun", "at": f"{NOON.isoformat()}", "by": "ana", "calls": 2, "cost_usd": "0.02"}
    begun |= {"days": ["2026-11-02"], "source_ips": ["192.0.2.1"]}
    done = {"action": "a", "phase": "done", "at": f"{NOON.isoformat()}", "by": "ana", "calls": 2, "message": ""}
    for record in (begun, done):
        state.add("imported_calls_dropped", record)

    assert [golden("commands.calls.drop_imported")] * 2 == [one.title for one in store_changes(state)]
    assert {(date(2026, 11, 2),)} == {one.days for one in store_changes(state)}
