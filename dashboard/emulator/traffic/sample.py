"""
Sample account: eleven PBXs and four sources that are not PBXs; each story shows one finding.

The data comes from the CSV files in ``data/sample``. The column ``story`` determines when a row applies: always
(empty), only with a story (``moved``), or only without it (``-moved``). Times are ISO 8601 durations relative to now,
so that the sample is always current. A caller's ``weight`` is its share of all calls in percent; a caller with
``nightly`` places that number of calls per night instead.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from dashboard.core.errors import FileError, InputError
from dashboard.core.stories import STORIES

TECH_PREFIX = "12345678"
PUBLIC_RANGES = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
"""Documentation ranges (RFC 5737), which serve as public addresses in the sample."""

NEEDS_CREDENTIALS = frozenset({"credentials", "dynamic"})
LIST_CHANGED = timedelta(days=45)
"""Time since the last change of the allow list and the credential switch: before any call of the sample."""

NO_ROUTE = frozenset({"", "sip-reg"})
"""Aliases, or none, of the routes of numbers that are not routed to the host of a PBX."""
TIMES = frozenset({"valid_from", "valid_to", "added_at", "review_by", "removed_at"})
PACKAGE = Path(__file__).resolve().parents[2]

_DURATION: TypeAdapter[timedelta] = TypeAdapter(timedelta)


@dataclass(frozen=True)
class Zone:
    """Destination zone: name in the rate deck, price, and share of the calls of each mix."""

    name: str
    rate_usd_per_min: str
    shares: dict[str, float]
    prefixes: tuple[str, ...]
    """First digits of numbers that are reserved for fictional use."""


@dataclass(frozen=True)
class Address:
    """Egress address of a caller, valid in [valid_from, valid_to)."""

    address: str
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True)
class SampleNumber:
    """A number of the account that is assigned to a PBX."""

    number: str
    alias: str
    toll_free: bool
    routed: bool
    """Whether the sample routes it to a PBX's host; later changes of routes are in the database."""


@dataclass(frozen=True)
class Caller:
    """Call pattern of one source, outbound and inbound."""

    name: str
    pbx_id: str
    x_tag: str
    dials_prefix: bool
    digest: bool
    """Whether it answers a digest challenge with a valid password."""
    weight: float
    """Share of all calls in percent."""
    nightly: int
    """Calls per night of a caller that calls only at night; 0 for a PBX."""
    inbound_share: float
    timezone: str
    hours: str
    caller_ids: tuple[str, ...]
    mix: str
    addresses: tuple[Address, ...]
    """At least one, oldest first."""
    lines: tuple[SampleNumber, ...]
    """Numbers of the caller, routed ones first."""

    def has_ended(self, at_s: float) -> bool:
        """Return whether its last address is no longer valid at a time in seconds since 1970 (UTC)."""
        until = self.addresses[-1].valid_to
        return until is not None and at_s >= until.timestamp()

    @property
    def reached(self) -> int:
        """Number of lines that receive inbound calls with the sample's routes."""
        return sum(line.routed for line in self.lines)


