"""Who acts, by role, and what each may do. The person's name is kept as text, so that it outlives the account."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from enum import StrEnum

from dashboard.errors import FixError


class Role(StrEnum):
    """Viewers look, operators apply plans, approvers also apply those that break calls."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"


class Act(StrEnum):
    """What may be asked of an actor."""

    LOOK = "look"
    APPLY = "apply a fix"
    APPLY_BREAKING = "apply a fix that breaks calls"


MAY: dict[Role, frozenset[Act]] = {
    Role.VIEWER: frozenset({Act.LOOK}),
    Role.OPERATOR: frozenset({Act.LOOK, Act.APPLY}),
    Role.APPROVER: frozenset(Act),
}


@dataclass(frozen=True)
class Actor:
    """One person, or one program acting for a person."""

    name: str
    role: Role

    def require(self, act: Act) -> None:
        """
        Let the act pass.

        Raises:
            FixError: The role does not include it.
        """
        if act not in MAY[self.role]:
            raise FixError(f"{self.name} is a {self.role} and may not {act}. Ask somebody who may.")


def local_actor(through: str) -> Actor:
    """
    Return whoever runs this process on this machine: without sign-in that person is alone, so an approver.

    Args:
        through: The door they came by, for the record: ``browser``, ``command line``, ``notebook``.
    """
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return Actor(name=f"{name} ({through})", role=Role.APPROVER)
