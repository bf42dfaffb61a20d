"""
Configuration facts of one PBX, independent of its software, and the inventory rows derived from them.

A fact is the value of an attribute of an object; ``schemas.object_types.ObjectType`` lists objects and attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from dashboard.core.errors import InputError
from dashboard.pbx.inventory.rows import CONFIG_FRAME, InventoryRow, Problem, ReaderResult
from dashboard.schemas.object_types import ObjectType
from dashboard.sip import Trunk, lint, read_number

MOST_FACTS = 2_000
_NAME = re.compile(r"\w[\w .,()&'-]{0,99}")
_TAG = re.compile(r"[\w.-]{1,64}", re.ASCII)
_OWN_PREFIX = re.compile(r"(\d{8})([*#]|%23|%2a)", re.IGNORECASE)
_OPEN = re.compile(r"\$\{(?!EXTEN\b|1\})|^\$\$?\{")
"""Value that depends on a variable, so the configuration alone does not define it."""


@dataclass(frozen=True)
class Place:
    """A location: a file and its line, or an object of a running system with line 0."""

    file: str
    line: int


@dataclass(frozen=True)
class Fact:
    """One fact of a configuration and its location."""

    object_type: ObjectType
    object_name: str
    attribute: str
    value: str
    place: Place


@dataclass
class Found:
    """The data read for one PBX."""

    pbx_id: str
    name: str
    vendor: str
    place: Place
    facts: list[Fact] = field(default_factory=list)
    addresses: list[tuple[str, Place]] = field(default_factory=list)
    """Source addresses that the carrier should see, the primary one first."""
    numbers: list[tuple[str, Place]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unread: bool = False
    """Whether the configuration that decides authentication was not read."""
    full: bool = False

    def say(self, object_type: ObjectType, attribute: str, value: str, location: Place) -> None:
        """Add a fact about an object without a name."""
        self._add(Fact(object_type, "", attribute, value, location))

    def say_trunk(self, name: str, attribute: str, value: str, place: Place) -> None:
        """Add a fact about a trunk to the carrier."""
        self._add(Fact(ObjectType.TRUNK, name, attribute, value, place))

    def values(self, attribute: str) -> list[str]:
        """Return the values of an attribute of all objects."""
        return [fact.value for fact in self.facts if fact.attribute == attribute]

    def _add(self, fact: Fact) -> None:
        """Add a fact unless it is a recent duplicate or the limit is reached."""
        place = fact.place
        if len(self.facts) == MOST_FACTS and not self.full:
            self.full = True
            reason = (
                f"The configuration says more than {MOST_FACTS:,} things of trunks and calls; the rest was left out."
            )
            self.problems.append(Problem(place.file, place.line, "", reason))
        if not self.full and fact not in self.facts[-50:]:
            self.facts.append(fact)

    def reading(self, trunk: Trunk) -> ReaderResult:
        """Return the inventory rows; a cell is set only if the configuration defines it."""
        name = self.name if _NAME.fullmatch(self.name) else self.pbx_id
        cells = {"pbx_id": self.pbx_id, "name": name, "vendor": self.vendor}
        hosts = [host for host in self.values("host") if trunk.is_carrier(host)]
        dials = dials_prefix(self.values("dial"), trunk.tech_prefix)
        if self.values("host") and not self.unread:
            cells |= {"auth_method": self._method(dials), "dials_prefix": dials}
        if hosts:
            cells["pop"] = hosts[0]
        tags = set(self.values("x_tag"))
        if len(tags) == 1 and _TAG.fullmatch(tag := tags.pop()):
            cells["x_tag"] = tag
        location = self.place
        only_new = frozenset({"name"})
        rows = [InventoryRow("pbxs", location.file, location.line, cells, only_new=only_new, made_of=self.name)]
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
                CONFIG_FRAME,
                fact.place,
                object_type=fact.object_type,
                object_name=fact.object_name,
                attribute=fact.attribute,
                value=fact.value,
                file=fact.place.file,
                line=str(fact.place.line or ""),
            )
            for fact in self.facts
        ]
        return ReaderResult(tuple(rows), tuple(self.problems))

    def _row(self, frame: str, location: Place, **cells: str) -> InventoryRow:
        row_cells = {"pbx_id": self.pbx_id, **cells}
        return InventoryRow(frame, location.file, location.line, row_cells, made_of=self.name, if_fit=True)

    def _method(self, dials: str) -> str:
        """Return the authentication method; ``both`` for a PBX that has credentials and dials the prefix."""
        signs_in = bool(self.values("registration")) or "credentials" in self.values("auth")
        if not signs_in:
            return "ip"
        return "both" if dials == "yes" else "credentials"


def combine(pbxs: Iterable[Found], trunk: Trunk) -> ReaderResult:
    """
    Combine the data of several PBXs into one result.

    Args:
        pbxs: The data of each PBX.
        trunk: The account's trunk, which identifies the carrier's hosts.

    Returns:
        Rows of PBXs, configured addresses, numbers and facts, and the problems.
    """
    readings = [item.reading(trunk) for item in pbxs]
    return ReaderResult(
        tuple(row for item in readings for row in item.rows),
        tuple(problem for item in readings for problem in item.problems),
    )


def dials_prefix(dialed: Iterable[str], tech_prefix: str) -> str:
    """
    Return whether a PBX dials the tech prefix.

    Args:
        dialed: Dial strings sent to the carrier, with ``${...}`` for values that the configuration does not define.
        tech_prefix: The account's prefix; if it is ``""``, any eight digits with a separator count as one.

    Returns:
        ``yes`` if every dial string has the prefix in the carrier's format, ``no`` if none begins with anything
        similar, else ``unknown``.
    """
    answers = {_dials(text, tech_prefix) for text in dialed}
    return answers.pop() if len(answers) == 1 else "unknown"


def _dials(text: str, tech_prefix: str) -> str:
    if _OPEN.match(text):
        return "unknown"
    own_prefix = _OWN_PREFIX.match(text)
    prefix = tech_prefix or (own_prefix[1] if own_prefix else "00000000")
    codes = {issue.code for issue in lint(text, prefix)}
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
