"""Settlement of interrupted fixes: the outcome is found by reading the account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from filelock import FileLock

from dashboard import schemas
from dashboard.carriers import AccountState
from dashboard.carriers.offline import OfflineCarrier
from dashboard.core.errors import JournalError, StalePlanError
from dashboard.domain.admission import Policy
from dashboard.domain.changes import (
    AllowAddress,
    Change,
    CreateRoute,
    Plan,
    RemoveAddress,
    ReplayImpact,
    RouteNumber,
    SetCredentials,
)
from dashboard.fixes.account_image import after, image
from dashboard.fixes.planner import ensure_unchanged_since, live_of, plan_undo
from dashboard.fixes.settlement import SYSTEM, compare_outcome, settle
from dashboard.storage.database import State
from dashboard.storage.journal import PHASE_DONE, PHASE_FAILED, PHASE_PARTLY, Journal
from tests.old_homes import make_database
from tests.texts import golden, golden_pattern

NOW = datetime(2026, 11, 20, tzinfo=UTC)
LISTED = ("198.51.100.11", "203.0.113.66")
ALLOW = AllowAddress(network="198.51.100.24")
REMOVE = RemoveAddress(network="203.0.113.66")
RELABEL = (REMOVE, AllowAddress(network="203.0.113.66", label="another label"))
ROUTE = (
    CreateRoute(alias="Phoenix", value="198.51.100.60"),
    RouteNumber(number="16025550150", to_alias="Phoenix", was_alias=""),
)


class Listed(OfflineCarrier):
    """Carrier with a list and a switch set by the test."""

    def __init__(self, networks: Sequence[str] = LISTED, *, on: bool = True) -> None:
        super().__init__(frozenset(), "")
        self.networks = list(networks)
        self.on = on

    def account(self) -> AccountState:
        """Return the state of the switch."""
        return AccountState("12345678", self.on)

    def allowed_ips(self) -> tuple[pd.DataFrame, datetime | None]:
        """Return the allow list."""
        rows = [
            dict.fromkeys(schemas.ALLOWED_IPS.columns) | {"network": each, "role": "active"} for each in self.networks
        ]
        return schemas.conform(pd.DataFrame(rows), schemas.ALLOWED_IPS, source="a test"), None

    @property
    def policy(self) -> Policy:
        """Return list and switch as a policy."""
        return Policy(frozenset(self.networks), self.on, "12345678")


class Frames:
    """Frames on which an undo is planned."""

    def __init__(self, carrier: Listed) -> None:
        self.allowed_ips = carrier.allowed_ips()[0]
        self.policy = carrier.policy
        self.numbers = schemas.empty(schemas.NUMBERS)
        self.routes = schemas.empty(schemas.ROUTES)


def plan_of(*changes: Change, carrier: Listed) -> Plan:
    """Plan changes of the list and the switch."""
    before = image(Frames(carrier), changes)
    return Plan(
        title="Change the list", changes=changes, before=before, impact=ReplayImpact(labels={}, decided=1), made_at=NOW
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the path of the home."""
    return tmp_path


@pytest.fixture
def journal(home: Path) -> Iterator[Journal]:
    """Open the journal of a fresh home."""
    with closing(State.open(home)) as state:
        yield Journal(state)


@pytest.mark.parametrize("changes", [(ALLOW,), (ALLOW, REMOVE), RELABEL, (SetCredentials(enabled=False), ALLOW), ROUTE])
def test_every_state_of_a_fix_is_recognized(changes: tuple[Change, ...]) -> None:
    """Each prefix of the changes is recognized, whatever else was changed on the account."""
    entry = {"label": "", "owner": "", "purpose": "", "role": "active", "review_by": ""}
    before = {
        "allowed_ips": dict.fromkeys(LISTED, entry),
        "credentials_on": True,
        "routes": {"Phoenix": None},
        "numbers": {"16025550150": ""},
    }
    for count in range(len(changes) + 1):
        now = after(before, changes[:count])
        now["allowed_ips"]["192.0.2.9"] = entry
        assert (changes[:count], ()) == compare_outcome(before, now, changes)


