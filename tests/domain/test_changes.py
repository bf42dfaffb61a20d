"""Changes and plans: each change has an inverse, and a plan's hash covers what was displayed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter

from dashboard.domain.changes import (
    AllowAddress,
    Change,
    CreateRoute,
    DeleteRoute,
    GuardResult,
    LabelCount,
    Plan,
    RemoveAddress,
    ReplayImpact,
    RouteNumber,
    SetCredentials,
)
from tests.texts import golden

EVERY = [
    AllowAddress(network="198.51.100.24", label="Denver", owner="ops", purpose="calls", role="standby"),
    RemoveAddress(network="203.0.113.66", label="temp", review_by="2026-12-01T00:00:00+00:00"),
    SetCredentials(enabled=False),
    CreateRoute(alias="Phoenix", value="198.51.100.60"),
    DeleteRoute(alias="Phoenix", value="198.51.100.60"),
    RouteNumber(number="16025550101", to_alias="Phoenix", was_alias=""),
]


def a_plan(**facts: Any) -> Plan:
    """Return a plan that allows one address."""
    base: dict[str, Any] = {
        "title": "Allow 198.51.100.24",
        "changes": (EVERY[0],),
        "before": {"allowed_ips": {}, "credentials_on": True},
        "impact": ReplayImpact(labels={"saved": LabelCount(calls=3)}, decided=1),
        "made_at": datetime(2026, 11, 20, tzinfo=UTC),
    }
    return Plan(**(base | facts))


@pytest.mark.parametrize("change", EVERY, ids=lambda change: change.kind)
def test_the_inverse_of_the_inverse_is_the_change(change: Change) -> None:
    """The inverse of a change's inverse is the change itself, with every field."""
    assert change == change.inverse().inverse()


@pytest.mark.parametrize("change", EVERY, ids=lambda change: change.kind)
def test_json_brings_the_same_change_back(change: Change) -> None:
    """The journal's JSON restores an equal change."""
    adapter: TypeAdapter[Change] = TypeAdapter(Change)

    assert change == adapter.validate_json(adapter.dump_json(change))


def test_every_kind_is_tried_here() -> None:
    """Every kind of change has a case in this file."""
    kinds = set(TypeAdapter(Change).json_schema()["discriminator"]["mapping"])

    assert kinds == {change.kind for change in EVERY}


def test_hash_ignores_time_and_counts() -> None:
    """A new plan on an unchanged account has the same hash, however many calls were added."""
    later = a_plan(
        made_at=datetime(2026, 11, 21, tzinfo=UTC),
        impact=ReplayImpact(labels={"saved": LabelCount(calls=900)}, decided=0.5),
    )

    assert a_plan().hash == later.hash


@pytest.mark.parametrize(
    "other",
    [
        {"changes": (SetCredentials(enabled=False),)},
        {"before": {"allowed_ips": {}, "credentials_on": False}},
        {"impact": ReplayImpact(labels={}, decided=1, breaks=("Miami",))},
        {"guards": (GuardResult(id="x", sentence="No.", met=False, confirm="Miami"),)},
        {"undoes": 4},
    ],
    ids=["changes", "before", "breaks", "phrase", "undoes"],
)
def test_hash_covers_changes_account_and_callers(other: dict[str, Any]) -> None:
    """Other changes, another account, or other callers that lose calls give another hash."""
    assert a_plan().hash != a_plan(**other).hash


def test_a_plan_is_taken_back_last_change_first() -> None:
    """The inverse plan reverses the order: a route is deleted only after its number points elsewhere."""
    plan = a_plan(changes=(EVERY[3], EVERY[5]))

    assert (EVERY[5].inverse(), EVERY[3].inverse()) == plan.inverse_changes()


OLD_PLAN = {
    "title": "Remove 203.0.113.66",
    "check": "allowed_ip_has_pbx",
    "subject": "203.0.113.66",
    "changes": [
        {
            "kind": "remove_address",
            "network": "203.0.113.66",
            "label": "contractor",
            "owner": "",
            "purpose": "",
            "role": "active",
            "review_by": "",
            "added_by": "",
        }
    ],
    "before": {
        "allowed_ips": {
            "203.0.113.66": {"label": "contractor", "owner": "", "purpose": "", "role": "active", "review_by": ""}
        },
        "credentials_on": True,
    },
    "impact": {
        "labels": {
            "unchanged": {"calls": 10, "minutes": 4.0, "cost_usd": "0.10000000"},
            "saved": {"calls": 0, "minutes": 0.0, "cost_usd": "0"},
            "broken": {"calls": 3, "minutes": 9.5, "cost_usd": "2035.12000000"},
            "cannot tell": {"calls": 2, "minutes": 0.0, "cost_usd": "0"},
        },
        "decided": 0.8,
        "since": "2026-11-01T00:00:00Z",
        "until": None,
        "breaks": ["203.0.113.66 (nobody's)"],
        "saves": [],
        "to_ip": 0,
        "nobodys": {"broken": 3},
        "unclear": {golden("domain.changes.caller_credentials_unknown"): 2},
    },
    "interlocks": [{"id": "size_is_bounded", "sentence": "It makes 1 change.", "met": True, "confirm": ""}],
    "guided": False,
    "undoes": None,
    "made_at": "2026-11-20T00:00:00Z",
}
"""A plan as written to the state database and the journal by the version with four labels."""
OLD_HASH = "eedea09a05103534fee66045c8b7d05439584d961c0403fca2dabedcf1a80882"


def test_a_plan_of_four_labels_is_read() -> None:
    """An old plan keeps its hash, counts and names; labels that it does not have contain no calls."""
    plan = Plan.model_validate(OLD_PLAN)

    assert OLD_HASH == plan.hash
    assert (3, 2, 0) == tuple(map(plan.impact.calls, ("broken", "cannot tell", "stopped")))
    assert ("203.0.113.66 (nobody's)",) == plan.impact.who("broken")
    assert {golden("domain.changes.caller_credentials_unknown"): 2} == plan.impact.why("cannot tell")


def test_guards_keep_their_key_in_json() -> None:
    """Stored plans, ``--format json`` and the chained journal have the results of guards as ``interlocks``."""
    plan = Plan.model_validate(OLD_PLAN)

    assert OLD_PLAN["interlocks"] == plan.model_dump(mode="json")["interlocks"]
    assert OLD_PLAN["interlocks"] == json.loads(plan.model_dump_json())["interlocks"]
    assert ["size_is_bounded"] == [guard.id for guard in plan.guards]
    assert plan == Plan.model_validate(plan.model_dump(mode="json"))
    assert "guards" not in plan.model_dump()


def test_the_hash_moves_with_whose_calls_are_stopped() -> None:
    """The hash covers which unassigned callers lose calls, but not how many calls."""
    stops = [ReplayImpact(labels={}, decided=1, callers={"stopped": (who,)}) for who in ("192.0.2.1", "192.0.2.2")]
    more = stops[0].model_copy(update={"labels": {"stopped": LabelCount(calls=9)}, "reasons": {"x": {"y": 1}}})

    assert a_plan(impact=stops[0]).hash != a_plan(impact=stops[1]).hash
    assert a_plan(impact=stops[0]).hash == a_plan(impact=more).hash
