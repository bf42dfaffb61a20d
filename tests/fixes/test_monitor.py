"""Monitor of a fix: results of the calls after it, counted from the calls of a store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, cast

import pytest

from dashboard import schemas
from dashboard.calls.store.store import CallStore
from dashboard.domain.actors import Actor, Role
from dashboard.domain.admission import Observations, Policy, PolicyVersion
from dashboard.domain.changes import AllowAddress, Plan, ReplayImpact, SetCredentials
from dashboard.fixes.monitor import Monitor, MonitorResult, watch
from dashboard.services.workspace import Workspace
from dashboard.storage.journal import DONE, JournalEntry
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
        pbxs=[pbx("atlanta"), pbx("seattle")],
        addresses=ADDRESSES,
        versions=versions,
        observed=Observations(no_path_status=403),
    )
    return plan, JournalEntry(2, FIXED_AT, "it", DONE, "root", "It", plan.hash, None, {}, "", ""), world


def watched(*rows: dict[str, Any], off: bool = True, breaks: tuple[str, ...] = ("Atlanta",)) -> MonitorResult:
    """Return the monitor's result for these calls after credentials were switched off, or Atlanta was allowed."""
    plan, ended, world = fix(off=off, breaks=breaks)
    return watch(plan, ended, store=cast("CallStore", Store(list(rows))), snapshot=world)


def after(source: str, outcome: str = "answered", **facts: Any) -> dict[str, Any]:
    """Return calls a minute after the fix."""
    status = {"answered": 200, "network": 503}.get(outcome, 403)
    return calls_row(source, outcome=outcome, at=FIXED_AT + timedelta(minutes=1), **{"sip_status": status, **facts})


def test_with_credentials_off_a_403_is_a_refusal_whatever_it_says() -> None:
    """With credentials off, the observed status of calls without a path is an expected refusal."""
    seen = watched(after(SEATTLE, calls=4), after(ATLANTA, "refused_unknown", calls=3))

    assert (7, 4, 3) == (seen.calls, seen.admitted, seen.refused)
    assert (3, ("Atlanta",)) == (seen.foreseen, seen.foreseen_of)


def test_a_refusal_that_was_not_foreseen_is_told_apart() -> None:
    """Refusals of PBXs that the plan does not name as broken are counted as unexpected."""
    seen = watched(after(SEATTLE, "refused_auth"), after(ATLANTA, "refused_unknown"))

    assert (2, 1, ("Atlanta",), ("Seattle",)) == (seen.refused, seen.foreseen, seen.foreseen_of, seen.others)


def test_with_credentials_on_such_a_403_bars_a_destination() -> None:
    """For an allowed address, only an answer that names the ACL is a refusal."""
    seen = watched(after(ATLANTA, "refused_unknown"), after(ATLANTA, "refused_auth"), off=False, breaks=())

    assert (2, 1, 0, (), ()) == (seen.calls, seen.refused, seen.foreseen, seen.foreseen_of, seen.others)


def test_calls_that_prove_neither_are_not_counted_as_admitted() -> None:
    """Twenty network failures prove nothing about the fix, so the monitor continues."""
    seen = watched(after(SEATTLE, "network", calls=20), after(SEATTLE, calls=2))

    assert (22, 2, 0, 2) == (seen.calls, seen.admitted, seen.refused, seen.decided)
    assert not seen.over


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
