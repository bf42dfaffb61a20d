"""
The sample account: eight PBXs, and an address of nobody's, that tell a story each.

Read from the CSV files of ``data/sample``. Column ``story`` says when a row counts: always (empty), only
with a story (``moved``), or only without it (``-moved``). Times are ISO 8601 durations from now, so that
the sample is always current.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from dashboard.errors import InputError

TECH_PREFIX = "12345678"
PUBLIC_RANGES = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
"""The documentation ranges (RFC 5737) stand for public addresses here."""

STORIES = ("moved", "credentials", "dynamic", "retired", "no_route", "standby", "nobody")
NEEDS_CREDENTIALS = frozenset({"credentials", "dynamic"})
LIST_CHANGED = timedelta(days=45)
"""The list and the switch last changed that long ago: before any call of the sample."""

_DURATION: TypeAdapter[timedelta] = TypeAdapter(timedelta)


@dataclass(frozen=True)
class Zone:
    """Where calls go: a name of the rate deck, its price, and how much of each mix goes there."""

    name: str
    rate_usd_per_min: str
    shares: dict[str, float]
    prefixes: tuple[str, ...]


@dataclass(frozen=True)
class Address:
    """An egress address of a caller, valid in [valid_from, valid_to)."""

    address: str
    valid_from: datetime
    valid_to: datetime | None

    def valid(self, at: datetime) -> bool:
        """Say whether calls leave from here at that time."""
        return self.valid_from <= at and (self.valid_to is None or at < self.valid_to)


@dataclass(frozen=True)
class Caller:
    """How one source calls."""

    name: str
    pbx_id: str
    x_tag: str
    dials_prefix: bool
    digest: bool
    weight: float
    inbound_share: float
    timezone: str
    hours: str
    caller_ids: tuple[str, ...]
    mix: str
    addresses: tuple[Address, ...]

    def address_at(self, at: datetime) -> str:
        """Return the address that calls leave from; the first one before any is valid."""
        return next((a.address for a in self.addresses if a.valid(at)), self.addresses[0].address)


@dataclass(frozen=True)
class Sample:
    """Everything a new emulator is filled with."""

    tech_prefix: str
    credentials_enabled: bool
    changed_at: datetime
    allowed_ips: list[dict[str, Any]]
    pbxs: list[dict[str, Any]]
    pbx_addresses: list[dict[str, Any]]
    pbx_numbers: list[dict[str, Any]]
    numbers: list[dict[str, Any]]
    routes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    callers: list[Caller]
    zones: list[Zone]
    public_ranges: tuple[str, ...] = PUBLIC_RANGES


def load(now: datetime, without: Collection[str] = ()) -> Sample:
    """
    Read the sample account as of now.

    Args:
        now: UTC.
        without: Stories to leave out.

    Raises:
        InputError: There is no such story.
    """
    strange = sorted(set(without) - set(STORIES))
    if strange:
        raise InputError(
            f"The sample account has no story {', '.join(strange)}. Its stories are: {', '.join(STORIES)}."
        )
    present = frozenset(STORIES) - frozenset(without)

    def table(name: str) -> list[dict[str, Any]]:
        return list(_rows(_folder() / f"{name}.csv", present, now))

    numbers, addresses = table("numbers"), table("pbx_addresses")
    return Sample(
        tech_prefix=TECH_PREFIX,
        credentials_enabled=bool(present & NEEDS_CREDENTIALS),
        changed_at=now - LIST_CHANGED,
        allowed_ips=table("allowed_ips"),
        pbxs=table("pbxs"),
        pbx_addresses=addresses,
        pbx_numbers=[{"pbx_id": row["pbx_id"], "number": row["number"]} for row in numbers],
        numbers=[{key: value for key, value in row.items() if key != "pbx_id"} for row in numbers],
        routes=table("routes"),
        edges=table("edges"),
        callers=[_caller(row, addresses, now) for row in table("callers")],
        zones=[_zone(row) for row in table("zones")],
    )


def _folder() -> Path:
    """Find the data: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "_data" / "sample"
    return inside if inside.is_dir() else package.parent / "data" / "sample"


def _rows(path: Path, present: Collection[str], now: datetime) -> Iterable[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            story = row.pop("story", "")
            counts = story.removeprefix("-") not in present if story.startswith("-") else not story or story in present
            if counts:
                yield {key: _moment(value, now) if key in TIMES else value for key, value in row.items()}


TIMES = frozenset({"valid_from", "valid_to", "added_at", "review_by"})


def _moment(text: str, now: datetime) -> datetime | None:
    return now + _DURATION.validate_python(text) if text else None


def _zone(row: dict[str, Any]) -> Zone:
    mixes = {key: float(value) for key, value in row.items() if key not in ("zone", "rate_usd_per_min", "prefixes")}
    return Zone(row["zone"], row["rate_usd_per_min"], mixes, tuple(row["prefixes"].split()))


def _caller(row: dict[str, Any], addresses: list[dict[str, Any]], now: datetime) -> Caller:
    own = [a for a in addresses if a["pbx_id"] == row["pbx_id"] and a["kind"] == "primary"]
    return Caller(
        name=row["caller"],
        pbx_id=row["pbx_id"],
        x_tag=row["x_tag"],
        dials_prefix=row["dials_prefix"] == "yes",
        digest=row["digest"] == "yes",
        weight=float(row["weight"]),
        inbound_share=float(row["inbound_share"]),
        timezone=row["timezone"],
        hours=row["hours"],
        caller_ids=tuple(row["caller_ids"].split()),
        mix=row["mix"],
        addresses=tuple(Address(a["address"], a["valid_from"], a["valid_to"]) for a in own)
        or (Address(INTRUDER, now - LIST_CHANGED, None),),
    )


INTRUDER = "203.0.113.66"
"""The address that calls without being anybody's."""
