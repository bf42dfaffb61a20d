"""Changes: each has an inverse; a plan's hash covers what was shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter

from dashboard.changes import (
    AllowAddress,
    Change,
    CreateRoute,
    DeleteRoute,
    Impact,
    Interlock,
    LabelCount,
    Plan,
    PointNumber,
    RemoveAddress,
    SetCredentials,
)

EVERY = [
    AllowAddress(network="198.51.100.24", label="Denver", owner="ops", purpose="calls", role="standby"),
    RemoveAddress(network="203.0.113.66", label="temp", review_by="2026-12-01T00:00:00+00:00"),
    SetCredentials(enabled=False),
    CreateRoute(alias="Phoenix", value="198.51.100.60"),
    DeleteRoute(alias="Phoenix", value="198.51.100.60"),
    PointNumber(number="16025550101", to_alias="Phoenix", was_alias=""),
]


def a_plan(**facts: Any) -> Plan:
    """Make a plan that allows one address."""
    base: dict[str, Any] = {
        "title": "Allow 198.51.100.24",
        "changes": (EVERY[0],),
        "before": {"allowed_ips": {}, "credentials_on": True},
        "impact": Impact(labels={"saved": LabelCount(calls=3)}, decided=1),
        "made_at": datetime(2026, 11, 20, tzinfo=UTC),
    }
    return Plan(**(base | facts))


@pytest.mark.parametrize("change", EVERY, ids=lambda change: change.kind)
def test_the_inverse_of_the_inverse_is_the_change(change: Change) -> None:
    """Taking a change back twice is the change itself, with every field restored."""
    assert change == change.inverse().inverse()


@pytest.mark.parametrize("change", EVERY, ids=lambda change: change.kind)
def test_json_brings_the_same_change_back(change: Change) -> None:
    """The journal's JSON is enough to rebuild the very change."""
    adapter: TypeAdapter[Change] = TypeAdapter(Change)

    assert change == adapter.validate_json(adapter.dump_json(change))


def test_every_kind_is_tried_here() -> None:
    """A new kind of change has to come into this file."""
    kinds = set(TypeAdapter(Change).json_schema()["discriminator"]["mapping"])

    assert kinds == {change.kind for change in EVERY}


def test_the_hash_does_not_move_with_time_or_counts() -> None:
    """Planning again on an account that did not move gives the same hash, however many calls came since."""
    later = a_plan(
        made_at=datetime(2026, 11, 21, tzinfo=UTC),
        impact=Impact(labels={"saved": LabelCount(calls=900)}, decided=0.5),
    )

    assert a_plan().hash == later.hash


@pytest.mark.parametrize(
    "other",
    [
        {"changes": (SetCredentials(enabled=False),)},
        {"before": {"allowed_ips": {}, "credentials_on": False}},
        {"impact": Impact(labels={}, decided=1, breaks=("Miami",))},
        {"interlocks": (Interlock(id="x", sentence="No.", met=False, confirm="Miami"),)},
        {"undoes": 4},
    ],
    ids=["changes", "before", "breaks", "phrase", "undoes"],
)
def test_the_hash_moves_with_what_matters(other: dict[str, Any]) -> None:
    """Other changes, another account, somebody else losing calls: another hash."""
    assert a_plan().hash != a_plan(**other).hash


def test_a_plan_is_taken_back_last_change_first() -> None:
    """A route is deleted only after its number points elsewhere again."""
    plan = a_plan(changes=(EVERY[3], EVERY[5]))

    assert (EVERY[5].inverse(), EVERY[3].inverse()) == plan.inverse_changes()