@dataclass(frozen=True)
class Sample:
    """All data that a new emulator is seeded with."""

    tech_prefix: str
    credentials_enabled: bool
    changed_at: datetime
    """Time of the last change of the credential switch, and start of the known history of the list."""
    list_changed_at: datetime
    past_allowed_ips: list[dict[str, Any]]
    """Entries that were removed from the list, with ``removed_at``."""
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
        now: Current time, UTC.
        without: Stories to exclude.

    Returns:
        The account with all other stories; times are UTC, absent ones ``None``.

    Raises:
        InputError: A story does not exist.
        FileError: A file of the sample cannot be read.
    """
    strange = sorted(set(without) - set(STORIES))
    if strange:
        raise InputError(
            f"The sample account has no story {', '.join(strange)}. Its stories are: {', '.join(STORIES)}."
        )
    present = frozenset(STORIES) - frozenset(without)
    folder = find_folder()

    def table(name: str) -> list[dict[str, Any]]:
        return list(_rows(folder / f"{name}.csv", present, now))

    numbers = table("numbers")
    addresses = table("pbx_addresses")
    past = table("past_allowed_ips")
    return Sample(
        tech_prefix=TECH_PREFIX,
        credentials_enabled=bool(present & NEEDS_CREDENTIALS),
        changed_at=now - LIST_CHANGED,
        list_changed_at=max([now - LIST_CHANGED, *(row["removed_at"] for row in past)]),
        past_allowed_ips=past,
        allowed_ips=table("allowed_ips"),
        pbxs=table("pbxs"),
        pbx_addresses=addresses,
        pbx_numbers=[{"pbx_id": row["pbx_id"], "number": row["number"]} for row in numbers],
        numbers=[{key: value for key, value in row.items() if key != "pbx_id"} for row in numbers],
        routes=table("routes"),
        edges=table("edges"),
        callers=[_caller(row, addresses, numbers, past, now) for row in table("callers")],
        zones=[_zone(row) for row in table("zones")],
    )


def find_folder(package: Path = PACKAGE) -> Path:
    """
    Return the folder of the sample data.

    Args:
        package: Folder of the package ``dashboard``.

    Returns:
        ``_data/sample`` inside an installed package, else ``data/sample`` beside it in a checkout.
    """
    inside = package / "_data" / "sample"
    return inside if inside.is_dir() else package.parent / "data" / "sample"


def _rows(path: Path, present: Collection[str], now: datetime) -> Iterator[dict[str, Any]]:
    try:
        file = path.open(encoding="utf-8", newline="")
    except OSError as exc:
        raise FileError(
            "a file of the sample account cannot be read. Install trunkgate again.", file=str(path)
        ) from exc
    with file:
        for row in csv.DictReader(file):
            story = row.pop("story", "")
            counts = story.removeprefix("-") not in present if story.startswith("-") else not story or story in present
            if counts:
                yield {key: _moment(value, now) if key in TIMES else value for key, value in row.items()}


def _moment(text: str, now: datetime) -> datetime | None:
    return now + _DURATION.validate_python(text) if text else None


def _zone(row: dict[str, Any]) -> Zone:
    mixes = {key: float(value) for key, value in row.items() if key not in ("zone", "rate_usd_per_min", "prefixes")}
    return Zone(row["zone"], row["rate_usd_per_min"], mixes, tuple(row["prefixes"].split()))


def _caller(
    row: dict[str, Any],
    addresses: list[dict[str, Any]],
    numbers: list[dict[str, Any]],
    past: list[dict[str, Any]],
    now: datetime,
) -> Caller:
    caller_addresses = [
        Address(a["address"], a["valid_from"], a["valid_to"])
        for a in addresses
        if a["pbx_id"] == row["pbx_id"] and a["kind"] == "primary"
    ]
    if row["address"]:
        removed = next((entry["removed_at"] for entry in past if entry["network"] == row["address"]), None)
        caller_addresses = [Address(row["address"], now - LIST_CHANGED, removed)]
    return Caller(
        name=row["caller"],
        pbx_id=row["pbx_id"],
        x_tag=row["x_tag"],
        dials_prefix=row["dials_prefix"] == "yes",
        digest=row["digest"] == "yes",
        weight=float(row["weight"]),
        nightly=int(row["nightly"]),
        inbound_share=float(row["inbound_share"]),
        timezone=row["timezone"],
        hours=row["hours"],
        caller_ids=tuple(row["caller_ids"].split()),
        mix=row["mix"],
        addresses=tuple(sorted(caller_addresses, key=lambda address: address.valid_from)),
        lines=tuple(sorted(_lines(row["pbx_id"], numbers), key=lambda line: not line.routed)),
    )


def _lines(pbx_id: str, numbers: list[dict[str, Any]]) -> Iterator[SampleNumber]:
    for row in numbers:
        if row["pbx_id"] == pbx_id:
            yield SampleNumber(
                row["number"], row["alias"], row["number_type"] == "tollfree", row["route"] not in NO_ROUTE
            )
