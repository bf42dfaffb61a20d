"""What a check says: statuses, severities, verdicts, and findings with their life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashboard.domain.changes import Change  # loads pydantic, which the command line's help does without


class Status(StrEnum):
    """What a verdict says. No data is never a pass."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    PASS = "pass"  # noqa: S105 - a status, not a password


class Severity(StrEnum):
    """How bad, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFORMATIONAL = "informational"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return _RANKS[self]

    def at_least(self, other: Severity) -> bool:
        """Say whether this is as bad as ``other`` or worse."""
        return self.rank <= other.rank


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Confidence(StrEnum):
    """What a verdict rests on."""

    PROVEN = "proven by calls"
    INFERRED = "inferred from configuration"
    CANNOT_TELL = "cannot tell"


class Impact(StrEnum):
    """What the fault costs: money, calls, or order."""

    LOSS = "loss"
    OUTAGE = "outage"
    HYGIENE = "hygiene"


class Cause(StrEnum):
    """Why a verdict is unknown."""

    UNDECIDABLE = "undecidable"
    MISSING = "missing"
    STALE = "stale"
    CRASHED = "crashed"


class Life(StrEnum):
    """Where a finding stands."""

    NEW = "new"
    OPEN = "open"
    PLANNED = "planned"
    APPLIED = "applied"
    VERIFIED = "verified"
    WAIVED = "waived"
    REGRESSED = "regressed"
    UNCONFIRMED = "unconfirmed"
    """The check could not be evaluated on fresh data, and no failure is open. Shown, never stored."""


@dataclass(frozen=True)
class Verdict:
    """
    What one check says of one subject.

    ``evidence`` rows are plain values under readable keys; ``changes`` would put the fault right.
    """

    subject: str
    status: Status
    reason: str
    confidence: Confidence = Confidence.INFERRED
    severity: Severity | None = None
    """Only where it differs from the check's own."""
    impact: Impact | None = None
    cause: Cause | None = None
    pbx_ids: tuple[str, ...] = ()
    evidence: tuple[Mapping[str, Any], ...] = ()
    changes: tuple[Change, ...] = ()
    last_known: LastKnown | None = None
    without: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True)
class LastKnown:
    """
    The verdict of a check on the last data, where a deciding input is out of date.

    ``as_of`` is when the oldest stale input was last read, UTC.
    """

    status: Status
    as_of: datetime
    reason: str = ""
    """The verdict's own sentence, without the notice that it is out of date."""
    changes: tuple[Change, ...] = ()
    """What the check proposed; it can be reviewed, and applied once the account was read again."""


@dataclass(frozen=True)
class Finding:
    """A verdict stamped with its check. Identity is (check, subject)."""

    check: str
    title: str
    subject: str
    status: Status
    severity: Severity
    confidence: Confidence
    impact: Impact
    reason: str
    cause: Cause | None = None
    pbx_ids: tuple[str, ...] = ()
    evidence: tuple[Mapping[str, Any], ...] = ()
    changes: tuple[Change, ...] = ()
    controls: tuple[str, ...] = ()
    deciding: tuple[str, ...] = ()
    """Inputs that decide its check, by name."""
    life: Life = Life.NEW
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    times_reopened: int = 0
    last_known: LastKnown | None = None
    """Only where the status is unknown because an input is stale."""
    without: tuple[str, ...] = ()
    """Additional inputs, by name, that are missing or stale: they lower the confidence, never the status."""
    lacking: tuple[str, ...] = ()
    """Deciding inputs, by name, that are missing or stale; ``reason`` names each with its cure."""

    @property
    def id(self) -> str:
        """Identity as one text."""
        return f"{self.check}:{self.subject}"

    @property
    def failed_last(self) -> bool:
        """Whether the last known status is a failure and the present one cannot be evaluated."""
        return self.last_known is not None and self.last_known.status is Status.FAIL

    @property
    def open(self) -> bool:
        """Whether this counts as an open problem: it fails now, or failed on the last data."""
        return self.status is Status.FAIL or self.failed_last

    @property
    def proposals(self) -> tuple[Change, ...]:
        """What would fix it: the changes proposed now, else those proposed on the last data."""
        return self.changes or (self.last_known.changes if self.last_known else ())
