"""Entry history: start and actor through undo, removal and return, independent of the carrier's date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard.calls.store.store import CallStore
from dashboard.core.settings import Settings
from dashboard.domain.actors import Actor, Role
from dashboard.domain.changes import AllowAddress, Change, Plan, RemoveAddress, ReplayImpact
from dashboard.fixes.account_image import entry
from dashboard.services.exports.frames import allowed_ips_frame
from dashboard.services.snapshot_builder import build_snapshot
from dashboard.services.workspace import Workspace
from dashboard.storage.database import State
from dashboard.storage.entry_history import entry_periods
from dashboard.storage.journal import PHASE_DONE, PHASE_FAILED, Journal

ENTRY = "203.0.113.66"
OTHER = "198.51.100.11"
T0 = datetime.now(UTC).replace(microsecond=0) - timedelta(days=40)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


class Home:
    """Home whose list and journal the test writes."""

    def __init__(self, state: State) -> None:
        """Use an empty database."""
        self.state = state
        self.journal = Journal(state)

    def saw(self, at: datetime, *rows: dict[str, Any], known_by: str = "carrier") -> None:
        """Save a version of the list."""
        kind = "carrier" if known_by == "carrier" else "operator"
        content = [{"network": OTHER, "known_by": kind}, *({"network": ENTRY, "known_by": kind} | row for row in rows)]
        self.state.save_version("allowed_ips", content, valid_from=at, seen_at=at, known_by=known_by)

    def did(
        self, by: str, *changes: Change, undoes: int | None = None, phase: str = PHASE_DONE
    ) -> tuple[datetime, int]:
        """Write a fix to the journal; return the time when the carrier applied it, and its last entry's number."""
        impact = ReplayImpact(labels={}, decided=1)
        plan = Plan(title="A fix", changes=changes, before={}, impact=impact, undoes=undoes, made_at=T0)
        begun = self.journal.begin(plan, actor=by, before={})
        at = datetime.now(UTC)
        return at, self.journal.finish(begun, plan, phase=phase, before={}, after={}).id

    def told(self) -> list[tuple[datetime, str, str, bool]]:
        """Return the periods of the entry: since, known by, by whom, and whether it is listed now."""
        rows = entry_periods(self.state)
        rows = rows[rows["network"] == ENTRY]
        return [
            (
                row["since"].to_pydatetime(),
                row["since_known_by"],
                row["added_by"],
                row["until"] is None or row["until"] != row["until"],
            )
            for row in rows.to_dict("records")
        ]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Open a home."""
    state = State.open(tmp_path)
    yield Home(state)
    state.close()


def reported(at: datetime, by: str) -> dict[str, Any]:
    """Return the carrier's data on the entry."""
    return {"added_at": at.isoformat(), "added_by": by}


def test_an_undo_keeps_since_when_and_by_whom(home: Home) -> None:
    """Undo keeps start and actor, although the carrier reports a new date and the person who undid the fix."""
    home.saw(T0, reported(T0 - DAY, "contractor"))
    removed_at, number = home.did("ann", RemoveAddress(network=ENTRY))
    home.saw(removed_at)
    back_at, _ = home.did("bob", AllowAddress(network=ENTRY), undoes=number)
    home.saw(back_at, reported(back_at, "bob"))

    assert [(T0 - DAY, "carrier", "contractor", True)] == home.told()


def test_an_undo_between_two_reads_keeps_it_too(home: Home) -> None:
    """If no version without the entry was saved, only the carrier's date shows that it was removed meanwhile."""
    home.saw(T0, reported(T0 - DAY, "contractor"))
    _, number = home.did("ann", RemoveAddress(network=ENTRY))
    back_at, _ = home.did("ann", AllowAddress(network=ENTRY), undoes=number)
    home.saw(back_at, reported(back_at, "ann"))

    assert [(T0 - DAY, "carrier", "contractor", True)] == home.told()


def test_a_fix_that_failed_and_was_rolled_back_keeps_it(home: Home) -> None:
    """A rolled-back fix keeps the period, although the entry was absent for a moment."""
    home.saw(T0, reported(T0 - DAY, "contractor"))
    at, _ = home.did("ann", RemoveAddress(network=ENTRY), phase=PHASE_FAILED)
    home.saw(at, reported(at, "contractor"))

    assert [(T0 - DAY, "carrier", "contractor", True)] == home.told()


def test_a_fix_of_ours_begins_a_period_by_whoever_applied_it(home: Home) -> None:
    """A fix begins a period with the person who applied it, and undoing its undo continues the period."""
    home.saw(T0)
    added_at, first = home.did("ann", AllowAddress(network=ENTRY))
    home.saw(added_at, reported(added_at, "portal"))
    gone_at, second = home.did("bob", RemoveAddress(network=ENTRY), undoes=first)
    home.saw(gone_at)
    again_at, _ = home.did("carol", AllowAddress(network=ENTRY), undoes=second)
    home.saw(again_at, reported(again_at, "carol"))

    assert [(added_at, "journal", "ann", True)] == home.told()


