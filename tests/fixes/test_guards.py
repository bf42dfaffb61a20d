"""Guards of fixes, each on a suitable account."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dashboard import schemas
from dashboard.domain.changes import AllowAddress, Change, GuardResult, Plan, RemoveAddress, SetCredentials
from dashboard.domain.snapshot import Freshness, Snapshot
from dashboard.fixes.planner import build
from dashboard.fixes.removals import removals_for_cause
from dashboard.storage.journal import PHASE_BEGUN, PHASE_DONE, JournalEntry
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx, refused_row
from tests.domain.test_changes import OLD_PLAN
from tests.texts import golden

STRANGER = "203.0.113.66"
OLD = "198.51.100.23"
NEW = "198.51.100.24"
FRAUD = calls_row(STRANGER, calls=240, cost_usd="2035.12", at=NOW - timedelta(days=1))
MOVED = NOW - timedelta(days=10)
DENVER = [
    {"pbx_id": "denver", "address": OLD, "kind": "primary", "valid_from": NOW - timedelta(days=60), "valid_to": MOVED},
    {"pbx_id": "denver", "address": NEW, "kind": "primary", "valid_from": MOVED},
]


def account(*traffic: dict[str, Any], **facts: Any) -> Snapshot:
    """Return an account with Denver, which moved."""
    return make_snapshot(pbxs=[pbx("denver")], addresses=DENVER, traffic=list(traffic), **facts)


def guards(snapshot: Snapshot, *changes: Change, entries: tuple[JournalEntry, ...] = ()) -> dict[str, GuardResult]:
    """Plan changes and return the guards by name."""
    return {guard.id: guard for guard in plan_of(snapshot, *changes, entries=entries).guards}


def plan_of(snapshot: Snapshot, *changes: Change, entries: tuple[JournalEntry, ...] = ()) -> Plan:
    """Plan changes of the account."""
    return build(snapshot, changes, max_changes=5, entries=entries)


def stale(snapshot: Snapshot) -> Snapshot:
    """Return the account with an inventory that was last confirmed a year ago."""
    return replace(snapshot, freshness=snapshot.freshness | {"inventory": Freshness(NOW - timedelta(days=365), 60)})


def test_harmless_removals_need_no_confirmation() -> None:
    """Removing an old entry or a thief's needs no confirmation; with a stale inventory both do."""
    known = account(
        FRAUD,
        calls_row(OLD, pbx_id="denver", calls=5458, at=MOVED - timedelta(days=1)),
        allowed=(OLD, STRANGER),
        credentials_on=False,
    )
    changes = (RemoveAddress(network=OLD), RemoveAddress(network=STRANGER))

    fresh = plan_of(known, *changes)
    unsure = plan_of(stale(known), *changes)

    assert () == fresh.phrases
    assert golden("fixes.guards.cannot_recur") in guards(known, *changes)["nothing_of_ours_breaks"].sentence
    assert {"Denver", "stale inventory"} == set(unsure.phrases)


@pytest.mark.parametrize(
    ("row", "asks"),
    [
        ({"pbx_id": "denver", "attributed_by": "x_tag"}, True),
        ({"pbx_id": "denver", "attributed_by": "caller_id"}, True),
        ({}, True),
        ({"pbx_id": "denver", "attributed_by": "x_tag", "at": MOVED - timedelta(days=1)}, False),
        ({"pbx_id": "denver", "attributed_by": "address", "at": MOVED - timedelta(days=1)}, False),
    ],
    ids=["its X-Tag", "its caller id", "unassigned", "its X-Tag before", "its own calls before"],
)
def test_calls_from_an_address_that_a_pbx_left_cost_money_whatever_they_claim(row: dict[str, Any], asks: bool) -> None:
    """An X-Tag or a caller id does not spare the question; calls from before the PBX left are its own."""
    known = account(calls_row(OLD, calls=400, cost_usd="900", **row))

    assert asks == ("money_was_not_lost_there" in guards(known, AllowAddress(network=OLD)))


