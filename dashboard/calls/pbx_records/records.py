"""Records read from a PBX's CDR file: one per line, as text and numbers, not yet evaluated."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

STAMP = "%Y-%m-%d %H:%M:%S"
"""Time format of both kinds of PBX: without a zone."""
LONGEST_DURATION_S = 7 * 86400


@dataclass(frozen=True, slots=True)
class DialTarget:
    """Dial target of a call: the original text, its user part, and the trunk or host it names."""

    dialed: str
    user: str
    trunk: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class PbxRecord:
    """Record of a call that left the PBX, or may have."""

    started: str
    """PBX local time, in the format ``STAMP``."""
    targets: tuple[DialTarget, ...]
    caller_id: str
    disposition: str
    """Disposition as the PBX writes it."""
    answered: bool
    duration_s: int
    billed_s: int
    unique_id: str = ""
    channel: str = ""
    q850_cause: int | None = None
    sip_status: int | None = None
    epoch_s: int | None = None
    """Creation time of the channel in seconds since 1970, if the unique ID contains it."""


@dataclass(frozen=True, slots=True)
class LineFault:
    """Reason why a line cannot be used: the field, and a sentence with the remedy."""

    column: str
    sentence: str


class RecordLayout(Protocol):
    """File format that a reader supports."""

    @property
    def name(self) -> str:
        """Name of the format, for messages."""

    def cells(self, line: str) -> list[str]:
        """Split a line into its fields."""

    def record(self, cells: Sequence[str]) -> PbxRecord | LineFault | None:
        """Parse the fields of a line; return ``None`` for a call that was never sent anywhere."""


def split(line: str) -> list[str]:
    """
    Split a line of CSV; an unclosed quote yields one long last field, and so a wrong number of fields.

    A carriage return within the line is read as a space: it does not end a record.
    """
    return next(csv.reader([line.replace("\r", " ")], skipinitialspace=True), [])


def whole_seconds(text: str) -> int | None:
    """Parse a number of seconds; return ``None`` if it is invalid as the duration of a call."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 9):  # noqa: PLR2004 - more is no call
        return None
    number = int(digits)
    return number if number <= LONGEST_DURATION_S else None
