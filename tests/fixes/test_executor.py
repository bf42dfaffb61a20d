"""Executor on a carrier that accepts changes without making them: the account is read again, so the fix fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from dashboard.core.errors import NotVerifiedError
from dashboard.domain.actors import Actor, Role
from dashboard.domain.capabilities import Capability
from dashboard.domain.changes import AllowAddress, Change, RemoveAddress
from dashboard.fixes import executor
from dashboard.storage.database import State
from dashboard.storage.journal import PHASE_BEGUN, PHASE_DONE, PHASE_FAILED, PHASE_PARTLY, Journal
from tests.fixes.test_settlement import ALLOW, LISTED, REMOVE, Listed, plan_of
from tests.texts import golden, golden_pattern

ANA = Actor("ana (test)", Role.APPROVER)


class Forgetful(Listed):
    """Carrier that accepts every change and does not make those of some kinds."""

    def __init__(self, *ignored: type[Change]) -> None:
        super().__init__()
        self.capabilities = frozenset({Capability.WRITE_ALLOWED_IPS})
        self.ignored = ignored
        self.accepted: list[Change] = []

    def apply(self, change: Change) -> None:
        """Accept the change, and make it unless its kind is ignored."""
        self.accepted.append(change)
        if isinstance(change, self.ignored):
            return
        if isinstance(change, AllowAddress) and change.network not in self.networks:
            self.networks.append(change.network)
        if isinstance(change, RemoveAddress) and change.network in self.networks:
            self.networks.remove(change.network)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Open the journal of a fresh home."""
    with closing(State.open(tmp_path)) as state:
        yield Journal(state)


def apply(carrier: Forgetful, journal: Journal, home: Path, *changes: Change) -> str:
    """Apply a plan of the changes and return the phase of its outcome."""
    plan = plan_of(*changes, carrier=carrier)
    return executor.apply(plan, carrier=carrier, journal=journal, home=home, actor=ANA).phase


def test_change_that_is_in_place_is_verified(journal: Journal, tmp_path: Path) -> None:
    """A change that the account shows when it is read again is done."""
    carrier = Forgetful()

    assert PHASE_DONE == apply(carrier, journal, tmp_path, ALLOW)
    assert [*LISTED, ALLOW.network] == carrier.networks


@pytest.mark.parametrize(
    ("ignored", "changes", "phase", "networks", "words"),
    [
        ((AllowAddress,), (ALLOW,), PHASE_FAILED, LISTED, golden("fixes.executor.rolled_back")),
        ((RemoveAddress,), (REMOVE,), PHASE_FAILED, LISTED, golden("fixes.executor.rolled_back")),
        (
            (RemoveAddress,),
            (ALLOW, REMOVE),
            PHASE_PARTLY,
            (*LISTED, ALLOW.network),
            golden("fixes.executor.not_as_it_was"),
        ),
    ],
    ids=["addition", "removal", "removal, and the rollback of the addition"],
)
def test_accepted_change_that_is_not_in_place_fails(
    journal: Journal,
    tmp_path: Path,
    ignored: tuple[type[Change], ...],
    changes: tuple[Change, ...],
    phase: str,
    networks: Sequence[str],
    words: str,
) -> None:
    """The error names what differs, the other changes are rolled back, and the journal records what is in place."""
    carrier = Forgetful(*ignored)

    with pytest.raises(NotVerifiedError, match=golden_pattern("fixes.executor.shows_otherwise")) as caught:
        apply(carrier, journal, tmp_path, *changes)

    begun, ended = journal.entries()
    differing = changes[-1].model_dump()["network"]
    assert (PHASE_BEGUN, phase) == (begun.phase, ended.phase)
    assert (str(caught.value), sorted(networks)) == (ended.content["message"], sorted(carrier.networks))
    assert golden("fixes.executor.shows_otherwise_words", differing=differing, words=words) in ended.content["message"]
    rolled_back = [change.inverse() for change in reversed(changes)]
    assert len(changes) * 2 == len(carrier.accepted)
    assert [type(change) for change in rolled_back] == [type(change) for change in carrier.accepted[len(changes) :]]
    assert [] == journal.open_entries()
