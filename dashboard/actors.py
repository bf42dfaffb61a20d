"""Who acts, by role, and what each may do. The person's name is kept as text, so that it outlives the account."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum

from dashboard.errors import FixError
from dashboard.private import user_name
from dashboard.texts import one_line

NAME_LENGTH = 80
"""Characters of a person's name at most, so that the whole text of an actor stays below 200."""


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


def os_user() -> str:
    """
    Return the user that runs this process, by its uid: ``$LOGNAME`` is whatever its caller set it to.

    Where the process was started by sudo, the person behind it is named too.
    """
    user = user_name(os.geteuid())
    behind = one_line(os.environ.get("SUDO_USER", ""), NAME_LENGTH)
    return f"{user} for {behind}" if behind and behind != user else user


def local_actor(through: str) -> Actor:
    """
    Return whoever runs this process on this machine: without sign-in that person is alone, so an approver.

    Args:
        through: How they use it, for the record: ``command line``, ``notebook``.
    """
    return Actor(name=one_line(f"{os_user()} ({through})"), role=Role.APPROVER)


def browser_actor(name: str, issuer: str, *, vouched: bool = False) -> Actor:
    """
    Return whoever sits at a browser that was let in by a link.

    Args:
        name: That the person typed, or that the link was made for.
        issuer: The user of this machine who made the link.
        vouched: The issuer gave the name.
    """
    person, by = one_line(name, NAME_LENGTH), one_line(issuer, NAME_LENGTH)
    way = f"link by {by}" if vouched else f"unverified, link by {by}"
    return Actor(name=f"{person} ({way})", role=Role.APPROVER)
