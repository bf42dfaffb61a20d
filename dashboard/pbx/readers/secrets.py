"""
Secrets that stand in a PBX's configuration: what each of them opens, never its value.

Of a secret a reader keeps file, line and kind, and neither length nor digest: both help whoever guesses. Phones have
so many that one fact a file stands for all of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

from dashboard.pbx.inventory.rows import Problem
from dashboard.pbx.readers.facts import Found, Place


class Secret(StrEnum):
    """What a secret opens, worst first; as the value of a fact ``secret_present``."""

    API_KEY = "API key"
    """Reads and changes numbers and inbound routes of the account: the carrier's keys have no scope."""
    TRUNK = "trunk password"
    """Places calls at the account's cost while credentials are enabled."""
    REGISTRATION = "registration password"
    OTHER_TRUNK = "password of another trunk"
    MANAGEMENT = "management password"
    """Of the manager interface, ARI or the event socket."""
    DATABASE = "database password"
    """Of a database, in which the passwords of all phones may stand."""
    PHONE = "phone password"
    PIN = "voicemail PIN"
    UNKNOWN = "password"
    """Whose it is does not stand beside it."""

    @classmethod
    def of(cls, value: str) -> Secret:
        """Read the value of a fact; what nobody knows is a password of unknown use."""
        return cls(value) if value in set(cls) else cls.UNKNOWN

    def worse(self, other: Secret) -> Secret:
        """Return the worse of two; anything is worse than not to know."""
        kinds = list(Secret)
        return min(self, other, key=kinds.index)


OF_SIP = (Secret.TRUNK, Secret.REGISTRATION)
MANY = (Secret.PHONE, Secret.PIN, Secret.UNKNOWN)
"""Kinds of which a file may hold thousands."""
PRESENT = "secret_present"

_URL_LOGIN = re.compile(r"(?<=://)[^:/@\s]*:[^@\s]*(?=@)|(?<=sip:)[^:@\s;]*:[^@\s]*(?=@)")
"""User and password in front of the host of a URL."""
_RUN = re.compile(r"\S+")
MOST_TOLD = 500
"""Places of a PBX's secrets that are told, so that what is said of its trunks has room."""
LONGEST_VALUE = 100_000
_BY_NAME = (
    (
        Secret.API_KEY,
        re.compile(r"api|(?<!refresh_)token|access[-_]?key|secret[-_]?key|flowroute[-_]?secret", re.IGNORECASE),
    ),
    (Secret.PIN, re.compile(r"^vm[-_]|voicemail|(?:^|[-_])pin(?:$|[-_])", re.IGNORECASE)),
    (Secret.MANAGEMENT, re.compile(r"mgr|manager|(?:^|[-_])a[mr]i(?:$|[-_])|event[-_]socket", re.IGNORECASE)),
    (
        Secret.DATABASE,
        re.compile(
            r"(?:^|[-_])(?:amp)?(?:cdr)?db(?:$|[-_]|pass|pwd|pw|url)|mysql|postgres|pgsql|odbc|redis", re.IGNORECASE
        ),
    ),
    (Secret.PHONE, re.compile(r"^default[-_]password$", re.IGNORECASE)),
)
_CURL = re.compile(r"\bcurl\b", re.IGNORECASE)
_LOGIN = re.compile(r"\s(?:-u|--user)[\s=]{0,9}[\"']?[^\s:\"'$]{1,200}:[^\s\"'$]")
_KEY = re.compile(
    r"userpwd\)?\s{0,9}=\s{0,9}[^\s:$]{1,200}:[^\s$]"
    r"|https?://[^\s/:@$]{1,200}:[^\s/@$]{1,500}@"
    r"|authorization:\s{0,9}(?:basic|bearer)\s{1,9}[^\s$]"
    r"|\bx-(?:api|access|auth|secret)[-_]?(?:key|token|secret)\s{0,9}:\s{0,9}[\"']?[^\s\"'$]",
    re.IGNORECASE,
)
"""Every part has a longest length, so that a line of eight thousand characters is searched in no time."""


def by_name(name: str) -> Secret:
    """Say what a secret opens by the name of its setting alone."""
    return next((kind for kind, rule in _BY_NAME if rule.search(name)), Secret.UNKNOWN)


def has_key(text: str) -> bool:
    """Say whether a step of a dialplan signs in to an API over HTTP."""
    program = _CURL.search(text)
    return bool(_KEY.search(text) or (program and _LOGIN.search(text, program.end())))


def logins_cut(text: str, keep: Callable[[str, re.Match[str]], str]) -> str:
    """
    Cut out what signs in within the URLs of a text.

    Args:
        text: Of any length: each part of it is looked at once, however many URLs begin in it.
        keep: Takes a part without spaces and where user and password stand in it; returns what is kept of them.
    """

    def cut(run: re.Match[str]) -> str:
        end = run[0].rfind("@") + 1
        return _URL_LOGIN.sub(lambda found: keep(run[0], found), run[0][:end]) + run[0][end:]

    return _RUN.sub(cut, text) if "@" in text else text


def has_login(text: str) -> bool:
    """Say whether user and password stand in a URL, or a step that signs in to an API."""
    short = text[:LONGEST_VALUE]
    return has_key(short) or logins_cut(short, lambda _run, _found: "") != short


def tell(found: Found, secrets: Mapping[Place, Secret]) -> None:
    """Say where secrets stand, those of phones and of nobody known once a file; of very many the first."""
    told: set[tuple[str, Secret]] = set()
    count = 0
    for place, kind in secrets.items():
        if kind not in MANY or (place.file, kind) not in told:
            count += 1
            if count > MOST_TOLD:
                reason = f"Passwords stand in more than {MOST_TOLD} places; from here on none is named."
                found.problems.append(Problem(place.file, place.line or None, "", reason))
                return
            found.say(PRESENT, kind.value, place)
        told.add((place.file, kind))