def test_a_forged_x_tag_from_an_address_that_its_pbx_left_is_no_call_that_breaks() -> None:
    """Removing the thief's entry blocks no call of ours; the claims are named as calls that may be blocked."""
    forged = calls_row(OLD, pbx_id="denver", attributed_by="x_tag", x_tag="denver", calls=400, cost_usd="900")
    known = account(forged, allowed=(OLD,), credentials_on=False)
    change = RemoveAddress(network=OLD)

    assert guards(known, change)["nothing_of_ours_breaks"].met
    assert golden("fixes.guards.may_be_blocked") in guards(known, change)["undecided_calls_are_said"].sentence


@pytest.mark.parametrize(
    ("facts", "change", "phrases"),
    [
        ({"auth_method": "both", "dials_prefix": "no"}, SetCredentials(enabled=False), ("Denver",)),
        ({"auth_method": "both", "dials_prefix": "unknown"}, SetCredentials(enabled=False), ("Denver",)),
        ({"auth_method": "both", "dials_prefix": "unknown"}, RemoveAddress(network=NEW), ("Denver",)),
    ],
    ids=["broken", "may be broken, credentials off", "may be broken, removed"],
)
def test_calls_at_risk_require_the_name(facts: dict[str, str], change: Change, phrases: tuple[str, ...]) -> None:
    """Broken and possibly broken calls require typing the PBX's name."""
    row = calls_row(NEW, pbx_id="denver")
    known = make_snapshot(allowed=(NEW,), pbxs=[pbx("denver", **facts)], addresses=DENVER, traffic=[row])

    assert phrases == plan_of(known, change).phrases


def test_calls_that_may_only_be_saved_ask_for_nothing() -> None:
    """Allowing an address cannot cost its PBX a call, whatever facts are unknown."""
    row = calls_row(NEW, pbx_id="denver", outcome="refused_auth", sip_status=403)
    facts = pbx("denver", dials_prefix="unknown")
    known = make_snapshot(pbxs=[facts], addresses=DENVER, traffic=[row])

    plan = plan_of(known, AllowAddress(network=NEW))

    assert (1, ()) == (plan.impact.calls("may be saved"), plan.phrases)


def removal(**facts: Any) -> tuple[JournalEntry, ...]:
    """Return the journal entries of a removal of the unassigned address, with plan fields overridden."""
    plan = Plan.model_validate(OLD_PLAN | facts)
    texts = ("act", "ana", plan.title, plan.hash, None)
    action, actor, title, digest, undoes = texts
    begun = JournalEntry(
        1, NOW, action, PHASE_BEGUN, actor, title, digest, undoes, {"plan": plan.model_dump(mode="json")}, "", ""
    )
    return begun, replace(begun, id=2, phase=PHASE_DONE, content={})


def test_an_address_that_cost_money_is_allowed_again_only_when_typed() -> None:
    """The message has the dollars and the date, from the calls or from the fix that removed the address."""
    allow = AllowAddress(network=STRANGER)
    spent = guards(account(FRAUD), allow)["money_was_not_lost_there"]
    removed = guards(account(), allow, entries=removal())["money_was_not_lost_there"]

    assert (False, STRANGER) == (spent.met, spent.confirm)
    assert golden("fixes.guards.cost_while_unassigned") in spent.sentence
    assert golden("fixes.guards.last_call_on", day="Nov 19, 2026") in spent.sentence
    assert (False, STRANGER) == (removed.met, removed.confirm)
    assert golden("fixes.guards.removed_because") in removed.sentence
    assert "$2,035.12" in removed.sentence


