"""
Reading allowed IPs out of whatever an operator copies from the portal's page.

A network in CIDR form, or with a netmask, is an entry as the portal shows it: a copy without it would lack what lets
callers in. What looks like an address and cannot stand on the list is handed back with its line and the reason,
never dropped. A paste may hold a part of the list only: ``difference`` says what is missing from it,
and ``accepted`` takes an entry off only where the caller names it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from dashboard.carriers.flowroute.pasted_lines import labeled_tokens, lines_of
from dashboard.core.addresses import parse_entry
from dashboard.core.errors import AddressError, InputError
from dashboard.core.text import visible
from dashboard.schemas.tables import ALLOWED_IPS, UTC_TIME, conform

MOST_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class PastedEntry:
    """One entry read: a single address or a network, and the label that stood beside it."""

    network: str
    label: str
    line: int
    """Of the text as a reader sees it, from 1."""


@dataclass(frozen=True)
class Unusable:
    """Something that looks like an address and cannot stand on the list."""

    text: str
    reason: str
    line: int

    @property
    def sentence(self) -> str:
        """What it is and why it is not usable; the text stands in it once."""
        return self.reason if self.text in self.reason else f"{self.text}: {self.reason}"


@dataclass(frozen=True)
class PastedList:
    """What a paste holds: each address once, in its order."""

    entries: tuple[PastedEntry, ...]
    unusable: tuple[Unusable, ...]


@dataclass(frozen=True)
class PasteDiff:
    """A paste against the list as it is kept."""

    added: tuple[PastedEntry, ...]
    missing: tuple[str, ...]
    """Kept, and not in the paste: taken off, or only not copied. Nobody but the operator knows."""
    same: tuple[str, ...]


def read_pasted(text: str, *, public_ranges: Collection[str] = ()) -> PastedList:
    """
    Read the addresses out of a paste.

    Args:
        text: As it came from the clipboard: plain text or HTML source, in any layout.
        public_ranges: Networks in CIDR form to treat as public.

    Returns:
        The entries, and what looked like one and is not usable.

    Raises:
        InputError: The text is longer than any such page.
    """
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"The pasted text is longer than {MOST_CHARACTERS:,} characters. Paste the list alone.")
    entries: dict[str, PastedEntry] = {}
    unusable: list[Unusable] = []
    for number, line in enumerate(lines_of(text), start=1):
        for token, label in labeled_tokens(line):
            try:
                network = parse_entry(token.text, public_ranges=public_ranges, allow_cidr=True)
            except AddressError as exc:
                unusable.append(Unusable(token.text, token.reason or str(exc), number))
                continue
            if token.reason:
                unusable.append(Unusable(token.text, token.reason, number))
            elif network not in entries or (label and not entries[network].label):
                line_number = entries[network].line if network in entries else number
                entries[network] = PastedEntry(network, visible(label), line_number)
    return PastedList(tuple(entries.values()), tuple(unusable))


def difference(current: Iterable[str], pasted: PastedList) -> PasteDiff:
    """
    Compare a paste with the list as it is kept.

    Args:
        current: Networks of the list.
        pasted: From ``read_pasted``.
    """
    kept = dict.fromkeys(current)
    given = {entry.network for entry in pasted.entries}
    return PasteDiff(
        added=tuple(entry for entry in pasted.entries if entry.network not in kept),
        missing=tuple(network for network in kept if network not in given),
        same=tuple(network for network in kept if network in given),
    )


def accept_paste(
    current: pd.DataFrame, found: PasteDiff, *, remove: Collection[str], added_by: str, added_at: datetime
) -> pd.DataFrame:
    """
    Return the list as it is after an operator accepts a difference.

    Args:
        current: ALLOWED_IPS as kept; what it says of entries that stay is kept.
        found: From ``difference`` with the same list.
        remove: Which of the missing entries are really gone; the others stay.
        added_by: The operator, as text.
        added_at: When it was accepted, UTC.

    Returns:
        ALLOWED_IPS.

    Raises:
        InputError: ``remove`` names an entry that is not among the missing ones.
    """
    strange = sorted(set(remove) - set(found.missing))
    if strange:
        raise InputError(f"{', '.join(strange)} is not among the entries that the paste leaves out. Compare again.")
    new = pd.DataFrame(
        {
            "network": [entry.network for entry in found.added],
            "label": [entry.label for entry in found.added],
            "added_at": pd.Series([added_at] * len(found.added), dtype=UTC_TIME),
            "added_by": added_by,
            "role": "active",
        }
    )
    stays = current[~current["network"].isin(list(remove))]
    rows = pd.concat([frame for frame in (stays, new) if len(frame)] or [stays], ignore_index=True)
    return conform(rows.assign(known_by="operator"), ALLOWED_IPS, source="the pasted list")
