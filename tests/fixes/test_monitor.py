"""Monitor of a fix: results of the calls after it, counted from the calls of a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest

from dashboard import schemas
from dashboard.calls.store.store import CallStore
from dashboard.domain.actors import Actor, Role
from dashboard.domain.admission import Observations, Policy, PolicyVersion
from dashboard.domain.changes import AllowAddress, Change, Plan, RemoveAddress, ReplayImpact, SetCredentials
from dashboard.fixes.monitor import Monitor, MonitorResult, watch
from dashboard.services.workspace import Workspace
from dashboard.storage.journal import PHASE_DONE, JournalEntry
from tests.builders import NOW, calls_row, frame, make_snapshot, pbx

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.domain.snapshot import Snapshot

FIXED_AT = NOW - timedelta(minutes=5)
ATLANTA = "198.51.100.40"
DENVER = "198.51.100.24"
SEATTLE = "198.51.100.11"
ADDRESSES = [
    {"pbx_id": name, "address": address, "kind": "primary", "valid_from": NOW - timedelta(days=90)}
    for name, address in (("atlanta", ATLANTA), ("seattle", SEATTLE))
]


class Store:
    """Store that returns the given calls."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = frame(schemas.TRAFFIC, rows)
        self.digest = "first"
        self.reads = 0

    def traffic(self, *, since: datetime, split_at: list[datetime]) -> pd.DataFrame:
        """Return all calls; the monitor drops those from before the fix."""
        assert [since] == split_at
        self.reads += 1
        return self.rows


def fix(*, off: bool = True, breaks: tuple[str, ...] = ("Atlanta",)) -> tuple[Plan, JournalEntry, Snapshot]:
    """Return a fix that switched credentials off, or allowed Atlanta, and the account after it."""
    change = SetCredentials(enabled=False) if off else AllowAddress(network=ATLANTA)
    plan = Plan(
        title="It",
        changes=(change,),
        before={},
        impact=ReplayImpact(labels={}, decided=1, breaks=breaks),
        made_at=FIXED_AT,
    )
    held = Policy(frozenset({SEATTLE}), credentials_on=True)
    after = Policy(frozenset({SEATTLE}), credentials_on=False) if off else held
    versions = (PolicyVersion(held, NOW - timedelta(days=60)), PolicyVersion(after, FIXED_AT))
    world = make_snapshot(
        allowed=(SEATTLE,),
        pbxs=[pbx("atlanta", x_tag="atlanta"), pbx("seattle")],
        addresses=ADDRESSES,
        versions=versions,
        observed=Observations(no_path_status=403),
    )
    return plan, JournalEntry(2, FIXED_AT, "it", PHASE_DONE, "root", "It", plan.hash, None, {}, "", ""), world


def watched(
    *rows: dict[str, Any],
    off: bool = True,
    breaks: tuple[str, ...] = ("Atlanta",),
    changes: tuple[Change, ...] = (),
    listed: tuple[str, ...] | None = None,
) -> MonitorResult:
    """
    Return the monitor's result for these calls after credentials were switched off, or Atlanta was allowed.

    Args:
        rows: The calls.
        off: Credentials were switched off.
        breaks: Names of the PBXs that the plan foresaw to break.
        changes: Changes of the plan, in place of these.
        listed: The list as last read.
    """
    plan, ended, world = fix(off=off, breaks=breaks)
    plan = plan.model_copy(update={"changes": changes or plan.changes})
    if listed is not None:
        entries = [{"network": network, "role": "active"} for network in listed]
        world = replace(world, allowed_ips=frame(schemas.ALLOWED_IPS, entries))
    return watch(plan, ended, store=cast("CallStore", Store(list(rows))), snapshot=world)


def after(source: str, outcome: str = "answered", **facts: Any) -> dict[str, Any]:
    """Return calls a minute after the fix."""
    status = {"answered": 200, "network": 503}.get(outcome, 403)
    return calls_row(source, outcome=outcome, at=FIXED_AT + timedelta(minutes=1), **{"sip_status": status, **facts})