def test_an_address_that_cost_money_before_the_window_is_asked_about() -> None:
    """The loss stays a finding then, and the question does too; refused calls are not among those that cost money."""
    stolen = calls_row(STRANGER, calls=240, cost_usd="2035.12", at=NOW - timedelta(days=45))
    known = replace(account(refused_row(STRANGER, calls=500)), past_traffic=frame(schemas.TRAFFIC, [stolen]))

    spent = guards(known, AllowAddress(network=STRANGER))["money_was_not_lost_there"]

    assert golden("fixes.guards.cost_while_unassigned") in spent.sentence
    assert golden("fixes.guards.last_call_on", day="Oct 6, 2026") in spent.sentence


def test_calls_of_a_pbx_under_the_tag_of_another_are_not_of_others() -> None:
    """They were placed from an address that a PBX of the inventory had then, though it has left it since."""
    known = account(calls_row(OLD, at=MOVED - timedelta(days=1), pbx_id="boise", attributed_by="x_tag", cost_usd="50"))

    assert "money_was_not_lost_there" not in guards(known, AllowAddress(network=OLD))


def test_an_entry_of_a_retired_pbx_that_was_removed_for_cause_is_asked_about() -> None:
    """A retired PBX has no need of its address, whether or not the inventory says when it left."""
    retired = make_snapshot(
        pbxs=[pbx("denver", status="retired")], addresses=[{"pbx_id": "denver", "address": STRANGER}]
    )

    guard = guards(retired, AllowAddress(network=STRANGER), entries=removal())["money_was_not_lost_there"]

    assert (False, STRANGER) == (guard.met, guard.confirm)


def test_a_removal_from_a_draft_is_for_cause_where_its_calls_were_of_nobody() -> None:
    """A removal without a check is for cause if the plan's callers are unassigned, not if they are own PBXs."""
    assert {STRANGER} == set(removals_for_cause(removal(check="", subject="")))
    ours = OLD_PLAN["impact"] | {"breaks": ["Denver"], "nobodys": {}}  # type: ignore[operator] # a plain dict
    assert {} == removals_for_cause(removal(check="", subject="", impact=ours))


@pytest.mark.parametrize(
    "change",
    [AllowAddress(network=NEW), AllowAddress(network="192.0.2.9"), RemoveAddress(network=STRANGER)],
    ids=["of a PBX", "never called", "removed"],
)
def test_other_addresses_are_not_asked_about(change: Change) -> None:
    """An address of a PBX in a fresh inventory, an address without cost, and a removal need no confirmation."""
    row = calls_row(NEW, calls=2, cost_usd="9.00", at=MOVED - timedelta(days=5))
    known = account(FRAUD, row, allowed=(STRANGER,))

    assert "money_was_not_lost_there" not in guards(known, change)
    if change.network == NEW:
        assert NEW == guards(stale(known), change)["money_was_not_lost_there"].confirm


@pytest.mark.parametrize("entry", ["192.0.2.16/28", "10.0.0.7", "2001:db8::7"])
def test_an_entry_that_the_list_would_not_take_again_is_removed_only_when_typed(entry: str) -> None:
    """Networks, private and IPv6 addresses need confirmation, because the undo of their removal would be refused."""
    known = account(FRAUD, allowed=(STRANGER, entry))
    removal_of_entry = RemoveAddress(network=entry)

    guard = guards(known, removal_of_entry, RemoveAddress(network=STRANGER))["removal_can_be_undone"]

    assert (False, entry) == (guard.met, guard.confirm)
    assert golden("fixes.guards.cannot_undo", address=entry) in guard.sentence
    assert ["address_is_usable"] == [guard.id for guard in plan_of(known, removal_of_entry.inverse()).blocked]


def test_the_undo_of_an_ordinary_removal_is_open() -> None:
    """For a single public address the guard asks nothing, and the undo is possible."""
    known = account(FRAUD, allowed=(STRANGER,))

    assert "removal_can_be_undone" not in guards(known, RemoveAddress(network=STRANGER))
    assert not plan_of(known, RemoveAddress(network=STRANGER).inverse()).blocked