def test_what_somebody_else_changed_is_named() -> None:
    """If the account matches no state of the fix, each change is evaluated separately."""
    before: dict[str, Any] = {"credentials_on": True, "allowed_ips": {"203.0.113.66": {"label": "a"}}}
    now = {"credentials_on": False, "allowed_ips": {"203.0.113.66": {"label": "b"}}}

    found = compare_outcome(
        before, now, (RemoveAddress(network="203.0.113.66", label="a"), SetCredentials(enabled=False))
    )

    assert ((SetCredentials(enabled=False),), ("203.0.113.66",)) == found


@pytest.mark.parametrize(
    ("networks", "phase", "live"),
    [
        (LISTED, PHASE_FAILED, ()),
        ((*LISTED, "198.51.100.24"), PHASE_PARTLY, (ALLOW,)),
        (("198.51.100.11", "198.51.100.24"), PHASE_DONE, (ALLOW, REMOVE)),
    ],
)
def test_an_interrupted_fix_gets_its_outcome(
    journal: Journal, home: Path, networks: tuple[str, ...], phase: str, live: tuple[Change, ...]
) -> None:
    """The outcome is recorded once, as found after an interruption; undo reverts exactly the applied changes."""
    plan = plan_of(ALLOW, REMOVE, carrier=Listed())
    begun = journal.begin(plan, actor="ana", before=plan.before)
    carrier = Listed(networks)

    (entry,) = settle(carrier=carrier, journal=journal, home=home)
    again = settle(carrier=carrier, journal=journal, home=home)

    assert ([], []) == (again, journal.open_entries())
    assert (phase, SYSTEM, begun.action) == (entry.phase, entry.actor, entry.action)
    assert entry.content["message"].startswith(golden("fixes.executor.found_after_interruption"))
    assert live == live_of(plan, entry)
    if not live:
        with pytest.raises(JournalError, match=golden_pattern("fixes.executor.left_none")):
            plan_undo(journal, begun.id)
        return
    done, ended, back, _ = plan_undo(journal, begun.id)
    assert (tuple(change.inverse() for change in reversed(live)), entry) == (back, ended)
    ensure_unchanged_since(ended, done, Frames(carrier))
    with pytest.raises(StalePlanError, match=golden_pattern("fixes.executor.changed_after", subject="198.51.100.24")):
        ensure_unchanged_since(ended, done, Frames(Listed(LISTED[:1])))


def test_a_fix_that_runs_is_left_alone(journal: Journal, home: Path) -> None:
    """A running fix holds the lock and is not settled."""
    plan = plan_of(ALLOW, carrier=Listed())
    journal.begin(plan, actor="ana", before=plan.before)

    with FileLock(str(home / "fix.lock")):
        assert [] == settle(carrier=Listed(), journal=journal, home=home)
    assert 1 == len(journal.open_entries())


def test_while_the_account_cannot_be_read_a_fix_stays_open(journal: Journal, home: Path) -> None:
    """While the account cannot be read, no outcome is recorded; undo gives the reason to wait."""
    plan = plan_of(ALLOW, carrier=Listed())
    begun = journal.begin(plan, actor="ana", before=plan.before)

    assert [] == settle(carrier=OfflineCarrier(frozenset(), "It is down."), journal=journal, home=home)
    assert [begun] == journal.open_entries()
    with pytest.raises(JournalError, match=golden_pattern("errors.fixes.outcome_not_known")):
        plan_undo(journal, begun.id)


def test_later_fix_is_not_attributed_to_an_interrupted_one(home: Path) -> None:
    """Open entries of earlier versions that are followed by other fixes are settled after reading the account."""
    first = plan_of(ALLOW, carrier=Listed())
    second = plan_of(ALLOW, REMOVE, carrier=Listed())
    make_database(home, "0002", plans=[(first, ""), (second, PHASE_DONE)])

    with closing(State.open(home)) as state:
        journal = Journal(state)
        settle(carrier=Listed(("198.51.100.11", "198.51.100.24")), journal=journal, home=home)
        last = journal.entries()[-1]

    assert (PHASE_FAILED, golden("fixes.executor.none_in_place")) == (
        last.phase,
        last.content["message"].split(": ")[1],
    )