def test_somebody_elses_return_begins_a_new_period(home: Home) -> None:
    """
    A return by another person begins a new period, and the earlier periods remain.

    Cases: at the carrier, with and without a version in between, and by a fix.
    """
    home.saw(T0, reported(T0 - DAY, "contractor"))
    home.saw(T0 + DAY)
    home.saw(T0 + 2 * DAY, reported(T0 + 2 * DAY, "mallory"))
    home.saw(T0 + 5 * DAY, reported(T0 + 4 * DAY, "trudy"))
    gone_at, _ = home.did("ann", RemoveAddress(network=ENTRY))
    home.saw(gone_at)
    added_at, _ = home.did("bob", AllowAddress(network=ENTRY))
    home.saw(added_at, reported(added_at, "bob"))

    assert [
        (T0 - DAY, "carrier", "contractor", False),
        (T0 + 2 * DAY, "carrier", "mallory", False),
        (T0 + 4 * DAY, "carrier", "trudy", False),
        (added_at, "journal", "bob", True),
    ] == home.told()


def test_a_pasted_entry_was_first_seen_not_added(home: Home) -> None:
    """A pasted list proves only when an entry was first seen, and the paster did not add it."""
    home.saw(T0, reported(T0, "ann"), known_by="ann")
    home.saw(T0 + DAY, reported(T0, "ann"), {"network": "192.0.2.9"}, known_by="bob")

    assert [(T0, "first_seen", "ann", True)] == home.told()


def test_a_fix_of_a_clock_that_was_ahead_keeps_its_name(home: Home) -> None:
    """After the clock is set back, an entry keeps its fix, at the latest from the next read of the list."""
    behind = datetime.now(UTC) - 3 * DAY
    home.saw(behind - DAY)
    added_at, _ = home.did("ann", AllowAddress(network=ENTRY))
    home.saw(added_at, reported(added_at, "someone"))
    home.saw(behind, reported(added_at, "someone"))

    assert [(behind, "journal", "ann", True)] == home.told()

    home.saw(behind + DAY)
    home.saw(behind + 2 * DAY, reported(behind + 2 * DAY, "bob"))

    assert [(behind, "journal", "ann", False), (behind + 2 * DAY, "carrier", "bob", True)] == home.told()


def test_a_list_that_was_never_read_has_no_history(home: Home) -> None:
    """A list that was never read has no history."""
    assert entry_periods(home.state).empty


def test_the_export_holds_our_record_and_the_carriers_apart(home: Home, tmp_path: Path) -> None:
    """After an undo, ``since`` is the original date; the carrier's data has its own columns."""
    home.saw(T0, reported(T0 - DAY, "contractor"))
    removed_at, number = home.did("ann", RemoveAddress(network=ENTRY))
    home.saw(removed_at)
    back_at, _ = home.did("bob", AllowAddress(network=ENTRY), undoes=number)
    home.saw(back_at, reported(back_at, "bob"))

    snapshot = build_snapshot(home.state, CallStore(tmp_path), Settings(home=tmp_path), frozenset())
    row = allowed_ips_frame(snapshot).set_index("network").loc[ENTRY]

    assert (T0 - DAY, "carrier", "contractor") == (row["since"], row["since_known_by"], row["added_by"])
    assert (back_at, "bob", "") == (row["carrier_added_at"], row["carrier_added_by"], row["earlier_periods"])


@pytest.mark.slow
def test_on_the_embedded_account_an_undo_keeps_every_date(synced: Workspace) -> None:
    """Entries removed and restored by another person keep start and actor, although the carrier reports today."""
    account = synced
    before = {network: dict(row) for network, row in account.snapshot().listed_since.items()}
    entries = account.snapshot().allowed_ips.to_dict("records")
    rows = [row for row in entries if "/" not in row["network"]]
    for row in rows[:2]:
        plan = account.plan_changes([RemoveAddress(network=row["network"], **entry(row))])
        done = account.apply(plan, actor=Actor("ann (test)", Role.APPROVER), typed=plan.phrases)
        back = account.undo_plan(done.id)
        account.apply(back, actor=Actor("bob (test)", Role.APPROVER), typed=back.phrases)

    snapshot = account.snapshot()
    reported = snapshot.allowed_ips.set_index("network")["added_at"]
    assert before == {network: dict(row) for network, row in snapshot.listed_since.items()}
    assert all(reported[row["network"]] > row["added_at"] for row in rows[:2])