def test_with_credentials_off_a_403_is_a_refusal_whatever_it_says() -> None:
    """With credentials off, the observed status of calls without a path is an expected refusal."""
    seen = watched(after(SEATTLE, calls=4), after(ATLANTA, "refused_unknown", calls=3))

    assert (7, 4, 3) == (seen.calls, seen.kept.admitted, seen.kept.refused)
    assert (3, ("Atlanta",)) == (seen.expected_refusals, seen.expected_callers)


def test_unexpected_refusal_is_counted_separately() -> None:
    """Refusals of PBXs that the plan does not name as broken are counted as unexpected."""
    seen = watched(after(SEATTLE, "refused_auth"), after(ATLANTA, "refused_unknown"))

    assert (2, 1, ("Atlanta",), ("Seattle",)) == (
        seen.kept.refused,
        seen.expected_refusals,
        seen.expected_callers,
        seen.others,
    )


def test_with_credentials_on_such_a_403_bars_a_destination() -> None:
    """For an allowed address, only an answer that names the ACL is a refusal."""
    seen = watched(after(ATLANTA, "refused_unknown"), after(ATLANTA, "refused_auth"), off=False, breaks=())

    assert (2, 1, 0, (), ()) == (
        seen.calls,
        seen.kept.refused,
        seen.expected_refusals,
        seen.expected_callers,
        seen.others,
    )


def test_calls_that_prove_neither_are_not_counted_as_admitted() -> None:
    """Twenty network failures prove nothing about the fix, so the monitor continues."""
    seen = watched(after(SEATTLE, "network", calls=20), after(SEATTLE, calls=2))

    assert (22, 2, 0, 2) == (seen.calls, seen.kept.admitted, seen.kept.refused, seen.decided)
    assert not seen.over


NETWORK = "198.51.100.0/24"
INSIDE = "198.51.100.77"
REMOVED = (RemoveAddress(network=NETWORK),)
REPLACED = (AllowAddress(network=ATLANTA), *REMOVED)


