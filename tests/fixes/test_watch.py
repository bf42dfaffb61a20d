"""What became of the next calls after a fix, counted from the calls of a store."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from dashboard import tables
from dashboard.changes import AllowAddress, Impact, Plan, SetCredentials
from dashboard.fixes.watch import Watch, watch
from dashboard.journal import DONE, Entry
from dashboard.policy import Observations, Policy, PolicyVersion
from tests.worlds import NOW, calls_row, frame, make_snapshot, pbx

if TYPE_CHECKING:
    import pandas as pd

    from dashboard.calls.store import CallStore

FIXED_AT = NOW - timedelta(minutes=5)
ATLANTA, SEATTLE = "198.51.100.40", "198.51.100.11"
ADDRESSES = [
    {"pbx_id": name, "address": address, "kind": "primary", "valid_from": NOW - timedelta(days=90)}
    for name, address in (("atlanta", ATLANTA), ("seattle", SEATTLE))
]


class Store:
    """Calls that are given back as they are."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = frame(tables.TRAFFIC, rows)

    def traffic(self, *, since: datetime, split_at: list[datetime]) -> pd.DataFrame:
        """Return all of them; the watch leaves out what began before."""
        assert [since] == split_at
        return self.rows


def watched(*rows: dict[str, Any], off: bool = True, breaks: tuple[str, ...] = ("Atlanta",)) -> Watch:
    """Watch these calls after credentials were switched off, or after Atlanta was allowed."""
    change = SetCredentials(enabled=False) if off else AllowAddress(network=ATLANTA)
    plan = Plan(
        title="It", changes=(change,), before={}, impact=Impact(labels={}, decided=1, breaks=breaks), made_at=FIXED_AT
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
    ended = Entry(2, FIXED_AT, "it", DONE, "root", "It", plan.hash, None, {}, "", "")
    return watch(plan, ended, store=cast("CallStore", Store(list(rows))), snapshot=world)


def after(source: str, outcome: str = "answered", **facts: Any) -> dict[str, Any]:
    """Return calls a minute after the fix."""
    status = {"answered": 200, "network": 503}.get(outcome, 403)
    return calls_row(source, outcome=outcome, at=FIXED_AT + timedelta(minutes=1), **{"sip_status": status, **facts})


def test_with_credentials_off_a_403_is_a_refusal_whatever_it_says() -> None:
    """Its code is the observed one of calls without a path, so the PBX was refused, as was foreseen."""
    seen = watched(after(SEATTLE, calls=4), after(ATLANTA, "refused_unknown", calls=3))

    assert (7, 4, 3) == (seen.calls, seen.admitted, seen.refused)
    assert (3, ("Atlanta",)) == (seen.foreseen, seen.foreseen_of)


def test_a_refusal_that_was_not_foreseen_is_told_apart() -> None:
    """Only PBXs that the plan named were said to break."""
    seen = watched(after(SEATTLE, "refused_auth"), after(ATLANTA, "refused_unknown"))

    assert (2, 1, ("Atlanta",), ("Seattle",)) == (seen.refused, seen.foreseen, seen.foreseen_of, seen.others)


def test_with_credentials_on_such_a_403_bars_a_destination() -> None:
    """As before: of an address that was allowed, only an answer that names the list is a refusal."""
    seen = watched(after(ATLANTA, "refused_unknown"), after(ATLANTA, "refused_auth"), off=False, breaks=())

    assert (2, 1, 0, (), ()) == (seen.calls, seen.refused, seen.foreseen, seen.foreseen_of, seen.others)


def test_calls_that_prove_neither_are_not_counted_as_admitted() -> None:
    """Twenty failures of the network say nothing about the fix, so the watch goes on."""
    seen = watched(after(SEATTLE, "network", calls=20), after(SEATTLE, calls=2))

    assert (22, 2, 0, 2) == (seen.calls, seen.admitted, seen.refused, seen.decided)
    assert not seen.over
