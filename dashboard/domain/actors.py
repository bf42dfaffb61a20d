"""Who acts, by role, and what each may do. The person's name is kept as text, so that it outlives the account."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dashboard.core.errors import FixError
from dashboard.core.private import user_name
from dashboard.core.text import legible, one_line

NAME_LENGTH = 80
"""Characters of a person's name at most, so that the whole text of an actor stays below 200."""


NAMELESS = "nobody named"
"""Stands for the name of a person whose name cannot be seen."""


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
    by: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """
    How they signed in, for the journal: ``way`` (``link``, or how the local person uses this machine) and ``user``,
    the user of this machine as ``os:UID``. Of a link also ``link``, its number, and ``link_by``, who made it; of the
    local person ``host``, and ``for``, the person behind sudo.
    """

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
    user, behind = user_name(os.geteuid()), _behind_sudo()
    return f"{user} for {behind}" if behind else user


def _behind_sudo() -> str:
    """Return the person who started this process by sudo; empty where nobody did."""
    behind = one_line(os.environ.get("SUDO_USER", ""), NAME_LENGTH)
    return "" if behind == user_name(os.geteuid()) else behind


def local_actor(through: str) -> Actor:
    """
    Return whoever runs this process on this machine: without sign-in that person is alone, so an approver.

    Args:
        through: How they use it, for the record: ``command line``, ``notebook``.
    """
    by = {"way": through, "user": f"os:{os.geteuid()}", "host": socket.gethostname()}
    if behind := _behind_sudo():
        by["for"] = behind
    return Actor(name=one_line(f"{os_user()} ({through})"), role=Role.APPROVER, by=by)


def name_of_person(text: str) -> str:
    """Return a person's name as it is recorded and shown; empty where it has no letter or digit that can be seen."""
    name = one_line(text, NAME_LENGTH)
    return name if legible(name) else ""


def browser_actor(name: str, issuer: str, *, vouched: bool = False, link: str = "", uid: int | None = None) -> Actor:
    """
    Return whoever sits at a browser that was let in by a link.

    Args:
        name: That the person typed, or that the link was made for.
        issuer: The user of this machine who made the link.
        vouched: The issuer gave the name.
        link: Its number.
        uid: Of the user of this machine who opened it, where that is known.
    """
    person, maker = name_of_person(name) or NAMELESS, one_line(issuer, NAME_LENGTH)
    way = f"link by {maker}" if vouched else f"unverified, link by {maker}"
    by = {"way": "link", "link": link, "link_by": maker}
    if uid is not None:
        by["user"] = f"os:{uid}"
    return Actor(name=f"{person} ({way})", role=Role.APPROVER, by=by)
