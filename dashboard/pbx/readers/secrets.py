"""
Secrets in a PBX's configuration: the kind of access they grant, never their value.

A reader keeps the file, line and kind of a secret, but neither its length nor a digest, because both help an attacker
guess it. Phones have so many secrets that one fact per file represents all of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

from dashboard.pbx.inventory.rows import Problem
from dashboard.pbx.readers.facts import Found, Place
from dashboard.schemas.object_types import ObjectType


class Secret(StrEnum):
    """Kind of access that a secret grants, most severe first; the value of a ``secret_present`` fact."""

    API_KEY = "API key"
    """Can read and change the account's numbers and inbound routes: the carrier's keys have no scopes."""
    TRUNK = "trunk password"
    """Can place calls at the account's cost while credentials are enabled."""
    REGISTRATION = "registration password"
    OTHER_TRUNK = "password of another trunk"
    MANAGEMENT = "management password"
    """Password of the manager interface, ARI or the event socket."""
    DATABASE = "database password"
    """Password of a database, which may contain the passwords of all phones."""
    PHONE = "phone password"
    PIN = "voicemail PIN"
    UNKNOWN = "password"
    """The configuration does not show the password's use."""

    @classmethod
    def of(cls, value: str) -> Secret:
        """Parse the value of a fact; an unrecognized value is a password of unknown use."""
        return cls(value) if value in set(cls) else cls.UNKNOWN

    def worse(self, other: Secret) -> Secret:
        """Return the more severe of two kinds; ``UNKNOWN`` is the least severe."""
        kinds = list(Secret)
        return min(self, other, key=kinds.index)


class NamesOf(StrEnum):
    """Source of a setting's name; each has names of its own for what is secret, and for what is not."""

    ASTERISK = "Asterisk and FreePBX"
    FREESWITCH = "FreeSWITCH"
    KAMAILIO = "Kamailio"
    NETBOX = "NetBox"
    ADDRESS = "address of a running system"


SIP_SECRETS = (Secret.TRUNK, Secret.REGISTRATION)
MANY = (Secret.PHONE, Secret.PIN, Secret.UNKNOWN)
"""Kinds that may occur thousands of times in one file."""
SECRET_PRESENT = "secret_present"  # noqa: S105 - the name of an attribute
"""Attribute of a fact for the location of a secret."""

_URL_LOGIN = re.compile(r"(?<=://)[^:/@\s]*:[^@\s]*(?=@)|(?<=sip:)[^:@\s;]*:[^@\s]*(?=@)")
"""User and password before the host of a URL."""
_RUN = re.compile(r"\S+")
MOST_TOLD = 500
"""Maximum number of secrets reported for a PBX, which leaves room for the facts of its trunks."""
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
_SECRET_NAMES: Mapping[NamesOf, re.Pattern[str]] = {
    source: re.compile(pattern, re.IGNORECASE)
    for source, pattern in (
        (
            NamesOf.ASTERISK,
            r"secret|pass(?!_?th)|md5|cred|token|(?:api|access)[-_]?key|authori|(?:^|_)(?:pin|pw)(?:$|_)",
        ),
        (
            NamesOf.FREESWITCH,
            r"pass(?!_?th)|secret|a1-hash|token|(?:api|access)[-_]?key|auth(ori|_pass)|(?:^|[-_])(?:pin|pw)(?:$|[-_])",
        ),
        (
            NamesOf.KAMAILIO,
            r"secret|pass(?!\w*(th|column|avp))|credential|token|(?:api|access)_?key|(?:^|_)(ha1|pwd|pw)(?:$|_)",
        ),
        (
            NamesOf.NETBOX,
            r"secret|pass(?!_?th)|token|(?:api|access)[-_]?key|(?:^|[-_])(?:pwd?|pin|ha1)(?:$|[-_])",
        ),
        (NamesOf.ADDRESS, r"token|secret|passw|^pass$|^(api)?[_-]?key$|^user"),
    )
}
"""
Names of settings whose values are never kept.

``pass`` of ``passthrough`` is none, nor are Kamailio's parameters for a password's column or AVP, which contain none.
"""
_CURL = re.compile(r"\bcurl\b", re.IGNORECASE)
_LOGIN = re.compile(r"\s(?:-u|--user)[\s=]{0,9}[\"']?[^\s:\"'$]{1,200}:[^\s\"'$]")
_KEY = re.compile(
    r"userpwd\)?\s{0,9}=\s{0,9}[^\s:$]{1,200}:[^\s$]"
    r"|https?://[^\s/:@$]{1,200}:[^\s/@$]{1,500}@"
    r"|authorization:\s{0,9}(?:basic|bearer)\s{1,9}[^\s$]"
    r"|\bx-(?:api|access|auth|secret)[-_]?(?:key|token|secret)\s{0,9}:\s{0,9}[\"']?[^\s\"'$]",
    re.IGNORECASE,
)
"""HTTP credentials in a dialplan step; parts have a maximum length for a fast search of 8,000-character lines."""


def is_secret_name(name: str, source: NamesOf) -> bool:
    """Return whether a setting of this name contains a secret, so that its value is dropped."""
    return bool(_SECRET_NAMES[source].search(name))


def by_name(name: str) -> Secret:
    """Return the kind of a secret from the name of its setting alone."""
    return next((kind for kind, rule in _BY_NAME if rule.search(name)), Secret.UNKNOWN)


def has_key(text: str) -> bool:
    """Return whether a dialplan step contains credentials for an HTTP API."""
    program = _CURL.search(text)
    return bool(_KEY.search(text) or (program and _LOGIN.search(text, program.end())))


def logins_cut(text: str, replacement_of: Callable[[str, re.Match[str]], str]) -> str:
    """
    Remove credentials from the URLs in a text.

    Args:
        text: Text of any length; each part is scanned once, regardless of the number of URLs.
        replacement_of: Takes a run without spaces and the match of user and password in it; returns their replacement.
    """

    def cut(run: re.Match[str]) -> str:
        end = run[0].rfind("@") + 1
        return _URL_LOGIN.sub(lambda match: replacement_of(run[0], match), run[0][:end]) + run[0][end:]

    return _RUN.sub(cut, text) if "@" in text else text


def has_login(text: str) -> bool:
    """Return whether a text contains a URL with user and password, or credentials for an HTTP API."""
    short = text[:LONGEST_VALUE]
    return has_key(short) or logins_cut(short, lambda _run, _match: "") != short


def report_secrets(pbx: Found, secrets: Mapping[Place, Secret]) -> None:
    """
    Add a ``secret_present`` fact per location, up to ``MOST_TOLD``.

    Phone passwords, voicemail PINs and passwords of unknown use give one fact per file and kind.
    """
    reported: set[tuple[str, Secret]] = set()
    count = 0
    for location, kind in secrets.items():
        if kind not in MANY or (location.file, kind) not in reported:
            count += 1
            if count > MOST_TOLD:
                reason = f"Passwords stand in more than {MOST_TOLD} places; from here on none is named."
                pbx.problems.append(Problem(location.file, location.line or None, "", reason))
                return
            pbx.say(ObjectType.PBX, SECRET_PRESENT, kind.value, location)
        reported.add((location.file, kind))
