"""
What is read of one PBX's configuration, whatever program it runs: facts, and the rows that follow from them.

Keys of facts: ``trunk.NAME.host``, ``.auth``, ``.registration``, ``.context`` and ``.dial`` of a trunk to the carrier;
``inbound.match`` for what is let in as the carrier; ``address.external``, ``.media``, ``.bind`` and ``.local_net``;
``number.pattern``; ``x_tag``; ``dialplan.dial`` for a call that goes through the dialplan once more;
``secret_present`` where a password stands, with what it opens; it itself is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from dashboard.core.errors import InputError
from dashboard.pbx.inventory.rows import CONFIG, InventoryRow, Problem, ReaderResult
from dashboard.sip import Trunk, lint, read_number

MOST_FACTS = 2_000
_NAME = re.compile(r"\w[\w .,()&'-]{0,99}")
_TAG = re.compile(r"[\w.-]{1,64}", re.ASCII)
_OWN_PREFIX = re.compile(r"(\d{8})([*#]|%23|%2a)", re.IGNORECASE)
_OPEN = re.compile(r"\$\{(?!EXTEN\b|1\})|^\$\$?\{")
"""A value that the configuration alone does not give."""


@dataclass(frozen=True)
class Place:
    """Where something stands: a file and its line, or an object of a running system and 0."""

    file: str
    line: int


@dataclass(frozen=True)
class Fact:
    """One thing a configuration says, and where."""

    key: str
    value: str
    place: Place


@dataclass
class Found:
    """What was found of one PBX."""

    pbx_id: str
    name: str
    vendor: str
    place: Place
    facts: list[Fact] = field(default_factory=list)
    addresses: list[tuple[str, Place]] = field(default_factory=list)
    """What the carrier should see, the one used first in front."""
    numbers: list[tuple[str, Place]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unread: bool = False
    """How calls get in is decided where it is not read."""
    full: bool = False

    def say(self, key: str, value: str, place: Place) -> None:
        """Keep a fact, once."""
        fact = Fact(key, value, place)
        if len(self.facts) == MOST_FACTS and not self.full:
            self.full = True
            reason = (
                f"The configuration says more than {MOST_FACTS:,} things of trunks and calls; the rest was left out."
            )
            self.problems.append(Problem(place.file, place.line, "", reason))
        if not self.full and fact not in self.facts[-50:]:
            self.facts.append(fact)

    def values(self, ending: str) -> list[str]:
        """Return the values of facts whose key ends so."""
        return [fact.value for fact in self.facts if fact.key.endswith(ending)]

    def reading(self, trunk: Trunk) -> ReaderResult:
        """Return it as rows: a cell is given only where the configuration says it."""
        name = self.name if _NAME.fullmatch(self.name) else self.pbx_id
        cells = {"pbx_id": self.pbx_id, "name": name, "vendor": self.vendor}
        hosts = [host for host in self.values(".host") if trunk.is_carrier(host)]
        dials = dials_prefix(self.values(".dial"), trunk.tech_prefix)
        if self.values(".host") and not self.unread:
            cells |= {"auth_method": self._method(dials), "dials_prefix": dials}
        if hosts:
            cells["pop"] = hosts[0]
        tags = set(self.values("x_tag"))
        if len(tags) == 1 and _TAG.fullmatch(tag := tags.pop()):
            cells["x_tag"] = tag
        place = self.place
        rows = [InventoryRow("pbxs", place.file, place.line, cells, only_new=frozenset({"name"}))]
        rows += [
            self._row(
                "pbx_addresses", at, address=address, kind="failover" if number else "primary", source="configured"
            )
            for number, (address, at) in enumerate(dict(self.addresses).items())
            if _is_address(address)
        ]
        rows += [
            self._row("pbx_numbers", at, number=number)
            for number, at in dict(self.numbers).items()
            if _is_number(number)
        ]
        rows += [
            self._row(
                CONFIG,
                fact.place,
                key=fact.key,
                value=fact.value,
                file=fact.place.file,
                line=str(fact.place.line or ""),
            )
            for fact in self.facts
        ]
        return ReaderResult(tuple(rows), tuple(self.problems))

    def _row(self, frame: str, place: Place, **cells: str) -> InventoryRow:
        return InventoryRow(frame, place.file, place.line, {"pbx_id": self.pbx_id, **cells}, if_fit=True)

    def _method(self, dials: str) -> str:
        """Name how it gets in: one that holds credentials and dials the prefix can do both."""
        signs_in = bool(self.values(".registration")) or "credentials" in self.values(".auth")
        if not signs_in:
            return "ip"
        return "both" if dials == "yes" else "credentials"


def together(found: Iterable[Found], trunk: Trunk) -> ReaderResult:
    """
    Return what was found of several PBXs as one reading.

    Args:
        found: One for each PBX.
        trunk: By which the carrier's hosts are known.

    Returns:
        Rows of PBXs, configured addresses, numbers and facts, and what could not be read.
    """
    readings = [one.reading(trunk) for one in found]
    return ReaderResult(
        tuple(row for one in readings for row in one.rows), tuple(said for one in readings for said in one.problems)
    )


def dials_prefix(dialed: Iterable[str], tech_prefix: str) -> str:
    """
    Say whether a PBX dials the tech prefix.

    Args:
        dialed: What it sends to the carrier, with ``${...}`` for what its configuration does not give.
        tech_prefix: The account's; where it is not known, any eight digits with a separator are one.

    Returns:
        ``yes`` where every dial string has it as the carrier wants it, ``no`` where none begins with anything like
        it, else ``unknown``.
    """
    said = {_dials(text, tech_prefix) for text in dialed}
    return said.pop() if len(said) == 1 else "unknown"


def _dials(text: str, tech_prefix: str) -> str:
    if _OPEN.match(text):
        return "unknown"
    own = _OWN_PREFIX.match(text)
    known = tech_prefix or (own[1] if own else "00000000")
    codes = {issue.code for issue in lint(text, known)}
    if "prefix_missing" in codes:
        return "no"
    return "unknown" if codes & {"prefix_wrong", "prefix_twice", "separator_missing"} else "yes"


def _is_address(text: str) -> bool:
    try:
        return not ip_address(text).is_unspecified
    except ValueError:
        return False


def _is_number(text: str) -> bool:
    try:
        return bool(read_number(text))
    except InputError:
        return False
