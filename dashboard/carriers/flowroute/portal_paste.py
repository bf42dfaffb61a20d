"""
Parser for allowed IPs in text that an operator copies from the portal's page.

A network in CIDR notation, or with a netmask, is kept as an entry, as the portal shows it: without it the copy would
lack an entry that admits callers. Text that looks like an address but is not valid on the list is returned with its
line and the reason, never dropped. A paste may contain only a part of the list: ``difference`` returns the missing
entries, and ``accept_paste`` removes an entry only if the caller names it.
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
    """One parsed entry: a single address or a network, and its label."""

    network: str
    label: str
    line: int
    """Line number in the rendered text, from 1."""


@dataclass(frozen=True)
class Unusable:
    """Text that looks like an address but is not valid on the list."""

    text: str
    reason: str
    line: int

    @property
    def sentence(self) -> str:
        """Reason, prefixed with the text unless the reason already contains it."""
        return self.reason if self.text in self.reason else f"{self.text}: {self.reason}"


@dataclass(frozen=True)
class PastedList:
    """Content of a paste: each entry once, in order of appearance."""

    entries: tuple[PastedEntry, ...]
    unusable: tuple[Unusable, ...]


@dataclass(frozen=True)
class PasteDiff:
    """Difference between a paste and the stored list."""

    added: tuple[PastedEntry, ...]
    missing: tuple[str, ...]
    """Stored entries that are not in the paste: removed, or not copied. Only the operator knows which."""
    same: tuple[str, ...]


def read_pasted(text: str, *, public_ranges: Collection[str] = ()) -> PastedList:
    """
    Parse the entries in a paste.

    Args:
        text: Text of the clipboard: plain text or HTML source, in any layout.
        public_ranges: Networks in CIDR notation to treat as public.

    Returns:
        The entries, and the texts that look like entries but are invalid.

    Raises:
        InputError: The text is longer than MOST_CHARACTERS, which no portal page reaches.
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
    Compare a paste with the stored list.

    Args:
        current: Networks of the stored list.
        pasted: Result of ``read_pasted``.
    """
    stored_networks = dict.fromkeys(current)
    pasted_networks = {entry.network for entry in pasted.entries}
    return PasteDiff(
        added=tuple(entry for entry in pasted.entries if entry.network not in stored_networks),
        missing=tuple(network for network in stored_networks if network not in pasted_networks),
        same=tuple(network for network in stored_networks if network in pasted_networks),
    )


def accept_paste(
    current: pd.DataFrame, diff: PasteDiff, *, remove: Collection[str], added_by: str, added_at: datetime
) -> pd.DataFrame:
    """
    Return the list after an operator accepts a difference.

    Args:
        current: Stored ALLOWED_IPS; entries that stay keep their other columns.
        diff: Result of ``difference`` with the same list.
        remove: Missing entries that were really removed; the others stay.
        added_by: Name of the operator.
        added_at: Time of acceptance, UTC.

    Returns:
        ALLOWED_IPS.

    Raises:
        InputError: ``remove`` contains an entry that is not among the missing ones.
    """
    strange = sorted(set(remove) - set(diff.missing))
    if strange:
        raise InputError(f"{', '.join(strange)} is not among the entries that the paste leaves out. Compare again.")
    new = pd.DataFrame(
        {
            "network": [entry.network for entry in diff.added],
            "label": [entry.label for entry in diff.added],
            "added_at": pd.Series([added_at] * len(diff.added), dtype=UTC_TIME),
            "added_by": added_by,
            "role": "active",
        }
    )
    retained = current[~current["network"].isin(list(remove))]
    rows = pd.concat([frame for frame in (retained, new) if len(frame)] or [retained], ignore_index=True)
    return conform(rows.assign(known_by="operator"), ALLOWED_IPS, source="the pasted list")
