"""Roles: what each may do, and who the local person is."""

from __future__ import annotations

import pytest

from dashboard.actors import Act, Actor, Role, local_actor
from dashboard.errors import FixError


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.VIEWER, {Act.LOOK}),
        (Role.OPERATOR, {Act.LOOK, Act.APPLY}),
        (Role.APPROVER, set(Act)),
    ],
)
def test_what_each_role_may_do(role: Role, allowed: set[Act]) -> None:
    """What a role does not include is refused with a sentence that names the person, the role and the act."""
    actor = Actor("ana", role)
    for act in Act:
        if act in allowed:
            actor.require(act)
            continue
        with pytest.raises(FixError, match=f"^ana is a {role} and may not {act}\\. Ask somebody who may"):
            actor.require(act)


def test_the_local_person_approves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without sign-in there is one person: named as the system does, with the door they came by."""
    monkeypatch.setenv("LOGNAME", "ana")

    assert local_actor("command line") == Actor("ana (command line)", Role.APPROVER)
