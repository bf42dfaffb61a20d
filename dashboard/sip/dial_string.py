"""
Dial strings: build them in the carrier's format, parse every format it accepts, and lint them.

The lint rules cover mistakes seen in copied PBX configurations: no prefix, another account's prefix, the prefix
added by both trunk and route, no separator, ``+`` or 011 left in, the leading 1 missing, a retired PoP.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from dashboard.core.errors import DialStringError
from dashboard.core.text import quoted
from dashboard.sip.destination import (
    WRONG_BEGINNINGS,
    Destination,
    Issue,
    destination_issue,
    left_in,
    parse_destination,
    parse_tech_prefix,
)

SEPARATOR = "*"
"""Separator of the dial strings built here; ``#`` would have to be escaped as ``%23`` in a SIP URI."""

RETIRED_HOSTS = ("us-east-nj.sip.flowroute.com", "sip.flowroute.com")
"""PoP names absent from the carrier's lists since 2024 but still found in copied configurations."""
RETIRED_RANGES = tuple(ip_network(text) for text in ("147.75.65.192/28", "147.75.60.160/28", "216.115.69.144/32"))

_SEPARATORS = re.compile(r"[*#]|%23|%2A", re.ASCII | re.IGNORECASE)
_SCHEME = re.compile(r"(sips?:|PJSIP/|SIP/)", re.ASCII | re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9]([a-z0-9_.-]{0,252}[a-z0-9])?(:\d{1,5})?", re.ASCII | re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True)
class DialString:
    """The part of a Request-URI that a PBX dials: tech prefix, destination and PoP."""

    tech_prefix: str
    destination: Destination
    pop: str = ""

    def __str__(self) -> str:
        at = f"@{self.pop}" if self.pop else ""
        return f"{self.tech_prefix}{SEPARATOR}{self.destination.digits}{at}"


def build(tech_prefix: str, destination: str, pop: str, *, abroad: bool = False) -> str:
    """
    Build the dial string of one call.

    Args:
        tech_prefix: The account's eight digits.
        destination: As for ``parse_destination``.
        pop: Host name of the carrier's point of presence, optionally with a port.
        abroad: As for ``parse_destination``.

    Returns:
        ``12345678*12065550100@us-west-or.sip.flowroute.com``.

    Raises:
        DialStringError: The prefix, the destination or the PoP is invalid.
    """
    return str(
        DialString(parse_tech_prefix(tech_prefix), parse_destination(destination, abroad=abroad), parse_pop(pop))
    )


def parse(text: str, *, abroad: bool = False) -> DialString:
    """
    Parse a dial string, a SIP URI, or the user part of one; the separator is ``*``, ``#``, ``%23`` or ``%2A``.

    Raises:
        DialStringError: The text is not a tech prefix, a separator and a destination that the carrier accepts.
    """
    user, pop = _split(text)
    parts = _SEPARATORS.split(user)
    if len(parts) == 1:
        raise DialStringError(f"{quoted(text)} has no * between the tech prefix and the number.")
    if len(parts) > 2:  # noqa: PLR2004 - prefix and number
        raise DialStringError(f"{quoted(text)} has more than one * or #: the tech prefix goes in once.")
    return DialString(
        parse_tech_prefix(parts[0]), parse_destination(parts[1], abroad=abroad), parse_pop(pop) if pop else ""
    )


def lint(text: str, tech_prefix: str, *, abroad: bool = False) -> list[Issue]:
    """
    Return all issues of a PBX's dial string.

    Args:
        text: A dial string as the PBX sends it, or as its configuration builds it, with ``${EXTEN}`` for a number.
        tech_prefix: The account's eight digits.
        abroad: As for ``parse_destination``.

    Returns:
        Each issue once; an empty list for a dial string that the carrier accepts.
    """
    user, pop = _split(text)
    *heads, number = _SEPARATORS.split(user)
    issues = _prefix_issues(user, heads, tech_prefix)
    without_prefix = number.removeprefix(tech_prefix)
    has_second_prefix = without_prefix != number and (not heads or _dialable(without_prefix))
    if len(heads) > 1 or (heads and has_second_prefix):
        issues.append(Issue("prefix_twice", "The prefix is put in twice. Add it in one place: the trunk or the route."))
    issues += _number_issues(without_prefix if has_second_prefix else number, abroad=abroad)
    host = pop.partition(":")[0].lower()
    if _is_retired(host):
        issues.append(Issue("pop_retired", f"{host} is a retired PoP. Use one that the account's list of PoPs shows."))
    return issues


def _prefix_issues(user: str, heads: list[str], tech_prefix: str) -> list[Issue]:
    """Return the issues of the part before the last separator."""
    if not heads and user.startswith(tech_prefix):
        return [
            Issue("separator_missing", f"There is no * after the tech prefix. Write {tech_prefix}* and the number.")
        ]
    if not any(heads):
        return [Issue("prefix_missing", f"The tech prefix is missing. Put {tech_prefix}* in front of the number.")]
    wrong = [head for head in heads if head != tech_prefix]
    if wrong:
        return [Issue("prefix_wrong", f"The tech prefix is {quoted(wrong[0], 40)}; this account's is {tech_prefix}.")]
    return []


def _dialable(number: str) -> bool:
    return bool(_VARIABLE.search(number)) or destination_issue(number) is None


def parse_pop(text: str) -> str:
    """
    Parse the host name of a PoP, optionally with a port, and return it in lower case.

    Raises:
        DialStringError: The text is not a host name.
    """
    if not _HOST.fullmatch(text):
        raise DialStringError(
            f"The PoP {quoted(text)} is not a host name. Write one such as us-west-or.sip.flowroute.com."
        )
    return text.lower()


def _split(text: str) -> tuple[str, str]:
    """Return the user part and the host of a dial string, without URI parameters."""
    bare = _SCHEME.sub("", text.strip().strip("<>"), count=1)
    user, _, host = bare.partition("@")
    return user.partition(";")[0], re.split(r"[;?,]", host, maxsplit=1)[0]


def _is_retired(host: str) -> bool:
    if host in RETIRED_HOSTS:
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in RETIRED_RANGES)


def _number_issues(number: str, *, abroad: bool) -> list[Issue]:
    """Return the issues of a dial string's number; check again without ``+`` or 011 in front."""
    issues = []
    for beginning in WRONG_BEGINNINGS:
        if number.startswith(beginning):
            issues.append(left_in(number, beginning))
            number = number.removeprefix(beginning)
    if _VARIABLE.search(number):
        return issues
    issue = destination_issue(number, abroad=abroad)
    return [*issues, issue] if issue else issues