def apart(seen: MonitorResult) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return the calls, admitted and refused ones, of sources that should be admitted and of the others."""
    kept, removed = ((one.calls, one.admitted, one.refused) for one in (seen.kept, seen.removed))
    return kept, removed


@pytest.mark.parametrize("listed", [(), (NETWORK,)], ids=["list read since", "list read before"])
def test_calls_from_inside_a_removed_network_are_counted(listed: tuple[str, ...]) -> None:
    """Every source inside a removed network counts, whether or not the list was read since; others do not."""
    rows = [after(INSIDE, calls=4), after(INSIDE, "refused_auth", calls=3), after("203.0.113.5", calls=9)]
    seen = watched(*rows, off=False, changes=REMOVED, listed=listed)

    assert ((0, 0, 0), (7, 4, 3)) == apart(seen)
    assert (NETWORK,) == seen.sources


def test_sources_that_a_fix_adds_and_removes_are_counted_apart() -> None:
    """If single addresses replace a network, their calls should be admitted, and those of the others in it refused."""
    rows = [after(ATLANTA, calls=5), after(ATLANTA, "refused_auth"), after(INSIDE, "refused_auth", calls=3)]
    seen = watched(*rows, off=False, changes=REPLACED, listed=(ATLANTA,))

    assert ((6, 5, 1), (3, 0, 3)) == apart(seen)
    assert (0, ()) == (seen.expected_refusals, seen.others)


def test_a_source_that_another_entry_still_covers_should_be_admitted() -> None:
    """A PBX inside a removed network that is also listed by itself is no removed source."""
    seen = watched(after(SEATTLE, calls=5), after(INSIDE, calls=2), off=False, changes=REMOVED, listed=(SEATTLE,))

    assert ((5, 5, 0), (2, 2, 0)) == apart(seen)


@pytest.mark.parametrize("change", [AllowAddress, RemoveAddress])
def test_an_entry_written_with_a_prefix_length_of_32_is_the_address(change: type[AllowAddress | RemoveAddress]) -> None:
    """An entry such as ``198.51.100.77/32`` stands for one address."""
    seen = watched(after(INSIDE, calls=4), off=False, changes=(change(network=f"{INSIDE}/32"),), listed=())

    assert 4 == seen.calls


@pytest.mark.parametrize("had", [False, True], ids=["never had", "left"])
@pytest.mark.parametrize("words", [{"x_tag": "atlanta"}, {"number": "14045550140"}], ids=["X-Tag", "caller id"])
def test_a_source_that_only_claims_to_be_a_pbx_is_left_out(words: dict[str, str], *, had: bool) -> None:
    """With credentials off, refused calls of a forger are not refused calls of the PBX it claims to be."""
    numbers = frame(schemas.PBX_NUMBERS, [{"pbx_id": "atlanta", "number": "14045550140"}])
    plan, ended, world = fix(breaks=())
    past = {"pbx_id": "atlanta", "address": "203.0.113.77", "kind": "primary", "valid_to": NOW - timedelta(days=10)}
    world = replace(world, pbx_addresses=frame(schemas.PBX_ADDRESSES, [*ADDRESSES, *([past] if had else [])]))
    rows = [after("203.0.113.77", "refused_auth", calls=8, **words), after(ATLANTA, "refused_auth", calls=2, **words)]
    store = cast("CallStore", Store([*rows, after(SEATTLE, calls=5)]))
    seen = watch(plan, ended, store=store, snapshot=replace(world, pbx_numbers=numbers))

    assert ((7, 5, 2), (0, 0, 0)) == apart(seen)
    assert ("Atlanta",) == seen.others


def test_a_removed_source_counts_apart_where_the_switch_changes_too() -> None:
    """Calls of PBXs should be admitted, and those of a removed entry refused."""
    changes = (RemoveAddress(network=INSIDE), SetCredentials(enabled=False))
    seen = watched(after(SEATTLE, calls=5), after(INSIDE, "refused_auth", calls=3), changes=changes, breaks=())

    assert ((5, 5, 0), (3, 0, 3)) == apart(seen)
    assert (INSIDE,) == seen.sources


def test_a_monitor_reads_only_what_changed() -> None:
    """Polls read no calls while store and account are unchanged, and equal a complete computation."""
    plan, ended, world = fix(off=False, breaks=())
    store = Store([after(ATLANTA)])
    state = ["1"]
    accounts = [0]

    def account() -> Snapshot:
        accounts[0] += 1
        return world

    monitor = Monitor(plan, ended, store=cast("CallStore", store), state=lambda: state[0], account=account)

    assert [1, 1, 1] == [monitor.poll().calls for _ in range(3)]
    assert (1, 1) == (store.reads, accounts[0])

    store.rows = frame(schemas.TRAFFIC, [after(ATLANTA, calls=7)])
    store.digest = "second"
    assert [7, 7] == [monitor.poll().calls for _ in range(2)]
    state[0] = "2"
    assert watch(plan, ended, store=cast("CallStore", store), snapshot=world) == monitor.poll()
    assert 4 == store.reads  # one of them by the reference computation
    assert 3 == accounts[0]


class CountedStore(CallStore):
    """Store that records the start and the step of each roll-up query."""

    def traffic(self, *, since: datetime, step: Literal["hour", "segment"] = "hour", **asked: Any) -> pd.DataFrame:
        """Record and answer the query."""
        self.asked = [*getattr(self, "asked", []), (since, step)]
        return super().traffic(since=since, step=step, **asked)


@pytest.mark.slow
def test_polls_of_an_open_dialog_build_no_snapshot(synced: Workspace) -> None:
    """Polling a real home reads only the calls since the fix, once, and never the whole window."""
    account = synced
    entry = account.apply(account.plan("pbx_address_is_allowed", DENVER), actor=Actor("ana", Role.APPROVER))
    store = CountedStore(account.settings.home)
    watching = Workspace(account.settings, account.state, store, account.carrier)

    seen = [watching.watch(entry) for _ in range(5)]

    assert [seen[0]] * 5 == seen
    assert [(seen[0].since, "hour")] == store.asked
    snapshot = account.snapshot()
    plan = Plan.model_validate(account.journal.entries()[0].content["plan"])
    assert watch(plan, entry, store=store, snapshot=snapshot) == seen[0]
