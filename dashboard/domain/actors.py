"""Actors, their roles and permitted acts. A person's name is stored as text, so that it outlives the account."""

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
"""Maximum length of a person's name, in characters; it keeps the whole text of an actor below 200."""


NAMELESS = "nobody named"
"""Placeholder for a name without visible characters."""


class Role(StrEnum):
    """Viewers read, operators apply plans, approvers also apply plans that break calls."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"


class Act(StrEnum):
    """An act that requires permission."""

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
    """A person, or a program acting for a person."""

    name: str
    role: Role
    by: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """
    How the actor signed in, for the journal: ``way`` (``link``, or how the local person uses this machine) and
    ``user``, the user of this machine as ``os:UID``. For a link also ``link`` (its number) and ``link_by`` (its
    creator); for the local person ``host``, and ``for`` (the person who ran sudo).
    """

    def require(self, act: Act) -> None:
        """
        Check that the role permits the act.

        Raises:
            FixError: The role does not permit it.
        """
        if act not in MAY[self.role]:
            raise FixError(f"{self.name} is a {self.role} and may not {act}. Ask somebody who may.")


def os_user() -> str:
    """
    Return the name of the user that runs this process, by its effective uid: the caller can set ``$LOGNAME`` freely.

    If sudo started the process, the text also names the person who ran sudo.
    """
    user = user_name(os.geteuid())
    sudo_user = _behind_sudo()
    return f"{user} for {sudo_user}" if sudo_user else user


def _behind_sudo() -> str:
    """Return the person who started this process with sudo; empty if it was not started with sudo."""
    sudo_user = _name(os.environ.get("SUDO_USER", ""))
    return "" if sudo_user == user_name(os.geteuid()) else sudo_user


def local_actor(through: str) -> Actor:
    """
    Return the actor for the user that runs this process: there is no sign-in and no second person, so an approver.

    Args:
        through: How they use it, for the journal: ``command line``, ``notebook``.
    """
    by = {"way": through, "user": f"os:{os.geteuid()}", "host": socket.gethostname()}
    if sudo_user := _behind_sudo():
        by["for"] = sudo_user
    return Actor(name=one_line(f"{os_user()} ({through})"), role=Role.APPROVER, by=by)


def name_of_person(text: str) -> str:
    """Return a person's name as it is recorded and shown; empty if it has no visible letter or digit."""
    name = _name(text)
    return name if legible(name) else ""


def browser_actor(name: str, issuer: str, *, vouched: bool = False, link: str = "", uid: int | None = None) -> Actor:
    """
    Return the actor for a browser session that was opened with a link.

    Args:
        name: The name that the person typed, or that the link was made for.
        issuer: The user of this machine who made the link.
        vouched: The issuer gave the name.
        link: Number of the link.
        uid: Uid of the user of this machine who opened the link, if known.
    """
    person = name_of_person(name) or NAMELESS
    maker = _name(issuer)
    origin = f"link by {maker}" if vouched else f"unverified, link by {maker}"
    by = {"way": "link", "link": link, "link_by": maker}
    if uid is not None:
        by["user"] = f"os:{uid}"
    return Actor(name=f"{person} ({origin})", role=Role.APPROVER, by=by)


def _name(text: str) -> str:
    """Return a name as it is recorded: cut without an ellipsis, so that a person keeps the name that records have."""
    return one_line(text, None)[:NAME_LENGTH].strip()
