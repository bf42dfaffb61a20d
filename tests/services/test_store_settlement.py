"""Interrupted changes of the call store get their outcome from the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard.calls.ingest.importer import import_files
from dashboard.calls.store.repair import forget
from dashboard.calls.store.store import CallStore
from dashboard.domain.actors import local_actor
from dashboard.services.store_settlement import settle_store_changes
from dashboard.storage.database import State
from dashboard.storage.store_changes import FORGET, REPAIR, open_changes, recorded, store_changes
from tests.calls.exports import NOON, a_row, as_csv
from tests.texts import golden

ANA = local_actor("command line")
DAY = NOON.date()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """Open an empty state database."""
    opened = State.open(tmp_path / "home")
    yield opened
    opened.close()


class KilledError(BaseException):
    """The process ends."""


def end(change: Callable[[], object]) -> None:
    """Make a change, and end the process."""
    change()
    raise KilledError


@pytest.fixture
def store(state: State) -> CallStore:
    """Return a store with one call."""
    store = CallStore(state.home)
    export = state.home / "export.csv"
    export.write_text(as_csv([a_row()]))
    import_files(store, [export])
    return store


def interrupted(state: State, store: CallStore, command: str, change: Callable[[], object]) -> None:
    """Make a change whose process ends before the outcome is recorded."""
    with (
        pytest.raises(KilledError),
        recorded(state, command, actor=ANA, days=[DAY], calls=1, generation=store.digest),
    ):
        end(change)


@pytest.mark.parametrize(
    ("command", "removed", "phase", "words"),
    [
        (FORGET, True, "done", golden("errors.calls.does_not_have_these_calls")),
        (FORGET, False, "failed", "nothing was removed"),
        (REPAIR, False, "failed", golden("errors.calls.repair_again")),
    ],
)
def test_an_interrupted_change_is_settled_by_the_store(
    command: str, removed: bool, phase: str, words: str, state: State, store: CallStore
) -> None:
    """It is open until the store is read; then its outcome says what the store has."""
    interrupted(state, store, command, lambda: forget(store, [DAY]) if removed else None)
    (left,) = open_changes(state)
    assert golden("commands.journal.no_outcome", subject="trunkgate calls") in left.no_outcome
    assert "`trunkgate sync`" in left.no_outcome

    settle_store_changes(state, store)
    settle_store_changes(state, store)

    assert [] == open_changes(state)
    begun, settled = store_changes(state)
    assert (begun.action, phase, int(removed)) == (settled.action, settled.phase, settled.calls)
    assert words in settled.message


def test_a_change_that_runs_is_not_settled(state: State, store: CallStore) -> None:
    """Its own process records the outcome."""
    with recorded(state, FORGET, actor=ANA, days=[DAY], calls=1, generation=store.digest):
        settle_store_changes(state, store)
        assert [FORGET] == [one.command for one in open_changes(state)]

    assert ["begun", "done"] == [one.phase for one in store_changes(state)]
