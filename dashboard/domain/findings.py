"""Results of checks: statuses, severities, verdicts, and findings with their lifecycle state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashboard.domain.changes import Change  # loads pydantic, which the command line's help does not need


class Status(StrEnum):
    """Status of a verdict. Missing data is never a pass."""

    FAIL = "fail"
    UNKNOWN = "unknown"
    PASS = "pass"  # noqa: S105 - a status, not a password


class Severity(StrEnum):
    """Severity of a failure, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFORMATIONAL = "informational"

    @property
    def rank(self) -> int:
        """Position in the order of severities; 0 is the worst."""
        return _RANKS[self]

    def at_least(self, other: Severity) -> bool:
        """Return whether this is as severe as ``other`` or more severe."""
        return self.rank <= other.rank


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Confidence(StrEnum):
    """Evidence that a verdict is based on."""

    PROVEN = "proven by calls"
    INFERRED = "inferred from configuration"
    CANNOT_TELL = "cannot tell"


class Impact(StrEnum):
    """Kind of damage that a fault causes: lost money, lost calls, or untidiness."""

    LOSS = "loss"
    OUTAGE = "outage"
    HYGIENE = "hygiene"


class Cause(StrEnum):
    """Reason why a verdict is unknown."""

    UNDECIDABLE = "undecidable"
    MISSING = "missing"
    STALE = "stale"
    CRASHED = "crashed"


class Life(StrEnum):
    """Lifecycle state of a finding."""

    NEW = "new"
    OPEN = "open"
    PLANNED = "planned"
    APPLIED = "applied"
    VERIFIED = "verified"
    WAIVED = "waived"
    REGRESSED = "regressed"
    UNCONFIRMED = "unconfirmed"
    """The check could not be evaluated on fresh data, and no failure is open. Displayed, never stored."""


@dataclass(frozen=True)
class Verdict:
    """
    Result of one check for one subject.

    ``evidence`` rows are plain values under readable keys; ``changes`` would fix the fault.
    """

    subject: str
    status: Status
    reason: str
    confidence: Confidence = Confidence.INFERRED
    severity: Severity | None = None
    """Set only if it differs from the check's severity."""
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
    The verdict of a check on the last known data, while a deciding input is out of date.

    ``as_of`` is when the oldest stale input was last read, UTC.
    """

    status: Status
    as_of: datetime
    reason: str = ""
    """Reason of the verdict, without the notice that it is out of date."""
    changes: tuple[Change, ...] = ()
    """Changes that the check proposed; they can be reviewed, and applied once the account has been read again."""


@dataclass(frozen=True)
class Finding:
    """A verdict with the attributes of its check. Identity is (check, subject)."""

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
    """Names of the inputs that decide its check."""
    life: Life = Life.NEW
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    times_reopened: int = 0
    last_known: LastKnown | None = None
    """Set only if the status is unknown because an input is stale."""
    without: tuple[str, ...] = ()
    """Names of additional inputs that are missing or stale: they lower the confidence, never the status."""
    lacking: tuple[str, ...] = ()
    """Names of deciding inputs that are missing or stale; ``reason`` names each with its cure."""

    @property
    def id(self) -> str:
        """Identity as text, ``CHECK:SUBJECT``."""
        return f"{self.check}:{self.subject}"

    @property
    def failed_last(self) -> bool:
        """Whether the last known status is a failure and the current status cannot be evaluated."""
        return self.last_known is not None and self.last_known.status is Status.FAIL

    @property
    def open(self) -> bool:
        """Whether this counts as an open problem: it fails now, or failed on the last known data."""
        return self.status is Status.FAIL or self.failed_last

    @property
    def proposals(self) -> tuple[Change, ...]:
        """Changes that would fix it: those proposed now, else those proposed on the last known data."""
        return self.changes or (self.last_known.changes if self.last_known else ())
