"""What a check says: statuses, severities, verdicts, and findings with their life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from dashboard.changes import Change


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
    life: Life = Life.NEW
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    times_reopened: int = 0

    @property
    def id(self) -> str:
        """Identity as one text."""
        return f"{self.check}:{self.subject}"
