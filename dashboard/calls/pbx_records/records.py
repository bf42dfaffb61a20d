"""What a reader brings of a PBX's file: a record a line, as text and numbers, not judged yet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

STAMP = "%Y-%m-%d %H:%M:%S"
"""How both kinds of PBX write a time: without a zone."""
LONGEST_DURATION_S = 7 * 86400


@dataclass(frozen=True, slots=True)
class DialTarget:
    """Where a call was sent: the text as it stands, the user part of it, and the trunk or host it names."""

    dialed: str
    user: str
    trunk: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class PbxRecord:
    """One record of a call that left the PBX, or might have."""

    started: str
    """The PBX's own time, ``STAMP``."""
    targets: tuple[DialTarget, ...]
    caller_id: str
    disposition: str
    """In the PBX's own word."""
    answered: bool
    duration_s: int
    billed_s: int
    unique_id: str = ""
    channel: str = ""
    q850_cause: int | None = None
    sip_status: int | None = None
    epoch_s: int | None = None
    """Seconds since 1970 at which the channel was made, where the unique id tells."""


@dataclass(frozen=True, slots=True)
class LineFault:
    """Why a line cannot be used: the field, and a sentence with the cure."""

    column: str
    sentence: str


class RecordLayout(Protocol):
    """A form of file that a reader knows."""

    @property
    def name(self) -> str:
        """What the form is called, as a sentence says it."""

    def cells(self, line: str) -> list[str]:
        """Split a line into its fields."""

    def record(self, cells: Sequence[str]) -> PbxRecord | LineFault | None:
        """Read the fields of a line; ``None`` for a record of a call that was never sent anywhere."""


def split(line: str) -> list[str]:
    """
    Split a line of CSV; a quote that is not closed makes one long last field, and so a wrong count of fields.

    A carriage return within the line is read as a space: it ends no record.
    """
    return next(csv.reader([line.replace("\r", " ")], skipinitialspace=True), [])


def whole_seconds(text: str) -> int | None:
    """Read a number of seconds; ``None`` where it is none that a call can have."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 9):  # noqa: PLR2004 - more is no call
        return None
    number = int(digits)
    return number if number <= LONGEST_DURATION_S else None
